"""What is a near miss: the ears became interested, and then decided that it was nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

SHARE = 0.5
"""Of the first threshold: what lies below is not near."""
EPISODE_SAMPLES = 16_000
"""A word is over a second (16 kHz) after the interest began."""


class Scores(Protocol):
    """The wake path, as far as it is looked at here."""

    @property
    def peaks(self) -> dict[str, float]:
        """The highest score of each word that was compared with its threshold."""

    @property
    def suspicions(self) -> dict[str, float]:
        """The highest mean of the first model for each word."""

    def forget_peaks(self) -> None:
        """Begin to look for the highest scores again."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Something that resembled a word, and was not taken for it."""

    word: str
    score: float
    """The highest mean of the first model."""
    at_sample: int
    """Where the interest began, on the clock of the wake path."""


class Spotter:
    """Finds near misses in the scores; asked after each block, it costs two dictionaries."""

    def __init__(self, interests: Mapping[str, float]) -> None:
        """``interests``: for each word, the score from which its first model is interested."""
        self._levels = {word: SHARE * interest for word, interest in interests.items()}
        self._since: int | None = None
        self._rest_until = 0
        self._word = ""

    def restart(self) -> None:
        """Forget what was going on; the sound does not continue, its clock begins again."""
        self._since = None
        self._rest_until = 0

    def look(self, scores: Scores, position: int, was_heard: bool) -> NearMiss | None:
        """Look at the scores up to ``position``; ``was_heard``: a word counted just now."""
        if was_heard:
            self._since = None
            self._rest_until = position + EPISODE_SAMPLES
        if position < self._rest_until:
            # The scores of a word that counted stay up for a while.
            scores.forget_peaks()
            return None
        if self._since is None:
            self._begin(scores.suspicions, position)
            return None
        if position - self._since < EPISODE_SAMPLES:
            return None
        missed = NearMiss(self._word, scores.suspicions[self._word], self._since)
        self._since = None
        scores.forget_peaks()
        return missed

    def _begin(self, suspicions: Mapping[str, float], position: int) -> None:
        near = {word: peak for word, peak in suspicions.items() if peak > self._levels[word]}
        if near:
            self._word = max(near, key=lambda word: near[word] / self._levels[word])
            self._since = position
