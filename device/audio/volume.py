"""How loud, from 0 to 100 as an ear counts, without clicks."""

from __future__ import annotations

import numpy as np

from device.audio.samples import Floats, Samples

FLOOR_DB = -40.0
"""The softest that is not silence. Speech of 65 dB SPL at full volume is then 25 dB, still
above the 20 dB of a quiet bedroom."""
RAMP_S = 0.02
"""How long a change of the volume takes."""


def gain_of(percent: float) -> float:
    """Return the factor for a volume of 0 to 100 %.

    Even in decibels, as an ear counts: 100 % is 0 dB, each ten less are 4 dB less, down to
    ``FLOOR_DB`` just above 0 %; 0 % itself is silence.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"a volume is 0 to 100 %, not {percent}")
    return float(10 ** (FLOOR_DB * (1 - percent / 100) / 20)) if percent else 0.0


def percent_of_db(gain_db: float) -> float:
    """The volume whose factor is this many decibels, ``FLOOR_DB`` to 0."""
    return float(100 * (1 - gain_db / FLOOR_DB))


class Gain:
    """A factor on a stream of samples that moves to its new value in ``RAMP_S``."""

    def __init__(self, rate_hz: int, percent: float) -> None:
        self._step = 1.0 / max(1, round(rate_hz * RAMP_S))
        self._now = self._wanted = gain_of(percent)

    def set(self, percent: float) -> None:
        """Choose another volume, from 0 to 100 %."""
        self._wanted = gain_of(percent)

    def apply(self, samples: Samples) -> Samples:
        """Return the samples scaled; unchanged, not even copied, at full volume."""
        wanted = self._wanted
        if self._now != wanted:
            return np.asarray(np.rint(samples * self._ramp(len(samples), wanted)), dtype=np.int16)
        if wanted == 1.0 or not samples.any():
            return samples
        # Fixed point: half the time of floating point. Below 1 it cannot overflow.
        factor = np.int32(min(round(wanted * (1 << 16)), (1 << 16) - 1))
        return ((samples * factor + np.int32(1 << 15)) >> 16).astype(np.int16)

    def _ramp(self, count: int, wanted: float) -> Floats:
        ramp = self._step * np.arange(1, count + 1, dtype=np.float32)
        if wanted > self._now:
            values = np.minimum(self._now + ramp, wanted)
        else:
            values = np.maximum(self._now - ramp, wanted)
        reached = len(ramp) * self._step >= abs(wanted - self._now)
        self._now = wanted if reached else float(values[-1] if count else self._now)
        return np.asarray(values, dtype=np.float32)
