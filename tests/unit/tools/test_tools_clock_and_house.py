"""Time, date, volume, repetition and status, as facts and as sentences."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from device.phrases.en import ENGLISH
from device.tools.answers import Answer, ToolError
from device.tools.appliance_tools import ApplianceTools
from device.tools.clock_tools import ClockTools, find_zone
from device.tools.days import parse_date, parse_time, weekday_numbers
from device.tools.house import HouseForTools, NoHouse


def said(answer: Answer) -> str:
    assert answer.spoken is not None
    return ENGLISH.say(answer.spoken)


TODAY = dt.date(2026, 11, 22)  # a Sunday


class TestTime:
    async def test_here(self, clock: Any) -> None:
        answer = await ClockTools(clock).get_time()
        assert said(answer) == "It's seven twenty in the evening."
        assert answer.facts == {
            "time": "19:20",
            "date": "2026-11-22",
            "weekday": "Sunday",
            "time_zone": "Europe/London",
            "utc_offset": "+0000",
            "clock_is_trusted": True,
        }

    async def test_elsewhere(self, clock: Any) -> None:
        tools = ClockTools(clock)
        tokyo = await tools.get_time("tokyo")
        assert tokyo.facts["time"] == "04:20"
        assert said(tokyo) == "It's four twenty in the morning in Tokyo, tomorrow."
        new_york = await tools.get_time("America/New_York")
        assert said(new_york) == "It's two twenty in the afternoon in New York."

    async def test_a_clock_that_nothing_has_set_is_not_believed(self, clock: Any) -> None:
        clock.is_set = False
        answer = await ClockTools(clock).get_time()
        assert answer.facts["clock_is_trusted"] is False
        assert "if my clock is right" in said(answer)

    @pytest.mark.parametrize("place", ["Atlantis", "", "../../etc/passwd", "America", "x" * 300])
    async def test_an_unknown_place_is_refused(self, clock: Any, place: str) -> None:
        with pytest.raises(ToolError, match="no time zone"):
            await ClockTools(clock).get_time(place)

    def test_a_city_of_several_words(self) -> None:
        assert str(find_zone("new york")) == "America/New_York"
        with pytest.raises(ToolError, match="Europe/Berlin"):
            find_zone("Berlim")


class TestDate:
    async def test_today(self, clock: Any) -> None:
        answer = await ClockTools(clock).get_date()
        assert said(answer) == "It's Sunday, the twenty-second of November, twenty twenty-six."
        assert answer.facts["week"] == 47

    async def test_another_day(self, clock: Any) -> None:
        tools = ClockTools(clock)
        christmas = await tools.get_date("2026-12-25")
        assert christmas.facts["weekday"] == "Friday"
        assert christmas.facts["days_from_today"] == 33
        assert said(christmas).endswith("twenty twenty-six: in thirty-three days.")
        assert said(await tools.get_date("2026-11-20")).endswith(": two days ago.")
        assert said(await tools.get_date("tomorrow")).startswith("Tomorrow is Monday")

    def test_words_for_days(self) -> None:
        assert parse_date("Today", TODAY) == TODAY
        assert parse_date("sunday", TODAY) == TODAY
        assert parse_date("on Saturday", TODAY) == dt.date(2026, 11, 28)
        assert parse_date("2028-02-29", TODAY) == dt.date(2028, 2, 29)
        for wrong in ("someday", "2027-02-29", "23.11.2026", ""):
            with pytest.raises(ToolError, match=r"today is 2026-11-22, a Sunday"):
                parse_date(wrong, TODAY)

    def test_times_and_weekdays(self) -> None:
        assert parse_time("7:05") == dt.time(7, 5)
        assert weekday_numbers(["friday", "monday", "monday"]) == (0, 4)
        assert weekday_numbers(None) == ()


class TestAppliance:
    async def test_volume_is_set_and_said(self, house: Any) -> None:
        tools = ApplianceTools(house)
        answer = await tools.set_volume(70)
        assert house.percent == 70
        assert said(answer) == "Volume seventy percent."
        assert answer.facts == {"volume_percent": 70, "before_percent": 40}

    async def test_volume_stays_within_its_bounds(self, house: Any) -> None:
        tools = ApplianceTools(house)
        house.percent = 95
        assert (await tools.change_volume("up")).facts["volume_percent"] == 100
        assert said(await tools.change_volume("up")) == "That's as loud as I get."
        assert (await tools.change_volume("down", 100)).facts["volume_percent"] == 0
        assert said(await tools.change_volume("down")) == "I'm silent already."

    async def test_the_volume_that_is_told_is_the_one_that_was_reached(self, house: Any) -> None:
        class Stepped(type(house)):  # type: ignore[misc]
            async def set_volume(self, percent: int) -> None:
                self.percent = percent // 10 * 10

        answer = await ApplianceTools(Stepped()).set_volume(77)
        assert answer.facts["volume_percent"] == 70

    async def test_the_last_answer_is_said_again(self, house: Any) -> None:
        tools = ApplianceTools(house)
        assert said(await tools.repeat_last()) == "I haven't said anything yet."
        house.answer = "It's noon."
        assert said(await tools.repeat_last()) == "It's noon."

    async def test_status(self, house: Any) -> None:
        tools = ApplianceTools(house)
        assert said(await tools.device_status()) == "The volume is forty percent."
        house.known = {
            "is_online": True,
            "is_local": True,
            "network": "Home",
            "fault": "the ring light does not answer",
            "is_muted": True,
            "running_s": 7_400.0,
        }
        answer = await tools.device_status()
        assert said(answer) == (
            "I'm online through Home, but answer by myself at the moment. "
            "Something is wrong: the ring light does not answer. My microphone is off. "
            "The volume is forty percent. I've been running for two hours and three minutes."
        )
        house.known = {"is_online": False}
        assert said(await tools.device_status()).startswith("I'm offline")

    async def test_without_an_appliance_everything_is_refused(self) -> None:
        nobody: HouseForTools = NoHouse()
        tools = ApplianceTools(nobody)
        for call in (tools.set_volume(3), tools.repeat_last(), tools.device_status()):
            with pytest.raises(ToolError, match="not running"):
                await call
        with pytest.raises(ToolError, match="not running"):
            await nobody.stop_playback()
