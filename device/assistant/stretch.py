"""The stretch of captured sound that is a question, and the floor under it.

The floor is where the question may begin at the earliest: the end of the wake word, the
press of the button, the beginning of the answer that is interrupted or followed up. It is
set when the stretch is made and never moves. Nothing before it is anybody's business: no
span of a stretch names an earlier sample, whatever was heard, in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of a question may be sent, whoever decides that it is over."""

    begin_sample: int
    """Where the question begins, without its lead."""
    most_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the captured sound to be sent; positions are on the capture clock."""

    floor_sample: int
    """Nothing before it is sent, the lead included."""
    from_sample: int | None
    """None: from now on."""
    lead_ms: int = 0
    """Begin this much earlier, but not before the floor."""
    until_sample: int | None = None
    """Where it ends; None: not yet known."""
    bound: Bound | None = None


class HearingPhase(Enum):
    """How far the question has come at the microphone."""

    QUIET = "quiet"
    """Nobody has spoken since the floor: what comes next may be the end of a breath."""
    CHIMED = "chimed"
    """Nobody had spoken, and so there was a chime: the question begins with what is said next."""
    SPEECH = "speech"
    """Somebody speaks."""
    SPOKEN = "spoken"
    """The local detector heard the end of it; whether it is the end of the question is open."""


class Stretch:
    """Where a question begins and ends in the captured sound."""

    def __init__(
        self,
        floor_sample: int,
        begin_sample: int | None = None,
        lead_ms: int = 0,
        *,
        most_ms: int | None = None,
    ) -> None:
        """``begin_sample``: where speech was heard to begin, None where the floor is all we know.

        ``lead_ms``: how much earlier it is to begin, for the soft onset a detector misses.
        ``most_ms``: no span of it goes further than that from where it begins.
        """
        self._floor_sample = floor_sample
        self._begin_sample = floor_sample if begin_sample is None else self._above(begin_sample)
        self._lead_ms = lead_ms
        self._most_ms = most_ms
        self._until_sample: int | None = None
        self.hearing = HearingPhase.QUIET if begin_sample is None else HearingPhase.SPEECH

    @property
    def floor_sample(self) -> int:
        """Where the question may begin at the earliest."""
        return self._floor_sample

    @property
    def begin_sample(self) -> int:
        """Where it begins, as far as is known: never before the floor."""
        return self._begin_sample

    def chimed(self) -> None:
        """A chime is played because nobody spoke."""
        assert self.hearing is HearingPhase.QUIET, "nobody who has spoken is chimed at"
        self.hearing = HearingPhase.CHIMED

    def speech_began(self, at_sample: int, lead_ms: int) -> None:
        """The local detector heard speech begin, for the first time or again."""
        if self.hearing is HearingPhase.CHIMED:
            # The chime is before it, and nothing that was said: the question begins here.
            self._begin_sample, self._lead_ms = self._above(at_sample), lead_ms
        self._until_sample = None
        self.hearing = HearingPhase.SPEECH

    def speech_reported(self) -> None:
        """The endpoint hears speech in what it has got: the question begins where that began."""
        if self.hearing in (HearingPhase.QUIET, HearingPhase.CHIMED):
            self.hearing = HearingPhase.SPEECH

    def speech_ended(self, at_sample: int) -> None:
        """The local detector heard speech end, perhaps only for a pause."""
        self._until_sample = max(at_sample, self._begin_sample)
        self.hearing = HearingPhase.SPOKEN

    @property
    def until_sample(self) -> int | None:
        """Where the speech ended, None while it goes on."""
        return self._until_sample

    def whole(self) -> Span:
        """All of it, up to its end where that is known."""
        return Span(
            self._floor_sample, self._begin_sample, self._lead_ms, self._until_sample, self._bound
        )

    def live(self) -> Span:
        """All of it, and what will come."""
        return Span(self._floor_sample, self._begin_sample, self._lead_ms, bound=self._bound)

    def since(self, at_sample: int, lead_ms: int) -> Span:
        """What is said from a place on."""
        return Span(self._floor_sample, self._above(at_sample), lead_ms, bound=self._bound)

    def from_now(self, lead_ms: int) -> Span:
        """What is said from now on."""
        return Span(self._floor_sample, None, lead_ms, bound=self._bound)

    @property
    def _bound(self) -> Bound | None:
        return None if self._most_ms is None else Bound(self._begin_sample, self._most_ms)

    def _above(self, at_sample: int) -> int:
        return max(at_sample, self._floor_sample)
