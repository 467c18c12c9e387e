"""What a sound is between the parts of Bittern."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
"""Mono sound: one dimension, signed 16 bit."""
Floats = npt.NDArray[np.float32]
"""Mono sound: one dimension, full scale is -1…1."""

_FULL_SCALE = np.float32(32_768)


def silence(count: int) -> Samples:
    """Return ``count`` samples of digital silence."""
    return np.zeros(count, dtype=np.int16)


def to_float(samples: Samples) -> Floats:
    """Turn int16 into -1…1."""
    return samples.astype(np.float32) / _FULL_SCALE


def to_int16(floats: Floats) -> Samples:
    """Turn -1…1 into int16: rounded to the nearest, clipped at full scale, NaN is silence."""
    scaled = np.nan_to_num(floats * _FULL_SCALE, posinf=32_767, neginf=-32_768)
    return np.asarray(np.clip(np.rint(scaled), -32_768, 32_767), dtype=np.int16)


def scaled(samples: Samples, factor: float | np.float32) -> Samples:
    """Return the samples times a factor: rounded, clipped at full scale."""
    return np.asarray(np.clip(np.rint(samples * np.float32(factor)), -32_768, 32_767), np.int16)
