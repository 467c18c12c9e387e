"""The appliance with its real sound card and panel, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

from device.appliance.control import ControlServer
from device.appliance.service_manager import Progress, ServiceManager
from device.appliance.sole import MicrophoneClaim, look_for_another
from device.assistant.effects import Show
from device.assistant.news import News
from device.assistant.states import State
from device.audio.portaudio import PortAudioMicrophone, PortAudioSpeaker
from device.audio.portaudio_host import shared_host
from device.errors import BitternError
from device.house.changes import Changes, changes
from device.house.controls import Controls
from device.house.levels import set_levels_once
from device.house.orders import Orders
from device.panel.boards import load_board, with_actions
from device.panel.dimming import dimming
from device.panel.front import Front
from device.reports import Reporter, log_lines
from device.room.loudness import loudness
from device.room.room import Daemon
from device.settings import LoadedSettings, tree
from device.settings.forget import forget, request
from device.settings.key_store import UserKeys
from device.settings.places import control_socket, state_folder
from device.settings.settings_file import usual_place

log = logging.getLogger("bittern")


Load = Callable[[], LoadedSettings]
"""Reads the settings anew; raises a ``BitternError`` with every mistake in them."""

SWITCH_WITHIN_S = 2.0
"""How long the position of a mute switch may take to be known."""
REST_WITHIN_S = 20.0
"""How long new settings wait for the end of a conversation."""


async def serve(loaded: LoadedSettings, load: Load) -> None:
    """Run until SIGTERM or SIGINT; raises what broke the appliance.

    Ends within two seconds of the signal: every part that is stopped has a time-out.
    After a factory reset it begins anew, with what there is then.
    """
    stopping = stop_on_signals()
    while await _is_reset(loaded, load, stopping):
        await asyncio.to_thread(_forget_all, loaded)
        loaded = load()


async def _is_reset(loaded: LoadedSettings, load: Load, stopping: asyncio.Event) -> bool:
    """Run until told to stop, or until the owner wants everything forgotten."""
    service = Service(loaded, load)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, service.reload_soon)
    try:
        if await is_started(service, stopping):
            asked = asyncio.create_task(_asked(service))
            await until(stopping, service, asked)
        return service.reset_asked.is_set() and not stopping.is_set()
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        log.info("stopping")
        service.manager.stopping()
        await service.stop()


async def _asked(service: Service) -> None:
    await service.reset_asked.wait()


def _forget_all(loaded: LoadedSettings) -> None:
    state = state_folder(loaded.settings.paths)
    try:
        forget(loaded.user_file or usual_place(), state, UserKeys().folder)
    except BitternError as failure:
        log.error("%s", failure)
    log.warning("everything was forgotten")


class Service:
    """One daemon, the panel before it and the control socket beside it.

    New settings build anew what depends on them; the process, the control socket, mute
    and volume stay, and so do timers, alarms and lists, which live on disk.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        load: Load,
        is_safe: bool = False,
        may_be_deaf: bool = False,
    ) -> None:
        """``may_be_deaf``: start, and say so, where the microphone cannot be opened."""
        self.loaded = loaded
        self._may_be_deaf = may_be_deaf
        self.is_safe = is_safe
        self.manager = ServiceManager()
        self.reset_asked = asyncio.Event()
        """The owner wants everything forgotten, and this process is to see to it."""
        self.controls = Controls(asyncio.get_running_loop(), self._forget)
        self.listeners: set[Reporter] = set()
        """Are told every report too, what was said included."""
        self.daemon: Daemon
        self._load = load
        self._front: Front
        self._log_lines = log_lines(loaded.settings.log.transcripts, self._state)
        self._control: ControlServer | None = None
        self._claim: MicrophoneClaim | None = None
        self._heart: asyncio.Task[None] | None = None
        self._reloading = asyncio.Lock()
        self._is_rebuilding = False
        self._replaced = asyncio.Event()
        self._hangups: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Light up, listen, take orders.

        Raises a ``BitternError`` when another appliance is there already: before anything
        of the machine is touched where it takes orders, else before anybody is answered.
        """
        settings = self.loaded.settings
        own = control_socket(settings.paths)
        await asyncio.to_thread(look_for_another, own, control_socket(tree.Paths(), {}))
        self._front = _front(settings.panel, self.controls)
        self._front.start()
        self._front.panel.follow(self._loudness)
        await asyncio.to_thread(set_levels_once, settings)
        # A microphone that a switch closes is not opened, not for a moment.
        await asyncio.to_thread(self._front.buttons.wait_until_known, SWITCH_WITHIN_S)
        self.daemon = self._build(self.loaded)
        await self.daemon.start()
        self._claim = MicrophoneClaim.make(self.daemon.capture.microphone.name)
        self.controls.take(self.daemon, self._front.panel)
        await self._take_orders(settings.paths)
        self.manager.status(f"{self.daemon.conductor.core.state}")
        watch = self.manager.watch(self._progress)
        self._heart = asyncio.create_task(watch, name="watchdog")
        log.info('listening for "%s"', '", "'.join(settings.wake_words()))

    async def _take_orders(self, paths: tree.Paths) -> None:
        server = ControlServer(control_socket(paths), Orders(self))
        try:
            await server.start()
        except BitternError as failure:
            # Without it the appliance still does what it is for.
            log.error("%s", failure)
        else:
            self._control = server

    async def stop(self) -> None:
        """Stop everything; whatever was never started is no obstacle."""
        self.controls.close()
        if self._heart is not None:
            self._heart.cancel()
        for task in self._hangups:
            task.cancel()
        if self._control is not None:
            await self._control.close()
        if hasattr(self, "daemon"):
            await self._stop_daemon()
        if self._claim is not None:
            self._claim.release()
        if hasattr(self, "_front"):
            self._front.close()

    async def _stop_daemon(self) -> None:
        try:
            await self.daemon.stop()
        except BitternError as failure:
            # It was to end, and it does: what could not be closed goes with the process.
            log.error("%s", failure)

    async def wait(self) -> None:
        """Return never; raise what broke the appliance that is running now."""
        assert self._heart is not None
        while True:
            self._replaced.clear()
            broken = asyncio.create_task(self.daemon.wait())
            replaced = asyncio.create_task(self._replaced.wait())
            try:
                await asyncio.wait(
                    {broken, replaced, self._heart}, return_when=asyncio.FIRST_COMPLETED
                )
                if self._heart.done():
                    self._heart.result()
                if not replaced.done():
                    broken.result()
            finally:
                broken.cancel()
                replaced.cancel()
            async with self._reloading:
                """The new daemon is there, or the old one again."""

    # -- new settings ------------------------------------------------------------------

    def reload_soon(self) -> None:
        """As :meth:`reload`, for a signal: the outcome goes to the log."""
        task = asyncio.create_task(self._reload_and_log(), name="reload")
        self._hangups.add(task)
        task.add_done_callback(self._hangups.discard)

    async def _reload_and_log(self) -> None:
        try:
            await self.reload()
        except BitternError as failure:
            log.error("the old settings stay: %s", failure)

    async def reload(self) -> Changes:
        """Read the settings and apply them; return what changed.

        Bad ones, and ones the appliance cannot start with, raise a ``BitternError``, and
        the old ones stay in force.
        """
        async with self._reloading:
            new = await asyncio.to_thread(self._load)
            found = changes(self.loaded.settings, new.settings)
            if found.touch_panel:
                load_board(new.settings.panel.board)
            if found.touch_daemon:
                await self._replace(new)
            self._adopt(new, found)
            log.info("new settings: %s", ", ".join(found.keys) or "nothing has changed")
            return found

    def _adopt(self, new: LoadedSettings, found: Changes) -> None:
        settings, self.loaded = new.settings, new
        logging.getLogger().setLevel(settings.log.level.upper())
        self._log_lines = log_lines(settings.log.transcripts, self._state)
        if "speaker.volume_percent" in found.keys:
            self.daemon.mouth.volume_percent = settings.speaker.volume_percent
        if found.touch_panel:
            self._front.close()
            self._front = _front(settings.panel, self.controls)
            self._front.start()
            self._front.panel.follow(self._loudness)
            self.controls.take(self.daemon, self._front.panel)
            core = self.daemon.conductor.core.status
            self._show(Show(core.state, core.is_fallback, core.fault))
            self.daemon.untold.look()

    async def _replace(self, new: LoadedSettings) -> None:
        """Stop the daemon and start one with the new settings, or the old ones again."""
        await self._rest()
        self._is_rebuilding = True
        self._replaced.set()
        is_muted = self.daemon.conductor.core.status.is_muted
        volume = self.daemon.mouth.volume_percent
        try:
            await self.daemon.stop()
            self.daemon = self._build(new, is_muted)
            try:
                await self.daemon.start()
            except BitternError:
                self.daemon = self._build(self.loaded, is_muted)
                await self.daemon.start()
                raise
        finally:
            self._is_rebuilding = False
            self.daemon.mouth.volume_percent = volume
            self.controls.take(self.daemon, self._front.panel)

    async def _rest(self) -> None:
        """Wait for the end of the conversation, but not for ever."""
        at_rest = asyncio.Event()

        def look(_: object = None) -> None:
            if self.daemon.conductor.core.status.is_between_turns:
                at_rest.set()

        self.listeners.add(look)
        look()
        try:
            async with asyncio.timeout(REST_WITHIN_S):
                await at_rest.wait()
        except TimeoutError:
            log.warning("the conversation goes on; the new settings end it")
        finally:
            self.listeners.discard(look)

    def _build(self, loaded: LoadedSettings, is_muted: bool = False) -> Daemon:
        return Daemon(
            loaded,
            microphone_from(loaded.settings.microphone),
            speaker_from(loaded.settings.speaker),
            self._report,
            show=self._show,
            is_muted=lambda: is_muted or self.controls.is_switched_off,
            may_be_deaf=self._may_be_deaf,
            hangs=lambda: shared_host().hangs,
            attend=lambda is_wanted: self._front.panel.attend(is_wanted),
        )

    def _loudness(self, state: State) -> float:
        """For the panel, on its thread."""
        return loudness(self.daemon, state) if hasattr(self, "daemon") else 0.0

    # -- factory reset -------------------------------------------------------------------

    def _forget(self) -> None:
        """As a service we may change neither settings nor keys: systemd has somebody who may."""
        state = os.environ.get("STATE_DIRECTORY")
        if not state:
            self.reset_asked.set()
            return
        try:
            request(Path(state.split(":")[0]))
        except BitternError as failure:
            log.error("%s", failure)

    # -- what the daemon tells -----------------------------------------------------------

    def _report(self, what: News) -> None:
        self._log_lines(what)
        for listener in tuple(self.listeners):
            listener(what)

    def _state(self) -> str:
        return str(self.daemon.conductor.core.state)

    def _show(self, what: Show) -> None:
        self._front.panel.show(what.state, is_local=what.is_local, fault=what.fault)
        brain = ", the local brain answers" if what.is_local else ""
        safe = "safe mode, " if self.is_safe else ""
        self.manager.status(f"{safe}{what.state}{brain}{': ' + what.fault if what.fault else ''}")

    def _progress(self) -> Progress:
        if self._is_rebuilding:
            return Progress(0, 0, 0.0, is_excused=True)
        return progress_of(self.daemon)


def progress_of(daemon: Daemon) -> Progress:
    """How far the ears of an appliance have come."""
    counts = daemon.listening.counts
    state = daemon.conductor.core.state
    return Progress(
        daemon.capture.health().blocks,
        counts.blocks,
        counts.seconds_scored,
        is_excused=state is State.MUTED or (state is State.FAULTED and daemon.is_mending),
        is_muted=state is State.MUTED,
    )


def microphone_from(microphone: tree.Microphone) -> PortAudioMicrophone:
    """The microphone of the settings; not opened yet."""
    return PortAudioMicrophone(
        microphone.device,
        rate_hz=microphone.rate_hz or None,
        block_ms=microphone.block_ms,
        channel=None if microphone.channel == "mix" else microphone.channel,
        gain_db=microphone.gain_db,
    )


def speaker_from(speaker: tree.Speaker) -> PortAudioSpeaker:
    """The speaker of the settings; not opened yet."""
    return PortAudioSpeaker(
        speaker.device, rate_hz=speaker.rate_hz or None, block_ms=speaker.block_ms
    )


def _front(panel: tree.Panel, controls: Controls) -> Front:
    return Front(
        with_actions(
            load_board(panel.board),
            press=panel.press,
            double=panel.double,
            long=panel.long,
            very_long=panel.very_long,
        ),
        on_button=controls.button,
        on_mute_switch=controls.mute_switch,
        on_down=controls.down,
        dimming=dimming(
            panel.brightness_percent, panel.night_percent, panel.night_from, panel.night_to
        ),
        terminal=panel.terminal,
    )


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def is_started(service: Service, stopping: asyncio.Event) -> bool:
    """Start a service; False when it is told to stop before that is done."""
    starting = asyncio.create_task(service.start())
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return False
    starting.result()
    return True


async def until(stopping: asyncio.Event, service: Service, *others: asyncio.Task[None]) -> None:
    """Wait for the signal, for others, or for what breaks the appliance, and raise that."""
    told = asyncio.create_task(stopping.wait())
    broken = asyncio.create_task(service.wait())
    done, left = await asyncio.wait({told, broken, *others}, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.wait(left)
    for task in done - {told}:
        task.result()
