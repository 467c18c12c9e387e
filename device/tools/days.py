"""Reads the days and times of day that a model gives, and says what is wrong with them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta

from device.phrases.book import phrase
from device.phrases.en.forms import WEEKDAYS
from device.tools.answers import ToolError

TimeOfDay = Annotated[str, Meta(pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$")]
"""``7:30`` or ``19:30``: hours of the day from 0 to 23, and minutes."""

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

_NEAR = {"yesterday": -1, "today": 0, "tomorrow": 1, "day after tomorrow": 2}
_NUMBERS = {name.lower(): number for number, name in enumerate(WEEKDAYS)}


def parse_time(text: str) -> dt.time:
    """Read a :data:`TimeOfDay` that was checked against its pattern."""
    hour, minute = text.split(":")
    return dt.time(int(hour), int(minute))


def parse_date(text: str, today: dt.date) -> dt.date:
    """Read ``YYYY-MM-DD``, today, tomorrow, or a weekday (the first one from today on).

    Raises :class:`ToolError` with what was expected.
    """
    words = _words(text)
    if words in _NEAR:
        return today + dt.timedelta(days=_NEAR[words])
    if words in _NUMBERS:
        return today + dt.timedelta(days=(_NUMBERS[words] - today.weekday()) % 7)
    try:
        return dt.date.fromisoformat(words)
    except ValueError as error:
        raise ToolError(
            f"{text!r} is no date: expected YYYY-MM-DD, today, tomorrow or a weekday; "
            f"today is {today.isoformat()}, a {WEEKDAYS[today.weekday()]}",
            spoken=phrase("which_day"),
        ) from error


def names_weekday(text: str) -> bool:
    """Whether a date was given as a weekday, so that another week is as good."""
    return _words(text) in _NUMBERS


def _words(text: str) -> str:
    words = text.strip().lower()
    for prefix in ("on ", "this ", "next "):
        words = words.removeprefix(prefix)
    return words


def weekday_numbers(names: list[Weekday] | None) -> tuple[int, ...]:
    """Monday is 0; sorted, each once."""
    return tuple(sorted({_NUMBERS[name] for name in names or ()}))
