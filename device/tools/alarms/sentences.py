"""What is said when something rings, and when it was missed."""

from __future__ import annotations

import datetime as dt

from device.phrases.book import Day, Phrase, Said, phrase
from device.tools.alarms.entries import Countdown, Entry, Kind, Occasion, Ringing, Why

NOT_KEPT = phrase("not_kept")
CLOCK_NOT_SET = phrase("clock_not_set")
_LATE_S = 60.0
"""Later than that it is worth a word."""


def announcement(ringing: Ringing) -> list[Phrase]:
    """Say what rings: ``Your pasta timer is done.``"""
    entry = ringing.entry
    said = _what_rings(entry)
    if ringing.late_s > _LATE_S:
        said.append(phrase("rings_late", late=ringing.late_s))
    return said


def _what_rings(entry: Entry) -> list[Phrase]:
    if entry.kind is Kind.REMINDER:
        return [phrase("rings_reminder", text=entry.name)]
    if entry.kind is Kind.TIMER:
        return [phrase("timer_done", timer=timer_name(entry))]
    said = [phrase("rings_alarm")]
    if isinstance(entry.when, Occasion):
        said = [phrase("rings_alarm_at", time=entry.when.time)]
    if entry.name:
        said.append(phrase("rings_for", name=entry.name))
    return said


def missed_sentence(ringing: Ringing, zone: dt.tzinfo, today: dt.date) -> list[Phrase]:
    """Say what was missed, and why."""
    due = dt.datetime.fromtimestamp(ringing.due_wall_s, zone)
    when = phrase("on_day_at", day=Day(due.date(), today), time=due.time())
    said = [_what_was_missed(ringing.entry, when), _REASONS[ringing.why or Why.OFF]]
    if ringing.missed_before == 1:
        said.append(phrase("missed_one_before"))
    elif ringing.missed_before:
        said.append(phrase("missed_before", count=ringing.missed_before))
    return said


def _what_was_missed(entry: Entry, when: Phrase) -> Phrase:
    if entry.kind is Kind.REMINDER:
        return phrase("missed_reminder", when=when, text=entry.name)
    if entry.kind is Kind.TIMER:
        return phrase("missed_timer", timer=timer_name(entry), when=when)
    if entry.name:
        return phrase("missed_alarm_named", name=entry.name, when=when)
    return phrase("missed_alarm", when=when)


_REASONS = {
    Why.OFF: phrase("missed_being_off"),
    Why.CLOCK: phrase("missed_by_clock"),
    Why.STALLED: phrase("missed_being_busy"),
    Why.UNANSWERED: phrase("missed_unanswered"),
}


def timer_name(entry: Entry) -> Said:
    """Name a timer by its name or its length: ``pasta timer``, ``timer for ten minutes``."""
    if entry.name:
        is_called_so = "timer" in entry.name.lower()
        return entry.name if is_called_so else phrase("timer_named", name=entry.name)
    if isinstance(entry.when, Countdown):
        return phrase("timer_of", length=entry.when.length_s)
    return phrase("timer")


def alarm_name(entry: Entry, today: dt.date) -> Phrase:
    """Name an alarm by its time: ``alarm for seven o'clock in the morning, on weekdays``."""
    title = alarm_title(entry)
    if not isinstance(entry.when, Occasion):
        return title
    if entry.when.weekdays:
        return phrase("alarm_every_week", alarm=title, days=entry.when.weekdays)
    return phrase("alarm_on_day", alarm=title, day=Day(entry.when.date, today))


def alarm_title(entry: Entry) -> Phrase:
    """Name an alarm by its time of day alone: ``alarm for seven o'clock in the morning``."""
    name = phrase("alarm_named", name=entry.name) if entry.name else phrase("alarm")
    if not isinstance(entry.when, Occasion):
        return name
    return phrase("alarm_at", alarm=name, time=entry.when.time)
