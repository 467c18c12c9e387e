"""Tools for timers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from msgspec import Meta

from device.phrases.book import Phrase, phrase
from device.tools.alarms.entries import Countdown, Entry, Kind, Ringing
from device.tools.alarms.ringer import Ringer
from device.tools.alarms.sentences import timer_name
from device.tools.answers import Answer, ToolError
from device.tools.moments import Moment
from device.tools.naming import Name, Which, clean_name, named, placed, the_one
from device.tools.undo import UndoLog

Amount = Annotated[float, Meta(ge=0, le=1_000_000)]

MOST_TIMERS = 50
LONGEST_S = 7 * 86_400.0
"""Longer than a week is no timer but a reminder."""


class TimerTools:
    """``set_timer``, ``list_timers``, ``cancel_timer`` and ``extend_timer``."""

    def __init__(self, ringer: Ringer, changes: UndoLog | None = None) -> None:
        self._ringer = ringer
        self._changes = changes or UndoLog()

    async def set_timer(
        self, hours: Amount = 0, minutes: Amount = 0, seconds: Amount = 0, name: Name | None = None
    ) -> Answer:
        """Start a timer that rings after a span of time. Several can run at once.

        Args:
            hours: Hours of the span.
            minutes: Minutes of the span.
            seconds: Seconds of the span.
            name: What the timer is for, such as pasta, when the user says so.
        """
        length_s = span_s(hours, minutes, seconds)
        name = clean_name(name, "timer")
        self._check_room(name)
        kept = await self._ringer.set_countdown(Kind.TIMER, name, length_s)
        did = phrase("did_set_timer", timer=timer_name(kept.entry))
        self._changes.note(did, lambda: self._ringer.cancel([kept.entry.id]))
        said = phrase("timer_set", length=length_s)
        if name:
            said = phrase("timer_set_named", name=name, length=length_s)
        facts = {"timer": self.facts(kept.entry), "is_kept": kept.is_kept}
        return Answer(facts, [said, *kept.caveat])

    async def list_timers(self, name: Name | None = None) -> Answer:
        """Tell which timers run and how much time each has left.

        Args:
            name: Only the timer of that name.
        """
        timers: list[Entry | Ringing] = [*self._sounding(), *self._waiting()]
        wanted = clean_name(name, "timer")
        if wanted:
            timers = named(timers, wanted, _name)
        if not timers:
            none = phrase("timers_none_named", name=wanted) if wanted else _NONE
            return Answer({"timers": []}, none)
        said = [self._sentence(timer) for timer in timers]
        if len(timers) > 1:
            said.insert(0, phrase("timers_count", count=len(timers)))
        return Answer({"timers": self._all_facts(timers)}, said)

    async def cancel_timer(
        self,
        name: Name | None = None,
        minutes: Amount | None = None,
        which: Which | None = None,
        all_timers: bool = False,
    ) -> Answer:
        """Cancel a timer, or stop one that rings. Needs no argument when there is only one.

        Args:
            name: The name of the timer, when it has one.
            minutes: How many minutes the timer was set for, when the user names it so.
            which: Its place in list_timers, 1 the first, -1 the last.
            all_timers: True to cancel every timer.
        """
        timers: list[Entry | Ringing] = [*self._sounding(), *self._waiting()]
        if all_timers:
            self._note_cancelled(timers)
            await self._ringer.cancel([timer.id for timer in timers])
            said = phrase("timers_cancelled", count=len(timers)) if timers else _NONE
            return Answer({"cancelled": self._all_facts(timers)}, said)
        timer = self._choose(timers, name, minutes, which)
        self._note_cancelled([timer])
        is_kept = await self._ringer.cancel([timer.id])
        facts = {"cancelled": self._all_facts([timer]), "is_kept": is_kept}
        return Answer(facts, phrase("timer_cancelled", timer=timer_name(_entry(timer))))

    async def extend_timer(
        self,
        hours: Amount = 0,
        minutes: Amount = 0,
        seconds: Amount = 0,
        name: Name | None = None,
        which: Which | None = None,
    ) -> Answer:
        """Give a timer more time. One that rings, or was just stopped, runs again.

        Args:
            hours: Hours to add.
            minutes: Minutes to add.
            seconds: Seconds to add.
            name: The timer's name.
            which: Its place in list_timers, 1 the first, -1 the last.
        """
        by_s = span_s(hours, minutes, seconds)
        waiting = self._waiting()
        if which is None:
            timer = self._choose(self._extensible(clean_name(name, "timer")), name, None)
        else:
            timer = self._choose([*self._sounding(), *waiting], name, None, which)
        kept = await self._ringer.extend(timer.id, by_s)
        if isinstance(timer, Entry):
            self.note_changed(timer)
        left_s = _left_s(kept.entry, self._ringer.now())
        said = phrase("timer_more", left=left_s)
        if timer in waiting:
            said = phrase("timer_left_now", timer=timer_name(kept.entry), left=left_s)
        return Answer({"timer": self.facts(kept.entry), "is_kept": kept.is_kept}, said)

    def _extensible(self, name: str) -> list[Entry | Ringing]:
        """Timers of a name; without one those that ring, else that run, else just stopped."""
        waiting: list[Entry | Ringing] = [*self._waiting()]
        tiers = (self._sounding(), waiting, self._stopped())
        if name:
            return [timer for tier in tiers for timer in named([*tier], name, _name)]
        return next(([*tier] for tier in tiers if tier), [])

    def _check_room(self, name: str) -> None:
        timers = self._waiting()
        if len(timers) >= MOST_TIMERS:
            raise ToolError(f"there are {MOST_TIMERS} timers already", try_again=False)
        for timer in timers:
            if name and timer.name.casefold() == name.casefold():
                left_s = _left_s(timer, self._ringer.now())
                raise ToolError(
                    f"a timer named {name!r} runs already; extend it, cancel it or pick a name",
                    spoken=phrase("timer_runs_already", name=name, left=left_s),
                    facts={"timers": self._all_facts([timer])},
                )

    def running(self, name: str | None, which: int | None) -> Entry:
        """Find the one timer that runs or is paused; raises `ToolError` when it is not clear."""
        found = self._choose([*self._waiting()], name, None, which)
        assert isinstance(found, Entry), "what waits is an entry"
        return found

    def note_changed(self, before: Entry) -> None:
        """Remember a timer as it was."""
        did = phrase("did_change_timer", timer=timer_name(before))
        self._changes.note(did, lambda: self._put_back([before]))

    def _note_cancelled(self, timers: list[Entry | Ringing]) -> None:
        waiting = [timer for timer in timers if isinstance(timer, Entry)]
        if waiting:
            did = phrase("did_cancel_timers", count=len(waiting))
            self._changes.note(did, lambda: self._put_back(waiting))

    async def _put_back(self, timers: list[Entry]) -> bool:
        return bool(await self._ringer.put_back(timers))

    def _choose(
        self,
        timers: list[Entry | Ringing],
        name: str | None,
        minutes: float | None,
        which: int | None = None,
    ) -> Entry | Ringing:
        found = timers
        wanted = clean_name(name, "timer")
        if wanted:
            found = named(found, wanted, _name)
        if minutes is not None:
            found = [timer for timer in found if abs(_length_s(timer) - minutes * 60) < 0.5]
        if not timers:
            raise ToolError("there are no timers", spoken=_NONE, try_again=False)
        found = placed(found, which)
        facts = {"timers": self._all_facts(timers)}
        return the_one(found, "timer", _the, facts)

    def _waiting(self) -> tuple[Entry, ...]:
        return self._ringer.waiting(Kind.TIMER)

    def _sounding(self) -> list[Ringing]:
        return [
            ringing
            for ringing in (*self._ringer.ringing, *self._ringer.snoozed)
            if ringing.entry.kind is Kind.TIMER
        ]

    def _stopped(self) -> list[Ringing]:
        stopped = self._ringer.recently_stopped
        return [ringing for ringing in stopped if ringing.entry.kind is Kind.TIMER]

    def _sentence(self, timer: Entry | Ringing) -> Phrase:
        if isinstance(timer, Ringing):
            return phrase("timer_done", timer=timer_name(timer.entry))
        left_s = _left_s(timer, self._ringer.now())
        if _is_paused(timer):
            return phrase("timer_left_paused", timer=timer_name(timer), left=left_s)
        return phrase("timer_left", timer=timer_name(timer), left=left_s)

    def _all_facts(self, timers: list[Entry | Ringing]) -> list[dict[str, Any]]:
        return [self.facts(timer) for timer in timers]

    def facts(self, timer: Entry | Ringing) -> dict[str, Any]:
        """What there is to know of one, for a model."""
        now = self._ringer.now()
        left_s = 0.0 if isinstance(timer, Ringing) else max(0.0, _left_s(timer, now))
        ends = now.local + dt.timedelta(seconds=left_s)
        return {
            "name": _name(timer),
            "length_s": round(_length_s(timer)),
            "left_s": round(left_s),
            "ends_at": ends.strftime("%H:%M:%S"),
            "is_ringing": isinstance(timer, Ringing) and timer.snooze is None,
            "is_paused": isinstance(timer, Entry) and _is_paused(timer),
        }


_NONE = phrase("timers_none")


def span_s(hours: float, minutes: float, seconds: float) -> float:
    """Add up a span; raises `ToolError` for none, and for more than a week."""
    total_s = hours * 3_600 + minutes * 60 + seconds
    if total_s < 1:
        raise ToolError(
            "say how long, in hours, minutes or seconds", question=phrase("timer_how_long")
        )
    if total_s > LONGEST_S:
        raise ToolError(
            "a timer runs for a week at most; set a reminder with a date instead",
            spoken=phrase("timer_too_long"),
        )
    return total_s


def _entry(timer: Entry | Ringing) -> Entry:
    return timer.entry if isinstance(timer, Ringing) else timer


def _the(timer: Entry | Ringing) -> Phrase:
    return phrase("the", what=timer_name(_entry(timer)))


def _name(timer: Entry | Ringing) -> str:
    return _entry(timer).name


def _length_s(timer: Entry | Ringing) -> float:
    when = _entry(timer).when
    return when.length_s if isinstance(when, Countdown) else 0.0


def _is_paused(timer: Entry) -> bool:
    return isinstance(timer.when, Countdown) and timer.when.paused_left_s is not None


def _left_s(timer: Entry, now: Moment) -> float:
    return timer.when.left_s(now) if isinstance(timer.when, Countdown) else 0.0
