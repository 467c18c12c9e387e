"""Takes the echo out of the ring as well, so that no question carries the answer along."""

from __future__ import annotations

import math

import numpy as np

from device.audio.echo.interpolation import Interpolator
from device.audio.resample import LISTENING_RATE_HZ
from device.audio.ring import Ring
from device.audio.samples import Samples


class RingEraser:
    """Subtracts echoes found at 16 kHz from a ring of any rate, in their place.

    What the echo has above 8 kHz stays, and so does all of the person. Whoever reads the
    ring meanwhile gets no sample that has not been looked at.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._step = LISTENING_RATE_HZ / ring.rate_hz
        self._interpolator = Interpolator(self._step)
        self._past = np.zeros(0, dtype=np.float32)
        self._past_at: int | None = None
        self._next = 0

    def subtract(self, at: int, echo: Samples) -> None:
        """Take the echo out, from a sample of the capture clock at 16 kHz on."""
        half = self._interpolator.half
        if self._past_at is None or self._past_at + len(self._past) != at:
            self._past_at = at - 2 * half
            self._past = np.zeros(2 * half, dtype=np.float32)
            self._next = math.ceil((at - half) / self._step)
        sound = np.concatenate((self._past, echo.astype(np.float32)))
        until = math.ceil((self._past_at + len(sound) - half - 1) / self._step)
        count = until - self._next
        if count > 0:
            first = self._next * self._step - self._past_at
            found = self._interpolator.read(sound, first, self._step, count)
            self._ring.subtract(self._next, np.asarray(np.rint(found), dtype=np.int16))
            self._next = until
        self._past_at += len(sound) - 3 * half
        self._past = sound[-3 * half :]
        self._ring.hold(self._next)

    def release(self) -> None:
        """Nothing is being taken out any more."""
        self._past_at = None
        self._ring.hold(None)
