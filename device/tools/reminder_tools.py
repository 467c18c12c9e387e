"""Tools for reminders."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from device.phrases.book import phrase
from device.tools.alarms.entries import Entry, Kind
from device.tools.alarms.ringer import KeptEntry, Ringer
from device.tools.alarms.sentences import missed_sentence
from device.tools.answers import Answer, ToolError
from device.tools.days import TimeOfDay, Weekday, parse_time, weekday_numbers
from device.tools.naming import Text, named, the_one
from device.tools.undo import UndoLog
from device.tools.when import date_ahead, when_facts, when_spoken

MOST_REMINDERS = 100
Amount = Annotated[float, Meta(ge=0, le=1_000_000)]


class ReminderTools:
    """``set_reminder``, ``list_reminders`` and ``cancel_reminder``."""

    def __init__(self, ringer: Ringer, changes: UndoLog | None = None) -> None:
        self._ringer = ringer
        self._changes = changes or UndoLog()

    async def set_reminder(
        self,
        text: Text,
        time: TimeOfDay | None = None,
        date: str | None = None,
        weekdays: list[Weekday] | None = None,
        hours: Amount = 0,
        minutes: Amount = 0,
    ) -> Answer:
        """Say a text to the user later: at a time of day, or after some hours and minutes.

        Args:
            text: What to say then, such as call the dentist.
            time: Time of day from 0:00 to 23:59, such as 9:30 or 18:00.
            date: YYYY-MM-DD, today, tomorrow or a weekday; needs a time.
            weekdays: The days of a weekly reminder; needs a time.
            hours: Hours from now, instead of a time.
            minutes: Minutes from now, instead of a time.
        """
        if len(self._waiting()) >= MOST_REMINDERS:
            raise ToolError(f"there are {MOST_REMINDERS} reminders already", try_again=False)
        text = " ".join(text.split())
        span_s = hours * 3_600 + minutes * 60
        if (time is None) == (span_s == 0):
            raise ToolError(
                "give a time of day, or hours and minutes from now: one of the two",
                question=phrase("reminder_when"),
            )
        if time is None:
            kept = await self._ringer.set_countdown(Kind.REMINDER, text, span_s)
        else:
            kept = await self._set_at(text, time, date, weekdays)
        did = phrase("did_set_reminder")
        self._changes.note(did, lambda: self._ringer.cancel([kept.entry.id]))
        when = when_spoken(kept.entry, self._ringer.now())
        said = phrase("reminder_set", when=when, text=text)
        facts = {"reminder": self._facts(kept.entry), "is_kept": kept.is_kept}
        return Answer(facts, [said, *kept.caveat])

    async def _set_at(
        self, text: str, time: TimeOfDay, date: str | None, weekdays: list[Weekday] | None
    ) -> KeptEntry:
        at, days = parse_time(time), weekday_numbers(weekdays)
        if date is not None and days:
            raise ToolError("give either a date or weekdays, not both")
        day = None if date is None else date_ahead(date, at, self._ringer.now())
        return await self._ringer.set_occasion(
            Kind.REMINDER, text, at, date=day, weekdays=days, said=date
        )

    async def list_reminders(self) -> Answer:
        """Tell which reminders are set, and which were missed."""
        now = self._ringer.now()
        reminders = self._waiting()
        said = [phrase("reminder_is", when=when_spoken(r, now), text=r.name) for r in reminders]
        if reminders:
            said.insert(0, phrase("reminders_count", count=len(reminders)))
        missed = [
            missed_sentence(one, now.zone, now.local.date())
            for one in self._ringer.missed
            if one.entry.kind is Kind.REMINDER
        ]
        facts = {"reminders": [self._facts(one) for one in reminders], "missed": missed}
        return Answer(facts, [*(said or [_NONE]), *(part for one in missed for part in one)])

    async def cancel_reminder(
        self, text: Text | None = None, all_reminders: bool = False
    ) -> Answer:
        """Cancel a reminder. Needs no argument when there is only one.

        Args:
            text: Some words of the reminder's text.
            all_reminders: True to cancel every reminder.
        """
        reminders = self._waiting()
        if not reminders:
            raise ToolError("there are no reminders", spoken=_NONE, try_again=False)
        found = list(reminders)
        if not all_reminders:
            if text:
                found = named(found, text, lambda one: one.name)
            choice = {"reminders": [self._facts(one) for one in reminders]}
            found = [the_one(found, "reminder", lambda one: one.name, choice)]
        gone = list(found)
        self._changes.note(phrase("did_cancel_reminder"), lambda: self._put_back(gone))
        is_kept = await self._ringer.cancel([one.id for one in found])
        said = phrase("reminders_cancelled", count=len(found))
        if len(found) == 1:
            said = phrase("reminder_cancelled", text=found[0].name)
        facts = {"cancelled": [self._facts(one) for one in found], "is_kept": is_kept}
        return Answer(facts, said)

    async def _put_back(self, reminders: list[Entry]) -> bool:
        return bool(await self._ringer.put_back(reminders))

    def _waiting(self) -> tuple[Entry, ...]:
        return self._ringer.waiting(Kind.REMINDER)

    def _facts(self, reminder: Entry) -> dict[str, Any]:
        return {"text": reminder.name, **when_facts(reminder, self._ringer.now())}


_NONE = phrase("reminders_none")
