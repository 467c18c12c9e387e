"""How late a sound comes back: the generalized cross-correlation with phase transform.

Knapp and Carter 1976. Whitening makes one sharp peak of the direct sound out of the broad
hill that a voice's own periodicity gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.audio.resample import LISTENING_RATE_HZ

BAND_HZ = (200.0, 7_000.0)
"""Below, a small speaker plays nothing; above, an appliance's voice has little."""
QUIET_DB = -50.0
"""Frequencies at which the reference is so far below its loudest say nothing."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Where the correlation is highest."""

    lag: float
    """In samples at 16 kHz, between samples."""
    sharpness: float
    """How far it stands out: in units of the correlation's root mean square."""


def find_lag(heard: NDArray[np.float32], played: NDArray[np.float32]) -> Peak | None:
    """How much later ``heard`` is than the beginning of ``played``; 16 kHz both.

    ``played`` is longer: ``heard[k]`` is expected to be ``played[k + L - lag]``, where ``L``
    is how much longer, for a lag from 0 to L. None where either is silent.
    """
    lags = len(played) - len(heard)
    size = 1 << (len(played) - 1).bit_length()
    window = np.hanning(len(heard)).astype(np.float32)
    reference = np.fft.rfft(played, size)
    cross = reference * np.conj(np.fft.rfft(heard * window, size))
    power = reference.real**2 + reference.imag**2
    if not power.any() or not cross.any():
        return None
    frequencies = np.fft.rfftfreq(size, 1 / LISTENING_RATE_HZ)
    is_used = (frequencies > BAND_HZ[0]) & (frequencies < BAND_HZ[1])
    is_used &= power > power.max() * 10 ** (QUIET_DB / 10)
    size_of = np.abs(cross)
    white = np.where(is_used & (size_of > 0), cross / np.maximum(size_of, 1e-9), 0)
    correlation = np.fft.irfft(white, size)[: lags + 1]
    return _peak(correlation[::-1])


def _peak(correlation: NDArray[np.float64]) -> Peak | None:
    best = int(np.argmax(correlation))
    spread = float(np.sqrt(np.mean(correlation**2)))
    if spread == 0 or correlation[best] <= 0:
        return None
    lag = float(best)
    if 0 < best < len(correlation) - 1:
        before, at, after = correlation[best - 1 : best + 2]
        bend = before - 2 * at + after
        lag += float(0.5 * (before - after) / bend) if bend else 0.0
    return Peak(lag, float(correlation[best]) / spread)
