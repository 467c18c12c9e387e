"""How loud speech is to an ear, as ITU-R BS.1770 measures it: in LUFS, pauses left out.

The K-weighting is laid over the spectrum of each block (the filters' analogue prototypes), so
that it needs no filter state; a test holds the figures against a library.
"""

from __future__ import annotations

from collections import deque
from functools import cache

import numpy as np

from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Floats, Samples

BLOCK_SAMPLES = WIRE_RATE_HZ // 10
GATED_BLOCKS = 4
"""400 ms, a step of 100 ms: the gating block of BS.1770."""
SILENT_LUFS = -70.0
PAUSE_LU = 10.0
"""What is so far below the mean is a pause and does not count."""
LONGEST_BLOCKS = 300
"""Half a minute is remembered: a voice does not change."""
_OFFSET_LU = -0.691
_SHELF_HZ, _SHELF_Q, _SHELF_DB, _SHELF_BAND = 1681.97445, 0.707175237, 3.999843854, 0.499666774
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.135470876, 0.500327037
"""The two filters whose coefficients at 48 kHz BS.1770 prints."""


@cache
def _weights() -> Floats:
    """The power gain of the K-weighting for each line of a block's spectrum."""
    s = 2j * np.pi * np.fft.rfftfreq(BLOCK_SAMPLES, 1 / WIRE_RATE_HZ)
    w = 2 * np.pi * _SHELF_HZ
    high = 10 ** (_SHELF_DB / 20)
    shelf = (high * s**2 + high**_SHELF_BAND * w / _SHELF_Q * s + w**2) / (
        s**2 + w / _SHELF_Q * s + w**2
    )
    w = 2 * np.pi * _HIGH_PASS_HZ
    high_pass = s**2 / (s**2 + w / _HIGH_PASS_Q * s + w**2)
    power = np.abs(shelf * high_pass) ** 2
    power[1:-1] *= 2  # each line but the ends stands for two of the whole spectrum
    return np.asarray(power, dtype=np.float32)


class LufsMeter:
    """Takes sound piece by piece (mono int16 at 24 kHz); of the last half minute."""

    def __init__(self) -> None:
        self._energies: deque[float] = deque(maxlen=LONGEST_BLOCKS)
        self._rest: Samples = np.zeros(0, dtype=np.int16)

    def add(self, pcm24k: Samples) -> None:
        """Measure one more piece; what is less than a block waits for the next."""
        sound = np.concatenate((self._rest, pcm24k))
        count = len(sound) // BLOCK_SAMPLES
        self._rest = sound[count * BLOCK_SAMPLES :]
        blocks = sound[: count * BLOCK_SAMPLES].reshape(count, BLOCK_SAMPLES)
        spectrum = np.fft.rfft(blocks.astype(np.float32) / 32_768, axis=1)
        energy = (np.abs(spectrum) ** 2) @ _weights() / BLOCK_SAMPLES**2
        self._energies.extend(energy.tolist())

    @property
    def lufs(self) -> float | None:
        """The loudness so far; None while less than 0.1 s, or nothing, was heard."""
        return self.measured()[0]

    def measured(self) -> tuple[float | None, int]:
        """As :attr:`lufs`, and how many tenths of a second count: not those of a pause."""
        gated = self._gated()
        return _lufs(gated), len(gated)

    def _gated(self) -> Floats:
        energies = np.asarray(self._energies, dtype=np.float32)
        if not len(energies):
            return energies
        width = min(GATED_BLOCKS, len(energies))
        blocks = np.convolve(energies, np.full(width, 1 / width, np.float32), mode="valid")
        loud = blocks[blocks > _energy(SILENT_LUFS)]
        if not len(loud):
            return np.asarray(loud, dtype=np.float32)
        floor = float(loud.mean()) * 10 ** (-PAUSE_LU / 10)
        return np.asarray(loud[loud > floor], dtype=np.float32)


def loudness_lufs(pcm24k: Samples) -> float | None:
    """The loudness of a whole sound; None for silence. One of less than 0.1 s is padded."""
    meter = LufsMeter()
    meter.add(pcm24k)
    if len(pcm24k) < BLOCK_SAMPLES:
        meter.add(np.zeros(BLOCK_SAMPLES - len(pcm24k), dtype=np.int16))
    return meter.lufs


def _energy(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_LU) / 10))


def _lufs(energies: Floats) -> float | None:
    if not len(energies):
        return None
    return _OFFSET_LU + 10 * float(np.log10(energies.mean()))
