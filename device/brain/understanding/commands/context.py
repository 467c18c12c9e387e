"""What was done before in the conversation, as far as a command may refer to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call that was made, and what came of it."""

    intent: str
    """The kind of tool that was called; empty for one that only its schema describes."""
    tool: str
    arguments: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def is_failure(self) -> bool:
        """Whether nothing came of it."""
        return bool(self.facts.get("error")) or self.facts.get("ok") is False


@dataclass(frozen=True, slots=True)
class Past:
    """What a command may refer to."""

    last: Sequence[PastCall] = ()
    """What was changed by the last turn that changed anything, in order."""
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names of timers, alarms and reminders that were told in this conversation."""
    domain: str = ""
    """What was last talked of: ``timer``, ``alarm``, ``reminder``, ``list``, ``volume``."""
    last_list: str = ""

    @property
    def intent(self) -> str:
        """The kind of the last change; empty if there was none."""
        return self.last[-1].intent if self.last else ""


DOMAINS: Mapping[str, str] = {
    "timer": "timer",
    "timers": "timer",
    "alarm": "alarm",
    "alarms": "alarm",
    "reminder": "reminder",
    "reminders": "reminder",
    "list": "list",
    "lists": "list",
    "volume": "volume",
}


def domain_of(intent: str) -> str:
    """What an intent is about: ``set_timer`` is about a ``timer``."""
    for word in reversed(intent.split("_")):
        if word in DOMAINS:
            return DOMAINS[word]
    return ""
