"""Whatever is set, and whatever happens to power and clocks: each rings once, never early.

What is due when is worked out here in another way than in the product: by reading the
local clock minute by minute, as a person would who sits beside it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from device.tools.alarms.entries import Occasion
from device.tools.alarms.rules import Rules

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
LONGEST_PLAY_DAYS = 40

# Days before something happens to the clock, and some before which nothing does.
PLACES = [
    ("Europe/London", "2026-03-27"),
    ("Europe/London", "2026-10-23"),
    ("America/New_York", "2026-03-06"),
    ("America/New_York", "2026-10-30"),
    ("Australia/Lord_Howe", "2026-04-03"),
    ("Australia/Lord_Howe", "2026-10-02"),
    ("Asia/Beirut", "2026-03-27"),
    ("America/Havana", "2026-10-30"),
    ("Africa/Casablanca", "2026-02-13"),
    ("America/Sao_Paulo", "2018-11-02"),
    ("Pacific/Chatham", "2026-04-03"),
    ("Pacific/Apia", "2011-12-28"),
    ("Asia/Kathmandu", "2026-06-01"),
    ("UTC", "2026-11-22"),
]

places = st.sampled_from(PLACES)
times_of_day = st.one_of(
    st.integers(0, 4 * 60 - 1),  # where clocks are changed
    st.integers(0, 24 * 60 - 1),
).map(lambda minute: dt.time(minute // 60, minute % 60))
weekday_sets = st.sampled_from([(), tuple(range(7)), (0, 1, 2, 3, 4), (5, 6), (6,), (0, 3)])
alarms = st.lists(st.tuples(times_of_day, weekday_sets), min_size=1, max_size=4)


@lru_cache(maxsize=32)
def minutes(zone: str, first_day: str) -> list[tuple[float, dt.datetime]]:
    """Every minute from two days before on, with what the local clock shows then."""
    tz = ZoneInfo(zone)
    start = dt.datetime.fromisoformat(first_day).replace(tzinfo=dt.UTC).timestamp() - 2 * DAY
    count = int((LONGEST_PLAY_DAYS + 4) * 24 * 60)
    instants = (start + 60.0 * number for number in range(count))
    return [(at, dt.datetime.fromtimestamp(at, tz).replace(tzinfo=None)) for at in instants]


@lru_cache(maxsize=4096)
def due(zone: str, first_day: str, date: dt.date, time: dt.time) -> float:
    """When the local clock first shows a time, or a later one."""
    wanted = dt.datetime.combine(date, time)
    return next(at for at, shown in minutes(zone, first_day) if shown >= wanted)


@lru_cache(maxsize=32)
def shown_dates(zone: str, first_day: str) -> frozenset[dt.date]:
    """A zone may skip a whole day (Apia, 2011-12-30): nobody can be woken on it."""
    return frozenset(shown.date() for _, shown in minutes(zone, first_day))


def dates(entry: Any, first: dt.date, days: int) -> list[dt.date]:
    when = entry.when
    if not when.weekdays:
        return [when.date]
    every = (first + dt.timedelta(day) for day in range(-2, days + 2))
    return [date for date in every if date.weekday() in when.weekdays]


def set_all(make: Any, place: tuple[str, str], wanted: Any) -> tuple[Any, list[Any]]:
    zone, day = place
    start = dt.datetime.fromisoformat(day) + dt.timedelta(hours=15)
    bedside = make(start, ZoneInfo(zone), Rules(poll_s=1_200.0))
    bedside.somebody_is_there = True
    return bedside, [
        bedside.alarm(time.isoformat(), weekdays=weekdays) for time, weekdays in wanted
    ]


def rung_dates(bedside: Any) -> Counter[tuple[int, dt.date]]:
    return Counter(
        (one.ringing.entry.id, one.ringing.entry.when.date)
        for one in bedside.rung
        if not one.is_resumed
    )


def never_early(bedside: Any) -> None:
    for one in bedside.rung:
        when = one.ringing.entry.when
        if isinstance(when, Occasion) and not one.is_resumed:
            shown = one.at.local.replace(tzinfo=None)
            assert shown >= dt.datetime.combine(when.date, when.time)


calm = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 3 * 24 * 60)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("power cut"), st.integers(1, 60 * 60)),
    ),
    min_size=1,
    max_size=8,
)


@given(place=places, wanted=alarms, events=calm)
@settings(max_examples=60, deadline=None)
def test_with_clocks_that_are_right_every_alarm_rings_at_its_time_or_says_why_not(
    make_bedside: Any, place: tuple[str, str], wanted: Any, events: Any
) -> None:
    bedside, entries = set_all(make_bedside, place, wanted)
    set_s, off = bedside.wall_s, []
    for event, length_min in events:
        if event == "wait":
            bedside.wait(length_min * MINUTE)
        elif event == "restart":
            bedside.restart()
        else:
            off.append((bedside.wall_s, bedside.wall_s + length_min * MINUTE))
            bedside.power_cut(off_s=length_min * MINUTE)
        bedside.stop()
    never_early(bedside)
    rung = {
        (one.ringing.entry.id, one.ringing.entry.when.date): one.at.wall_s
        for one in bedside.rung
        if not one.is_resumed
    }
    assert max(rung_dates(bedside).values(), default=0) <= 1
    missed = {(one.ringing.entry.id, one.ringing.entry.when.date) for one in bedside.missed}
    first = dt.date.fromisoformat(place[1])
    for entry in entries:
        for date in dates(entry, first, LONGEST_PLAY_DAYS - 5):
            due_s = due(*place, date, entry.when.time)
            if not set_s < due_s <= bedside.wall_s:
                assert (entry.id, date) not in rung
                continue
            # What is due in the very moment the power goes has rung by then.
            outage = next((end for begin, end in off if begin < due_s < end), None)
            grace_s = bedside.rules.manners[entry.kind].grace_s
            if outage is None:
                assert abs(rung.pop((entry.id, date)) - due_s) < 1.0
            elif (entry.id, date) in rung:
                assert rung.pop((entry.id, date)) == outage
                assert outage - due_s <= grace_s
            elif (entry.id, date) in missed:
                assert outage - due_s > grace_s
            else:  # several in one outage: the last of them stands for all
                later = due(*place, _next_of(entry, date), entry.when.time)
                assert outage is not None
                assert later <= outage
    assert rung == {}


def _next_of(entry: Any, date: dt.date) -> dt.date:
    return next(
        later
        for later in (date + dt.timedelta(day) for day in range(1, 9))
        if later.weekday() in entry.when.weekdays
    )


wild = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 36 * 60)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("back"), st.integers(1, 5 * 60)),
        st.tuples(st.just("forward"), st.integers(1, 30 * 60)),
        st.tuples(st.just("power cut"), st.integers(1, 10 * 60)),
        st.tuples(st.just("stale clock"), st.integers(1, 60)),
    ),
    min_size=1,
    max_size=10,
)


@given(place=places, wanted=alarms, events=wild)
@settings(max_examples=75, deadline=None)
def test_with_clocks_that_jump_no_alarm_rings_twice_and_all_ring_when_they_are_right_again(
    make_bedside: Any, place: tuple[str, str], wanted: Any, events: Any
) -> None:
    bedside, entries = set_all(make_bedside, place, wanted)
    back_min = 0
    for event, length_min in events:
        if event in ("back", "stale clock"):
            back_min += length_min
            if back_min > 19 * 60:
                continue
        if event == "wait":
            bedside.wait(length_min * MINUTE)
        elif event == "restart":
            bedside.restart()
        elif event == "power cut":
            bedside.power_cut(off_s=length_min * MINUTE)
        elif event == "stale clock":
            bedside.power_cut(off_s=30.0, clock_error_s=-length_min * MINUTE)
        else:
            bedside.jump(length_min * MINUTE * (1 if event == "forward" else -1))
            bedside.wait(1)
        bedside.stop()
    before = rung_dates(bedside)
    calm_from_s = bedside.wall_s
    bedside.wait(8 * DAY)
    bedside.stop()
    never_early(bedside)
    rung = rung_dates(bedside)
    assert max(rung.values(), default=0) <= 1
    heard_s = {
        (one.ringing.entry.id, one.ringing.entry.when.date): one.at.wall_s for one in bedside.rung
    }
    first = dt.date.fromisoformat(place[1])
    for entry in entries:
        for date in dates(entry, first, LONGEST_PLAY_DAYS - 2):
            due_s = due(*place, date, entry.when.time)
            if not calm_from_s + 61 < due_s <= bedside.wall_s or before[entry.id, date]:
                continue
            if date not in shown_dates(*place):
                continue
            assert (entry.id, date) in heard_s, (entry, date)
            assert abs(heard_s[entry.id, date] - due_s) < 1.0


timers = st.lists(st.integers(1, 4 * 3_600), min_size=1, max_size=5)


@given(lengths=timers, events=wild)
@settings(max_examples=75, deadline=None)
def test_timers_count_real_time_whatever_the_wall_clock_shows(
    make_bedside: Any, lengths: list[int], events: Any
) -> None:
    bedside = make_bedside(dt.datetime(2026, 3, 28, 20, 0), ZoneInfo("Europe/London"))
    bedside.somebody_is_there = True
    entries = {bedside.timer(length).id: length for length in lengths}
    began_s = bedside.elapsed_s
    for event, length_min in events:
        if event == "wait":
            bedside.wait(length_min * MINUTE)
        elif event in ("back", "forward"):
            bedside.jump(length_min * MINUTE * (1 if event == "forward" else -1))
        else:
            bedside.restart()
    bedside.wait(5 * HOUR)
    heard = Counter(one.ringing.id for one in bedside.rung if not one.is_resumed)
    assert heard == dict.fromkeys(entries, 1)
    assert bedside.missed == []
    for one in bedside.rung:
        if not one.is_resumed:
            late_s = one.at.elapsed_s - began_s - entries[one.ringing.id]
            assert -1e-6 <= late_s < 0.6  # a restart takes half a second


@given(lengths=timers, off_min=st.lists(st.integers(0, 300), max_size=4))
@settings(max_examples=60, deadline=None)
def test_timers_run_on_through_power_cuts_or_say_that_they_were_missed(
    make_bedside: Any, lengths: list[int], off_min: list[int]
) -> None:
    bedside = make_bedside(dt.datetime(2026, 3, 28, 20, 0), ZoneInfo("Europe/London"))
    bedside.somebody_is_there = True
    due_s = {bedside.timer(length).id: bedside.wall_s + length for length in lengths}
    for length_min in off_min:
        bedside.wait(10 * MINUTE)
        bedside.power_cut(off_s=length_min * MINUTE)
        bedside.stop()
    bedside.wait(5 * HOUR)
    over = Counter(one.ringing.id for one in (*bedside.rung, *bedside.missed) if not one.is_resumed)
    assert over == dict.fromkeys(due_s, 1)
    for one in bedside.rung:
        assert -1e-3 <= one.at.wall_s - due_s[one.ringing.id] <= 600
    for one in bedside.missed:
        assert one.at.wall_s - due_s[one.ringing.id] > 600


@given(
    lengths=timers,
    crashes=st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["before writing", "after writing"])),
        max_size=6,
    ),
)
@settings(max_examples=75, deadline=None)
def test_a_crash_at_any_decision_never_loses_a_ring_and_never_repeats_one_that_was_stopped(
    make_bedside: Any, lengths: list[int], crashes: list[tuple[int, str]]
) -> None:
    bedside = make_bedside(dt.datetime(2026, 11, 22, 20, 0), ZoneInfo("Europe/London"))
    entries = [bedside.timer(length % 600 + 1).id for length in lengths]
    log: list[tuple[str, int]] = []
    plan = dict(crashes)
    decisions = 0
    apply = bedside.apply

    class CrashError(Exception):
        pass

    def crashing(decision: Any) -> None:
        nonlocal decisions
        if not decision.writes and not decision.effects:
            return
        decisions += 1
        when = plan.get(decisions)
        if when == "before writing":
            raise CrashError
        effects = list(decision.effects)
        decision.effects.clear()
        apply(decision)
        if when == "after writing":
            raise CrashError
        for effect in effects:
            log.append((type(effect).__name__, effect.ringing.id))

    bedside.apply = crashing
    for _ in range(40):
        try:
            bedside.wait(20)
            bedside.stop()
        except CrashError:
            while True:
                try:
                    bedside.restart()
                    break
                except CrashError:
                    continue
    for number in entries:
        story = [event for event, one in log if one == number]
        assert "SoundAlarm" in story
        assert story.count("SilenceAlarm") <= 1
        if "SilenceAlarm" in story:
            assert "SoundAlarm" not in story[story.index("SilenceAlarm") :]
    assert bedside.drawer == {}
