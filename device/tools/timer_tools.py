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
from device.tools.naming import Name, clean_name, named, the_one

Amount = Annotated[float, Meta(ge=0, le=1_000_000)]

MOST_TIMERS = 50
LONGEST_S = 7 * 86_400.0
"""Longer than a week is no timer but a reminder."""


class TimerTools:
    """``set_timer``, ``list_timers``, ``cancel_timer`` and ``extend_timer``."""

    def __init__(self, ringer: Ringer) -> None:
        self._ringer = ringer

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
        length_s = _span_s(hours, minutes, seconds)
        name = clean_name(name, "timer")
        self._check_room(name)
        kept = await self._ringer.set_countdown(Kind.TIMER, name, length_s)
        said = phrase("timer_set", length=length_s)
        if name:
            said = phrase("timer_set_named", name=name, length=length_s)
        facts = {"timer": self._facts(kept.entry), "is_kept": kept.is_kept}
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
        self, name: Name | None = None, minutes: Amount | None = None, all_timers: bool = False
    ) -> Answer:
        """Cancel a timer, or stop one that rings. Needs no argument when there is only one.

        Args:
            name: The name of the timer, when it has one.
            minutes: How many minutes the timer was set for, when the user names it so.
            all_timers: True to cancel every timer.
        """
        timers: list[Entry | Ringing] = [*self._sounding(), *self._waiting()]
        if all_timers:
            await self._ringer.cancel([timer.id for timer in timers])
            said = phrase("timers_cancelled", count=len(timers)) if timers else _NONE
            return Answer({"cancelled": self._all_facts(timers)}, said)
        timer = self._choose(timers, name, minutes)
        is_kept = await self._ringer.cancel([timer.id])
        facts = {"cancelled": self._all_facts([timer]), "is_kept": is_kept}
        return Answer(facts, phrase("timer_cancelled", timer=timer_name(_entry(timer))))

    async def extend_timer(
        self, hours: Amount = 0, minutes: Amount = 0, seconds: Amount = 0, name: Name | None = None
    ) -> Answer:
        """Give a timer more time. One that rings, or was just stopped, runs again.

        Args:
            hours: Hours to add.
            minutes: Minutes to add.
            seconds: Seconds to add.
            name: The name of the timer, when there are several.
        """
        by_s = _span_s(hours, minutes, seconds)
        waiting = self._waiting()
        timer = self._choose(self._extensible(clean_name(name, "timer")), name, None)
        kept = await self._ringer.extend(timer.id, by_s)
        left_s = _left_s(kept.entry, self._ringer.now())
        said = phrase("timer_more", left=left_s)
        if timer in waiting:
            said = phrase("timer_left_now", timer=timer_name(kept.entry), left=left_s)
        return Answer({"timer": self._facts(kept.entry), "is_kept": kept.is_kept}, said)

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

    def _choose(
        self, timers: list[Entry | Ringing], name: str | None, minutes: float | None
    ) -> Entry | Ringing:
        found = timers
        wanted = clean_name(name, "timer")
        if wanted:
            found = named(found, wanted, _name)
        if minutes is not None:
            found = [timer for timer in found if abs(_length_s(timer) - minutes * 60) < 0.5]
        if not timers:
            raise ToolError("there are no timers", spoken=_NONE, try_again=False)
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
        return phrase("timer_left", timer=timer_name(timer), left=left_s)

    def _all_facts(self, timers: list[Entry | Ringing]) -> list[dict[str, Any]]:
        return [self._facts(timer) for timer in timers]

    def _facts(self, timer: Entry | Ringing) -> dict[str, Any]:
        now = self._ringer.now()
        left_s = 0.0 if isinstance(timer, Ringing) else max(0.0, _left_s(timer, now))
        ends = now.local + dt.timedelta(seconds=left_s)
        return {
            "name": _name(timer),
            "length_s": round(_length_s(timer)),
            "left_s": round(left_s),
            "ends_at": ends.strftime("%H:%M:%S"),
            "is_ringing": isinstance(timer, Ringing) and timer.snooze is None,
        }


_NONE = phrase("timers_none")


def _span_s(hours: float, minutes: float, seconds: float) -> float:
    span_s = hours * 3_600 + minutes * 60 + seconds
    if span_s < 1:
        raise ToolError(
            "say how long, in hours, minutes or seconds", spoken=phrase("timer_how_long")
        )
    if span_s > LONGEST_S:
        raise ToolError(
            "a timer runs for a week at most; set a reminder with a date instead",
            spoken=phrase("timer_too_long"),
        )
    return span_s


def _entry(timer: Entry | Ringing) -> Entry:
    return timer.entry if isinstance(timer, Ringing) else timer


def _the(timer: Entry | Ringing) -> Phrase:
    return phrase("the", what=timer_name(_entry(timer)))


def _name(timer: Entry | Ringing) -> str:
    return _entry(timer).name


def _length_s(timer: Entry | Ringing) -> float:
    when = _entry(timer).when
    return when.length_s if isinstance(when, Countdown) else 0.0


def _left_s(timer: Entry, now: Moment) -> float:
    return timer.when.left_s(now) if isinstance(timer.when, Countdown) else 0.0
