"""The appliance with its real sound card and panel, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator

from device.appliance.service_manager import Progress, ServiceManager
from device.assistant.effects import Show
from device.assistant.states import State
from device.audio.portaudio import PortAudioMicrophone, PortAudioSpeaker
from device.daemon.controls import Controls
from device.daemon.daemon import Daemon
from device.panel.boards import load_board
from device.panel.dimming import dimming
from device.panel.front import Front
from device.reports import log_lines
from device.settings import LoadedSettings, tree

log = logging.getLogger("bittern")


async def serve(loaded: LoadedSettings) -> None:
    """Run until SIGTERM or SIGINT; raises what broke the appliance.

    Ends within two seconds of the signal: every part that is stopped has a time-out.
    """
    settings = loaded.settings
    stopping = _stop_on_signals()
    manager = ServiceManager()
    controls = Controls(asyncio.get_running_loop())
    with _front(settings.panel, controls) as front:
        daemon = Daemon(
            loaded,
            microphone_from(settings.microphone),
            speaker_from(settings.speaker),
            log_lines(settings.log.transcripts),
            show=lambda what: _show(what, front, manager),
        )
        await daemon.start()
        controls.take(daemon, front.panel)
        manager.status(f"{daemon.conductor.core.state}")
        heart = asyncio.create_task(manager.watch(lambda: progress_of(daemon)), name="watchdog")
        log.info('listening for "%s"', '", "'.join(settings.wake.words))
        try:
            await _until(stopping, daemon, heart)
        finally:
            log.info("stopping")
            manager.stopping()
            heart.cancel()
            await daemon.stop()


def progress_of(daemon: Daemon) -> Progress:
    """How far the ears of an appliance have come."""
    counts = daemon.listening.counts
    is_excused = daemon.conductor.core.state in (State.MUTED, State.FAULTED)
    blocks = daemon.capture.health().blocks
    return Progress(blocks, counts.blocks, counts.seconds_scored, is_excused)


def _show(what: Show, front: Front, manager: ServiceManager) -> None:
    front.panel.show(what.state, is_local=what.is_local, fault=what.fault)
    brain = ", the local brain answers" if what.is_local else ""
    manager.status(f"{what.state}{brain}{': ' + what.fault if what.fault else ''}")


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


@contextlib.contextmanager
def _front(panel: tree.Panel, controls: Controls) -> Iterator[Front]:
    front = Front(
        load_board(panel.board),
        on_button=controls.button,
        on_mute_switch=controls.mute_switch,
        dimming=dimming(
            panel.brightness_percent, panel.night_percent, panel.night_from, panel.night_to
        ),
        terminal=panel.terminal,
    )
    front.start()
    try:
        yield front
    finally:
        front.close()


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _until(stopping: asyncio.Event, daemon: Daemon, heart: asyncio.Task[None]) -> None:
    """Wait for the signal, or for what breaks the appliance, and raise that."""
    told = asyncio.create_task(stopping.wait())
    broken = asyncio.create_task(daemon.wait())
    done, left = await asyncio.wait({told, broken, heart}, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.wait(left)
    for task in done - {told}:
        task.result()
