"""What comes of reading a command."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from device.brain.understanding.intents.recognition import Understood


@dataclass(frozen=True, slots=True)
class Lacking:
    """A command without something that it needs: to be asked for."""

    command: Understood
    lacks: str
    """``duration``, ``when``, ``time``, ``days``, ``text``, ``item``, ``name``, ``percent``."""
    said: str
    """The command as it was said, which the answer completes."""
    problem: str = ""
    """Key of what is to be said before the question (``repeats`` says what cannot be had)."""
    part: str = ""
    """The words that the problem is about."""


@dataclass(frozen=True, slots=True)
class Act:
    """Everything was understood."""

    commands: tuple[Understood, ...]
    lacking: Lacking | None = None
    """One more command of the same sentence, which still needs something."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Understood, and so much that it is asked first; ``key`` says the question."""

    commands: tuple[Understood, ...]
    key: str
    slots: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A command, but some of its words are for nothing."""

    part: str
    """Those words as they were said; empty where none of it can be named."""
    intent: str = ""


@dataclass(frozen=True, slots=True)
class Cannot:
    """Understood, and not possible; ``key`` says why in the language's replies."""

    key: str
    slots: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """Asked not to do something: nothing is done, and that is said."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The question was waved away."""


Outcome: TypeAlias = Act | Confirm | Lacking | Unclear | Cannot | Leave | Dropped
