"""The short sounds of our own, made of a few sines when they are first needed.

Struck like a soft bell: an attack of some milliseconds, a fundamental with two quieter
overtones that die away sooner. Rising means "I am here", falling means "I am gone";
the error is low. 24 kHz, int16, peak about -12 dBFS, so that an answer is not shouted down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import numpy as np

from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Floats, Samples, to_int16

PEAK = 0.25
"""-12 dBFS."""
ATTACK_S = 0.006
"""Soft enough not to click, short enough to be crisp."""
RELEASE_S = 0.02
"""The end is drawn to exact silence within this."""

D4, G4, D5, G5, A5, B5, D6, G6 = 293.66, 392.00, 587.33, 783.99, 880.00, 987.77, 1174.66, 1567.98
"""Notes of the equal-tempered scale, in Hz (A4 = 440)."""


def _strike(frequency_hz: float, seconds: float, decay_s: float) -> Floats:
    """One note: three partials, the higher ones dying sooner."""
    moments = np.arange(round(seconds * WIRE_RATE_HZ)) / WIRE_RATE_HZ
    note = np.zeros(len(moments))
    for partial, level in ((1, 1.0), (2, 0.28), (3, 0.1)):
        decay = np.exp(-moments * partial / decay_s)
        note += level * decay * np.sin(2 * np.pi * partial * frequency_hz * moments)
    attack = np.minimum(1.0, moments / ATTACK_S)
    release = np.minimum(1.0, (seconds - moments) / RELEASE_S)
    return np.asarray(note * np.sin(attack * np.pi / 2) * release, dtype=np.float32)


def _melody(notes: list[tuple[float, float]], length_s: float, decay_s: float) -> Floats:
    """Notes as (begin in s, Hz); each rings until the end of the sound."""
    sound = np.zeros(round(length_s * WIRE_RATE_HZ), dtype=np.float32)
    for begin_s, frequency_hz in notes:
        first = round(begin_s * WIRE_RATE_HZ)
        rest_s = (len(sound) - first) / WIRE_RATE_HZ
        sound[first:] += _strike(frequency_hz, rest_s, decay_s)
    return sound


def _timer() -> Floats:
    ring = _melody([(0.0, G5), (0.12, B5), (0.24, D6), (0.36, G6)], 0.9, 0.22)
    pause = np.zeros(round(0.3 * WIRE_RATE_HZ), dtype=np.float32)
    return np.concatenate((ring, pause, ring, pause))


_MAKERS: Mapping[str, Callable[[], Floats]] = MappingProxyType(
    {
        "wake": lambda: _melody([(0.0, D5), (0.07, A5)], 0.24, 0.09),
        "done": lambda: _melody([(0.0, A5), (0.09, D5)], 0.32, 0.12),
        "error": lambda: _melody([(0.0, G4), (0.16, D4)], 0.55, 0.18),
        "muted": lambda: _melody([(0.0, D6), (0.08, G5)], 0.26, 0.08),
        "unmuted": lambda: _melody([(0.0, G5), (0.08, D6)], 0.26, 0.08),
        "timer": _timer,
        "shutter": lambda: _melody([(0.0, G6), (0.05, D6), (0.1, G6)], 0.2, 0.03),
        "tick": lambda: _melody([(0.0, B5)], 0.12, 0.04),
    }
)

CHIMES = tuple(_MAKERS)
"""The names: wake (heard you), done, error, muted, unmuted, timer (one round of its ring), shutter
(the camera is about to look), tick."""


@cache
def chime(name: str) -> Samples:
    """Return a chime by its name; read-only. Raises KeyError for an unknown name."""
    sound = _MAKERS[name]()
    samples = to_int16(sound * np.float32(PEAK / np.abs(sound).max()))
    samples.flags.writeable = False
    return samples
