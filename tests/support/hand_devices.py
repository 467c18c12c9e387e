"""A microphone and a speaker that a test turns by hand, one block at a time."""

from __future__ import annotations

import numpy as np

from device.audio.microphone import BlockMeter, Deliver, MicrophoneHealth
from device.audio.samples import Samples
from device.audio.speaker import Fill, PullMeter, SpeakerHealth
from device.errors import BitternError


class HandMicrophone:
    """Delivers what the test says; breaks when told to."""

    def __init__(self, rate_hz: int = 16_000, is_live: bool = True) -> None:
        self.name = "the test's microphone"
        self.rate_hz = rate_hz
        self.is_live = is_live
        self.deliver: Deliver | None = None
        self.is_missing = False
        self.hangs = False
        self._meter = BlockMeter()

    def open(self, deliver: Deliver) -> None:
        if self.is_missing:
            raise BitternError("no microphone", "plug it in")
        self.deliver = deliver

    def close(self) -> None:
        # A stream that hangs keeps its callback: `deliver` stays callable.
        if self.hangs:
            raise BitternError("the stream hangs", "restart")

    def say(self, samples: Samples) -> None:
        assert self.deliver is not None
        self._meter.note(samples)
        self.deliver(samples)

    def health(self) -> MicrophoneHealth:
        return self._meter.health(self.deliver is not None, self.rate_hz)


class HandSpeaker:
    """Pulls when the test says; remembers everything it was given."""

    def __init__(self, rate_hz: int = 24_000, latency_s: float = 0.0) -> None:
        self.name = "the test's speaker"
        self.rate_hz = rate_hz
        self.latency_s = latency_s
        self.fill: Fill | None = None
        self.is_missing = False
        self._meter = PullMeter()
        self._played: list[Samples] = []

    def open(self, fill: Fill) -> None:
        if self.is_missing:
            raise BitternError("no speaker", "plug it in")
        self.fill = fill

    def close(self) -> None:
        self.fill = None

    def pull(self, frames: int) -> Samples:
        assert self.fill is not None
        samples = self.fill(frames)
        assert samples.dtype == np.int16
        assert samples.shape == (frames,)
        self._played.append(samples)
        self._meter.note()
        return samples

    @property
    def played(self) -> Samples:
        return np.concatenate(self._played)

    def health(self) -> SpeakerHealth:
        return self._meter.health(self.fill is not None)
