"""Numbers, times, dates and durations as people say them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.phrases.en import forms as spoken


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety-nine"),
        (100, "one hundred"),
        (147, "one hundred and forty-seven"),
        (1000, "one thousand"),
        (1001, "one thousand and one"),
        (1984, "one thousand nine hundred and eighty-four"),
        (12_000_000, "twelve million"),
        (2_000_000_000_000, "two thousand billion"),
        (-7, "minus seven"),
    ],
)
def test_number(value: int, words: str) -> None:
    assert spoken.number(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (8, "eighth"),
        (9, "ninth"),
        (11, "eleventh"),
        (12, "twelfth"),
        (20, "twentieth"),
        (23, "twenty-third"),
        (30, "thirtieth"),
        (31, "thirty-first"),
        (100, "one hundredth"),
    ],
)
def test_ordinal(value: int, words: str) -> None:
    assert spoken.ordinal(value) == words


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("00:00", "midnight"),
        ("12:00", "noon"),
        ("00:30", "twelve thirty at night"),
        ("07:00", "seven o'clock in the morning"),
        ("07:05", "seven oh five in the morning"),
        ("12:15", "twelve fifteen in the afternoon"),
        ("15:45", "three forty-five in the afternoon"),
        ("19:20", "seven twenty in the evening"),
        ("23:59", "eleven fifty-nine at night"),
    ],
)
def test_clock_time(time: str, words: str) -> None:
    assert spoken.clock_time(dt.time.fromisoformat(time)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "zero seconds"),
        (1, "one second"),
        (59.6, "one minute"),
        (90, "one minute and thirty seconds"),
        (600, "ten minutes"),
        (3_661, "one hour, one minute and one second"),
        (90_000, "one day and one hour"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert spoken.duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "one second"),
        (272, "four minutes and thirty-two seconds"),
        (599.7, "ten minutes"),
        (731, "twelve minutes"),
        (5_000, "one hour and twenty-three minutes"),
        (200_000, "two days and eight hours"),
    ],
)
def test_remaining(seconds: float, words: str) -> None:
    assert spoken.remaining(seconds) == words


def test_dates() -> None:
    today = dt.date(2026, 11, 22)
    assert spoken.date(today) == "Sunday, the twenty-second of November"
    assert spoken.day(today, today) == "today"
    assert spoken.day(dt.date(2026, 11, 23), today) == "tomorrow"
    assert spoken.day(dt.date(2026, 11, 21), today) == "yesterday"
    assert spoken.day(dt.date(2026, 11, 27), today) == "on Friday"
    assert spoken.day(dt.date(2026, 11, 29), today) == "on Sunday, the twenty-ninth of November"
    assert spoken.day(dt.date(2027, 1, 1), today).endswith("January, twenty twenty-seven")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1066, "ten sixty-six"),
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (2000, "two thousand"),
        (2005, "two thousand and five"),
        (2026, "twenty twenty-six"),
        (476, "four hundred and seventy-six"),
    ],
)
def test_year(value: int, words: str) -> None:
    assert spoken.year(value) == words


def test_weekdays_and_lists() -> None:
    assert spoken.weekdays(range(7)) == "every day"
    assert spoken.weekdays((4, 3, 2, 1, 0)) == "on weekdays"
    assert spoken.weekdays((5, 6)) == "at the weekend"
    assert spoken.weekdays((2, 0)) == "on Mondays and Wednesdays"
    assert spoken.listing(["a"]) == "a"
    assert spoken.listing(["a", "b", "c"], "or") == "a, b or c"
    assert spoken.count(1, "timer") == "one timer"


@given(st.integers(-(10**15), 10**15))
def test_every_number_has_words_without_digits(value: int) -> None:
    words = spoken.number(value)
    assert words == words.strip()
    assert not any(character.isdigit() or character == "_" for character in words)


@given(st.floats(0, 8_000_000))
def test_what_remains_is_said_within_its_grain(seconds: float) -> None:
    assert "zero" not in spoken.remaining(seconds)
    assert spoken.remaining(seconds).count(" and ") <= 1
