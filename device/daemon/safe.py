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
from collections.abc import Coroutine, Mapping

from device.appliance.service_manager import Efforts, Progress, ServiceManager
from device.assistant.news import MicrophoneBack, News
from device.audio.devices import present_card_ids
from device.audio.playback import Playback
from device.audio.resample import WIRE_RATE_HZ
from device.audio.sounds import Sounds
from device.daemon.service import Load, Service, speaker_from, stop_on_signals
from device.ears.opening import wake_settings
from device.errors import EXIT_BAD_SETTINGS, BitternError
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
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 30.0
"""Between attempts to open a microphone and a speaker."""
SAID_WITHIN_S = 5.0
"""How much longer than itself a notice may take."""
LOOK_S = 5.0
TRY_AGAIN_S = 1800.0
"""How long after a failure that explains itself by nothing the appliance is tried again."""


async def serve_safely(load: Load, environ: Mapping[str, str] = os.environ) -> int:
    """Run until told to stop (returns 0), or until the appliance may be tried again (75)."""
    manager = ServiceManager()
    # The watchdog counts from here on. That it can hear is another matter, of its status.
    manager.ready()
    stopping, hope = stop_on_signals(), asyncio.Event()
    by_settings = _failed_by_settings(load, environ)
    ends = [
        asyncio.create_task(stopping.wait(), name="told to stop"),
        asyncio.create_task(hope.wait(), name="reason to hope"),
        asyncio.create_task(_watch_for_hope(load, by_settings, hope), name="watch for hope"),
        asyncio.create_task(_live(load, by_settings, hope), name="safe mode"),
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


async def _live(load: Load, by_settings: bool, hope: asyncio.Event) -> None:
    """Say why, and serve; sound that was missing and comes is reason to hope."""
    service, was_waited_for = await _started(load)
    try:
        if was_waited_for and not by_settings:
            log.info("the sound devices that were missing are there")
            hope.set()
            return
        if not by_settings:
            service.listeners.add(lambda what: _hope_of_sound(what, hope))
        _explain(service, await asyncio.to_thread(_reason, load, by_settings))
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


async def _started(load: Load) -> tuple[Service, bool]:
    """A service with the best sound to be had, and whether its devices came only later.

    In each round: the owner's devices, the shipped ones, then each without a microphone,
    since somebody who cannot hear can still say so. Until one runs, and feeds the watchdog
    by itself, it is fed while the search goes on.
    """
    efforts = Efforts()

    def progress() -> Progress:
        return Progress(0, 0, 0.0, is_excused=efforts.go_on)

    heart = asyncio.create_task(ServiceManager().watch(progress), name="watchdog of the search")
    try:
        return await _found(load, efforts)
    finally:
        heart.cancel()


async def _found(load: Load, efforts: Efforts) -> tuple[Service, bool]:
    wait_s, rounds = FIRST_WAIT_S, 0
    while True:
        for may_be_deaf in (False, True):
            for owners in (_owners(load), None):
                efforts.made()
                service = await _tried(owners, may_be_deaf)
                if isinstance(service, Service):
                    return service, rounds > 0 and owners is not None and not may_be_deaf
        efforts.made()
        log.error("safe mode waits: %s", service)
        if isinstance(service, MissingModel) and rounds == 0:
            await _say_without_ears(safe_settings(_owners(load)).settings)
            efforts.made()
        rounds += 1
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 1.5, LONGEST_WAIT_S)


async def _tried(owners: Settings | None, may_be_deaf: bool) -> Service | BitternError:
    """A service that runs, or what kept it from starting."""
    loaded = safe_settings(owners)
    service = Service(loaded, lambda: loaded, is_safe=True, may_be_deaf=may_be_deaf)
    try:
        await service.start()
    except BitternError as failure:
        service.manager.status(f"safe mode waits: {failure.what}")
        await service.stop()
        return failure
    except BaseException:
        await service.stop()
        raise
    return service


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


async def _say_without_ears(settings: Settings) -> None:
    """Nobody can be heard for lack of models; that at least is said, once."""
    speaker = settings.speaker
    playback = Playback(speaker_from(speaker), volume_percent=speaker.volume_percent)
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
    text, samples = service.daemon.mouth.sounds.notice(notice)
    log.error("safe mode: %s", text)
    service.daemon.mouth.say(Channel.TROUBLE, f"safe-{notice}", samples)


async def _watch_for_hope(load: Load, by_settings: bool, hope: asyncio.Event) -> None:
    """Set ``hope`` when the reason for safe mode may be gone."""
    began_s, first = time.monotonic(), await asyncio.to_thread(_owners, load)
    cards = present_card_ids()
    while True:
        await asyncio.sleep(LOOK_S)
        now = await asyncio.to_thread(_owners, load)
        if now is None:
            continue
        # Late even with settings that were bad and are not: they may have been mended while
        # this process was not there, or was frozen, to see them change.
        is_late = time.monotonic() - began_s > TRY_AGAIN_S
        is_sound_new = not by_settings and present_card_ids() != cards
        if now != first or is_late or is_sound_new:
            hope.set()
            return
