"""Sound between its samples: read at any place and any speed, by a windowed sinc."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

PHASES = 256
"""Places between two samples. The nearest is taken: 0.2 % of a sample off at most, which at
4 of 8 kHz leaves 56 dB between a sound and its error."""
HALF_TAPS = 8
"""Samples on each side, where the speed is 1; more in proportion where it is higher."""
CUTOFF = 0.94
"""End of the pass band as a share of the lower of the two Nyquist frequencies."""


class Interpolator:
    """Reads a sound of any rate at places that lie ``step`` of its samples apart."""

    def __init__(self, step: float) -> None:
        """``step``: about how many samples are moved on each time; cuts the filter."""
        widening = max(1.0, step)
        self.half = math.ceil(HALF_TAPS * widening)
        """Samples that are needed before and after every place."""
        places = np.arange(PHASES) / PHASES
        taps = np.arange(-self.half + 1, self.half + 1)
        away = taps[np.newaxis, :] - places[:, np.newaxis]
        window = 0.5 + 0.5 * np.cos(np.pi * away / (self.half + 0.5))
        band = CUTOFF / widening
        self._filters = (band * np.sinc(band * away) * window).astype(np.float32)
        self._filters /= self._filters.sum(axis=1, keepdims=True)
        self._taps = taps

    def read(
        self, sound: NDArray[np.int16] | NDArray[np.float32], first: float, step: float, count: int
    ) -> NDArray[np.float32]:
        """``count`` values at ``first``, ``first + step``, … (in samples of ``sound``).

        Around all of these places there must be ``half`` samples on both sides.
        """
        places = first + step * np.arange(count)
        whole = np.floor(places).astype(np.intp)
        phase = np.rint((places - whole) * PHASES).astype(np.intp)
        whole += phase == PHASES
        phase %= PHASES
        around = sound[whole[:, np.newaxis] + self._taps].astype(np.float32)
        read: NDArray[np.float32] = np.einsum("ij,ij->i", around, self._filters[phase])
        return read
