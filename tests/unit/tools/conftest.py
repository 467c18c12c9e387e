"""A clock and an appliance for the tests of the tools."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from device.tools.house import HouseStatus
from device.tools.moments import Moment


@dataclass
class SetClock:
    """A clock that shows what it is set to."""

    local: dt.datetime = dt.datetime(2026, 11, 22, 19, 20, 30)
    zone: dt.tzinfo = field(default_factory=lambda: ZoneInfo("Europe/London"))
    is_set: bool = True

    def now(self) -> Moment:
        wall_s = self.local.replace(tzinfo=self.zone).timestamp()
        return Moment(wall_s, 1000.0, "boot", self.zone)

    def is_trusted(self) -> bool:
        return self.is_set


@dataclass
class QuietHouse:
    """An appliance without a speaker: it remembers what it is asked."""

    percent: int = 40
    answer: str | None = None
    is_playing: bool = False
    known: HouseStatus = field(default_factory=HouseStatus)

    def volume(self) -> int:
        return self.percent

    async def set_volume(self, percent: int) -> None:
        self.percent = percent

    def last_answer(self) -> str | None:
        return self.answer

    def status(self) -> HouseStatus:
        return self.known

    async def stop_playback(self) -> bool:
        was_playing, self.is_playing = self.is_playing, False
        return was_playing


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def house() -> QuietHouse:
    return QuietHouse()


@pytest.fixture
def make_clock() -> Callable[..., SetClock]:
    return SetClock
