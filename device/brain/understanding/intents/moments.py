"""Reads times of day, dates, weekdays, and the mixtures of them that people say."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from device.brain.understanding.intents.quantities import Quantities

Half = Literal["am", "pm"]

_CLOCK = re.compile(r"^([01]?\d|2[0-4])[:.]([0-5]\d)$")
_MILITARY = re.compile(r"^([01]\d|2[0-3])([0-5]\d)$")
_RUN_TOGETHER = re.compile(r"^([1-9])([0-5]\d)$")
"""How a transcriber may write "six thirty"."""
_ISO = re.compile(r"^\d{4}-\d\d-\d\d$")
_ORDINAL = re.compile(r"^(\d{1,2})([a-z]+)$")
EARLIEST_HOUR = 7
"""A bare "at seven" on another day is seven in the morning, "at six" the evening's."""
EARLIEST_WAKING_HOUR = 4
"""Unless it is an alarm: then people mean the morning from four o'clock on."""
_SMALL_HOURS = 5
_MOST_WORDS = 14


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day as it was said; ``half`` is None where it could be either."""

    hour: int
    minute: int
    half: Half | None = None

    @property
    def is_certain(self) -> bool:
        """Whether only one time of the day can be meant."""
        return self.half is not None or self.hour > 12 or self.hour == 0

    def in_half(self, half: Half) -> ClockTime:
        """Take over "in the morning" or "tonight"; a time that has its half keeps it."""
        return self if self.is_certain else replace(self, half=half)

    @property
    def times(self) -> tuple[dt.time, ...]:
        """The times that can be meant, earliest first."""
        if self.is_certain:
            hour = self.hour % 12 + (12 if self.half == "pm" else 0) if self.half else self.hour
            return (dt.time(hour % 24, self.minute),)
        return (dt.time(self.hour % 12, self.minute), dt.time(self.hour % 12 + 12, self.minute))


@dataclass(frozen=True, slots=True)
class When:
    """When something is to happen; at least one field is set."""

    time: dt.time | None = None
    date: dt.date | None = None
    weekdays: tuple[int, ...] = ()
    """Monday is 0; empty: once."""
    after_s: float | None = None
    """Seconds from now, instead of a time."""

    def instant(self, now: dt.datetime) -> dt.datetime | None:
        """The first moment that is meant, in the zone of ``now``; None without a time."""
        if self.after_s is not None:
            return now + dt.timedelta(seconds=self.after_s)
        if self.time is None:
            return None
        day = self.date or now.date()
        while True:
            moment = dt.datetime.combine(day, self.time, now.tzinfo)
            fits = not self.weekdays or day.weekday() in self.weekdays
            if fits and (moment > now or self.date is not None):
                return moment
            day += dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What has been read of a text so far; each part at most once."""

    time: ClockTime | None = None
    date: dt.date | None = None
    weekdays: tuple[int, ...] = ()
    half: Half | None = None
    half_phrase: str = ""
    part_of_day: str | None = None
    after_s: float | None = None


class Moments:
    """Reads the times and days of one language, whose words it is given."""

    def __init__(self, words: Mapping[str, Any], quantities: Quantities) -> None:
        self._words = words
        self._quantities = quantities
        self._weekdays = {
            name: number for number, names in enumerate(words["weekdays"]) for name in names
        }
        self._months = {
            name: number for number, names in enumerate(words["months"], start=1) for name in names
        }
        self._halves: dict[str, Half] = {
            **dict.fromkeys(words["before_noon"], "am"),
            **dict.fromkeys(words["after_noon"], "pm"),
        }
        self._named = {
            name: dt.time.fromisoformat(value) for name, value in words["named_times"].items()
        }

    @property
    def halves(self) -> Mapping[str, Half]:
        """Phrases that say which half of the day is meant."""
        return self._halves

    def half_of(self, phrase: str) -> Half:
        """Return the half of the day that a phrase such as ``morning`` lies in."""
        return self._halves.get(phrase) or _half_of(self._part(phrase).hour)

    # ------------------------------------------------------------------ times

    def time_of_day(self, text: str) -> ClockTime | None:
        """Read a text that is a time: ``7``, ``half past six``, ``quarter to 8 in the morning``."""
        text = self._without(text, "at")
        for phrase in sorted(self._halves, key=len, reverse=True):
            if text.endswith(f" {phrase}"):
                time = self._bare_time(text.removesuffix(phrase).strip())
                return self._in_half(time, phrase) if time else None
        return self._bare_time(text)

    def _in_half(self, time: ClockTime, phrase: str) -> ClockTime:
        """Take over a half of the day; "twelve at night" and "two at night" are past midnight."""
        is_small = time.hour == 12 or time.hour < _SMALL_HOURS
        if phrase in self._words["at_night"] and is_small:
            return time.in_half("am")
        return time.in_half(self._halves[phrase])

    def _bare_time(self, text: str) -> ClockTime | None:
        if named := self._named.get(text):
            return ClockTime(named.hour, named.minute, "pm" if named.hour else "am")
        if clock := _CLOCK.match(text):
            # "07:30" is the morning; "7:30" could be either.
            is_24h = text.startswith("0") or int(clock[1]) == 0
            return ClockTime(int(clock[1]) % 24, int(clock[2]), "am" if is_24h else None)
        if short := _RUN_TOGETHER.match(text):
            return ClockTime(int(short[1]), int(short[2]))
        if military := _MILITARY.match(text):
            return ClockTime(int(military[1]), int(military[2]), _half_of(int(military[1])))
        for phrase in self._words["half_past"]:
            if text.startswith(f"{phrase} "):
                return self._moved(self._hour(text.removeprefix(phrase).strip()), 30)
        return self._offset_time(text) or self._spelled_time(text)

    def _offset_time(self, text: str) -> ClockTime | None:
        """``ten past six``, ``quarter to noon``."""
        tokens = text.split()
        for at, word in enumerate(tokens):
            is_past = word in self._words["past"]
            if at and (is_past or word in self._words["to"]):
                minutes = self._minutes(" ".join(tokens[:at]))
                base = self._hour(" ".join(tokens[at + 1 :]))
                if minutes is not None and base is not None:
                    return self._moved(base, minutes if is_past else -minutes)
        return None

    def _minutes(self, text: str) -> int | None:
        if text in self._words["quarter"]:
            return 15
        tokens = text.split()
        if len(tokens) > 1 and tokens[-1] in self._words["spans"][60]:
            text = " ".join(tokens[:-1])
        value = self._quantities.number(text)
        return int(value) if value is not None and value == int(value) and 0 < value < 60 else None

    def _hour(self, text: str) -> ClockTime | None:
        if named := self._named.get(text):
            return ClockTime(named.hour, named.minute, "pm" if named.hour else "am")
        for phrase in self._words["o_clock"]:
            text = text.removesuffix(f" {phrase}")
        value = self._quantities.number(text)
        if value is None or value != int(value) or not 0 <= value <= 24:
            return None
        return ClockTime(int(value) % 24, 0)

    def _spelled_time(self, text: str) -> ClockTime | None:
        """``7``, ``seven o'clock``, ``seven thirty``, ``seven oh five``."""
        if hour := self._hour(text):
            return hour
        tokens = text.split()
        for at in range(1, len(tokens)):
            hour = self._hour(" ".join(tokens[:at]))
            minute = self._quantities.number(" ".join(tokens[at:]).removeprefix("oh "))
            is_padded = tokens[at] in ("oh", "zero", "0") or tokens[at].startswith("0")
            if hour and minute is not None and (10 <= minute < 60 or (is_padded and minute < 10)):
                return replace(hour, minute=int(minute))
        return None

    @staticmethod
    def _moved(time: ClockTime | None, minutes: int) -> ClockTime | None:
        if time is None:
            return None
        moved = (time.hour * 60 + time.minute + minutes) % 1440
        hour, minute = divmod(moved, 60)
        if not time.is_certain and hour == 0:
            hour = 12  # a quarter past twelve, and one before one, is not midnight's yet
        return ClockTime(hour, minute, _half_of(hour) if time.is_certain else None)

    # ------------------------------------------------------------------ dates

    def date(self, text: str, today: dt.date) -> dt.date | None:
        """Read a text that is a day: ``tomorrow``, ``next friday``, ``the 25th of december``.

        A weekday is its next one, today's name a week from now; "next" means the
        calendar week to come, weeks beginning on Monday. A date without a year is the
        next one.
        """
        text = self._without(text, "on")
        if text in self._words["near_days"]:
            return today + dt.timedelta(days=self._words["near_days"][text])
        if feast := self._words["feasts"].get(text.removeprefix("the ")):
            month, day = map(int, feast.split("-"))
            return _next_on(today, month, day)
        if _ISO.match(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                return None
        return (
            self._weekday_date(text, today)
            or self._shifted_date(text, today)
            or self._calendar_date(text, today)
        )

    def _weekday_date(self, text: str, today: dt.date) -> dt.date | None:
        tokens = text.split()
        if not tokens or tokens[-1] not in self._weekdays:
            return None
        weekday = self._weekdays[tokens[-1]]
        ahead = (weekday - today.weekday()) % 7 or 7
        before = " ".join(tokens[:-1])
        if not before or before in self._words["this"]:
            return today + dt.timedelta(days=ahead)
        if before in self._words["next"]:
            return today + dt.timedelta(days=7 - today.weekday() + weekday)
        if before in self._words["last"]:
            return today - dt.timedelta(days=(today.weekday() - weekday) % 7 or 7)
        return None

    def _shifted_date(self, text: str, today: dt.date) -> dt.date | None:
        """``in three days``, ``two weeks from tomorrow``, ``a week ago``, ``next week``."""
        for phrase in self._words["ago"]:
            if text.endswith(f" {phrase}"):
                return self._by(text.removesuffix(phrase).strip(), today, -1)
        for phrase in self._words["from_now"]:
            if text.endswith(f" {phrase}"):
                return self._by(text.removesuffix(phrase).strip(), today, 1)
        for phrase in self._words["in"]:
            if text.startswith(f"{phrase} "):
                return self._by(text.removeprefix(phrase).strip(), today, 1)
        tokens = text.split()
        if len(tokens) == 2 and tokens[0] in self._words["next"]:
            return self._by(f"1 {tokens[1]}", today, 1)
        for at, word in enumerate(tokens):
            if at and word in self._words["from"]:
                base = self.date(" ".join(tokens[at + 1 :]), today)
                return self._by(" ".join(tokens[:at]), base, 1) if base else None
        return None

    def _by(self, span: str, base: dt.date, sign: int) -> dt.date | None:
        seconds = self._quantities.duration_s(span)
        if seconds is None or seconds % 86_400:
            return None
        try:
            return base + sign * dt.timedelta(seconds=seconds)
        except OverflowError:
            return None

    def _calendar_date(self, text: str, today: dt.date) -> dt.date | None:
        """``december 25th``, ``the 3rd of may 2027``, ``the 25th``."""
        tokens = [word for word in text.split() if word not in ("the", *self._words["of"])]
        year = None
        if len(tokens) > 1 and re.fullmatch(r"(19|20)\d\d", tokens[-1]):
            year = int(tokens.pop())
        months = [word for word in tokens if word in self._months]
        if len(months) > 1 or (tokens and months and months[0] not in (tokens[0], tokens[-1])):
            return None
        day = self._day(" ".join(word for word in tokens if word not in months), bool(months))
        if day is None:
            return None
        if not months:
            return _next_day(today, day)
        month = self._months[months[0]]
        return _date(year, month, day) if year else _next_on(today, month, day)

    def _day(self, text: str, has_month: bool) -> int | None:
        ordinal = _ORDINAL.match(text)
        if ordinal and ordinal[2] in self._words["ordinal_endings"]:
            return int(ordinal[1])
        ordinals = self._words["ordinals"]
        tens, _, ones = text.rpartition(" ")
        if ones in ordinals and (not tens or ordinals[ones] < 10):
            value = self._quantities.number(tens) if tens else 0
            return int(value) + int(ordinals[ones]) if value is not None else None
        value = self._quantities.number(text) if has_month and text else None
        return int(value) if value is not None and value == int(value) else None

    # ------------------------------------------------------------------ weekdays

    def repeats(self, text: str) -> tuple[int, ...] | None:
        """Read a text that is a rhythm: ``every weekday``, ``on mondays and fridays``."""
        text = self._without(text, "on")
        if text in self._words["repeats"]:
            return tuple(self._words["repeats"][text])
        every = [word for word in self._words["every"] if text.startswith(f"{word} ")]
        tokens = text.removeprefix(every[0]).split() if every else text.split()
        named = [word for word in tokens if word not in self._words["joiners"]]
        named = [word for word in named if word not in (*self._words["every"], *self._words["on"])]
        if not named or not all(word in self._weekdays for word in named):
            return None
        is_plural = all(word.endswith("s") and word[:-1] in self._weekdays for word in named)
        if not every and not is_plural and len(named) == 1:
            return None
        return tuple(sorted({self._weekdays[word] for word in named}))

    # ------------------------------------------------------------------ mixtures

    def when(
        self,
        text: str,
        now: dt.datetime,
        earliest_hour: int = EARLIEST_HOUR,
        prefers_soonest: bool = True,
    ) -> When | None:
        """Read any mixture: ``tomorrow at 7``, ``in 20 minutes``, ``every monday morning at 9``.

        Hours that could be either are those that come next, for today; otherwise, or
        without ``prefers_soonest``, the morning's from ``earliest_hour`` on.
        """
        tokens = text.split()
        if not tokens or len(tokens) > _MOST_WORDS:
            return None
        for parts in self._splits(tokens, _Parts(), now):
            return self._resolved(parts, now if prefers_soonest else None, earliest_hour)
        return None

    def _splits(self, tokens: Sequence[str], parts: _Parts, now: dt.datetime) -> Iterator[_Parts]:
        """Every way to read the tokens as parts, the longest first part first."""
        if not tokens:
            yield parts
            return
        for length in range(len(tokens), 0, -1):
            segment = " ".join(tokens[:length])
            for read in self._readings(segment, parts, now):
                yield from self._splits(tokens[length:], read, now)

    def _readings(self, segment: str, parts: _Parts, now: dt.datetime) -> Iterator[_Parts]:
        if parts.after_s is None and (after_s := self.after_s(segment)) is not None:
            yield replace(parts, after_s=after_s)
        if not parts.weekdays and (weekdays := self.repeats(segment)):
            half = next((h for p, h in self._halves.items() if segment.split()[-1] in p), None)
            yield replace(parts, weekdays=weekdays, half=parts.half or half)
        if parts.half is None and segment in self._halves:
            is_today = segment in self._words["near_days"]
            part = next((w for w in self._words["parts_of_day"] if w in segment), None)
            day = now.date() if is_today and parts.date is None else parts.date
            half = self._halves[segment]
            yield replace(parts, half=half, half_phrase=segment, part_of_day=part, date=day)
        if parts.half is None and segment in self._words["parts_of_day"]:
            half = _half_of(self._part(segment).hour)
            yield replace(parts, half=half, part_of_day=segment)
        if parts.date is None and (date := self.date(segment, now.date())) is not None:
            yield replace(parts, date=date)
        if parts.time is None and (time := self.time_of_day(segment)) is not None:
            yield replace(parts, time=time)

    def after_s(self, segment: str) -> float | None:
        """Read a text that says how long from now, in seconds: ``in ten minutes``."""
        for phrase in self._words["in"]:
            if segment.startswith(f"{phrase} "):
                return self._quantities.duration_s(segment.removeprefix(phrase).strip())
        for phrase in self._words["from_now"]:
            if segment.endswith(f" {phrase}"):
                return self._quantities.duration_s(segment.removesuffix(phrase).strip())
        return None

    def put_together(
        self,
        time: ClockTime | None,
        date: dt.date | None,
        weekdays: tuple[int, ...],
        half: str,
        now: dt.datetime,
        earliest_hour: int,
        prefers_soonest: bool,
    ) -> When:
        """Make a moment of parts that were read apart; ``half`` is the phrase for it, or empty.

        Without a time there is none in it, whatever part of the day was named.
        """
        is_today = half in self._words["near_days"]
        known: Half | None = self._halves.get(half)
        if half and known is None:
            known = _half_of(self._part(half).hour)
        day = now.date() if is_today and date is None else date
        parts = _Parts(time, day, weekdays, known, half if half in self._halves else "")
        found = self._resolved(parts, now if prefers_soonest else None, earliest_hour)
        assert found is not None, "only what is counted from now may not go together"
        return found

    def _resolved(self, parts: _Parts, now: dt.datetime | None, earliest_hour: int) -> When | None:
        if parts.after_s is not None:
            alone = parts.time is None and parts.date is None and not parts.weekdays
            return When(after_s=parts.after_s) if alone else None
        said = parts.time
        if said and parts.half_phrase:
            said = self._in_half(said, parts.half_phrase)
        elif said and parts.half:
            said = said.in_half(parts.half)
        if said is None:
            time = self._part(parts.part_of_day) if parts.part_of_day else None
        else:
            time = _most_likely(said, parts, now, earliest_hour)
        date = parts.date
        is_past_midnight = time is not None and time.hour < _SMALL_HOURS
        if date and is_past_midnight and parts.half_phrase in self._words["at_night"]:
            date += dt.timedelta(days=1)  # "tonight at twelve" is tomorrow's first minute
        return When(time, date, parts.weekdays)

    def _part(self, name: str) -> dt.time:
        return dt.time.fromisoformat(self._words["parts_of_day"][name])

    def _without(self, text: str, kind: str) -> str:
        for phrase in self._words[kind]:
            text = text.removeprefix(f"{phrase} ")
        return text


def _most_likely(
    said: ClockTime, parts: _Parts, now: dt.datetime | None, earliest_hour: int
) -> dt.time:
    """Choose between morning and evening: what comes next today, else a waking hour."""
    times = said.times
    if len(times) == 1:
        return times[0]
    if now is not None and parts.date in (None, now.date()) and not parts.weekdays:
        ahead = [time for time in times if time > now.time()]
        if ahead:
            return ahead[0]
    is_morning = earliest_hour <= said.hour < 12
    return times[0] if is_morning else times[1]


def _half_of(hour: int) -> Half:
    return "am" if hour < 12 else "pm"


def _date(year: int, month: int, day: int) -> dt.date | None:
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return dt.date(year, month, day)


def _next_on(today: dt.date, month: int, day: int) -> dt.date | None:
    """The next day of that name, today included; the 29th of February may be years away."""
    years = (today.year + ahead for ahead in range(9))
    dates = (_date(year, month, day) for year in years)
    return next((date for date in dates if date and date >= today), None)


def _next_day(today: dt.date, day: int) -> dt.date | None:
    """The next such day of a month, today included."""
    for ahead in range(3):
        years, month = divmod(today.month - 1 + ahead, 12)
        date = _date(today.year + years, month + 1, day)
        if date and date >= today:
            return date
    return None
