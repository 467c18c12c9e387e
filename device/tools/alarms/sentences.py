"""What is said when something rings, and when it was missed (English)."""

from __future__ import annotations

import datetime as dt

from device.tools import spoken
from device.tools.alarms.entries import Countdown, Entry, Kind, Occasion, Ringing, Why

NOT_KEPT = "I couldn't save it, so it will be lost if I lose power."
CLOCK_NOT_SET = "My clock is not set yet: I'll put the day right when it is."
_LATE_S = 60.0
"""Later than that it is worth a word."""


def announcement(ringing: Ringing) -> str:
    """Say what rings: ``Your pasta timer is done.``"""
    entry = ringing.entry
    late = ""
    if ringing.late_s > _LATE_S:
        late = f" I'm late by {spoken.remaining(ringing.late_s)}."
    if entry.kind is Kind.REMINDER:
        return f"Here is your reminder: {entry.name}.{late}"
    if entry.kind is Kind.TIMER:
        return f"Your {timer_name(entry)} is done.{late}"
    name = f" {entry.name}." if entry.name else ""
    if isinstance(entry.when, Occasion):
        return f"It's {spoken.clock_time(entry.when.time)}.{name}{late}"
    return f"Your alarm.{name}{late}"


def missed_sentence(ringing: Ringing, zone: dt.tzinfo, today: dt.date) -> str:
    """Say what was missed, and why."""
    due = dt.datetime.fromtimestamp(ringing.due_wall_s, zone)
    entry = ringing.entry
    when = f"{spoken.day(due.date(), today)} at {spoken.clock_time(due.time())}"
    if entry.kind is Kind.REMINDER:
        what = f"You missed a reminder {when}: {entry.name}."
    elif entry.kind is Kind.TIMER:
        what = f"Your {timer_name(entry)} ended {when}."
    else:
        name = f" for {entry.name}" if entry.name else ""
        what = f"You missed your alarm{name} {when}."
    before = ""
    if ringing.missed_before == 1:
        before = " You missed the one before it, too."
    elif ringing.missed_before:
        before = f" You missed the {spoken.number(ringing.missed_before)} before it, too."
    return f"{what} {_REASONS[ringing.why or Why.OFF]}{before}"


_REASONS = {
    Why.OFF: "I was switched off.",
    Why.CLOCK: "My clock was wrong, and has just been set.",
    Why.STALLED: "I was too busy to ring.",
    Why.UNANSWERED: "It rang, but nobody stopped it.",
}


def timer_name(entry: Entry) -> str:
    """Name a timer by its name or its length: ``pasta timer``, ``timer for ten minutes``."""
    if entry.name:
        return entry.name if "timer" in entry.name.lower() else f"{entry.name} timer"
    if isinstance(entry.when, Countdown):
        return f"timer for {spoken.duration(entry.when.length_s)}"
    return "timer"


def alarm_name(entry: Entry, today: dt.date) -> str:
    """Name an alarm by its time: ``alarm for seven o'clock in the morning, on weekdays``."""
    if not isinstance(entry.when, Occasion):
        return alarm_title(entry)
    when = entry.when
    day = spoken.weekdays(when.weekdays) if when.weekdays else spoken.day(when.date, today)
    return f"{alarm_title(entry)}, {day}"


def alarm_title(entry: Entry) -> str:
    """Name an alarm by its time of day alone: ``alarm for seven o'clock in the morning``."""
    name = f"{entry.name} alarm" if entry.name else "alarm"
    if not isinstance(entry.when, Occasion):
        return name
    return f"{name} for {spoken.clock_time(entry.when.time)}"
