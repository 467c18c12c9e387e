"""What is kept: timers, alarms and reminders, and those of them that came due.

All of it is immutable. The store keeps each as JSON; fields may be added with a default,
never renamed, so that an older appliance still reads what a newer one has written.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import msgspec

from device.tools.moments import Moment


class Kind(StrEnum):
    """What a person called it."""

    TIMER = "timer"
    ALARM = "alarm"
    REMINDER = "reminder"


class Stamp(msgspec.Struct, frozen=True):
    """When something happened, on the clocks that a later process can compare with its own."""

    wall_s: float
    elapsed_s: float
    boot: str

    def age_s(self, now: Moment) -> float:
        """Seconds since: exact within one boot, by the wall clock across boots, never negative."""
        if self.boot == now.boot:
            return max(0.0, now.elapsed_s - self.elapsed_s)
        return max(0.0, now.wall_s - self.wall_s)


def stamp(now: Moment) -> Stamp:
    """Take down a moment."""
    return Stamp(now.wall_s, now.elapsed_s, now.boot)


class Countdown(msgspec.Struct, frozen=True, tag="countdown"):
    """Due after a span of time, whatever the wall clock does meanwhile."""

    length_s: float
    due_elapsed_s: float
    """On the elapsed clock of ``boot``."""
    boot: str
    due_wall_s: float
    """What the wall clock should show then: the only hold there is after another boot."""
    follows_wall: bool = False
    """Carried over from an earlier boot: when the wall clock is put forward, as the network
    does some seconds after a boot, that time has really passed, and counts."""
    paused_left_s: float | None = None
    """What is left of one that was paused: it is not due before it goes on."""

    def left_s(self, now: Moment) -> float:
        """Seconds until it is due, negative when it is overdue."""
        if self.paused_left_s is not None:
            return self.paused_left_s
        return self.due_elapsed_s - now.elapsed_s


class Occasion(msgspec.Struct, frozen=True, tag="occasion"):
    """Due when the wall clock here shows a time of day."""

    time: dt.time
    date: dt.date
    """The next date on which it is due."""
    weekdays: tuple[int, ...] = ()
    """Monday is 0; empty: once."""
    rung_on: dt.date | None = None
    """The last date on which it rang: never a second time on the same."""
    skipped: dt.date | None = None
    """A date of a weekly one on which it is left out."""


class Meaning(msgspec.Struct, frozen=True):
    """What was meant by a day, said while nothing had set the wall clock.

    At most one of the three is set; none: the next time the clock shows it.
    """

    said: Stamp
    days_ahead: int | None = None
    weekday: int | None = None
    """Monday is 0: the next one."""
    date: dt.date | None = None


class Entry(msgspec.Struct, frozen=True):
    """A timer, alarm or reminder that is waiting."""

    id: int
    kind: Kind
    name: str
    """What it is called, or the text of a reminder; may be empty."""
    when: Countdown | Occasion
    set_wall_s: float
    meaning: Meaning | None = None
    """Set while its date is a guess, until the clock is known to be right."""


class RingingPhase(StrEnum):
    """Where something that came due has got to."""

    RINGING = "ringing"
    SNOOZED = "snoozed"
    MISSED = "missed"
    """It never rang, or nobody stopped it; kept until somebody has been told."""


class Why(StrEnum):
    """Why something was missed."""

    OFF = "off"
    """The appliance was not running."""
    CLOCK = "clock"
    """The wall clock was put forward past it."""
    STALLED = "stalled"
    """The appliance ran, but did not get to it in time."""
    UNANSWERED = "unanswered"
    """It rang, and nobody stopped it."""


class Ringing(msgspec.Struct, frozen=True):
    """Something that came due: it rings, or is to ring again, or was missed."""

    id: int
    entry: Entry
    """As it was when it came due."""
    due_wall_s: float
    phase: RingingPhase
    since: Stamp
    """When it came to this phase."""
    late_s: float = 0.0
    """How long after its time it began to ring."""
    snooze: Countdown | None = None
    """When it is to ring again, while snoozed."""
    why: Why | None = None
    """Why it was missed."""
    missed_before: int = 0
    """Earlier occasions of the same alarm that passed unheard."""
