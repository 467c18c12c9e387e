"""Safe mode: when the appliance cannot run as its owner wants, it says so and does the least.

The settings are the shipped ones with the local brain as the only endpoint; of the owner's
only what says where sound, lights and folders are, as far as that can be read. Timers and alarms
go on. It ends by itself, with :data:`EXIT_TRY_AGAIN`, when there is reason to hope.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import time
from collections.abc import Callable, Coroutine, Mapping

from device.appliance.service_manager import EarsProgress, Efforts, ServiceManager
from device.assistant.news import MicrophoneBack, News
from device.audio.devices import present_card_ids
from device.audio.playback import Playback
from device.audio.resample import WIRE_RATE_HZ
from device.audio.sounds import Sounds
from device.daemon.service import THIS_MACHINE, Service, begin_service, stop_on_signals
from device.ears.opening import wake_settings
from device.errors import EXIT_BAD_SETTINGS, BitternError
from device.house.appliance import Hardware, Load
from device.models.errors import MissingModel
from device.models.location import chosen_folder
from device.room.focus import Channel
from device.room.mouth import Mouth
from device.schema.document import read_document
from device.settings.load import SHIPPED, LoadedSettings, assemble
from device.settings.places import OWN_BRAIN
from device.settings.tree import Settings
from device.wake.open import open_words

log = logging.getLogger("bittern")

EXIT_TRY_AGAIN = 75
"""``EX_TEMPFAIL`` of sysexits.h: the unit then starts the appliance itself again."""
LONGEST_WAIT_S = 30.0
SAID_WITHIN_S = 5.0
"""How much longer than itself a notice may take."""


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How often safe mode looks for reasons to end."""

    first_wait_s: float = 2.0
    """Between the first attempts to open a microphone and a speaker; later ones are rarer."""
    look_s: float = 5.0
    """Between looks at the settings and the sound cards."""
    try_again_s: float = 1800.0
    """So long after a failure that explains itself by nothing the appliance is tried again."""


USUAL_PATIENCE = Patience()


@dataclasses.dataclass(frozen=True, slots=True)
class _Search:
    """What safe mode goes by while it lasts."""

    load: Load
    hardware: Hardware
    patience: Patience
    begun: Callable[[Service], None]
    by_settings: bool
    """It is the settings that are wrong."""


async def serve_safely(
    load: Load,
    environ: Mapping[str, str] = os.environ,
    hardware: Hardware = THIS_MACHINE,
    patience: Patience = USUAL_PATIENCE,
    begun: Callable[[Service], None] = lambda _: None,
) -> int:
    """Run until told to stop (returns 0), or until the appliance may be tried again (75).

    ``begun`` is told of each service that runs.
    """
    manager = ServiceManager()
    # The watchdog counts from here on. That it can hear is another matter, of its status.
    manager.ready()
    stopping, hope = stop_on_signals(), asyncio.Event()
    search = _Search(load, hardware, patience, begun, _failed_by_settings(load, environ))
    ends = [
        asyncio.create_task(stopping.wait(), name="told to stop"),
        asyncio.create_task(hope.wait(), name="reason to hope"),
        asyncio.create_task(_watch_for_hope(search, hope), name="watch for hope"),
        asyncio.create_task(_live(search, hope), name="safe mode"),
    ]
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            return 0
        if not hope.is_set():
            for broken in done:
                broken.result()
        log.info("the appliance is tried again")
        return EXIT_TRY_AGAIN
    finally:
        # Said here and not by each service that was tried: systemd takes it for the end.
        manager.stopping()
        for task in ends:
            task.cancel()
        await asyncio.wait(ends)


async def _live(search: _Search, hope: asyncio.Event) -> None:
    """Say why, and serve; sound that was missing and comes is reason to hope."""
    service, was_waited_for = await _started(search)
    try:
        search.begun(service)
        if was_waited_for and not search.by_settings:
            log.info("the sound devices that were missing are there")
            hope.set()
            return
        if not search.by_settings:
            listeners = service.appliance.house.listeners
            listeners.add(lambda what: _hope_of_sound(what, hope))
        _explain(service, await asyncio.to_thread(_reason, search.load, search.by_settings))
        await service.wait()
    finally:
        await _to_its_end(service.stop())


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Do it whole, though cancelled: a stop that is broken off leaves a brain running."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _hope_of_sound(what: News, hope: asyncio.Event) -> None:
    if isinstance(what, MicrophoneBack):
        hope.set()


async def _started(search: _Search) -> tuple[Service, bool]:
    """A service with the best sound to be had, and whether its devices came only later.

    In each round: the owner's devices, the shipped ones, then each without a microphone,
    since somebody who cannot hear can still say so. Until one runs, and feeds the watchdog
    by itself, it is fed while the search goes on.
    """
    efforts = Efforts()

    def progress() -> EarsProgress:
        return EarsProgress(0, 0, 0.0, is_excused=efforts.go_on)

    heart = asyncio.create_task(ServiceManager().watch(progress), name="watchdog of the search")
    try:
        return await _found(search, efforts)
    finally:
        heart.cancel()


async def _found(search: _Search, efforts: Efforts) -> tuple[Service, bool]:
    load, wait_s, rounds = search.load, search.patience.first_wait_s, 0
    while True:
        for may_be_deaf in (False, True):
            for owners in (_owners(load), None):
                efforts.made()
                service = await _tried(owners, search.hardware, may_be_deaf)
                if isinstance(service, Service):
                    return service, rounds > 0 and owners is not None and not may_be_deaf
        efforts.made()
        log.error("safe mode waits: %s", service)
        if isinstance(service, MissingModel) and rounds == 0:
            await _say_without_ears(safe_settings(_owners(load)).settings, search.hardware)
            efforts.made()
        rounds += 1
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 1.5, LONGEST_WAIT_S)


async def _tried(
    owners: Settings | None, hardware: Hardware, may_be_deaf: bool
) -> Service | BitternError:
    """A service that runs, or what kept it from starting."""
    loaded = safe_settings(owners)
    try:
        return await begin_service(
            loaded, lambda: loaded, hardware, is_safe=True, may_be_deaf=may_be_deaf
        )
    except BitternError as failure:
        ServiceManager().status(f"safe mode waits: {failure.what}")
        return failure


def safe_settings(owners: Settings | None) -> LoadedSettings:
    """The shipped settings with the brain alone, and the owner's sound, lights and places."""
    shipped = assemble(read_document(SHIPPED), None)
    brain = tuple(each for each in shipped.settings.endpoint if each.url == OWN_BRAIN)
    settings = dataclasses.replace(shipped.settings, endpoint=brain)
    if owners is not None:
        settings = dataclasses.replace(
            settings,
            microphone=owners.microphone,
            speaker=owners.speaker,
            panel=owners.panel,
            paths=owners.paths,
        )
    return dataclasses.replace(shipped, settings=settings)


def _owners(load: Load) -> Settings | None:
    try:
        return load().settings
    except BitternError:
        return None


def _failed_by_settings(load: Load, environ: Mapping[str, str]) -> bool:
    """systemd tells the status of the unit that failed; by hand there are only the settings."""
    status = environ.get("MONITOR_EXIT_STATUS", "")
    return status == str(EXIT_BAD_SETTINGS) or _owners(load) is None


def _reason(load: Load, by_settings: bool) -> str:
    """The sentence that says why: the last one says nothing but that it is so."""
    if by_settings:
        return "settings_bad"
    owners = _owners(load)
    try:
        if owners is not None:
            open_words(wake_settings(owners))
    except MissingModel:
        return "models_missing"
    except BitternError as failure:
        log.warning("the owner's wake words: %s", failure)
    return "safe_mode"


async def _say_without_ears(settings: Settings, hardware: Hardware) -> None:
    """Nobody can be heard for lack of models; that at least is said, once."""
    speaker = settings.speaker
    playback = Playback(hardware.speaker(speaker), volume_percent=speaker.volume_percent)
    sounds = Sounds.of_store(chosen_folder(settings.paths.models))
    mouth = Mouth(playback, sounds)
    _, samples = sounds.notice("models_missing")
    try:
        await asyncio.to_thread(playback.open)
        mouth.say(Channel.TROUBLE, "safe-models", samples)
        # A speaker that takes nothing must not keep the appliance from trying again.
        await mouth.said("safe-models", len(samples) / WIRE_RATE_HZ + SAID_WITHIN_S)
    except BitternError as failure:
        log.error("nor can that be said: %s", failure)
    finally:
        await asyncio.to_thread(playback.close)


def _explain(service: Service, notice: str) -> None:
    text, samples = service.appliance.room.mouth.sounds.notice(notice)
    log.error("safe mode: %s", text)
    service.appliance.room.mouth.say(Channel.TROUBLE, f"safe-{notice}", samples)


async def _watch_for_hope(search: _Search, hope: asyncio.Event) -> None:
    """Set ``hope`` when the reason for safe mode may be gone."""
    load, patience = search.load, search.patience
    began_s, first = time.monotonic(), await asyncio.to_thread(_owners, load)
    cards = present_card_ids()
    while True:
        await asyncio.sleep(patience.look_s)
        now = await asyncio.to_thread(_owners, load)
        if now is None:
            continue
        # Late even with settings that were bad and are not: they may have been mended while
        # this process was not there, or was frozen, to see them change.
        is_late = time.monotonic() - began_s > patience.try_again_s
        is_sound_new = not search.by_settings and present_card_ids() != cards
        if now != first or is_late or is_sound_new:
            hope.set()
            return
