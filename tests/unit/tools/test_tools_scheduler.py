"""What rings and when, decided without clock, disk or sound."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device.tools.alarms.decisions import RingingEnd
from device.tools.alarms.entries import Countdown, Kind, Occasion, RingingPhase, Why
from device.tools.alarms.occasions import first_instant, last_passed
from device.tools.alarms.rules import RingingManner, Rules

HOUR = 3_600.0
DAY = 86_400.0


def times(heard: list[Any]) -> list[str]:
    return [one.at.local.strftime("%a %H:%M:%S") for one in heard]


class TestAlarms:
    def test_once(self, bedside: Any) -> None:
        bedside.alarm("07:00")
        bedside.wait(9 * HOUR + 5)
        assert times(bedside.rung) == ["Mon 07:00:00"]
        bedside.stop()
        bedside.wait(3 * DAY)
        assert len(bedside.rung) == 1
        assert bedside.drawer == {}

    def test_on_weekdays(self, bedside: Any) -> None:
        bedside.alarm("06:30", weekdays=(0, 2, 4))
        for _ in range(14):
            bedside.wait(DAY)
            bedside.stop()
        assert times(bedside.rung) == [f"{day} 06:30:00" for day in ("Mon", "Wed", "Fri") * 2]

    def test_on_a_date(self, bedside: Any) -> None:
        bedside.alarm("07:00", date=dt.date(2026, 11, 25))
        bedside.wait(4 * DAY)
        assert times(bedside.rung) == ["Wed 07:00:00"]

    def test_two_at_once_both_ring(self, bedside: Any) -> None:
        bedside.alarm("07:00", name="work")
        bedside.alarm("07:00", name="pills")
        bedside.wait(9 * HOUR + 1)
        assert sorted(one.name for one in bedside.rung) == ["pills", "work"]
        bedside.stop()
        assert len(bedside.silenced) == 2

    def test_cancelled_it_is_silent(self, bedside: Any) -> None:
        alarm = bedside.alarm("07:00")
        bedside.apply(bedside.scheduler.cancel([alarm.id], bedside.now))
        bedside.wait(DAY)
        assert bedside.rung == []
        assert bedside.drawer == {}


class TestDaylightSaving:
    def at(self, make: Any, zone: str, local: str, alarm: str, **when: Any) -> Any:
        bedside = make(dt.datetime.fromisoformat(local), ZoneInfo(zone))
        bedside.alarm(alarm, weekdays=tuple(range(7)), **when)
        return bedside

    def run(self, bedside: Any, days: int) -> list[str]:
        for _ in range(days * 4):
            bedside.wait(6 * HOUR)
            bedside.stop()
        return [one.at.local.strftime("%d %H:%M %Z") for one in bedside.rung]

    def test_an_hour_that_repeats_rings_once(self, make_bedside: Any) -> None:
        bedside = self.at(make_bedside, "Europe/Berlin", "2026-10-24T12:00", "02:30")
        assert self.run(bedside, 2) == ["25 02:30 CEST", "26 02:30 CET"]

    def test_an_hour_that_is_skipped_rings_at_its_end(self, make_bedside: Any) -> None:
        bedside = self.at(make_bedside, "America/New_York", "2026-03-07T12:00", "02:30")
        assert self.run(bedside, 2) == ["08 03:00 EDT", "09 02:30 EDT"]

    def test_other_hours_keep_their_wall_time(self, make_bedside: Any) -> None:
        bedside = self.at(make_bedside, "America/New_York", "2026-03-07T12:00", "07:00")
        assert self.run(bedside, 2) == ["08 07:00 EDT", "09 07:00 EDT"]

    def test_half_an_hour_in_lord_howe(self, make_bedside: Any) -> None:
        bedside = self.at(make_bedside, "Australia/Lord_Howe", "2026-10-03T12:00", "02:15")
        assert self.run(bedside, 2) == ["04 02:30 +11", "05 02:15 +11"]
        bedside = self.at(make_bedside, "Australia/Lord_Howe", "2026-04-04T12:00", "01:45")
        assert self.run(bedside, 2) == ["05 01:45 +11", "06 01:45 +1030"]

    def test_midnight_that_is_skipped(self, make_bedside: Any) -> None:
        # Beirut goes from 00:00 to 01:00.
        bedside = self.at(make_bedside, "Asia/Beirut", "2026-03-28T12:00", "00:00")
        assert self.run(bedside, 2) == ["29 01:00 EEST", "30 00:00 EEST"]

    def test_a_day_that_never_was(self, make_bedside: Any) -> None:
        # Samoa went from the end of 2011-12-29 to the beginning of 2011-12-31.
        bedside = make_bedside(dt.datetime(2011, 12, 29, 12), ZoneInfo("Pacific/Apia"))
        bedside.alarm("07:00", date=dt.date(2011, 12, 30))
        bedside.wait(DAY)
        assert [one.at.local.strftime("%d %H:%M") for one in bedside.rung] == ["31 00:00"]

    def test_moving_to_another_zone_keeps_the_wall_time(self, bedside: Any) -> None:
        bedside.alarm("07:00")
        bedside.wait(HOUR)
        bedside.zone = ZoneInfo("America/New_York")
        bedside.wait(2 * DAY)
        assert times(bedside.rung) == ["Mon 07:00:00"]
        assert bedside.rung[0].at.local.tzname() == "EST"

    def test_the_first_instant_of_a_usual_time_is_that_time(self) -> None:
        zone = ZoneInfo("Asia/Kathmandu")
        instant = first_instant(dt.date(2026, 5, 1), dt.time(6, 45), zone)
        assert dt.datetime.fromtimestamp(instant, zone).isoformat() == "2026-05-01T06:45:00+05:45"


class TestClockJumps:
    def test_put_back_after_ringing_it_does_not_ring_again(self, bedside: Any) -> None:
        bedside.alarm("07:00", weekdays=tuple(range(7)))
        bedside.wait_until("07:00", days=1)
        bedside.stop()
        bedside.wait(600)
        for back_s in (30.0, 1_800.0, 19 * HOUR):
            bedside.jump(-back_s)
            bedside.wait(back_s + 60)
            bedside.jump(0)
            assert times(bedside.rung) == ["Mon 07:00:00"], back_s
        bedside.wait_until("07:00", days=1)
        assert times(bedside.rung) == ["Mon 07:00:00", "Tue 07:00:00"]

    def test_put_back_before_it_is_due_it_waits_longer(self, bedside: Any) -> None:
        bedside.alarm("07:00")
        bedside.wait(8 * HOUR)
        bedside.jump(-2 * HOUR)
        bedside.wait(2 * HOUR)
        assert bedside.rung == []
        bedside.wait_until("07:00")
        assert times(bedside.rung) == ["Mon 07:00:00"]

    def test_put_forward_past_it_a_little_it_rings_at_once_and_says_it_is_late(
        self, bedside: Any
    ) -> None:
        bedside.alarm("07:00")
        bedside.wait(8 * HOUR)
        bedside.jump(HOUR + 300)
        bedside.wait(2)
        assert len(bedside.rung) == 1
        assert bedside.rung[0].ringing.late_s == pytest.approx(300, abs=2)

    def test_put_forward_far_past_it_it_is_missed_and_says_why(self, bedside: Any) -> None:
        bedside.alarm("07:00")
        bedside.jump(DAY)
        bedside.wait(2)
        assert bedside.rung == []
        assert [one.ringing.why for one in bedside.missed] == [Why.CLOCK]

    @pytest.mark.parametrize("weekdays", [(), tuple(range(7))])
    def test_a_wrong_clock_that_is_corrected_takes_back_what_it_missed(
        self, bedside: Any, weekdays: tuple[int, ...]
    ) -> None:
        bedside.alarm("07:00", weekdays=weekdays)
        bedside.jump(4_000 * DAY)
        bedside.wait(10)
        assert len(bedside.missed) == 1
        bedside.jump(-4_000 * DAY)
        assert bedside.scheduler.in_phase(RingingPhase.MISSED) != ()
        bedside.wait(9 * HOUR)
        assert times(bedside.rung) == ["Mon 07:00:00"]
        assert bedside.scheduler.in_phase(RingingPhase.MISSED) == ()

    def test_what_rang_is_not_taken_back(self, bedside: Any) -> None:
        bedside.alarm("07:00", weekdays=tuple(range(7)))
        bedside.wait_until("07:00", days=1)
        bedside.wait(700)
        assert [one.ringing.why for one in bedside.missed] == [Why.UNANSWERED]
        bedside.jump(-HOUR)
        bedside.wait(2 * HOUR)
        assert len(bedside.rung) == 1

    def test_a_calendar_that_was_wrong_by_days_counts_anew(self, bedside: Any) -> None:
        bedside.alarm("07:00", weekdays=(0,))
        bedside.jump(5 * DAY)
        bedside.wait_until("07:00", days=3)
        bedside.stop()
        assert times(bedside.rung) == ["Mon 07:00:00"]
        bedside.jump(-5 * DAY)
        bedside.wait(6 * DAY)
        assert times(bedside.rung) == ["Mon 07:00:00", "Mon 07:00:00"]

    def test_timers_do_not_mind(self, bedside: Any) -> None:
        bedside.timer(600, "pasta")
        began_s = bedside.elapsed_s
        for jump_s in (3 * DAY, -9 * DAY, 100 * HOUR):
            bedside.wait(60)
            bedside.jump(jump_s)
        bedside.wait(600)
        assert len(bedside.rung) == 1
        assert bedside.rung[0].at.elapsed_s - began_s == pytest.approx(600)
        assert bedside.missed == []

    def test_a_timer_set_before_a_jump_survives_a_power_cut_after_it(self, bedside: Any) -> None:
        bedside.timer(1_200)
        bedside.jump(-5 * HOUR)
        bedside.wait(300)
        bedside.power_cut(off_s=300)
        bedside.wait(599)
        assert bedside.rung == []
        bedside.wait(2)
        assert len(bedside.rung) == 1

    def test_slewing_is_not_a_jump(self, bedside: Any) -> None:
        bedside.timer(3_000)
        before = dict(bedside.drawer)
        for _ in range(1_000):
            bedside.wait(1)
            bedside.jump(0.0005)
        assert bedside.drawer == before


class TestPower:
    def test_a_restart_of_the_process_changes_nothing(self, bedside: Any) -> None:
        bedside.timer(600)
        bedside.alarm("22:20")
        for _ in range(30):
            bedside.wait(20)
            bedside.restart()
        bedside.wait(600)
        assert sorted(one.kind for one in bedside.rung if not one.is_resumed) == [
            Kind.ALARM,
            Kind.TIMER,
        ]
        assert bedside.rung[0].at.elapsed_s == pytest.approx(700, abs=0.6)

    def test_a_timer_runs_on_while_the_power_is_out(self, bedside: Any) -> None:
        bedside.timer(600)
        bedside.wait(100)
        bedside.power_cut(off_s=200)
        bedside.wait(299)
        assert bedside.rung == []
        bedside.wait(2)
        assert len(bedside.rung) == 1
        assert bedside.rung[0].ringing.late_s == pytest.approx(0, abs=0.1)

    def test_due_while_the_power_was_out_it_rings_late(self, bedside: Any) -> None:
        bedside.timer(600)
        bedside.alarm("22:30")
        bedside.power_cut(off_s=1_000)
        assert [one.kind for one in bedside.rung] == [Kind.TIMER]
        assert bedside.rung[0].ringing.late_s == pytest.approx(400)
        bedside.power_cut(off_s=1_200)
        alarm = next(one for one in bedside.rung if one.kind is Kind.ALARM)
        assert alarm.ringing.late_s == pytest.approx(400)

    def test_out_for_too_long_it_is_missed_and_told_once(self, bedside: Any) -> None:
        bedside.timer(600)
        bedside.alarm("07:00", weekdays=tuple(range(7)))
        bedside.power_cut(off_s=5 * DAY)
        assert bedside.rung == []
        assert {(one.kind, one.ringing.why) for one in bedside.missed} == {
            (Kind.TIMER, Why.OFF),
            (Kind.ALARM, Why.OFF),
        }
        alarm = next(one for one in bedside.missed if one.kind is Kind.ALARM)
        assert alarm.ringing.missed_before == 4
        bedside.restart()
        assert len(bedside.missed) == 2
        assert len(bedside.scheduler.in_phase(RingingPhase.MISSED)) == 2
        bedside.apply(bedside.scheduler.acknowledge_missed())
        bedside.restart()
        assert bedside.scheduler.in_phase(RingingPhase.MISSED) == ()
        bedside.wait(DAY)
        assert [one.kind for one in bedside.rung] == [Kind.ALARM]

    def test_nobody_asked_for_three_days(self, bedside: Any) -> None:
        bedside.timer(600)
        bedside.power_cut(off_s=DAY)
        bedside.wait(3 * DAY + 2)
        assert bedside.drawer == {}

    def test_a_clock_that_stood_still_is_corrected_by_the_network(self, bedside: Any) -> None:
        """No real-time clock: after 20 minutes without power it shows the old time."""
        bedside.timer(1_800)
        bedside.wait(300)
        bedside.power_cut(off_s=1_200, clock_error_s=-1_200)
        bedside.wait(30)
        bedside.jump(1_200)
        bedside.wait(269)
        assert bedside.rung == []
        bedside.wait(2)
        assert len(bedside.rung) == 1

    def test_a_clock_from_before_the_timer_was_set_leaves_no_more_than_its_length(
        self, bedside: Any
    ) -> None:
        bedside.timer(600)
        bedside.power_cut(off_s=10, clock_error_s=-30 * DAY)
        bedside.wait(601)
        assert len(bedside.rung) == 1

    def test_an_alarm_that_rang_does_not_ring_again_by_a_stale_clock(self, bedside: Any) -> None:
        bedside.alarm("07:00", weekdays=tuple(range(7)))
        bedside.wait_until("07:00", days=1)
        bedside.stop()
        bedside.wait(1_800)
        bedside.power_cut(off_s=60, clock_error_s=-2_700)
        bedside.wait(2 * HOUR)
        assert len(bedside.rung) == 1

    def test_ringing_goes_on_after_a_crash_until_it_is_stopped(self, bedside: Any) -> None:
        bedside.timer(60)
        bedside.wait(75)
        bedside.restart()
        assert [one.is_resumed for one in bedside.rung] == [False, True]
        bedside.stop()
        bedside.restart()
        bedside.wait(DAY)
        assert len(bedside.rung) == 2

    def test_ringing_resumes_after_a_power_cut_within_its_grace_only(self, bedside: Any) -> None:
        bedside.alarm("23:00")
        bedside.wait(HOUR + 60)
        bedside.power_cut(off_s=1_200)
        assert [one.is_resumed for one in bedside.rung] == [False, True]
        bedside.power_cut(off_s=4 * HOUR)
        assert len(bedside.rung) == 2
        assert [one.ringing.why for one in bedside.missed] == [Why.OFF]


class TestRinging:
    def test_it_grows_louder_and_ends_by_itself(self, bedside: Any) -> None:
        bedside.alarm("22:30")
        bedside.wait(1_800 + 599)
        assert bedside.loudness == [0.3, 0.45, 0.6, 0.8, 1.0]
        assert bedside.silenced == []
        bedside.wait(2)
        assert [one.ended for one in bedside.silenced] == [RingingEnd.TIMED_OUT]
        assert [one.ringing.why for one in bedside.missed] == [Why.UNANSWERED]
        assert bedside.scheduler.in_phase(RingingPhase.RINGING) == ()

    def test_snoozed_it_rings_again_softly(self, bedside: Any) -> None:
        bedside.alarm("22:30")
        bedside.wait(1_800 + 45)
        snoozed, decision = bedside.scheduler.snooze(540, bedside.now)
        bedside.apply(decision)
        assert len(snoozed) == 1
        assert [one.ended for one in bedside.silenced] == [RingingEnd.SNOOZED]
        bedside.restart()
        bedside.wait(538)
        assert len(bedside.rung) == 1
        bedside.wait(2)
        assert len(bedside.rung) == 2
        assert bedside.loudness[-1] == 0.3
        bedside.stop()
        assert bedside.drawer == {}

    def test_a_snooze_survives_a_power_cut(self, bedside: Any) -> None:
        bedside.alarm("22:30")
        bedside.wait(1_810)
        bedside.apply(bedside.scheduler.snooze(540, bedside.now)[1])
        bedside.power_cut(off_s=300)
        bedside.wait(241)
        assert len(bedside.rung) == 2
        bedside.apply(bedside.scheduler.snooze(540, bedside.now)[1])
        bedside.power_cut(off_s=9_000)
        assert [one.ringing.why for one in bedside.missed] == [Why.OFF]

    def test_snooze_reaches_what_the_wake_word_has_just_stopped(self, bedside: Any) -> None:
        bedside.alarm("22:30")
        bedside.wait(1_810)
        bedside.stop()
        bedside.wait(5)
        snoozed, decision = bedside.scheduler.snooze(60, bedside.now)
        bedside.apply(decision)
        assert len(snoozed) == 1
        bedside.wait(61)
        assert len(bedside.rung) == 2

    def test_snooze_does_not_reach_back_for_long(self, bedside: Any) -> None:
        bedside.alarm("22:30")
        bedside.wait(1_810)
        bedside.stop()
        bedside.wait(121)
        assert bedside.scheduler.snooze(60, bedside.now)[0] == ()

    def test_cancelling_a_snoozed_one_forgets_it(self, bedside: Any) -> None:
        bedside.alarm("22:30")
        bedside.wait(1_810)
        bedside.apply(bedside.scheduler.snooze(540, bedside.now)[1])
        (snoozed,) = bedside.scheduler.in_phase(RingingPhase.SNOOZED)
        bedside.apply(bedside.scheduler.cancel([snoozed.id], bedside.now))
        bedside.wait(DAY)
        assert len(bedside.rung) == 1
        assert bedside.drawer == {}


class TestExtending:
    def extend(self, bedside: Any, number: int, by_s: float) -> Any:
        entry, decision = bedside.scheduler.extend(number, by_s, bedside.now)
        bedside.apply(decision)
        return entry

    def test_a_running_timer(self, bedside: Any) -> None:
        timer = bedside.timer(600, "tea")
        bedside.wait(300)
        longer = self.extend(bedside, timer.id, 120)
        assert longer.when.length_s == 720
        bedside.wait(419)
        assert bedside.rung == []
        bedside.wait(2)
        assert [one.name for one in bedside.rung] == ["tea"]

    def test_a_ringing_timer_falls_silent_and_runs_again(self, bedside: Any) -> None:
        timer = bedside.timer(60, "tea")
        bedside.wait(70)
        self.extend(bedside, timer.id, 120)
        assert [one.ended for one in bedside.silenced] == [RingingEnd.EXTENDED]
        bedside.wait(121)
        assert [one.name for one in bedside.rung] == ["tea", "tea"]

    def test_a_timer_that_was_just_stopped(self, bedside: Any) -> None:
        timer = bedside.timer(60)
        bedside.wait(61)
        bedside.stop()
        self.extend(bedside, timer.id, 30)
        bedside.wait(31)
        assert len(bedside.rung) == 2
        with pytest.raises(KeyError):
            self.extend(bedside, timer.id, 30)

    def test_less_time_than_is_left_rings_at_once(self, bedside: Any) -> None:
        timer = bedside.timer(600)
        self.extend(bedside, timer.id, -900)
        bedside.wait(0.1)
        assert len(bedside.rung) == 1

    def test_what_is_not_there(self, bedside: Any) -> None:
        with pytest.raises(KeyError):
            bedside.scheduler.extend(99, 60, bedside.now)


class TestWaking:
    def test_with_nothing_to_do_it_sleeps(self, bedside: Any) -> None:
        assert bedside.scheduler.wait_s(bedside.now) is None

    def test_it_is_woken_for_the_next_thing(self, bedside: Any) -> None:
        bedside.timer(0.4)
        assert bedside.scheduler.wait_s(bedside.now) == pytest.approx(0.4)
        bedside.timer(0.2)
        assert bedside.scheduler.wait_s(bedside.now) == pytest.approx(0.2)

    def test_it_never_sleeps_longer_than_the_poll(self, bedside: Any) -> None:
        bedside.alarm("07:00")
        assert bedside.scheduler.wait_s(bedside.now) == bedside.rules.poll_s
        assert Rules().poll_s == 1.0

    def test_a_busy_machine_says_so(self, bedside: Any) -> None:
        bedside.timer(60)
        bedside.tick()
        bedside.pass_time(HOUR)
        bedside.tick()
        assert [one.ringing.why for one in bedside.missed] == [Why.STALLED]


def test_loudness_follows_its_steps() -> None:
    manner = RingingManner(grace_s=1, ring_for_s=10, loudness=((0.0, 0.2), (3.0, 0.5)))
    assert [manner.loudness_at(at_s) for at_s in (0, 2.9, 3, 100)] == [0.2, 0.2, 0.5, 0.5]
    assert [manner.next_step_s(at_s) for at_s in (0, 3)] == [3.0, None]


def test_every_kind_has_its_manner() -> None:
    for kind in Kind:
        manner = Rules().manners[kind]
        assert manner.loudness[0][0] == 0
        assert manner.ring_for_s > 0


def test_records_say_when_they_are_due(bedside: Any) -> None:
    assert isinstance(bedside.timer(5).when, Countdown)
    assert isinstance(bedside.alarm("07:00").when, Occasion)


def test_a_date_that_rang_is_passed_over_when_the_calendar_comes_to_it_again() -> None:
    zone = ZoneInfo("Europe/London")
    rang = dt.date(2026, 11, 23)
    occasion = Occasion(dt.time(7), dt.date(2026, 11, 22), tuple(range(7)), rung_on=rang)
    noon_s = dt.datetime(2026, 11, 23, 12, tzinfo=zone).timestamp()
    assert last_passed(occasion, noon_s, zone) == (dt.date(2026, 11, 22), 0)
    assert last_passed(occasion, noon_s + DAY, zone) == (dt.date(2026, 11, 24), 2)
    assert last_passed(occasion, noon_s - 30 * HOUR, zone) is None
