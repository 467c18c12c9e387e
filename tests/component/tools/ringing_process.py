"""A process that sets something, rings, and is killed on the way; run by the tests only.

``ringing_process.py FOLDER STORY`` plays the story again and again in child processes.
Each child names its steps once the store is open: every SQL statement, and the moment
before and after every effect (the story ``create`` names those of the opening). The first
child goes through them all and lists them; what the store's own thread does may come sooner or
later in the next one, so a step is found again by its name and not by its place. Each further
child is told by ``BITTERN_KILL_AT`` at which step to send itself SIGKILL; another child then
finds what is left of it. One JSON line for each goes to standard output, the undisturbed play
last.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from device.phrases.en import ENGLISH
from device.tools import database
from device.tools.alarms.decisions import NoteMissed, SilenceAlarm, SoundAlarm
from device.tools.alarms.entries import Kind
from device.tools.alarms.ringer import Ringer
from device.tools.moments import Moment, SystemClock
from device.tools.store import Store

LENGTH_S = 0.08
RING_S = 0.04
ZONE = ZoneInfo("Europe/London")
ALARM_AT = dt.datetime(2026, 11, 23, 7, 0, tzinfo=ZONE)


class Steps:
    """Names what happens, lists it, and ends the process where it was told to."""

    def __init__(self) -> None:
        name, _, number = os.environ.get("BITTERN_KILL_AT", "").rpartition(" ")
        self._kill_at = (name, int(number or 0))
        self._counts: Counter[str] = Counter()
        self.is_counting = False

    def step(self, what: str) -> None:
        if not self.is_counting:
            return
        name = what.partition(" VALUES")[0]  # the values hold the time of day
        self._counts[name] += 1
        append(LISTED, {"step": f"{name} {self._counts[name]}"})
        if self._kill_at == (name, self._counts[name]):
            note(killed_at=what)
            os.kill(os.getpid(), signal.SIGKILL)


def append(file: Path, what: dict[str, object]) -> None:
    """Append a line that outlives the process."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, (json.dumps(what) + "\n").encode())
    os.close(handle)


LOG = Path(sys.argv[1]) / "log"
LISTED = Path(sys.argv[1]) / "steps"
STEPS = Steps()


def note(**what: object) -> None:
    """Say what happened, with the time."""
    append(LOG, {"t": time.monotonic(), **what})


class AlarmClock(SystemClock):
    """The system's clocks, but for the wall clock, which can be put just before the alarm."""

    def __init__(self) -> None:
        super().__init__(ZONE)
        self._file = Path(sys.argv[1]) / "offset"
        self._offset_s = float(self._file.read_text()) if self._file.exists() else 0.0

    def near_alarm(self) -> None:
        self._offset_s = ALARM_AT.timestamp() - LENGTH_S - time.time()
        self._file.write_text(str(self._offset_s))

    def now(self) -> Moment:
        real = super().now()
        return Moment(real.wall_s + self._offset_s, real.elapsed_s, real.boot, real.zone)


def traced(path: object, **options: Any) -> sqlite3.Connection:
    connection = CONNECT(str(path), **options)
    connection.set_trace_callback(STEPS.step)
    return connection


CONNECT = sqlite3.connect


class Bedroom:
    """Notes what is heard in it."""

    def __init__(self) -> None:
        self.rings = asyncio.Event()
        self.clock = AlarmClock()

    def ring(self, ring: SoundAlarm) -> None:
        STEPS.step("before sound")
        note(event="ring", id=ring.ringing.id, resumed=ring.is_resumed)
        STEPS.step("after sound")
        self.rings.set()

    def silence(self, silence: SilenceAlarm) -> None:
        STEPS.step("before silence")
        note(event="silence", id=silence.ringing.id, ended=silence.ended)
        STEPS.step("after silence")

    def miss(self, miss: NoteMissed) -> None:
        note(event="missed", id=miss.ringing.id, why=str(miss.ringing.why))


async def play(act: Callable[[Ringer, Bedroom], Any]) -> None:
    room = Bedroom()
    store = Store(Path(sys.argv[1]) / "house.sqlite")
    note(event="opened", troubles=[ENGLISH.say(each) for each in await store.open()])
    ringer = Ringer(store, room.clock, room.ring, room.silence, on_missed=room.miss)
    await ringer.start()
    STEPS.is_counting = True
    running = asyncio.create_task(ringer.run())
    await act(ringer, room)
    running.cancel()
    await ringer.close()
    await store.close()


async def heard_and_stopped(ringer: Ringer, room: Bedroom, within_s: float = 2.0) -> None:
    async with asyncio.timeout(within_s):
        await room.rings.wait()
    room.rings.clear()
    await asyncio.sleep(RING_S)
    await ringer.stop()
    note(event="stopped")


async def timer(ringer: Ringer, room: Bedroom) -> None:
    kept = await ringer.set_countdown(Kind.TIMER, "eggs", LENGTH_S)
    note(event="set", kept=kept.is_kept)
    STEPS.step("set")
    await heard_and_stopped(ringer, room)


async def weekly_alarm(ringer: Ringer, room: Bedroom) -> None:
    room.clock.near_alarm()
    await ringer.set_occasion(Kind.ALARM, "work", ALARM_AT.time(), weekdays=(0, 1, 2))
    note(event="set", kept=True)
    STEPS.step("set")
    await heard_and_stopped(ringer, room)


async def snooze(ringer: Ringer, room: Bedroom) -> None:
    room.clock.near_alarm()
    await ringer.set_occasion(Kind.ALARM, "nap", ALARM_AT.time())
    note(event="set", kept=True)
    await asyncio.wait_for(room.rings.wait(), 2)
    room.rings.clear()
    await ringer.snooze(LENGTH_S)
    note(event="snoozed")
    STEPS.step("snoozed")
    await heard_and_stopped(ringer, room)


async def create(ringer: Ringer, room: Bedroom) -> None:
    """Only open a store that is not there yet."""


async def afterwards(ringer: Ringer, room: Bedroom) -> None:
    """Whatever is left: listen, stop it, and say what is kept in the end."""
    deadline_s = time.monotonic() + LENGTH_S + RING_S
    while time.monotonic() < deadline_s or ringer.ringing or ringer.snoozed:
        if ringer.ringing:
            await heard_and_stopped(ringer, room)
        await asyncio.sleep(0.005)
    kept = [*ringer.waiting(Kind.TIMER), *ringer.waiting(Kind.ALARM)]
    note(event="end", kept=[str(entry.when.date) for entry in kept if hasattr(entry.when, "date")])


STORIES = {"timer": timer, "weekly_alarm": weekly_alarm, "snooze": snooze, "create": create}


def child(act: Callable[[Ringer, Bedroom], Any], kill_at: str = "") -> bool:
    """Play in a process of its own; True when it was killed."""
    number = os.fork()
    if number == 0:
        os.environ["BITTERN_KILL_AT"] = kill_at
        STEPS.__init__()  # type: ignore[misc]
        STEPS.is_counting = act is create
        database.sqlite3.connect = traced  # type: ignore[assignment, attr-defined]
        try:
            asyncio.run(play(act))
            os._exit(0)
        except BaseException as error:  # the end of a child: the parent reports it
            note(event="crashed", error=repr(error))
            os._exit(1)
    _, status = os.waitpid(number, 0)
    return os.WIFSIGNALED(status)


def main() -> None:
    """Kill at every step, then let another process find what is left."""
    folder, story = Path(sys.argv[1]), STORIES[sys.argv[2]]
    undisturbed = play_once(folder, story)
    steps = [json.loads(line)["step"] for line in LISTED.read_text().splitlines()]
    for kill_at in steps:
        print(play_once(folder, story, kill_at))
    print(undisturbed)


def play_once(folder: Path, story: Callable[[Ringer, Bedroom], Any], kill_at: str = "") -> str:
    """Play it, and another process after it; the outcome as JSON. Leaves the steps of the first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if story is not create:  # the steps of making the file have a story of their own
        child(create)
        LOG.unlink()
    LISTED.unlink(missing_ok=True)
    was_killed = child(story, kill_at)
    listed = LISTED.read_text()
    note(event="second process")
    child(create if story is create else afterwards)
    LISTED.write_text(listed)
    events = [json.loads(line) for line in LOG.read_text().splitlines()]
    steps = [json.loads(line)["step"] for line in listed.splitlines()]
    return json.dumps({"steps": steps, "was_killed": was_killed, "events": events})


if __name__ == "__main__":
    main()
