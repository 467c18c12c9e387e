"""Tools for alarms."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from msgspec import Meta, structs

from device.phrases.book import Day, Phrase, phrase
from device.tools.alarms.entries import Entry, Kind, Occasion, Ringing
from device.tools.alarms.occasions import first_instant, next_date
from device.tools.alarms.ringer import Ringer
from device.tools.alarms.sentences import alarm_name, alarm_title, missed_sentence
from device.tools.answers import Answer, ToolError
from device.tools.days import TimeOfDay, Weekday, parse_time, weekday_numbers
from device.tools.naming import Name, Which, clean_name, named, placed, the_one
from device.tools.undo import UndoLog
from device.tools.when import date_ahead, when_facts, when_spoken

MOST_ALARMS = 50
SnoozeMinutes = Annotated[float, Meta(gt=0, le=180)]


class AlarmTools:
    """``set_alarm``, ``list_alarms``, ``cancel_alarm``, ``skip_alarm`` and ``snooze_alarm``."""

    def __init__(self, ringer: Ringer, changes: UndoLog | None = None) -> None:
        self._ringer = ringer
        self._changes = changes or UndoLog()

    async def set_alarm(
        self,
        time: TimeOfDay,
        date: str | None = None,
        weekdays: list[Weekday] | None = None,
        name: Name | None = None,
    ) -> Answer:
        """Set an alarm that rings at a time of day: once, or every week on some weekdays.

        Args:
            time: Time of day from 0:00 to 23:59, such as 6:45 or 18:30.
            date: YYYY-MM-DD, today, tomorrow or a weekday, for an alarm that rings once;
                leave it out for the next time the clock shows that time.
            weekdays: The days of a weekly alarm; all seven for every day.
            name: What the alarm is for, when the user says so.
        """
        at, now = parse_time(time), self._ringer.now()
        days = weekday_numbers(weekdays)
        if date is not None and days:
            raise ToolError("give either a date or weekdays, not both")
        day = None if date is None else date_ahead(date, at, now)
        name = clean_name(name, "alarm")
        same = self._same(at, day, days)
        if same is not None:
            facts = {"alarm": self._facts(same), "was_set_already": True}
            return Answer(facts, phrase("alarm_set_already", when=when_spoken(same, now)))
        if len(self._waiting()) >= MOST_ALARMS:
            raise ToolError(f"there are {MOST_ALARMS} alarms already", try_again=False)
        kept = await self._ringer.set_occasion(
            Kind.ALARM, name, at, date=day, weekdays=days, said=date
        )
        self._changes.note(phrase("did_set_alarm"), lambda: self._ringer.cancel([kept.entry.id]))
        alarm = phrase("alarm_named", name=name) if name else phrase("alarm")
        said = phrase("alarm_set", alarm=alarm, when=when_spoken(kept.entry, now))
        facts = {"alarm": self._facts(kept.entry), "is_kept": kept.is_kept}
        return Answer(facts, [said, *kept.caveat])

    async def list_alarms(self) -> Answer:
        """Tell which alarms are set, snoozed or ringing, and what rang unheard."""
        now = self._ringer.now()
        alarms, sounding = self._by_time(), self._sounding()
        today = now.local.date()
        said = [phrase("alarm_is", alarm=alarm_name(alarm, today)) for alarm in alarms]
        if len(alarms) > 1:
            said.insert(0, phrase("alarms_count", count=len(alarms)))
        for one in sounding:
            alarm = alarm_title(one.entry)
            is_ringing = one.snooze is None
            said.append(
                phrase("alarm_rings", alarm=alarm)
                if is_ringing
                else phrase("alarm_snoozed", alarm=alarm)
            )
        told = [missed_sentence(one, now.zone, today) for one in self._ringer.missed]
        facts = {
            "alarms": [self._facts(alarm) for alarm in alarms],
            "ringing": [self._facts(one.entry) for one in sounding if one.snooze is None],
            "snoozed": [self._facts(one.entry) for one in sounding if one.snooze is not None],
            "missed": told,
        }
        await self._ringer.acknowledge_missed()
        return Answer(facts, [*(said or [_NONE]), *(part for one in told for part in one)])

    async def cancel_alarm(
        self,
        time: TimeOfDay | None = None,
        name: Name | None = None,
        weekdays: list[Weekday] | None = None,
        which: Which | None = None,
        all_alarms: bool = False,
    ) -> Answer:
        """Cancel an alarm for good. Needs no argument when there is only one.

        Args:
            time: The time of day of the alarm, from 0:00 to 23:59.
            name: The name of the alarm, when it has one.
            weekdays: The days of a weekly alarm, when several have the same time.
            which: Its place among those that fit, 1 the first, -1 the last.
            all_alarms: True to cancel every alarm.
        """
        alarms: list[Entry | Ringing] = [*self._by_time(), *self._sounding()]
        if not alarms:
            raise ToolError("there are no alarms", spoken=_NONE, try_again=False)
        found = alarms
        if not all_alarms:
            found = [self._choose(alarms, time, name, weekday_numbers(weekdays), which)]
        entries = {_entry(alarm).id: _entry(alarm) for alarm in found}
        waiting = [alarm for alarm in found if isinstance(alarm, Entry)]
        if waiting:
            did = phrase("did_cancel_alarms", count=len(waiting))
            self._changes.note(did, lambda: self._put_back(waiting))
        # A weekly alarm that rings or is snoozed is cancelled with what it left behind.
        ringing = [one.id for one in self._sounding() if one.entry.id in entries]
        is_kept = await self._ringer.cancel([*entries, *ringing])
        today = self._ringer.now().local.date()
        names = [alarm_name(entry, today) for entry in entries.values()]
        said = phrase("alarms_cancelled", alarms=names)
        if len(entries) > 2:
            said = phrase("alarms_cancelled_many", count=len(entries))
        facts = {"cancelled": [self._facts(one) for one in entries.values()], "is_kept": is_kept}
        return Answer(facts, said)

    async def skip_alarm(
        self,
        time: TimeOfDay | None = None,
        name: Name | None = None,
        date: str | None = None,
        which: Which | None = None,
    ) -> Answer:
        """Leave a weekly alarm out once; it rings again on its next day after that.

        Args:
            time: The time of day of the alarm, from 0:00 to 23:59.
            name: The name of the alarm, when it has one.
            date: The day, when it is not the next: YYYY-MM-DD, tomorrow or a weekday.
            which: Its place among those that fit, 1 the first, -1 the last.
        """
        alarm = self._choose([*self._by_time()], time, name, (), which)
        when, now = _when(alarm), self._ringer.now()
        if not isinstance(alarm, Entry) or not when.weekdays:
            raise ToolError(
                "it rings only once; cancel it instead",
                spoken=phrase("alarm_rings_once"),
            )
        day = when.date if date is None else date_ahead(date, when.time, now)
        if day.weekday() not in when.weekdays:
            raise ToolError(f"it does not ring on {day}", spoken=phrase("alarm_not_that_day"))
        left_out = structs.replace(when, skipped=day)
        if day == when.date:
            after_s = first_instant(day, when.time, now.zone)
            left_out = structs.replace(
                left_out, date=next_date(when.time, when.weekdays, after_s, now.zone)
            )
        kept = await self._ringer.alter(alarm.id, when=left_out)
        self._changes.note(phrase("did_skip_alarm"), lambda: self._put_back([alarm]))
        skipped = Day(day, now.local.date())
        said = phrase("alarm_left_out", alarm=alarm_title(alarm), day=skipped)
        facts = {"alarm": self._facts(kept.entry), "skipped": day.isoformat()}
        return Answer({**facts, "is_kept": kept.is_kept}, [said, *kept.caveat])

    async def _put_back(self, alarms: list[Entry]) -> bool:
        return bool(await self._ringer.put_back(alarms))

    async def snooze_alarm(self, minutes: SnoozeMinutes | None = None) -> Answer:
        """Silence what rings now, and ring again some minutes later.

        Args:
            minutes: How many minutes later; leave it out for the usual nine.
        """
        for_s = self._ringer.rules.snooze_s if minutes is None else minutes * 60
        snoozed = await self._ringer.snooze(for_s)
        if not snoozed:
            raise ToolError("nothing rings", spoken=phrase("nothing_rings"), try_again=False)
        again = self._ringer.now().local + dt.timedelta(seconds=for_s)
        facts = {
            "snoozed": [str(one.entry.kind) for one in snoozed],
            "rings_again_at": again.strftime("%H:%M"),
        }
        return Answer(facts, phrase("rings_again", left=for_s))

    def _same(self, time: dt.time, date: dt.date | None, weekdays: tuple[int, ...]) -> Entry | None:
        """Find an alarm that would ring at the very same times."""
        for alarm in self._waiting():
            when = _when(alarm)
            is_same_date = bool(weekdays) or date in (None, when.date)
            if is_same_date and (when.time, when.weekdays) == (time, weekdays):
                return alarm
        return None

    def _choose(
        self,
        alarms: list[Entry | Ringing],
        time: TimeOfDay | None,
        name: Name | None,
        weekdays: tuple[int, ...],
        which: int | None = None,
    ) -> Entry | Ringing:
        if not alarms:
            raise ToolError("there are no alarms", spoken=_NONE, try_again=False)
        found = alarms
        wanted = clean_name(name, "alarm")
        if wanted:
            found = named(found, wanted, lambda alarm: _entry(alarm).name)
        if time is not None:
            found = [alarm for alarm in found if _when(alarm).time == parse_time(time)]
        if weekdays:
            found = [alarm for alarm in found if _when(alarm).weekdays == weekdays]
        found = placed(found, which)
        if len({_entry(alarm).id for alarm in found}) == 1:
            found = found[:1]
        today = self._ringer.now().local.date()
        facts = {"alarms": [self._facts(_entry(alarm)) for alarm in alarms]}

        def call_it(one: Entry | Ringing) -> Phrase:
            return phrase("the", what=alarm_name(_entry(one), today))

        return the_one(found, "alarm", call_it, facts)

    def _waiting(self) -> tuple[Entry, ...]:
        return self._ringer.waiting(Kind.ALARM)

    def _by_time(self) -> list[Entry]:
        return sorted(self._waiting(), key=lambda alarm: (_when(alarm).date, _when(alarm).time))

    def _sounding(self) -> list[Ringing]:
        both = (*self._ringer.ringing, *self._ringer.snoozed)
        return [ringing for ringing in both if ringing.entry.kind is Kind.ALARM]

    def _facts(self, alarm: Entry) -> dict[str, Any]:
        return {"name": alarm.name, **when_facts(alarm, self._ringer.now())}


_NONE = phrase("alarms_none")


def _entry(alarm: Entry | Ringing) -> Entry:
    return alarm.entry if isinstance(alarm, Ringing) else alarm


def _when(alarm: Entry | Ringing) -> Occasion:
    when = _entry(alarm).when
    assert isinstance(when, Occasion), "alarms are set for a time of day"
    return when
