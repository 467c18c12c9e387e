"""Times and days are read as they were meant; the clock shows a Tuesday afternoon."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.brain.understanding.intents.language import load_language
from device.brain.understanding.intents.moments import EARLIEST_WAKING_HOUR, Moments, When
from device.brain.understanding.intents.normal import normal
from device.brain.understanding.intents.quantities import Quantities
from device.phrases.en import forms as spoken

WORDS = load_language().words
MOMENTS = Moments(WORDS, Quantities(WORDS))
NOW = dt.datetime(2026, 11, 24, 14, 30, tzinfo=dt.UTC)
TODAY = NOW.date()


def time(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ("7", "07:00 19:00"),
        ("7 am", "07:00"),
        ("7:30 p.m.", "19:30"),
        ("seven thirty", "07:30 19:30"),
        ("half past seven", "07:30 19:30"),
        ("quarter to eight", "07:45 19:45"),
        ("ten past six in the evening", "18:10"),
        ("twenty five to nine", "08:35 20:35"),
        ("noon", "12:00"),
        ("midnight", "00:00"),
        ("7 o'clock", "07:00 19:00"),
        ("07:30", "07:30"),
        ("19:30", "19:30"),
        ("1930", "19:30"),
        ("quarter past twelve", "00:15 12:15"),
        ("seven oh five", "07:05 19:05"),
        ("12", "00:00 12:00"),
        ("12 am", "00:00"),
        ("12 pm", "12:00"),
    ],
)
def test_reads_times_of_day(said: str, times: str) -> None:
    read = MOMENTS.time_of_day(normal(said))
    assert read is not None
    assert list(read.times) == [time(text) for text in times.split()]


@pytest.mark.parametrize("said", ["25", "the oven", "7:65", "half past milk", "", "minus 3"])
def test_reads_no_time_where_there_is_none(said: str) -> None:
    assert MOMENTS.time_of_day(normal(said)) is None


@given(st.times())
def test_reads_every_time_that_it_can_say(value: dt.time) -> None:
    value = value.replace(second=0, microsecond=0)
    read = MOMENTS.time_of_day(normal(spoken.clock_time(value)))
    assert read is not None
    assert value in read.times


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("today", "2026-11-24"),
        ("tomorrow", "2026-11-25"),
        ("the day after tomorrow", "2026-11-26"),
        ("friday", "2026-11-27"),
        ("tuesday", "2026-12-01"),
        ("next friday", "2026-12-04"),
        ("last monday", "2026-11-23"),
        ("december 25th", "2026-12-25"),
        ("the 25th of december 2027", "2027-12-25"),
        ("may the fourth", "2027-05-04"),
        ("the 3rd", "2026-12-03"),
        ("the thirty first", "2026-12-31"),
        ("twenty second of march", "2027-03-22"),
        ("february 29", "2028-02-29"),
        ("christmas", "2026-12-25"),
        ("in three days", "2026-11-27"),
        ("two weeks from tomorrow", "2026-12-09"),
        ("3 days ago", "2026-11-21"),
        ("next week", "2026-12-01"),
        ("2026-12-01", "2026-12-01"),
    ],
)
def test_reads_days(said: str, date: str) -> None:
    assert MOMENTS.date(normal(said), TODAY) == dt.date.fromisoformat(date)


@pytest.mark.parametrize(
    "said", ["february 30", "the 32nd", "in three hours", "sometime", "", "2026-13-01", "next"]
)
def test_reads_no_day_where_there_is_none(said: str) -> None:
    assert MOMENTS.date(normal(said), TODAY) is None


@given(st.dates(dt.date(2026, 11, 24), dt.date(2030, 1, 1)))
def test_reads_every_day_that_it_can_say(day: dt.date) -> None:
    said = normal(f"{spoken.date(day).split(', ')[1]} {day.year}")
    assert MOMENTS.date(said, TODAY) == day


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("in 20 minutes", When(after_s=1200)),
        ("an hour from now", When(after_s=3600)),
        ("at 5", When(time("17:00"))),
        ("at 2", When(time("14:00"))),
        ("tomorrow", When(date=dt.date(2026, 11, 25))),
        ("at 5 tomorrow", When(time("17:00"), dt.date(2026, 11, 25))),
        ("tomorrow at 8", When(time("08:00"), dt.date(2026, 11, 25))),
        ("on friday at noon", When(time("12:00"), dt.date(2026, 11, 27))),
        ("tonight at 12", When(time("00:00"), dt.date(2026, 11, 25))),
        ("tonight at 8", When(time("20:00"), dt.date(2026, 11, 24))),
        ("this evening at 7", When(time("19:00"), dt.date(2026, 11, 24))),
        ("tomorrow morning", When(time("08:00"), dt.date(2026, 11, 25))),
        ("every day at 8", When(time("08:00"), weekdays=tuple(range(7)))),
        ("every monday morning at 7", When(time("07:00"), weekdays=(0,))),
        ("weekdays at 6:30 pm", When(time("18:30"), weekdays=(0, 1, 2, 3, 4))),
        ("on mondays and fridays at 9", When(time("09:00"), weekdays=(0, 4))),
    ],
)
def test_reads_mixtures(said: str, when: When) -> None:
    assert MOMENTS.when(normal(said), NOW) == when


def test_an_alarm_at_five_tomorrow_is_in_the_morning() -> None:
    when = MOMENTS.when("tomorrow at 5", NOW, EARLIEST_WAKING_HOUR)
    assert when == When(time("05:00"), dt.date(2026, 11, 25))


@pytest.mark.parametrize("said", ["the oven", "", "at", "five minutes", "7 8 9", "at 5 at 6"])
def test_reads_no_moment_where_there_is_none(said: str) -> None:
    assert MOMENTS.when(said, NOW) is None


@given(st.text(alphabet="abcdefghij klmnopqrstuvwxyz0123456789:'", max_size=60))
def test_never_fails_on_any_text(text: str) -> None:
    MOMENTS.when(normal(text), NOW)
    MOMENTS.repeats(normal(text))


@pytest.mark.parametrize(
    ("when", "instant"),
    [
        (When(time("15:00")), "2026-11-24T15:00"),
        (When(time("14:00")), "2026-11-25T14:00"),
        (When(time("07:00"), weekdays=(0,)), "2026-11-30T07:00"),
        (When(after_s=600), "2026-11-24T14:40"),
        (When(time("07:00"), dt.date(2026, 12, 24)), "2026-12-24T07:00"),
    ],
)
def test_finds_the_first_instant(when: When, instant: str) -> None:
    assert when.instant(NOW) == dt.datetime.fromisoformat(instant).replace(tzinfo=dt.UTC)
