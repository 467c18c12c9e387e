"""Whose wake word was it? What the appliance played is listened to just as the room is."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from device.audio.samples import Samples

REMEMBERED_S = 4.0
EARLY_S, LATE_S = 1.2, 0.3
"""The own word is scored in the reference so long before to after its echo: an echo is
heard a little less clearly than what made it, and a second look takes up to 0.4 s."""
OWN_SHARE, STRICT_SHARE = 0.4, 0.15
"""How much of a word's threshold the reference has to reach for the word to be its own:
played sound is clean, and scores high or not at all."""
UNALIGNED_S = 1.0
"""As long again while the delay of the echo is not known."""
RATE_HZ = 16_000


class Scoring(Protocol):
    """A wake engine, as far as it is needed here."""

    def process(self, samples: Samples) -> Sequence[tuple[str, float, int]]:
        """Take the next samples; return words, scores and positions since the reset."""

    def reset(self) -> None:
        """Forget everything heard."""


class OwnVoice:
    """Scores the reference on the time of the microphone, and answers for its words."""

    def __init__(self, engine: Scoring, thresholds: Mapping[str, tuple[float, int]]) -> None:
        """``thresholds``: for each word the mean from which it counts or is looked at again
        when somebody else says it, and how many scores are in the mean."""
        self._engine = engine
        self._thresholds = thresholds
        self._recent: dict[str, deque[float]] = {
            word: deque(maxlen=window) for word, (_, window) in thresholds.items()
        }
        self._said: deque[tuple[str, int, float]] = deque()
        self._origin = 0
        self._next: int | None = None

    def process(self, played: Samples, at: int) -> None:
        """Listen to what was played; ``at``: when it is heard, on the capture clock."""
        if self._next != at:
            self._engine.reset()
            self._origin = at
            for scores in self._recent.values():
                scores.clear()
        self._next = at + len(played)
        for word, value, end in self._engine.process(played):
            self._score(word, value, self._origin + end)
        while self._said and self._said[0][1] < at - REMEMBERED_S * RATE_HZ:
            self._said.popleft()

    def _score(self, word: str, value: float, at: int) -> None:
        recent = self._recent[word]
        recent.append(value)
        threshold, window = self._thresholds[word]
        share = sum(recent) / window / threshold
        if share >= STRICT_SHARE:
            self._said.append((word, at, share))

    def said(self, word: str, at: int, *, is_aligned: bool) -> bool:
        """Whether a word that was heard at a sample was the appliance's own.

        Where it is not known how late the echo is, or the echo is not taken out, anything
        like the word at about that time is enough.
        """
        more_s, least = (0.0, OWN_SHARE) if is_aligned else (UNALIGNED_S, STRICT_SHARE)
        first = at - (EARLY_S + more_s) * RATE_HZ
        last = at + (LATE_S + more_s) * RATE_HZ
        return any(
            word == said and first <= when <= last and share >= least
            for said, when, share in self._said
        )
