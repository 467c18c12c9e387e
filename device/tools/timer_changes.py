"""Tools that change a timer which runs."""

from __future__ import annotations

from device.phrases.book import Phrase, phrase
from device.tools.alarms.countdowns import countdown, paused, resumed
from device.tools.alarms.entries import Countdown, Entry
from device.tools.alarms.ringer import KeptEntry, Ringer
from device.tools.alarms.sentences import timer_name
from device.tools.answers import Answer, ToolError
from device.tools.naming import Name, Which, clean_name
from device.tools.timer_tools import Amount, TimerTools, span_s


class TimerChanges:
    """``shorten_timer``, ``change_timer``, ``pause_timer``, ``resume_timer``, ``restart_timer``."""

    def __init__(self, ringer: Ringer, timers: TimerTools) -> None:
        self._ringer = ringer
        self._timers = timers

    async def shorten_timer(
        self,
        hours: Amount = 0,
        minutes: Amount = 0,
        seconds: Amount = 0,
        name: Name | None = None,
        which: Which | None = None,
    ) -> Answer:
        """Take time off a timer that runs.

        Args:
            hours: Hours to take off.
            minutes: Minutes to take off.
            seconds: Seconds to take off.
            name: The timer's name.
            which: Its place in list_timers, 1 the first, -1 the last.
        """
        by_s = span_s(hours, minutes, seconds)
        timer = self._timers.running(name, which)
        left_s = _when(timer).left_s(self._ringer.now())
        if left_s <= by_s:
            raise ToolError(
                "no time would be left; cancel it instead",
                spoken=phrase("timer_too_short", left=left_s),
            )
        kept = await self._ringer.extend(timer.id, -by_s)
        return self._changed(timer, kept)

    async def change_timer(
        self,
        hours: Amount = 0,
        minutes: Amount = 0,
        seconds: Amount = 0,
        name: Name | None = None,
        which: Which | None = None,
        new_name: Name | None = None,
    ) -> Answer:
        """Have a timer ring after another span from now on, or give it another name.

        Args:
            hours: Hours of the new span.
            minutes: Minutes of the new span.
            seconds: Seconds of the new span.
            name: The timer's name.
            which: Its place in list_timers, 1 the first, -1 the last.
            new_name: What it is to be called from now on.
        """
        timer = self._timers.running(name, which)
        called = None if new_name is None else clean_name(new_name, "timer")
        when = None
        if hours or minutes or seconds or not called:
            when = countdown(span_s(hours, minutes, seconds), self._ringer.now())
        return self._changed(timer, await self._ringer.alter(timer.id, when=when, name=called))

    async def pause_timer(self, name: Name | None = None, which: Which | None = None) -> Answer:
        """Hold a timer until it is resumed.

        Args:
            name: The timer's name.
            which: Its place in list_timers, 1 the first, -1 the last.
        """
        timer = self._timers.running(name, which)
        when = _when(timer)
        if when.paused_left_s is not None:
            said = phrase("timer_is_paused", timer=timer_name(timer))
            return self._told(timer, True, [said])
        kept = await self._ringer.alter(timer.id, when=paused(when, self._ringer.now()))
        self._timers.note_changed(timer)
        said = phrase("timer_paused", timer=timer_name(kept.entry), left=self._left_s(kept))
        return self._told(kept.entry, kept.is_kept, [said, *kept.caveat])

    async def resume_timer(self, name: Name | None = None, which: Which | None = None) -> Answer:
        """Let a paused timer go on.

        Args:
            name: The timer's name.
            which: Its place in list_timers, 1 the first, -1 the last.
        """
        timer = self._timers.running(name, which)
        when = _when(timer)
        if when.paused_left_s is None:
            return self._told(timer, True, [phrase("timer_runs", timer=timer_name(timer))])
        kept = await self._ringer.alter(timer.id, when=resumed(when, self._ringer.now()))
        self._timers.note_changed(timer)
        said = phrase("timer_goes_on", timer=timer_name(kept.entry), left=self._left_s(kept))
        return self._told(kept.entry, kept.is_kept, [said, *kept.caveat])

    async def restart_timer(self, name: Name | None = None, which: Which | None = None) -> Answer:
        """Begin a timer anew, with the whole of its span.

        Args:
            name: The timer's name.
            which: Its place in list_timers, 1 the first, -1 the last.
        """
        timer = self._timers.running(name, which)
        again = countdown(_when(timer).length_s, self._ringer.now())
        return self._changed(timer, await self._ringer.alter(timer.id, when=again))

    def _changed(self, before: Entry, kept: KeptEntry) -> Answer:
        self._timers.note_changed(before)
        said = phrase("timer_left_now", timer=timer_name(kept.entry), left=self._left_s(kept))
        return self._told(kept.entry, kept.is_kept, [said, *kept.caveat])

    def _left_s(self, kept: KeptEntry) -> float:
        return _when(kept.entry).left_s(self._ringer.now())

    def _told(self, timer: Entry, is_kept: bool, said: list[Phrase]) -> Answer:
        return Answer({"timer": self._timers.facts(timer), "is_kept": is_kept}, said)


def _when(timer: Entry) -> Countdown:
    assert isinstance(timer.when, Countdown), "timers count down"
    return timer.when
