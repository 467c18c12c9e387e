"""One turn: a question, from what called for it to the end of its answer, and its times."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from device.assistant.policy import Profile


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


@dataclass(slots=True)
class Turn:
    """What is known of the question that is being asked or answered."""

    number: int
    trigger: Trigger
    from_sample: int
    lead_ms: int = 0
    text: str = ""
    """The question, where it was typed."""
    profile: Profile = field(default_factory=Profile)
    """Who is to answer: the wake word tells."""
    until_sample: int | None = None
    """Where the speech ended, once the local detector knows."""
    speech_began: bool = False
    question_over: bool = False
    """The endpoint, or the device for it, has decided that the user has finished."""
    is_begin_known: bool = False
    """False while the ears still listen whether the wake word is over."""
    is_chimed: bool = False
    """A chime was played because nobody spoke on: the question begins after it."""
    is_cut: bool = False
    """It was too long; nothing more of it is sent."""
    is_replayed: bool = False
    """The whole question is being sent again; the endpoint hears its beginning late."""
    tried: list[str] = field(default_factory=list)
    """Endpoints that failed this question."""
    endpoint: str = ""
    answered: bool = False
    """Some of an answer has been played: too late to ask anybody else."""
    is_complete: bool = False
    """No more of an answer will come; what is queued may still be playing."""
    tool_rounds: int = 0
    notice: str = ""
    """A sentence of our own to be said after the answer."""
    marks: dict[Mark, float] = field(default_factory=dict)

    def mark(self, what: Mark, at_s: float) -> None:
        """Note the first time something happened."""
        self.marks.setdefault(what, at_s)

    def figures(self) -> Figures:
        """The turn's times so far."""
        times = {
            mark.value: round(self.marks[mark], 4) if mark in self.marks else None for mark in Mark
        }
        return Figures(**times, trigger=self.trigger, endpoint=self.endpoint)
