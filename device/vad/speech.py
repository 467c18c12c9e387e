"""The speech path: Silero and the endpointer over a stream with positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.vad.endpointing import Ended, Endpointer, SpeechRule, Started
from device.vad.silero import Silero


class SpeechPipeline:
    """Sound in, beginnings and ends of speech out; rests until it is begun.

    Positions count 16 kHz samples on whatever clock ``begin`` names.
    """

    def __init__(self, silero: Silero, rule: SpeechRule) -> None:
        self._silero = silero
        self._endpointer = Endpointer(rule)
        self._position = 0
        self._begin_at = 0
        self.is_on = False

    def begin(self, position: int) -> None:
        """Listen from this position on; a hearing that was under way is forgotten."""
        self._silero.reset()
        self._endpointer.reset(position)
        self._begin_at = position
        self.is_on = True

    def end(self) -> None:
        """Rest."""
        self.is_on = False

    def process(self, samples: NDArray[np.int16], position: int) -> list[Started | Ended]:
        """Take the next samples, whose first lies at ``position``; return what was decided.

        What lies before the position that ``begin`` named is not listened to.
        """
        early = max(0, self._begin_at - position)
        if not self.is_on or early >= len(samples):
            return []
        decided = map(self._endpointer.update, self._silero.process(samples[early:]))
        return [each for each in decided if each is not None]
