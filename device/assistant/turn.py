"""One turn: a question, from what called for it to the end of its answer, and its times."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from device.assistant.calls import TurnCalls
from device.assistant.policy import Profile
from device.assistant.question import Question, WrittenQuestion
from device.realtime.failures import Reason


class Trigger(StrEnum):
    """What opened the microphone to an endpoint; there is no other way."""

    WAKE_WORD = "wake_word"
    BUTTON = "button"
    FOLLOW_UP = "follow_up"
    VOICE = "voice"
    """Speech during an answer, where that is allowed to interrupt."""
    TYPED = "typed"
    """Nothing did: the question came as text, and the microphone stays closed to all."""


class Mark(StrEnum):
    """Moments of a turn that its figures are made of, in the order they usually come."""

    WAKE = "wake_s"
    LINK_READY = "link_ready_s"
    FIRST_AUDIO_SENT = "first_audio_sent_s"
    SPEECH_END = "speech_end_s"
    FIRST_AUDIO_RECEIVED = "first_audio_received_s"
    FIRST_AUDIO_PLAYED = "first_audio_played_s"
    DONE = "done_s"


@dataclass(frozen=True, slots=True)
class Figures:
    """A turn's times in seconds on the core's clock, None for what never happened."""

    wake_s: float | None
    link_ready_s: float | None
    first_audio_sent_s: float | None
    speech_end_s: float | None
    first_audio_received_s: float | None
    first_audio_played_s: float | None
    done_s: float | None
    trigger: Trigger
    endpoint: str
    """Who was asked last; empty when nobody was."""

    @property
    def latency_s(self) -> float | None:
        """From the end of the question to the first sound of its answer."""
        if self.speech_end_s is None or self.first_audio_played_s is None:
            return None
        return self.first_audio_played_s - self.speech_end_s


class TurnPhase(Enum):
    """How far a turn has come; it goes back only from AWAITED, when the user had only paused."""

    ASKED = "asked"
    """The question is being asked."""
    AWAITED = "awaited"
    """The question is over for whoever decides that; nothing of an answer has been played."""
    ANSWERED = "answered"
    """Some of an answer has been played: too late to ask anybody else."""


@dataclass(slots=True)
class Turn:
    """What is known of the question that is being asked or answered."""

    number: int
    trigger: Trigger
    question: Question
    profile: Profile
    """Who is to answer: the wake word tells."""
    phase: TurnPhase = TurnPhase.ASKED
    tried: list[str] = field(default_factory=list)
    """Endpoints that failed this question."""
    failed_by: Reason | None = None
    """Why the first of them did, the house's own brain left out."""
    endpoint: str = ""
    calls: TurnCalls = field(default_factory=TurnCalls)
    """Tools that were run for it."""
    answer_began_s: float | None = None
    """When the first was heard of an answer, on the core's clock."""
    marks: dict[Mark, float] = field(default_factory=dict)

    @property
    def is_written(self) -> bool:
        """Nobody has spoken: nothing that is heard belongs to this question."""
        return isinstance(self.question, WrittenQuestion)

    def mark(self, what: Mark, at_s: float) -> None:
        """Note the first time something happened."""
        self.marks.setdefault(what, at_s)

    def figures(self) -> Figures:
        """The turn's times so far."""
        times = {
            mark.value: round(self.marks[mark], 4) if mark in self.marks else None for mark in Mark
        }
        return Figures(**times, trigger=self.trigger, endpoint=self.endpoint)
