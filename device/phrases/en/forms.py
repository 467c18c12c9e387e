"""How people say numbers, times, dates and durations (English)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from decimal import Decimal

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def number(value: int) -> str:
    """Say a whole number: 147 is ``one hundred and forty-seven``."""
    if value < 0:
        return f"minus {number(-value)}"
    if value < 20:
        return _SMALL[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")
    if value < 1_000:
        hundreds, rest = divmod(value, 100)
        return f"{_SMALL[hundreds]} hundred" + (f" and {number(rest)}" if rest else "")
    for scale, word in _SCALES:
        if value >= scale:
            count, rest = divmod(value, scale)
            link = " and " if 0 < rest < 100 else " "
            return f"{number(count)} {word}" + (f"{link}{number(rest)}" if rest else "")
    raise AssertionError("every whole number is below or above a thousand")


def ordinal(value: int) -> str:
    """Say a rank: 23 is ``twenty-third``."""
    words = number(value)
    cut = max(words.rfind("-"), words.rfind(" ")) + 1
    head, last = words[:cut], words[cut:]
    if last in _ORDINALS:
        return head + _ORDINALS[last]
    return head + (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")


def count(value: int, noun: str) -> str:
    """Say a number of things: ``one timer``, ``two timers``."""
    return f"{number(value)} {noun}" + ("" if value == 1 else "s")


def listing(parts: Sequence[str], link: str = "and") -> str:
    """Join as one does in speech: ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {link} {parts[-1]}"


def duration(seconds: float) -> str:
    """Say a duration to the second: ``one hour, five minutes and ten seconds``."""
    left = max(0, round(seconds))
    parts = []
    for size, unit in _UNITS:
        amount, left = divmod(left, size)
        if amount:
            parts.append(count(amount, unit))
    return listing(parts) or "zero seconds"


def remaining(seconds: float) -> str:
    """Say how long something still takes, as exactly as one cares: two units at most.

    From ten minutes on whole minutes, from a day on whole hours, rounded to the nearest.
    """
    for above_s, grain_s in ((86_400, 3_600), (600, 60), (0, 1)):
        if seconds >= above_s:
            seconds = round(seconds / grain_s) * grain_s
            break
    return duration(max(seconds, 1))


def clock_time(time: dt.time) -> str:
    """Say a time of day: ``seven oh five in the morning``, ``noon``."""
    if time.minute == 0 and time.hour in (0, 12):
        return "midnight" if time.hour == 0 else "noon"
    hour = number((time.hour - 1) % 12 + 1)
    if time.minute == 0:
        minute = "o'clock"
    elif time.minute < 10:
        minute = f"oh {number(time.minute)}"
    else:
        minute = number(time.minute)
    return f"{hour} {minute} {_part_of_day(time.hour)}"


def _part_of_day(hour: int) -> str:
    if 1 <= hour < 12:
        return "in the morning"
    if 12 <= hour < 18:
        return "in the afternoon"
    return "in the evening" if 18 <= hour < 22 else "at night"


def date(day: dt.date) -> str:
    """Say a date with its weekday: ``Monday, the twenty-third of November``."""
    return f"{WEEKDAYS[day.weekday()]}, the {ordinal(day.day)} of {_MONTHS[day.month - 1]}"


def year(value: int) -> str:
    """Say a year: ``nineteen eighty-four``, ``two thousand and five``, ``twenty twenty-six``."""
    century, rest = divmod(value, 100)
    if not 1000 <= value <= 9999 or (century % 10 == 0 and rest < 10):
        return number(value)
    if rest == 0:
        return f"{number(century)} hundred"
    return f"{number(century)} " + (f"oh {number(rest)}" if rest < 10 else number(rest))


def day(day: dt.date, today: dt.date) -> str:
    """Say when something is, seen from today: ``today``, ``tomorrow``, ``on Friday``..."""
    ahead = (day - today).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    if ahead in near:
        return near[ahead]
    if 1 < ahead < 7:
        return f"on {WEEKDAYS[day.weekday()]}"
    far = f"on {date(day)}"
    return far if day.year == today.year else f"{far}, {year(day.year)}"


def weekdays(days: Collection[int]) -> str:
    """Say a set of weekdays (Monday is 0): ``every day``, ``on weekdays``, ``on Mondays``..."""
    chosen = frozenset(days)
    named = {
        frozenset(range(7)): "every day",
        frozenset(range(5)): "on weekdays",
        frozenset((5, 6)): "at the weekend",
    }
    if chosen in named:
        return named[chosen]
    return f"on {listing([f'{WEEKDAYS[day]}s' for day in sorted(chosen)])}"


def rounded(value: Decimal, figures: int = 4) -> Decimal:
    """Round to as many significant figures as one cares to hear, whole numbers untouched."""
    if not value or value == value.to_integral_value():
        return value
    places = figures - 1 - value.adjusted()
    return value.quantize(Decimal(1).scaleb(-max(places, 0))).normalize()
