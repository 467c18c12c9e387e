"""Brightness: the limit, the night, and perception."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.panel.dimming import Dimming, as_light, dimming

NIGHT = dimming(60, 10, "22:00", "06:30")


@pytest.mark.parametrize(
    ("clock", "brightness"),
    [("21:59", 0.6), ("22:00", 0.1), ("23:59", 0.1), ("00:00", 0.1), ("06:29", 0.1),
     ("06:30", 0.6), ("12:00", 0.6)],
)  # fmt: skip
def test_a_night_that_passes_midnight(clock: str, brightness: float) -> None:
    assert NIGHT.at(datetime.time.fromisoformat(clock)) == brightness


def test_a_night_within_a_day() -> None:
    nap = dimming(60, 10, "13:00", "14:00")
    assert [nap.at(datetime.time(hour)) for hour in (12, 13, 14)] == [0.6, 0.1, 0.6]


def test_no_night() -> None:
    assert dimming(60, 10).at(datetime.time(3)) == 0.6
    assert dimming(60, 10).next_switch_s(datetime.datetime(2026, 1, 1)) is None


@given(st.datetimes(), st.times(), st.times())
def test_the_brightness_stays_until_the_next_switch(
    now: datetime.datetime, begin: datetime.time, end: datetime.time
) -> None:
    some = Dimming(1.0, 0.5, begin, end)
    left_s = some.next_switch_s(now)
    assert left_s is not None
    assert 0 < left_s <= 86400
    before = now + datetime.timedelta(seconds=left_s / 2)
    if before.year < 9999:
        assert some.at(before.time()) == some.at(now.time())


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_light_is_within_the_limit(red: float, green: float, blue: float, limit: float) -> None:
    ((r, g, b),) = as_light(((red, green, blue),), limit)
    assert max(r, g, b) <= limit**2.2 + 1e-12
    assert min(r, g, b) >= 0


def test_half_as_bright_is_a_fifth_of_the_light() -> None:
    ((red, green, blue),) = as_light(((1.0, 0.5, 0.0),), 1.0)
    assert (red, blue) == (1.0, 0.0)
    assert green == pytest.approx(0.2176, abs=1e-4)
