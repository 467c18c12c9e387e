"""A simple ear for the simulated cloud: loud is speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from device.realtime.events import WIRE_RATE_HZ

FRAME_MS = 20
FRAME_SAMPLES = FRAME_MS * WIRE_RATE_HZ // 1_000
ONSET_FRAMES = 3
"""So many loud frames in a row begin speech: a click does not."""


@dataclass(frozen=True)
class SpeechEdge:
    """Speech began or ended; ``at_ms`` counts the audio of the session."""

    what: Literal["started", "stopped"]
    at_ms: int


class EnergyVad:
    """Hears speech in 24 kHz audio by the level of 20 ms frames.

    ``loudness_dbfs`` is the RMS that counts as speech; ``silence_ms`` of less end it.
    """

    def __init__(self, loudness_dbfs: float, silence_ms: int) -> None:
        self.silence_ms = silence_ms
        self.is_speech = False
        self._least_rms = 32_768.0 * 10 ** (loudness_dbfs / 20)
        self._rest: NDArray[np.int16] = np.zeros(0, dtype=np.int16)
        self._frames = 0
        self._loud = 0
        self._quiet = 0

    def hear(self, samples: NDArray[np.int16]) -> list[SpeechEdge]:
        """Take the next samples; return what began or ended in them."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = samples[whole:]
        frames = samples[:whole].astype(np.float64).reshape(-1, FRAME_SAMPLES)
        levels = np.sqrt((frames**2).mean(axis=1)) if len(frames) else np.zeros(0)
        found = [self._frame(bool(level >= self._least_rms)) for level in levels]
        return [heard for heard in found if heard is not None]

    def _frame(self, is_loud: bool) -> SpeechEdge | None:
        self._frames += 1
        self._loud = self._loud + 1 if is_loud else 0
        self._quiet = 0 if is_loud else self._quiet + 1
        if not self.is_speech and self._loud >= ONSET_FRAMES:
            self.is_speech = True
            return SpeechEdge("started", (self._frames - ONSET_FRAMES) * FRAME_MS)
        if self.is_speech and self._quiet * FRAME_MS >= self.silence_ms:
            self.is_speech = False
            return SpeechEdge("stopped", self._frames * FRAME_MS)
        return None

    def forget(self) -> None:
        """Begin anew within the same clock, after a commit or a clear."""
        self.is_speech = False
        self._loud = self._quiet = 0
