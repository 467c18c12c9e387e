"""How loud a piece of sound is: noise, peak, clipping, and whether there is any at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from device.audio.samples import Samples

BLOCK_S = 0.05
"""Long enough for the lowest voice, short enough to fall between two words."""
QUIET_SHARE = 0.1
"""The noise is what the quietest tenth of the blocks does not exceed."""
CLIPPED = 32_700
"""Amplitude from which a converter may have been at its end."""
NOTHING_DBFS = -120.0
"""What digital silence is called; 16 bits end at -90."""


@dataclass(frozen=True, slots=True)
class Levels:
    """One channel, in decibels below full scale (a square wave at full scale is 0)."""

    noise_dbfs: float
    peak_dbfs: float
    loudest_dbfs: float
    """The loudest block, as energy: what a level meter would have shown."""
    clipped_share: float
    """Of all samples, those at the end of the scale."""
    is_dead: bool
    """Every sample has the same value: nothing is connected, or a switch is off."""


def dbfs(samples: Samples) -> float:
    """The energy of a piece of sound."""
    if not len(samples):
        return NOTHING_DBFS
    return _decibels(float(np.sqrt(np.mean(np.square(samples.astype(np.float64))))))


def _decibels(amplitude: float) -> float:
    return max(20 * float(np.log10(amplitude / 32_768 + 1e-12)), NOTHING_DBFS)


def measure(samples: Samples, rate_hz: int) -> Levels:
    """Measure int16 sound of at least one block; raises ValueError for less."""
    block = round(BLOCK_S * rate_hz)
    count = len(samples) // block
    if count == 0:
        raise ValueError(f"{len(samples)} samples are less than a block of {block}")
    blocks = samples[: count * block].reshape(count, block).astype(np.float64)
    energies = np.sqrt(np.mean(np.square(blocks), axis=1))
    magnitudes = np.abs(samples.astype(np.int32))
    return Levels(
        noise_dbfs=_decibels(float(np.quantile(energies, QUIET_SHARE))),
        peak_dbfs=_decibels(float(magnitudes.max())),
        loudest_dbfs=_decibels(float(energies.max())),
        clipped_share=float(np.mean(magnitudes >= CLIPPED)),
        is_dead=not bool(np.any(samples != samples[0])),
    )
