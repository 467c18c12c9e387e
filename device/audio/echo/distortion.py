"""What a small speaker does to loud sounds: a model of its soft clipping, found by ear.

A canceller knows only what is linear. A speaker that is driven hard flattens its loudest
parts before the room hears them, and what that adds, some 12 dB below the echo, stays. Where
the reference is flattened in the same way first, the canceller sees a linear path again
(a Hammerstein model: without memory, then linear).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from device.audio.samples import Samples

KNEES = (math.inf, 20_000.0, 14_000.0, 10_000.0, 7_000.0, 5_000.0, 3_500.0, 2_500.0)
"""Where it begins to flatten, in units of int16; infinity for a speaker that does not."""
SEGMENT_SAMPLES = 4_096
"""256 ms at 16 kHz: as long as the canceller's memory."""
MEMORY = 0.85
"""How much of what was learned before one second of sound counts beside it."""
BETTER = 0.85
"""Another knee is taken when it leaves so much of what is left with the present one."""
ENOUGH_SEGMENTS = 10.0


def flattened(sound: NDArray[np.float32], knee: float) -> NDArray[np.float32]:
    """The sound as a speaker with this knee gives it: linear below, at most ``knee`` above."""
    if math.isinf(knee):
        return sound
    return np.asarray(sound / np.sqrt(1.0 + np.square(sound / np.float32(knee))), np.float32)


class Distortion:
    """Finds the knee of a speaker from what was played and what was heard of it.

    For each knee, how much of what is heard a linear path could explain (the coherence,
    averaged over segments); the one that explains most. 16 kHz, for one thread.
    """

    def __init__(self) -> None:
        self.knee = math.inf
        """The one that is believed at present."""
        size = SEGMENT_SAMPLES // 2 + 1
        self._window = np.hanning(SEGMENT_SAMPLES).astype(np.float32)
        self._heard = np.zeros(size)
        self._played = {knee: np.zeros(size) for knee in KNEES}
        self._cross = {knee: np.zeros(size, dtype=np.complex128) for knee in KNEES}
        self._segments = 0.0

    @property
    def is_found(self) -> bool:
        """Whether the speaker is believed to flatten anything."""
        return not math.isinf(self.knee)

    def apply(self, played: Samples) -> Samples:
        """The reference as the speaker gives it."""
        if not self.is_found:
            return played
        sound = flattened(played.astype(np.float32), self.knee)
        return np.asarray(np.rint(sound), dtype=np.int16)

    def learn(self, heard: Samples, played: Samples) -> bool:
        """Take a second of both, on the same time; true when another knee is believed now.

        ``played`` is the reference as it left, not flattened.
        """
        starts = range(0, len(heard) - SEGMENT_SAMPLES + 1, SEGMENT_SAMPLES // 2)
        if not starts or not played.any():
            return False
        spectra = self._spectra(heard.astype(np.float32), starts)
        self._heard = MEMORY * self._heard + (np.abs(spectra) ** 2).sum(axis=0)
        sound = played.astype(np.float32)
        for knee in KNEES:
            given = self._spectra(flattened(sound, knee), starts)
            self._played[knee] = MEMORY * self._played[knee] + (np.abs(given) ** 2).sum(axis=0)
            self._cross[knee] = MEMORY * self._cross[knee] + (spectra * given.conj()).sum(axis=0)
        self._segments = MEMORY * self._segments + len(starts)
        return self._segments >= ENOUGH_SEGMENTS and self._choose()

    def _choose(self) -> bool:
        left = {knee: self._left(knee) for knee in KNEES}
        best = min(left, key=left.__getitem__)
        if best == self.knee or left[best] > BETTER * left[self.knee]:
            return False
        self.knee = best
        return True

    def _left(self, knee: float) -> float:
        """How much power of what is heard no linear path from this reference explains."""
        explained = np.abs(self._cross[knee]) ** 2 / np.maximum(self._played[knee], 1e-9)
        return float(np.sum(np.maximum(self._heard - explained, 0.0)))

    def _spectra(self, sound: NDArray[np.float32], starts: range) -> NDArray[np.complex64]:
        segments = np.stack([sound[at : at + SEGMENT_SAMPLES] for at in starts])
        return np.asarray(np.fft.rfft(segments * self._window, axis=1), np.complex64)
