"""What the scheduler decides: first what to write down, then what to do.

A decision is one transaction followed by its effects. The order makes crashes harmless:
whatever was heard had been written down before, and whatever was not written down had
not been heard.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from device.tools.alarms.entries import Entry, Ringing


class RingingEnd(StrEnum):
    """Why something stopped ringing."""

    STOPPED = "stopped"
    SNOOZED = "snoozed"
    EXTENDED = "extended"
    """A timer was given more time while it rang."""
    TIMED_OUT = "timed_out"
    """Nobody came."""


@dataclass(frozen=True, slots=True)
class Put:
    """Keep a record; replaces the one of the same kind and id."""

    record: Entry | Ringing


@dataclass(frozen=True, slots=True)
class Delete:
    """Forget a record."""

    record: Entry | Ringing


@dataclass(frozen=True, slots=True)
class SoundAlarm:
    """Begin to ring, or go on louder."""

    ringing: Ringing
    loudness: float
    """0 to 1."""
    is_resumed: bool = False
    """It rang already when an earlier process ended, and nobody had stopped it."""


@dataclass(frozen=True, slots=True)
class SilenceAlarm:
    """Stop the sound of one."""

    ringing: Ringing
    ended: RingingEnd


@dataclass(frozen=True, slots=True)
class NoteMissed:
    """Tell somebody, when it suits, that this was missed."""

    ringing: Ringing


Write = Put | Delete
Effect = SoundAlarm | SilenceAlarm | NoteMissed


@dataclass(slots=True)
class Decision:
    """Collects what is to be written, then done."""

    writes: list[Write] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def add(self, writes: Iterable[Write] = (), effects: Iterable[Effect] = ()) -> None:
        """Put more at the end of both."""
        self.writes.extend(writes)
        self.effects.extend(effects)
