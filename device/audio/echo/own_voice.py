"""Whose wake word was it? What the appliance played is listened to just as the room is."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
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
    """The wake path, second look included, as far as it is needed here.

    Only what both models think tells a wake word from other speech: the first one alone is
    interested in a word out of ten, and whatever is played would pass for the wake word.
    """

    @property
    def peaks(self) -> Mapping[str, float]:
        """The highest score of each word since they were last forgotten."""

    def process(self, samples: Samples) -> object:
        """Take the next samples."""

    def forget_peaks(self) -> None:
        """Begin to look for the highest scores again."""

    def restart(self) -> None:
        """What comes next does not continue what came before."""


class OwnVoice:
    """Scores the reference on the time of the microphone, and answers for its words."""

    def __init__(self, path: Scoring, thresholds: Mapping[str, float]) -> None:
        """``thresholds``: for each word the score from which it counts when somebody else
        says it."""
        self._path = path
        self._thresholds = thresholds
        self._said: deque[tuple[str, int, float]] = deque()
        self._next: int | None = None

    def process(self, played: Samples, at: int) -> None:
        """Listen to what was played; ``at``: when it is heard, on the capture clock."""
        if self._next != at:
            self._path.restart()
        self._next = at + len(played)
        self._path.process(played)
        for word, score in self._path.peaks.items():
            share = score / self._thresholds[word]
            if share >= STRICT_SHARE:
                self._said.append((word, self._next, share))
        self._path.forget_peaks()
        while self._said and self._said[0][1] < at - REMEMBERED_S * RATE_HZ:
            self._said.popleft()

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
