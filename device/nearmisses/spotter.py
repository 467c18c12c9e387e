"""What is a near miss: the ears became interested, and then decided that it was nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

SHARE = 0.5
"""Of a word's threshold: what lies below is not near. For a word with a second look it is also
near when the first model alone was half certain; its mere interest is no sign, since it is
interested in much of what people say."""
EPISODE_SAMPLES = 16_000
"""A word is over a second (16 kHz) after the interest began."""


class ScoringWakePath(Protocol):
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
    """The highest that was made of it, by both models or by the first alone."""
    at_sample: int
    """Where the interest began, on the clock of the wake path."""


class Spotter:
    """Finds near misses in the scores; asked after each block, it costs two dictionaries."""

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        """``thresholds``: for each word, the score from which it counts."""
        self._thresholds = thresholds
        self._since: int | None = None
        self._rest_until = 0
        self._word = ""

    def restart(self) -> None:
        """Forget what was going on; the sound does not continue, its clock begins again."""
        self._since = None
        self._rest_until = 0

    def look(self, scores: ScoringWakePath, position: int, was_heard: bool) -> NearMiss | None:
        """Look at the scores up to ``position``; ``was_heard``: a word counted just now."""
        if was_heard:
            self._since = None
            self._rest_until = position + EPISODE_SAMPLES
        if position < self._rest_until:
            # The scores of a word that counted stay up for a while.
            scores.forget_peaks()
            return None
        if self._since is None:
            self._begin(scores, position)
            return None
        if position - self._since < EPISODE_SAMPLES:
            return None
        word = self._word
        score = max(scores.peaks[word], scores.suspicions[word])
        missed = NearMiss(word, score, self._since)
        self._since = None
        scores.forget_peaks()
        return missed

    def _begin(self, scores: ScoringWakePath, position: int) -> None:
        peaks, suspicions = scores.peaks, scores.suspicions
        nearness = {
            word: max(peaks[word] / threshold, suspicions[word])
            for word, threshold in self._thresholds.items()
        }
        nearest = max(nearness, key=lambda word: nearness[word])
        if nearness[nearest] > SHARE:
            self._word = nearest
            self._since = position
