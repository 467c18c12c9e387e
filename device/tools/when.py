"""When something is to ring, as a model says it: a time of day, with a date or weekdays."""

from __future__ import annotations

import datetime as dt

from device.phrases.book import Day, Phrase, phrase
from device.phrases.en.forms import WEEKDAYS
from device.tools.alarms.entries import Countdown, Entry
from device.tools.alarms.occasions import first_instant
from device.tools.answers import ToolError
from device.tools.days import names_weekday, parse_date
from device.tools.moments import Moment

_FARTHEST = dt.timedelta(days=5 * 366)
_WEEK = dt.timedelta(days=7)


def date_ahead(text: str, time: dt.time, now: Moment) -> dt.date:
    """Read a date on which a time is still ahead; raises :class:`ToolError` for the past.

    The name of a weekday means its next one, today only while the time is ahead.
    """
    today = now.local.date()
    date = parse_date(text, today)
    if date - today > _FARTHEST:
        raise ToolError(f"{date} is too far away: five years at most")
    is_past = first_instant(date, time, now.zone) <= now.wall_s
    if is_past and names_weekday(text):
        return date + _WEEK
    if is_past:
        raise ToolError(
            f"{date} {time:%H:%M} has passed; it is {now.local:%Y-%m-%d %H:%M} now",
            spoken=phrase("time_has_passed"),
        )
    return date


def when_facts(entry: Entry, now: Moment) -> dict[str, object]:
    """Say when an entry is due, for a model."""
    when = entry.when
    if isinstance(when, Countdown):
        due = now.local + dt.timedelta(seconds=when.left_s(now))
        return {"time": due.strftime("%H:%M"), "date": due.date().isoformat(), "weekdays": []}
    return {
        "time": when.time.strftime("%H:%M"),
        "date": when.date.isoformat(),
        "weekdays": [WEEKDAYS[day].lower() for day in when.weekdays],
    }


def when_spoken(entry: Entry, now: Moment) -> Phrase:
    """Say when an entry is due: ``tomorrow at seven o'clock in the morning``."""
    when = entry.when
    if isinstance(when, Countdown):
        return phrase("in_a_while", left=when.left_s(now))
    if when.weekdays:
        return phrase("every_week_at", days=when.weekdays, time=when.time)
    return phrase("on_day_at", day=Day(when.date, now.local.date()), time=when.time)
