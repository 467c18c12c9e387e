"""The picture of sound that Whisper looks at: log-mel features, in numpy alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
WINDOW_SAMPLES = 400
HOP_SAMPLES = 160
BANDS = 80
FRAMES_PER_SECOND = RATE_HZ // HOP_SAMPLES
_BLOCK_FRAMES = 2 * FRAMES_PER_SECOND

# The Slaney mel scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998).
_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def log_mel(
    samples: NDArray[np.float32], between: Callable[[], None] = lambda: None
) -> NDArray[np.float32]:
    """Return features of shape (80, frames), one frame for each 10 ms.

    ``samples`` is mono 16 kHz sound between -1 and 1. Window, scale, floor (8 decades
    below the loudest point) and offset are those Whisper was trained with (Radford et
    al., 2022). The number of frames is rounded down to an even one, since the encoder
    halves it. ``between`` is called after every 2 s of sound, and may raise.
    """
    frames = len(samples) // HOP_SAMPLES // 2 * 2
    padded = np.pad(samples, WINDOW_SAMPLES // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)
    windows = windows[: frames * HOP_SAMPLES : HOP_SAMPLES]
    energy = np.empty((BANDS, frames), np.float32)
    for start in range(0, frames, _BLOCK_FRAMES):
        block = slice(start, start + _BLOCK_FRAMES)
        spectrum = np.fft.rfft(windows[block] * _window(), axis=1)
        power = (np.abs(spectrum) ** 2).astype(np.float32)
        np.matmul(_filters(), power.T, out=energy[:, block])
        between()
    decades = np.log10(np.maximum(energy, 1e-10))
    decades = np.maximum(decades, decades.max() - 8.0)
    return np.ascontiguousarray((decades + 4.0) / 4.0, dtype=np.float32)


@cache
def _window() -> NDArray[np.float32]:
    return np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    """Triangles of equal area on the mel scale, shape (80, 201)."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(RATE_HZ / 2), BANDS + 2))
    bins = np.fft.rfftfreq(WINDOW_SAMPLES, 1.0 / RATE_HZ)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _hz_to_mel(hz: float) -> float:
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)  # only asked above the break


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, above)
