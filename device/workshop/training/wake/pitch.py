"""How high somebody speaks."""

from __future__ import annotations

import numpy as np

from device.wake.engine import RATE_HZ
from device.workshop.training.wake.corpus import Sound, span

_LOWEST_HZ, _HIGHEST_HZ = 70.0, 400.0
_FRAME = 640
"""40 ms: two periods of the lowest voice."""


def pitch_hz(sound: Sound) -> float:
    """The middle pitch of the voiced parts of a sound; 0 where nobody speaks."""
    start, end = span(sound)
    found = [_pitch_of(sound[at : at + _FRAME]) for at in range(start, end - _FRAME, _FRAME // 2)]
    voiced = [each for each in found if each > 0]
    return float(np.median(voiced)) if voiced else 0.0


def _pitch_of(frame: Sound) -> float:
    """By the first high peak of the autocorrelation; 0 where there is none above 0.5."""
    even = frame - frame.mean()
    spectrum = np.abs(np.fft.rfft(even, 2 * len(even))) ** 2
    likeness = np.fft.irfft(spectrum)[: len(even)]
    # Fewer samples overlap the later it is.
    likeness = likeness / (likeness[0] + 1e-3) / (1 - np.arange(len(even)) / len(even))
    first, last = round(RATE_HZ / _HIGHEST_HZ), round(RATE_HZ / _LOWEST_HZ)
    inside = likeness[first:last]
    if inside.max() <= 0.5:
        return 0.0
    # Two periods are as like as one: the first peak that is nearly the highest counts.
    high = np.flatnonzero(inside > 0.9 * inside.max())
    start = int(high[0])
    peak = start + int(np.argmax(inside[start : start + 1 + start // 4]))
    return RATE_HZ / (first + peak)
