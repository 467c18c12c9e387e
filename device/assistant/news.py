"""What the core tells: what happened, in types, for whoever wants to know.

News is for the log, for ``--json``, for counters and for tests. Nothing of it asks for
anything: that is what effects are for. Whoever takes news matches on its types, and ends
the match with ``assert_never``, so that a new kind is forgotten nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.assistant.budget import BudgetLevel
from device.assistant.turn import Figures, Trigger
from device.realtime.failures import Reason


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """A question is listened to, or was typed: whatever counts by turns begins anew."""

    turn: int
    trigger: Trigger
    at_sample: int | None = None
    """Where it began, on the capture clock; None where nothing was heard."""


@dataclass(frozen=True, slots=True)
class WakeHeard:
    """The turn began with this wake word."""

    turn: int
    word: str
    score: float
    """Peak probability of the detector, 0 to 1."""
    at_s: float


@dataclass(frozen=True, slots=True)
class NobodySpoke:
    """Nothing followed the wake word or the button."""

    turn: int


@dataclass(frozen=True, slots=True)
class QuestionHeard:
    """What the user said, as the endpoint understood it."""

    turn: int
    text: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class AnswerSaid:
    """What was said in answer, as far as it was heard."""

    turn: int
    text: str
    endpoint: str
    is_interrupted: bool = False


@dataclass(frozen=True, slots=True)
class ToolRan:
    """A tool that the model called has an outcome, and the model has been told."""

    turn: int
    name: str
    arguments: str
    """JSON as the model wrote it."""
    result: str
    """JSON for the model."""


@dataclass(frozen=True, slots=True)
class NoticeSaid:
    """A sentence of our own is said."""

    turn: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class LinkBroke:
    """The link in use is of no more use."""

    turn: int
    endpoint: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class EventRefused:
    """The endpoint refused an event of ours, and goes on."""

    turn: int
    endpoint: str
    detail: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody is left who could answer the question."""

    turn: int
    reason: str
    """That of the last failure, ``budget``, or ``no endpoint``."""
    tried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerStopped:
    """No more of the answer is heard: a check says so, or it was longer than any may be."""

    turn: int
    endpoint: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn is over, answered or not."""

    turn: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class PlaybackStalled:
    """The speaker did not play the answer."""

    turn: int
    unplayed: int
    """How many items of it."""


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """The budget of the month is used up to another level."""

    turn: int
    level: BudgetLevel
    spent_usd: float
    month_usd: float
    """The budget itself."""


@dataclass(frozen=True, slots=True)
class EchoTold:
    """Our own voice can be told from other people's, or cannot any more."""

    turn: int
    works: bool


@dataclass(frozen=True, slots=True)
class MicrophoneBroke:
    """Nothing can be heard."""

    turn: int
    detail: str


@dataclass(frozen=True, slots=True)
class MicrophoneBack:
    """It can be heard again."""

    turn: int


News = (
    TurnBegan
    | WakeHeard
    | NobodySpoke
    | QuestionHeard
    | AnswerSaid
    | ToolRan
    | NoticeSaid
    | LinkBroke
    | EventRefused
    | Unanswered
    | AnswerStopped
    | TurnEnded
    | PlaybackStalled
    | BudgetChanged
    | EchoTold
    | MicrophoneBroke
    | MicrophoneBack
)
"""``turn`` is the number of the turn it belongs to, or of the last one before it."""
