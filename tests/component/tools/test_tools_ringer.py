"""What the scheduler decides is written down and carried out, on time, whatever the disk does."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device.phrases.book import Phrase
from device.phrases.en import ENGLISH
from device.tools.alarms import records
from device.tools.alarms.decisions import NoteMissed, Put, RingingEnd, SilenceAlarm, SoundAlarm
from device.tools.alarms.entries import Entry, Kind, Occasion
from device.tools.alarms.ringer import Ringer
from device.tools.alarms.sentences import NOT_KEPT, announcement, missed_sentence
from device.tools.database import CANNOT_SAVE, LOST_SOME, Database, StoreError
from device.tools.moments import SystemClock
from device.tools.store import Store
from device.workshop.simulation.clock import VirtualClock, run_virtually

EVENING = dt.datetime(2026, 11, 22, 22, 0, tzinfo=ZoneInfo("Europe/London"))


@dataclass
class Bedroom:
    """What is heard in it."""

    heard: list[SoundAlarm | SilenceAlarm | NoteMissed] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    noise: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, what: SoundAlarm | SilenceAlarm | NoteMissed) -> None:
        self.heard.append(what)
        self.noise.set()

    def told(self, what: Phrase) -> None:
        self.troubles.append(ENGLISH.say(what))

    async def next_ring(self) -> SoundAlarm:
        while not self.rings():
            self.noise.clear()
            await asyncio.wait_for(self.noise.wait(), 60)
        return self.rings()[-1]

    def rings(self) -> list[SoundAlarm]:
        return [one for one in self.heard if isinstance(one, SoundAlarm)]

    def ended(self) -> list[RingingEnd]:
        return [one.ended for one in self.heard if isinstance(one, SilenceAlarm)]


Play = Callable[[Ringer, Bedroom, VirtualClock], Awaitable[None]]


def at_night(path: Path, play: Play) -> Bedroom:
    """Run in virtual time, with a real store."""

    async def main(clock: VirtualClock) -> Bedroom:
        return await live(path, clock, lambda ringer, room: play(ringer, room, clock))

    return run_virtually(main, EVENING)


async def live(
    path: Path, clock: Any, act: Callable[[Ringer, Bedroom], Awaitable[None]]
) -> Bedroom:
    room, store = Bedroom(), Store(path)
    await store.open()
    hear = room.hear
    ringer = Ringer(
        store,
        clock,
        hear,
        hear,
        on_missed=hear,
        on_trouble=room.told,
    )
    await ringer.start()
    running = asyncio.create_task(ringer.run())
    await act(ringer, room)
    assert not running.done()
    running.cancel()
    await ringer.close()
    await store.close()
    return room


def test_a_night(store_path: Path) -> None:
    async def play(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
        await ringer.set_occasion(Kind.ALARM, "", dt.time(7), weekdays=(0, 1, 2, 3, 4))
        await ringer.set_countdown(Kind.TIMER, "pasta", 600)
        await ringer.set_occasion(Kind.REMINDER, "call mum", dt.time(23, 30))
        await asyncio.sleep(600.1)
        assert [ring.ringing.entry.name for ring in room.rings()] == ["pasta"]
        assert [one.entry.name for one in ringer.ringing] == ["pasta"]
        assert len(await ringer.stop()) == 1
        await asyncio.sleep(9 * 3_600)
        assert clock.local.hour == 7
        await ringer.stop()

    room = at_night(store_path, play)
    sentences = dict.fromkeys(ENGLISH.say(announcement(ring.ringing)) for ring in room.rings())
    assert list(sentences) == [
        "Your pasta timer is done.",
        "Here is your reminder: call mum.",
        "It's seven o'clock in the morning.",
    ]
    assert room.ended() == [RingingEnd.STOPPED, RingingEnd.TIMED_OUT, RingingEnd.TIMED_OUT]


def test_the_next_process_knows_everything(store_path: Path) -> None:
    async def first(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
        await ringer.set_occasion(Kind.ALARM, "work", dt.time(7), weekdays=(0,))
        await ringer.set_countdown(Kind.TIMER, "tea", 300)
        await ringer.set_occasion(Kind.ALARM, "nap", dt.time(22, 1))
        await asyncio.sleep(61)
        await ringer.snooze(540)

    async def second(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
        assert [entry.name for entry in ringer.waiting(Kind.ALARM)] == ["work"]
        assert [entry.name for entry in ringer.waiting(Kind.TIMER)] == ["tea"]
        assert [ringing.entry.name for ringing in ringer.snoozed] == ["nap"]
        kept = await ringer.set_countdown(Kind.TIMER, "eggs", 60)
        ids = [entry.id for entry in (*ringer.waiting(Kind.TIMER), *ringer.waiting(Kind.ALARM))]
        assert len(ids) == len(set(ids)) == 3
        assert kept.is_kept
        assert kept.entry.id == max(ids)

    at_night(store_path, first)
    at_night(store_path, second)


def test_a_stop_that_comes_with_the_ring_is_heard_after_it(store_path: Path) -> None:
    async def play(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
        await ringer.set_countdown(Kind.TIMER, "", 10)
        await asyncio.sleep(10)  # wakes in the same moment as the ringer
        await asyncio.gather(ringer.stop(), ringer.stop())
        assert ringer.ringing == ()

    room = at_night(store_path, play)
    assert [type(one) for one in room.heard] == [SoundAlarm, SilenceAlarm]


def test_who_is_cancelled_while_stopping_still_stops_it(store_path: Path) -> None:
    async def play(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
        await ringer.set_countdown(Kind.TIMER, "", 10)
        await asyncio.sleep(11)
        stopping = asyncio.create_task(ringer.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await asyncio.sleep(1)
        assert room.ended() == [RingingEnd.STOPPED]

    at_night(store_path, play)


def test_a_speaker_that_fails_does_not_end_the_alarms(
    store_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(clock: VirtualClock) -> None:
        store, rings = Store(store_path), []
        await store.open()

        def broken(ring: SoundAlarm) -> None:
            rings.append(ring)
            raise OSError("no speaker")

        ringer = Ringer(store, clock, broken, lambda silence: None)
        await ringer.start()
        running = asyncio.create_task(ringer.run())
        for name in ("one", "two"):
            await ringer.set_countdown(Kind.TIMER, name, 5)
            await asyncio.sleep(6)
            await ringer.stop()
        assert [ring.ringing.entry.name for ring in rings] == ["one", "two"]
        running.cancel()
        await store.close()

    run_virtually(play)
    assert "OSError: no speaker" in caplog.text


def test_a_missed_one_is_told_with_its_reason(store_path: Path) -> None:
    async def first(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
        await ringer.set_occasion(Kind.ALARM, "", dt.time(7))
        await ringer.set_occasion(Kind.REMINDER, "call mum", dt.time(1), weekdays=tuple(range(7)))
        await ringer.set_countdown(Kind.TIMER, "pasta", 600)

    async def second(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
        now = ringer.now()
        today = now.local.date()
        told = [ENGLISH.say(missed_sentence(one, now.zone, today)) for one in ringer.missed]
        assert told == [
            "Your pasta timer ended on Sunday, the twenty-second of November at ten ten at night. "
            "I was switched off.",
            "You missed your alarm on Monday, the twenty-third of November "
            "at seven o'clock in the morning. I was switched off.",
            "You missed a reminder today at one o'clock in the morning: call mum. "
            "I was switched off. You missed the six before it, too.",
        ]
        await ringer.acknowledge_missed()
        assert ringer.missed == ()

    at_night(store_path, first)

    async def later(clock: VirtualClock) -> None:
        clock.reboot()
        clock.set_local(dt.datetime(2026, 11, 29, 12, 0))
        await live(store_path, clock, lambda ringer, room: second(ringer, room, clock))

    run_virtually(later, EVENING)


class TestDisk:
    """Real time: the disk's slowness is what matters."""

    async def test_a_disk_that_hangs_delays_neither_ring_nor_silence(
        self, store_path: Path
    ) -> None:
        release = threading.Event()

        async def act(ringer: Ringer, room: Bedroom) -> None:
            kept = await ringer.set_countdown(Kind.TIMER, "", 0.2)
            assert kept.is_kept
            due_s = kept.entry.when.due_elapsed_s  # type: ignore[union-attr]
            ringer._store.run(lambda database: release.wait(10))
            await room.next_ring()
            assert ringer.now().elapsed_s - due_s < 0.6
            began_s = time.monotonic()
            await ringer.stop()
            assert room.ended() == [RingingEnd.STOPPED]
            assert time.monotonic() - began_s < 0.6
            release.set()

        await live(store_path, SystemClock(), act)
        with_database = Database.open(store_path)
        assert records.load(with_database) == []
        with_database.close()

    async def test_a_timer_that_cannot_be_kept_says_so_rings_and_is_kept_later(
        self, store_path: Path
    ) -> None:
        async def act(ringer: Ringer, room: Bedroom) -> None:
            await ringer.set_countdown(Kind.TIMER, "first", 3_600)
            (pages, free) = await ringer._store.run(limit_pages)
            assert int(str(pages)) > int(str(free)) > 0
            results = [
                await ringer.set_countdown(Kind.REMINDER, "x" * 500, 3_600 + number)
                for number in range(200)
            ]
            assert results[0].is_kept
            assert not results[-1].is_kept
            assert room.troubles == ["I can't save your timers and alarms at the moment."]
            kept = await ringer.set_countdown(Kind.TIMER, "quick", 0.05)
            assert not kept.is_kept
            await room.next_ring()
            await ringer.stop()
            await ringer._store.run(lambda database: database.rows("PRAGMA max_page_count=99999"))
            kept = await ringer.set_countdown(Kind.TIMER, "last", 3_600)
            assert kept.is_kept

        await live(store_path, SystemClock(), act)
        database = Database.open(store_path)
        names = [record.name for record in records.load(database) if isinstance(record, Entry)]
        database.close()
        assert len(names) == 202
        assert {"first", "last"} < set(names)
        assert "quick" not in names

    def test_after_a_failure_everything_is_written_again_by_itself(self, store_path: Path) -> None:
        async def play(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
            await ringer._store.run(limit_pages)
            for number in range(100):
                await ringer.set_countdown(Kind.REMINDER, "x" * 500, 3_600 + number)
            assert room.troubles
            await ringer._store.run(lambda database: database.rows("PRAGMA max_page_count=99999"))
            await asyncio.sleep(45)
            kept = await ringer._store.run(lambda database: len(records.load(database)))
            assert kept == 100

        at_night(store_path, play)

    def test_a_damaged_file_is_told_and_the_rest_goes_on(self, store_path: Path) -> None:
        store_path.parent.mkdir()
        store_path.write_bytes(b"rubbish" * 1_000)

        async def play(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
            assert "Please check what is set" in room.troubles[0]
            await ringer.set_countdown(Kind.TIMER, "", 5)
            await asyncio.sleep(6)
            assert len(room.rings()) == 1

        at_night(store_path, play)

    def test_who_sets_the_next_alarm_hears_again_that_some_were_lost(
        self, store_path: Path
    ) -> None:
        store_path.parent.mkdir()
        store_path.write_bytes(b"")

        async def play(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
            assert room.troubles == [ENGLISH.say(LOST_SOME)]
            first = await ringer.set_occasion(Kind.ALARM, "", dt.time(7))
            assert first.is_kept
            assert first.caveat == [LOST_SOME]
            second = await ringer.set_occasion(Kind.ALARM, "", dt.time(8))
            assert second.caveat == []

        at_night(store_path, play)

    def test_memory_is_no_disk(self, tmp_path: Path) -> None:
        blocked = tmp_path / "state"
        blocked.write_text("")

        async def play(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
            assert room.troubles == [ENGLISH.say(CANNOT_SAVE)]
            kept = await ringer.set_countdown(Kind.TIMER, "tea", 60)
            assert not kept.is_kept
            assert kept.caveat == [NOT_KEPT]
            await asyncio.sleep(61)
            assert len(room.rings()) == 1

        at_night(blocked / "house.sqlite", play)

    def test_a_row_that_makes_no_sense_does_not_hide_the_others(self, store_path: Path) -> None:
        async def first(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
            await ringer.set_countdown(Kind.TIMER, "good", 600)

        at_night(store_path, first)
        database = Database.open(store_path)
        for number, body in ((50, "{"), (51, '{"id":"x"}'), (52, "[]")):
            with database.transaction() as run:
                run("INSERT INTO entries VALUES (?, ?)", (number, body))
        database.close()

        async def second(ringer: Ringer, room: Bedroom, clock: VirtualClock) -> None:
            assert [entry.name for entry in ringer.waiting(Kind.TIMER)] == ["good"]

        at_night(store_path, second)


def limit_pages(database: Database) -> tuple[object, object]:
    """Let the file not grow: what a full disk does."""
    (pages,) = database.rows("PRAGMA page_count")[0]
    (free,) = database.rows("PRAGMA freelist_count")[0]
    database.rows(f"PRAGMA max_page_count={pages}")
    return pages, free


async def test_real_timers_ring_on_time(store_path: Path) -> None:
    late_s = []

    async def act(ringer: Ringer, room: Bedroom) -> None:
        for length_s in (0.05, 0.1, 0.25):
            kept = await ringer.set_countdown(Kind.TIMER, "", length_s)
            await room.next_ring()
            now_s = ringer.now().elapsed_s
            late_s.append(now_s - kept.entry.when.due_elapsed_s)  # type: ignore[union-attr]
            await ringer.stop()
            room.heard.clear()

    await live(store_path, SystemClock(), act)
    assert min(late_s) >= 0
    assert max(late_s) < 0.5  # the write before the ring is waited for 0.25 s at most


def test_records_survive_the_store_as_they_are(store_path: Path) -> None:
    database = Database.open(store_path)
    when = Occasion(dt.time(7), dt.date(2026, 11, 23), (0, 4), rung_on=dt.date(2026, 11, 20))
    entry = Entry(3, Kind.ALARM, "früh ☕", when, 1.5)
    records.commit(database, [Put(entry)])
    assert records.load(database) == [entry]
    (body,) = database.rows("SELECT body FROM entries")[0]
    assert json.loads(str(body))["when"]["time"] == "07:00:00"
    database.close()
    with pytest.raises(StoreError):
        records.commit(database, [Put(entry)])
