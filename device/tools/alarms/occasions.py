"""When the wall clock shows a time, in a world of daylight saving.

One rule covers every case: a time of day is reached at the first instant at which the
local clock shows it *or has passed it*. An hour that repeats has its first pass, an hour
that is skipped is over at the instant of the change.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from device.tools.alarms.entries import Occasion

_DAY = dt.timedelta(days=1)
_LONGEST_WAIT_DAYS = 16
"""A weekly alarm whose next date is left out comes within 14; a day of margin either side."""


@lru_cache(maxsize=1024)
def first_instant(date: dt.date, time: dt.time, zone: dt.tzinfo) -> float:
    """Seconds since 1970 at which the local clock first shows ``time`` of ``date``, or more."""
    wanted = dt.datetime.combine(date, time)
    # Of two passes fold=0 is the first. In a gap it is the second candidate: the offset
    # from before the change is applied, which lies after it.
    early, late = sorted(wanted.replace(tzinfo=zone, fold=fold).timestamp() for fold in (1, 0))
    if _shows(early, zone) == wanted:
        return early
    first, last = int(early), int(late)
    while last - first > 1:
        middle = (first + last) // 2
        if _shows(middle, zone) < wanted:
            first = middle
        else:
            last = middle
    return float(last)


def _shows(instant: float, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.fromtimestamp(instant, zone).replace(tzinfo=None, fold=0)


def due_s(occasion: Occasion, zone: dt.tzinfo) -> float:
    """When an occasion is due, in seconds since 1970."""
    return first_instant(occasion.date, occasion.time, zone)


def next_date(
    time: dt.time,
    weekdays: tuple[int, ...],
    after_s: float,
    zone: dt.tzinfo,
    but_not: dt.date | None = None,
) -> dt.date:
    """First date whose occasion lies after an instant; no weekdays means any."""
    # A zone may skip a whole day (Apia, 2011-12-30), whose occasion is then on the next.
    date = dt.datetime.fromtimestamp(after_s, zone).date() - _DAY
    for _ in range(_LONGEST_WAIT_DAYS):
        is_candidate = _falls_on(date, weekdays) and date != but_not
        if is_candidate and first_instant(date, time, zone) > after_s:
            return date
        date += _DAY
    raise AssertionError(f"no date for {time} on weekdays {weekdays} after {after_s}")


def next_ring(
    occasion: Occasion, after_s: float, zone: dt.tzinfo, rung_on: dt.date | None
) -> dt.date:
    """First date of a weekly occasion after an instant, the one left out left out."""
    date = next_date(occasion.time, occasion.weekdays, after_s, zone, rung_on)
    if date != occasion.skipped:
        return date
    return next_date(
        occasion.time, occasion.weekdays, first_instant(date, occasion.time, zone), zone
    )


def last_passed(occasion: Occasion, until_s: float, zone: dt.tzinfo) -> tuple[dt.date, int] | None:
    """Find the latest date, from an occasion's own on, whose time had come by an instant.

    Returns it with the number of dates before it that had passed as well (after a long
    time without power), or None when nothing has.
    """
    latest = dt.datetime.fromtimestamp(until_s, zone).date() + _DAY
    for back in range(_LONGEST_WAIT_DAYS):
        date = latest - back * _DAY if occasion.weekdays else occasion.date
        if date < occasion.date:
            return None
        is_candidate = _falls_on(date, occasion.weekdays) and date not in (
            occasion.rung_on,
            occasion.skipped,
        )
        if is_candidate and first_instant(date, occasion.time, zone) <= until_s:
            return date, _count(occasion, date)
    return None


def _count(occasion: Occasion, before: dt.date) -> int:
    """Dates on which an occasion falls, from its own up to another, that one left out."""
    weeks, days = divmod((before - occasion.date).days, 7)
    rest = ((occasion.date.weekday() + day) % 7 for day in range(days))
    return weeks * len(occasion.weekdays) + sum(day in occasion.weekdays for day in rest)


def _falls_on(date: dt.date, weekdays: tuple[int, ...]) -> bool:
    return not weekdays or date.weekday() in weekdays
