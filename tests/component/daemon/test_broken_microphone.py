"""A microphone that delivers one value is broken, not a quiet room; and it is told soon."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.assistant import inputs
from device.audio.capture import Capture
from device.audio.devices import SoundDeviceError
from device.audio.files import FileSpeaker
from device.audio.microphone import BlockMeter, Deliver, MicrophoneHealth
from device.audio.playback import Playback
from device.room.watch import SoundWatch

BLOCK = 960


class Constant:
    """A live source of 48 kHz blocks that are all of one value, or of noise where it is None."""

    name = "constant"
    rate_hz = 48_000
    is_live = True

    def __init__(self, value: int | None) -> None:
        self.value = value
        self.openings = 0
        self.is_gone = False
        self._meter = BlockMeter()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, deliver: Deliver) -> None:
        if self.is_gone:
            raise SoundDeviceError("it was unplugged")
        self.openings += 1
        self._meter.restart()
        self._closing = threading.Event()
        arguments = (deliver, self._closing)
        self._thread = threading.Thread(target=self._run, args=arguments, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def health(self) -> MicrophoneHealth:
        return self._meter.health(self._thread is not None, self.rate_hz)

    def _run(self, deliver: Deliver, closing: threading.Event) -> None:
        random = np.random.default_rng(1)
        while not closing.wait(BLOCK / self.rate_hz):
            if self.value is None:
                block = random.normal(size=BLOCK) * 20.0
            else:
                block = np.full(BLOCK, self.value)
            self._meter.note(block.astype(np.int16))
            deliver(block.astype(np.int16))


CASES = {"zeros": (0, 8.0, False), "one value": (123, 6.0, True), "a rail": (-32_768, 6.0, True)}
"""A value, within how many seconds it is told, and whether that is certain."""
QUIET_S = 7.0


async def listen_to(
    microphone: Constant,
    out: Path,
    happens: Callable[[asyncio.Queue[Any], Capture], Awaitable[None]],
) -> None:
    """Watch a microphone and a speaker while something happens with what is told."""
    capture = Capture(microphone)
    playback = Playback(FileSpeaker(out))
    told: asyncio.Queue[inputs.Input] = asyncio.Queue()
    watch = asyncio.create_task(SoundWatch(capture, playback, told.put_nowait).run())
    capture.open()
    playback.open()
    try:
        await happens(told, capture)
    finally:
        watch.cancel()
        await asyncio.wait({watch})
        playback.close()
        capture.close()


async def break_and_mend(value: int, within_s: float, is_certain: bool, out: Path) -> None:
    microphone = Constant(value)

    async def happens(told: asyncio.Queue[Any], _: Capture) -> None:
        began_s = time.monotonic()
        failed = await asyncio.wait_for(told.get(), within_s)
        assert isinstance(failed, inputs.MicrophoneFailed)
        assert failed.is_certain is is_certain
        assert time.monotonic() - began_s > 2.0
        assert microphone.openings == 2
        await asyncio.sleep(3.0)
        assert told.empty()
        microphone.value = None
        assert isinstance(await asyncio.wait_for(told.get(), 8.0), inputs.MicrophoneRecovered)

    await listen_to(microphone, out, happens)


async def be_quiet(out: Path) -> None:
    async def happens(told: asyncio.Queue[Any], _: Capture) -> None:
        await asyncio.sleep(QUIET_S)
        assert told.empty()

    await listen_to(Constant(None), out, happens)


async def mute_while_it_is_broken(out: Path) -> None:
    microphone = Constant(123)

    async def happens(told: asyncio.Queue[Any], capture: Capture) -> None:
        assert isinstance(await asyncio.wait_for(told.get(), 9.0), inputs.MicrophoneFailed)
        await asyncio.to_thread(capture.close)
        heard, openings = capture.ring.end_sample, microphone.openings
        await asyncio.sleep(4.0)
        assert microphone.openings == openings, "muted is closed, and nobody opens it"
        assert capture.ring.end_sample == heard
        microphone.value = None
        await asyncio.to_thread(capture.open)
        assert isinstance(await asyncio.wait_for(told.get(), 8.0), inputs.MicrophoneRecovered)

    await listen_to(microphone, out, happens)


async def unmute_while_it_is_broken(out: Path) -> None:
    async def happens(told: asyncio.Queue[Any], capture: Capture) -> None:
        assert isinstance(await asyncio.wait_for(told.get(), 9.0), inputs.MicrophoneFailed)
        await asyncio.to_thread(capture.close)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(capture.open)
        # The core has forgotten it: without this it would look idle, and be deaf.
        assert isinstance(await asyncio.wait_for(told.get(), 12.0), inputs.MicrophoneFailed)

    await listen_to(Constant(123), out, happens)


async def unmute_without_one(out: Path) -> None:
    microphone = Constant(None)

    async def happens(told: asyncio.Queue[Any], capture: Capture) -> None:
        await asyncio.to_thread(capture.close)
        microphone.is_gone = True
        with pytest.raises(SoundDeviceError):
            await asyncio.to_thread(capture.open)
        assert isinstance(await asyncio.wait_for(told.get(), 8.0), inputs.MicrophoneFailed)
        microphone.is_gone = False
        assert isinstance(await asyncio.wait_for(told.get(), 12.0), inputs.MicrophoneRecovered)

    await listen_to(microphone, out, happens)


@pytest.fixture(scope="module")
def outcomes(play_side_by_side, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Play all cases, each of which takes its time."""
    folder = tmp_path_factory.mktemp("microphones")
    plays = {
        name: partial(break_and_mend, *case, folder / f"{number}.wav")
        for number, (name, case) in enumerate(CASES.items())
    }
    plays["muted"] = partial(mute_while_it_is_broken, folder / "muted.wav")
    plays["still"] = partial(unmute_while_it_is_broken, folder / "still.wav")
    plays["unmuted"] = partial(unmute_without_one, folder / "unmuted.wav")
    plays["quiet"] = partial(be_quiet, folder / "quiet.wav")
    return play_side_by_side(plays, len(plays))


@pytest.mark.parametrize("name", CASES)
def test_it_is_reported_within_seconds_and_so_is_its_recovery(name: str, outcomes) -> None:
    if outcomes[name] is not None:
        raise outcomes[name]


def test_one_that_is_broken_and_muted_is_not_opened_to_mend_it(outcomes) -> None:
    if outcomes["muted"] is not None:
        raise outcomes["muted"]


def test_one_that_is_still_broken_when_the_mute_ends_is_told_again(outcomes) -> None:
    if outcomes["still"] is not None:
        raise outcomes["still"]


def test_one_that_is_gone_when_the_mute_ends_is_looked_for(outcomes) -> None:
    if outcomes["unmuted"] is not None:
        raise outcomes["unmuted"]


def test_a_quiet_room_is_not_a_broken_microphone(outcomes) -> None:
    if outcomes["quiet"] is not None:
        raise outcomes["quiet"]
