"""A microphone that delivers one value is broken, not a quiet room; and it is told soon."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from device.assistant import inputs
from device.audio.capture import Capture
from device.audio.files import FileSpeaker
from device.audio.microphone import BlockMeter, Deliver, MicrophoneHealth
from device.audio.playback import Playback
from device.daemon.watch import SoundWatch

BLOCK = 960


class Constant:
    """A live source of 48 kHz blocks that are all of one value, or of noise where it is None."""

    name = "constant"
    rate_hz = 48_000
    is_live = True

    def __init__(self, value: int | None) -> None:
        self.value = value
        self.openings = 0
        self._meter = BlockMeter()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, deliver: Deliver) -> None:
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


@pytest.mark.parametrize(
    ("value", "within_s", "is_certain"), [(0, 8.0, False), (123, 6.0, True), (-32_768, 6.0, True)]
)
async def test_it_is_reported_within_seconds_and_so_is_its_recovery(
    value: int, within_s: float, is_certain: bool, tmp_path: Path
) -> None:
    microphone = Constant(value)
    capture = Capture(microphone)
    playback = Playback(FileSpeaker(tmp_path / "out.wav"))
    told: asyncio.Queue[inputs.Input] = asyncio.Queue()
    watch = asyncio.create_task(SoundWatch(capture, playback, told.put_nowait).run())
    capture.open()
    playback.open()
    try:
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
    finally:
        watch.cancel()
        await asyncio.wait({watch})
        playback.close()
        capture.close()


async def test_a_quiet_room_is_not_a_broken_microphone(tmp_path: Path) -> None:
    capture = Capture(Constant(None))
    playback = Playback(FileSpeaker(tmp_path / "out.wav"))
    told: asyncio.Queue[inputs.Input] = asyncio.Queue()
    watch = asyncio.create_task(SoundWatch(capture, playback, told.put_nowait).run())
    capture.open()
    playback.open()
    try:
        await asyncio.sleep(7.0)
        assert told.empty()
    finally:
        watch.cancel()
        await asyncio.wait({watch})
        playback.close()
        capture.close()
