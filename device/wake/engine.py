"""What a wake word engine is: sound in, scores with their place out. No thresholds here."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
"""What every engine listens at."""


class Score(NamedTuple):
    """How much the sound up to ``end_sample`` resembles ``word``."""

    word: str
    value: float
    """A probability, 0 to 1."""
    end_sample: int
    """Position after the last sample that was looked at: 16 kHz, counted from the last reset."""
    opinions: tuple[float, ...] = ()
    """What each of several models says, where there are several; ``value`` is the highest."""


class WakeEngine(Protocol):
    """Looks for one or more words in a stream of sound."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words it looks for."""

    @property
    def settling_samples(self) -> int:
        """How much sound after a reset makes the scores what they would be without it."""

    def process(self, samples: NDArray[np.int16]) -> list[Score]:
        """Take the next samples, mono 16 kHz, any number; return the scores they complete.

        The scores do not depend on how the sound was cut into calls. In order of their
        position.
        """

    def reset(self) -> None:
        """Forget everything heard; positions begin at zero again."""
