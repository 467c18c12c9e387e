"""What a person meant by a day, said to a clock that nobody has set yet.

"Tomorrow at half past six" said on a Raspberry Pi that does not know the date means the
tomorrow of the person. So the words are kept beside the date that was made of them, with
the moment at which they were said, and are read again when the clock is put right.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from device.tools.alarms.entries import Entry, Meaning, Occasion, Stamp, stamp
from device.tools.alarms.occasions import next_date
from device.tools.days import names_weekday
from device.tools.moments import Moment

_DAY = dt.timedelta(days=1)
_MADE_OF_TODAY_DAYS = 7
"""A date as near as that was counted from a wrong today, by whoever wrote it in digits."""


def meaning(date: dt.date | None, text: str | None, now: Moment) -> Meaning:
    """Take down what was meant by ``text``, of which a clock that is not set made ``date``."""
    if date is None:
        return Meaning(stamp(now))
    if text is not None and names_weekday(text):
        return Meaning(stamp(now), weekday=date.weekday())
    days = (date - now.local.date()).days
    if 0 <= days <= _MADE_OF_TODAY_DAYS:
        return Meaning(stamp(now), days_ahead=days)
    return Meaning(stamp(now), date=date)


def read_again(entry: Entry, now: Moment) -> Entry:
    """Give an entry the date that was meant, by what the clock shows now."""
    meant, when = entry.meaning, entry.when
    if meant is None or not isinstance(when, Occasion):
        return entry
    said_s = now.wall_s - meant.said.age_s(now)
    return msgspec.structs.replace(
        entry, when=msgspec.structs.replace(when, date=_date(meant, when, said_s, now.zone))
    )


def carried_over(entry: Entry, now: Moment, *, is_trusted: bool) -> Entry:
    """Bring what was said in an earlier boot to the clocks of this one.

    How long ago that was, two clocks say that go on from one another as long as neither is
    right. One that is right by now says nothing about it: then it counts as said just now.
    """
    meant = entry.meaning
    if meant is None or meant.said.boot == now.boot:
        return entry
    age_s = 0.0 if is_trusted else meant.said.age_s(now)
    said = Stamp(now.wall_s - age_s, now.elapsed_s - age_s, now.boot)
    return msgspec.structs.replace(entry, meaning=msgspec.structs.replace(meant, said=said))


def _date(meant: Meaning, when: Occasion, said_s: float, zone: dt.tzinfo) -> dt.date:
    if when.weekdays:
        return next_date(when.time, when.weekdays, said_s, zone)
    if meant.weekday is not None:
        return next_date(when.time, (meant.weekday,), said_s, zone)
    if meant.days_ahead is not None:
        return dt.datetime.fromtimestamp(said_s, zone).date() + meant.days_ahead * _DAY
    return meant.date or next_date(when.time, (), said_s, zone)
