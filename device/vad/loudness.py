"""How loud a voice is: the power of the hops in which somebody speaks, a stretch at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.vad.silero import HOP_SAMPLES, RATE_HZ

STRETCH_MS = 480
"""Voiced sound that is measured at once: one word or two, 15 hops."""
LEAST_MS = 96
"""Less than three hops say little of how loud somebody speaks."""
_FULL_SCALE = 32_768.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """What was measured of a stretch of speech."""

    from_sample: int
    """Where the stretch begins, 16 kHz, on the speech path's clock."""
    level_db: float
    """Mean power of its voiced hops, dB of full scale."""


class LoudnessMeter:
    """Hops and their probabilities in, a :class:`Loudness` out for each stretch of speech.

    A stretch is over when 480 ms of it were voiced, or with a pause. Stretches of one speech
    are measured each by itself: somebody near who speaks up while a television talks is
    heard to be louder than what went before.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._from_sample = 0
        self._powers: list[float] = []

    def update(self, hop: NDArray[np.int16], at_sample: int, is_voiced: bool) -> Loudness | None:
        """Take a hop (512 samples, mono 16 kHz) that begins at ``at_sample``."""
        if not is_voiced:
            return None
        if not self._powers:
            self._from_sample = at_sample
        sound = hop.astype(np.float32)
        self._powers.append(float(np.dot(sound, sound)) / len(hop))
        is_full = len(self._powers) * HOP_SAMPLES >= STRETCH_MS * RATE_HZ // 1000
        return self._measure() if is_full else None

    def pause(self) -> Loudness | None:
        """Nobody speaks for the moment: measure what there is, where it is enough."""
        is_enough = len(self._powers) * HOP_SAMPLES >= LEAST_MS * RATE_HZ // 1000
        if is_enough:
            return self._measure()
        self.reset()
        return None

    def _measure(self) -> Loudness:
        power = float(np.mean(self._powers))
        level_db = 10 * math.log10(power / _FULL_SCALE**2 + 1e-12)
        measured = Loudness(self._from_sample, round(level_db, 1))
        self.reset()
        return measured
