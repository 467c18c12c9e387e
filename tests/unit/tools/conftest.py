"""A clock, an appliance and a bedside table for the tests of the tools."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from device.tools.alarms.decisions import Decision, NoteMissed, Put, SilenceAlarm, SoundAlarm
from device.tools.alarms.entries import Entry, Kind, Ringing
from device.tools.alarms.rules import Rules
from device.tools.alarms.scheduler import Scheduler
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
    is_muted: bool = False
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

    async def mute_microphone(self) -> None:
        self.is_muted = True


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def house() -> QuietHouse:
    return QuietHouse()


@pytest.fixture
def make_clock() -> Callable[..., SetClock]:
    return SetClock


@dataclass(frozen=True)
class Heard:
    """Something that began to ring, or was missed."""

    kind: Kind
    name: str
    at: Moment
    ringing: Ringing
    is_resumed: bool = False


class Bedside:
    """A scheduler with clocks that can be disturbed, and a drawer that survives the power.

    It behaves as the ringer does: ticks whenever the scheduler asks for it, writes before
    it acts, and knows after a restart only what was written.
    """

    def __init__(self, local: dt.datetime, zone: dt.tzinfo, rules: Rules | None = None) -> None:
        self.rules = rules or Rules(poll_s=60.0)
        self.zone = zone
        self.wall_s = local.replace(tzinfo=zone).timestamp()
        self.elapsed_s = 100.0
        self.boots = itertools.count(1)
        self.boot = f"boot-{next(self.boots)}"
        self.drawer: dict[tuple[type, int], Entry | Ringing] = {}
        self.rung: list[Heard] = []
        self.missed: list[Heard] = []
        self.silenced: list[SilenceAlarm] = []
        self.loudness: list[float] = []
        self.somebody_is_there = False
        """Stops whatever rings as soon as it does."""
        self.scheduler = Scheduler(self.rules)
        self.apply(self.scheduler.resume([], self.now))

    @property
    def now(self) -> Moment:
        return Moment(self.wall_s, self.elapsed_s, self.boot, self.zone)

    @property
    def local(self) -> dt.datetime:
        return self.now.local

    def alarm(self, time: str, *, name: str = "", **when: object) -> Entry:
        at = dt.time.fromisoformat(time)
        entry, decision = self.scheduler.add_occasion(Kind.ALARM, name, at, self.now, **when)  # type: ignore[arg-type]
        self.apply(decision)
        return entry

    def timer(self, length_s: float, name: str = "") -> Entry:
        entry, decision = self.scheduler.add_countdown(Kind.TIMER, name, length_s, self.now)
        self.apply(decision)
        return entry

    def stop(self) -> None:
        _, decision = self.scheduler.stop(self.now)
        self.apply(decision)

    def apply(self, decision: Decision) -> None:
        for write in decision.writes:
            key = (type(write.record), write.record.id)
            if isinstance(write, Put):
                self.drawer[key] = write.record
            else:
                self.drawer.pop(key, None)
        for effect in decision.effects:
            self._note(effect)

    def _note(self, effect: object) -> None:
        if isinstance(effect, SilenceAlarm):
            self.silenced.append(effect)
        elif isinstance(effect, SoundAlarm | NoteMissed):
            entry = effect.ringing.entry
            is_resumed = isinstance(effect, SoundAlarm) and effect.is_resumed
            heard = Heard(entry.kind, entry.name, self.now, effect.ringing, is_resumed)
            if isinstance(effect, NoteMissed):
                self.missed.append(heard)
                return
            self.loudness.append(effect.loudness)
            if not any(one.ringing == effect.ringing for one in self.rung) or is_resumed:
                self.rung.append(heard)

    def pass_time(self, seconds: float) -> None:
        self.wall_s += seconds
        self.elapsed_s += seconds

    def tick(self) -> None:
        self.apply(self.scheduler.tick(self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, ticking when the scheduler wants to be woken."""
        self.tick()
        left_s = seconds
        while left_s > 0:
            wait_s = self.scheduler.wait_s(self.now)
            step_s = left_s if wait_s is None else min(left_s, max(wait_s, 1e-3))
            self.pass_time(step_s)
            left_s -= step_s
            self.tick()
            if self.somebody_is_there:
                self.stop()

    def wait_until(self, time: str, days: int = 0) -> None:
        """Wait until the wall clock shows a time, today or later."""
        at = dt.datetime.combine(
            self.local.date() + dt.timedelta(days), dt.time.fromisoformat(time)
        )
        self.wait(at.replace(tzinfo=self.zone).timestamp() - self.wall_s)

    def jump(self, by_s: float) -> None:
        self.wall_s += by_s

    def restart(self, off_s: float = 0.5) -> None:
        """End the process; begin another one of the same boot."""
        self.pass_time(off_s)
        self.scheduler = Scheduler(self.rules)
        self.apply(self.scheduler.resume(list(self.drawer.values()), self.now))

    def power_cut(self, off_s: float, clock_error_s: float = 0.0) -> None:
        """Take the power away for so long; the wall clock may come back wrong."""
        self.wall_s += off_s + clock_error_s
        self.elapsed_s = 5.0
        self.boot = f"boot-{next(self.boots)}"
        self.restart(off_s=0.0)


@pytest.fixture(scope="session")
def make_bedside() -> type[Bedside]:
    return Bedside


@pytest.fixture
def bedside() -> Bedside:
    """A Sunday evening in London."""
    return Bedside(dt.datetime(2026, 11, 22, 22, 0), ZoneInfo("Europe/London"))
