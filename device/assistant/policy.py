"""The numbers the core decides by: how long it waits, and for what."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from device.assistant.budget import Budget


class BargeIn(StrEnum):
    """What interrupts an answer that is playing, besides the button."""

    OFF = "off"
    WAKE_WORD = "wake_word"
    VOICE = "voice"
    """Any speech; needs echo cancellation, or the speaker interrupts itself."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the appliance behaves; the settings' ``[assistant]`` in the core's terms."""

    follow_up_s: float = 8.0
    """After an answer that asks something, how long a question needs no wake word; 0 = none,
    after any answer."""
    follow_up_statement_s: float = 5.0
    """The same after an answer that only tells."""
    follow_up_done_s: float = 0.0
    """The same after one that only says that a command was carried out."""
    follow_ups: int = 4
    """Questions without a wake word that may follow each other."""
    follow_up_limit_s: float = 8.0
    """Most sound of such a question that is sent. Speech that goes on for so long without a
    pause was no question, and is not answered."""
    follow_up_drop_db: float = 10.0
    """A follow-up may be this much softer than the question was; see docs/conversation.md."""
    barge_in: BargeIn = BargeIn.WAKE_WORD
    no_speech_timeout_s: float = 6.0
    """After the wake word, how long the appliance waits for a first word."""
    turn_limit_s: float = 30.0
    """Most sound of one question that is sent, pauses included, to one endpoint."""
    answer_limit_s: float = 600.0
    """An answer that is longer, its tools and its playing included, is ended there."""
    link_idle_s: float = 20.0
    """How long a link is kept after a conversation, so that the next question starts at once."""
    memory_s: float = 300.0
    """How old a sentence may be to be repeated to a new link as history."""
    tool_timeout_s: float = 20.0
    tool_rounds: int = 8
    """Responses that call tools, one after the other, before we stop asking for more."""
    playback_slack_s: float = 5.0
    """How much later than expected an answer may finish playing before we give it up."""
    chime: bool = True
    chime_delay_s: float = 0.25
    """Who speaks on within this time of the wake word's end is not chimed at."""
    word_end_timeout_s: float = 0.6
    """The ears tell where the wake word ended within 0.45 s; later, their guess is taken."""
    say_notices: bool = True
    budget: Budget = field(default_factory=Budget)
    lead_ms: int = 300
    """Audio sent from before the place where the detector heard speech begin."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Who answers to a wake word, and as whom; the default one has no name."""

    name: str = ""
    endpoints: tuple[str, ...] = ()
    """Who is asked, in this order; empty: all there are, in theirs."""


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """What the core knows of one endpoint, in the order in which they are asked."""

    name: str
    is_local: bool = False
    is_charged: bool = False
    """Its answers cost something."""
    sees: bool = False
    """Its model understands pictures."""
    detects_turns: bool = True
    """It decides that the user has finished; else the device does, commits and asks."""
    link_timeout_s: float = 9.0
    """From asking for a link to its session being ready."""
    answer_timeout_s: float = 8.0
    """From the end of the question to the first event of an answer, and between its events."""
    endpointing_timeout_s: float = 4.0
    """How much longer than the device an endpoint may take to notice that speech has ended."""
    tail_silence_ms: int = 1200
    """Silence that surely ends a turn at this endpoint's detector."""
    retry_after_s: float = 15.0
    """How long an endpoint that failed is left alone, at first; doubled while it fails."""
