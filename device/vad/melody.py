"""What the voice does at the end of a phrase: pitch, loudness and length as a few numbers.

A finished sentence falls in pitch and fades; one that goes on stays level, and its last
syllable is often held. Read from the last seconds of sound, in numpy alone.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
HOP = 160
FRAME = 640
"""40 ms: two periods of the lowest voice."""
_FFT = 1280
_LOWEST_HZ, _HIGHEST_HZ = 70, 400
_VOICED = 0.5
"""Height of the autocorrelation's peak from which a frame has a pitch."""
_LAST = 30
"""Frames (0.3 s) over which the end of the melody is read."""
SIZE = 10

Floats = NDArray[np.float32]


def melody(sound: NDArray[np.int16]) -> Floats:
    """Return ``SIZE`` numbers, each about -3 to 3, of a sound that ends in a pause."""
    if len(sound) < FRAME:
        return np.zeros(SIZE, dtype=np.float32)
    frames = _frames(sound.astype(np.float32))
    level_db = 10.0 * np.log10(np.mean(frames**2, axis=1) + 1.0)
    pitch, strength = _pitch(frames)
    voiced = np.flatnonzero((strength > _VOICED) & (level_db > level_db.max() - 30.0))
    if len(voiced) < 5:
        return np.zeros(SIZE, dtype=np.float32)
    numbers = [*_pitch_end(pitch, voiced), *_level_end(level_db, voiced, len(frames))]
    return np.clip(np.array(numbers, dtype=np.float32), -3.0, 3.0)


def _pitch_end(semitones: Floats, voiced: NDArray[np.int64]) -> list[float]:
    tones = semitones[voiced]
    usual = float(np.median(tones))
    end = voiced > voiced[-1] - _LAST
    last = tones[-8:]
    return [
        (float(np.median(last)) - usual) / 4.0,
        (float(tones[-1]) - usual) / 4.0,
        _slope(voiced[end], tones[end]) * 10.0 / 4.0,
        float(np.percentile(tones, 90) - np.percentile(tones, 10)) / 8.0,
    ]


def _level_end(level_db: Floats, voiced: NDArray[np.int64], count: int) -> list[float]:
    loudest = float(np.percentile(level_db[voiced], 90))
    end = voiced > voiced[-1] - _LAST
    breaks = np.flatnonzero(np.diff(voiced) > 3)
    run = len(voiced) - (int(breaks[-1]) + 1 if len(breaks) else 0)
    after = level_db[voiced[-1] : voiced[-1] + 10]
    return [
        (float(np.mean(level_db[voiced[-8:]])) - loudest) / 10.0,
        _slope(voiced[end], level_db[voiced][end]) * 10.0 / 10.0,
        (count - int(voiced[-1])) / 20.0 - 1.0,
        run / 20.0 - 1.0,
        float(np.mean(end)) * 2.0 - 1.0,
        (float(after[-1]) - float(after[0])) / 20.0 + 1.0,
    ]


def _slope(at: NDArray[np.int64], values: Floats) -> float:
    """The straight line's rise per frame."""
    if len(at) < 4:
        return 0.0
    centred = at - at.mean()
    return float(centred @ values / (centred @ centred))


def _frames(sound: Floats) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]


def _pitch(frames: Floats) -> tuple[Floats, Floats]:
    """Semitones above 70 Hz, and how periodic each frame is (0 to 1)."""
    shaped = (frames - frames.mean(axis=1, keepdims=True)) * _window()
    power = np.abs(np.fft.rfft(shaped, _FFT, axis=1)) ** 2
    likeness = np.fft.irfft(power, _FFT, axis=1)[:, : FRAME // 2]
    likeness /= likeness[:, :1] + 1.0
    likeness /= _fading()
    first = RATE_HZ // _HIGHEST_HZ
    lags = likeness[:, first : RATE_HZ // _LOWEST_HZ]
    # The shortest lag that is nearly as good as the best: else the octave below wins.
    good = lags >= 0.9 * lags.max(axis=1, keepdims=True)
    lag = first + np.argmax(good, axis=1)
    tones = 12.0 * np.log2(RATE_HZ / lag / _LOWEST_HZ)
    return tones.astype(np.float32), lags.max(axis=1).astype(np.float32)


@cache
def _window() -> Floats:
    window: Floats = np.hanning(FRAME).astype(np.float32)
    return window


@cache
def _fading() -> Floats:
    """The window's own autocorrelation, by which long lags would seem unlike."""
    power = np.abs(np.fft.rfft(_window(), _FFT)) ** 2
    own = np.fft.irfft(power, _FFT)[: FRAME // 2]
    fading: Floats = (own / own[0]).astype(np.float32)
    return fading
