"""Decides what rings, and when; without clock, store or sound of its own.

Every method takes the moment it happens at and returns a :class:`Decision`: what to
write down, then what to do. Nothing is decided anywhere else, so that an evening of
alarms, clock changes and power cuts can be replayed in a test.

Jumps of the wall clock show as a change of its distance to the elapsed clock. Timers do
not mind them. An alarm rings at most once for each date, and a clock that is put back by
less than 20 hours brings none of them again; put back by days, the calendar was wrong,
and counts anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import TypeVar

import msgspec

from device.tools.alarms.countdowns import after_jump, carried, countdown
from device.tools.alarms.decisions import (
    Decision,
    Delete,
    NoteMissed,
    Put,
    RingingEnd,
    SilenceAlarm,
    SoundAlarm,
)
from device.tools.alarms.entries import (
    Countdown,
    Entry,
    Kind,
    Meaning,
    Occasion,
    Ringing,
    RingingPhase,
    Why,
    stamp,
)
from device.tools.alarms.meaning import carried_over, read_again
from device.tools.alarms.occasions import (
    due_s,
    first_instant,
    last_passed,
    next_date,
    next_ring,
)
from device.tools.alarms.recently_stopped import RecentlyStopped
from device.tools.alarms.rules import RingingManner, Rules
from device.tools.moments import Moment

_DAY = dt.timedelta(days=1)

Changed = TypeVar("Changed", Entry, Ringing)


class Scheduler:
    """All that waits, rings, sleeps on or was missed."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self._entries: dict[int, Entry] = {}
        self._ringings: dict[int, Ringing] = {}
        self._loudness: dict[int, float] = {}
        self._stopped = RecentlyStopped(self.rules.regret_s)
        self._offset_s: float | None = None
        self._last_id = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What waits, in the order in which it was set."""
        return tuple(self._entries.values())

    @property
    def ringings(self) -> tuple[Ringing, ...]:
        """What came due and is not over: ringing, snoozed or missed."""
        return tuple(self._ringings.values())

    def in_phase(self, phase: RingingPhase) -> tuple[Ringing, ...]:
        """Those that ring, are snoozed, or were missed."""
        return tuple(ringing for ringing in self._ringings.values() if ringing.phase is phase)

    # -- what people ask for ------------------------------------------------------------

    def add_countdown(
        self, kind: Kind, name: str, length_s: float, now: Moment
    ) -> tuple[Entry, Decision]:
        """Have something rung after a span of time."""
        return self._add(kind, name, countdown(length_s, now), now)

    def add_occasion(
        self,
        kind: Kind,
        name: str,
        time: dt.time,
        now: Moment,
        *,
        date: dt.date | None = None,
        weekdays: tuple[int, ...] = (),
        meaning: Meaning | None = None,
    ) -> tuple[Entry, Decision]:
        """Have something rung at a time of day: on a date, on weekdays, or when it is next.

        ``meaning`` is given while the clock is not to be trusted, and read again when it is.
        """
        date = date or next_date(time, weekdays, now.wall_s, now.zone)
        return self._add(kind, name, Occasion(time, date, weekdays), now, meaning)

    @property
    def has_guesses(self) -> bool:
        """Whether any date waits for a clock that is right."""
        return any(entry.meaning is not None for entry in self._entries.values())

    def cancel(self, ids: Collection[int], now: Moment) -> Decision:
        """Forget entries, and silence or forget what rings or is snoozed, by id."""
        decision = Decision()
        for entry in [self._entries[number] for number in ids if number in self._entries]:
            self._forget(entry, decision)
        for ringing in [self._ringings[number] for number in ids if number in self._ringings]:
            self._end(ringing, RingingEnd.STOPPED, now, decision)
        return decision

    def extend(self, number: int, by_s: float, now: Moment) -> tuple[Entry, Decision]:
        """Give a timer more time (or less); one that rings begins to run again.

        The id may be that of a timer that waits, rings, or was stopped a moment ago. It
        ends now at the earliest. Raises ``KeyError`` when there is none.
        """
        decision = Decision()
        waiting = self._entries.get(number)
        if waiting is not None and isinstance(waiting.when, Countdown):
            left_s = max(0.0, waiting.when.left_s(now) + by_s)
            length_s = max(waiting.when.length_s + by_s, left_s)
            when = msgspec.structs.replace(countdown(left_s, now), length_s=length_s)
            return self._keep(msgspec.structs.replace(waiting, when=when), decision), decision
        ringing = self._ringings.get(number) or self._stopped.find(number, now)
        if ringing is None:
            raise KeyError(number)
        if number in self._ringings:
            self._end(ringing, RingingEnd.EXTENDED, now, decision)
        self._stopped.forget(number)
        entry, added = self._add(ringing.entry.kind, ringing.entry.name, countdown(by_s, now), now)
        decision.add(added.writes, added.effects)
        return entry, decision

    def alter(
        self, number: int, *, when: Countdown | Occasion | None = None, name: str | None = None
    ) -> tuple[Entry, Decision]:
        """Give what waits another time or name; raises ``KeyError`` when there is none."""
        decision, entry = Decision(), self._entries[number]
        if when is not None:
            entry = msgspec.structs.replace(entry, when=when)
        if name is not None:
            entry = msgspec.structs.replace(entry, name=name)
        return self._keep(entry, decision), decision

    def put_back(self, entries: Iterable[Entry], now: Moment) -> tuple[tuple[Entry, ...], Decision]:
        """Have entries as they were, those whose time has passed meanwhile excepted."""
        decision = Decision()
        ahead = [entry for entry in entries if _left_s(entry.when, now) > 0]
        return tuple(self._keep(entry, decision) for entry in ahead), decision

    def stop(self, now: Moment) -> tuple[tuple[Ringing, ...], Decision]:
        """Silence all that rings, for good."""
        decision = Decision()
        ringing = self.in_phase(RingingPhase.RINGING)
        for one in ringing:
            self._end(one, RingingEnd.STOPPED, now, decision)
        return ringing, decision

    def snooze(self, for_s: float, now: Moment) -> tuple[tuple[Ringing, ...], Decision]:
        """Silence all that rings, and ring again later.

        Where nothing rings, what was stopped a moment ago is meant: to say "snooze" one
        often says the wake word first, and that stops it.
        """
        decision = Decision()
        ringing = self.in_phase(RingingPhase.RINGING)
        for one in ringing:
            decision.add(effects=[SilenceAlarm(one, RingingEnd.SNOOZED)])
        if not ringing:
            ringing = self._stopped.at(now)
        self._stopped.clear()
        return tuple(self._sleep_on(one, for_s, now, decision) for one in ringing), decision

    def acknowledge_missed(self, told: Collection[Ringing] | None = None) -> Decision:
        """Somebody has been told of these that were missed, or of all of them."""
        decision = Decision()
        ids = None if told is None else {ringing.id for ringing in told}
        for ringing in self.in_phase(RingingPhase.MISSED):
            if ids is None or ringing.id in ids:
                self._forget(ringing, decision)
        return decision

    # -- what time brings ---------------------------------------------------------------

    def resume(
        self, records: Iterable[Entry | Ringing], now: Moment, *, is_trusted: bool = True
    ) -> Decision:
        """Begin with what an earlier process kept, and deal with the time between."""
        decision = Decision()
        for record in records:
            table: dict[int, Entry] | dict[int, Ringing] = (
                self._entries if isinstance(record, Entry) else self._ringings
            )
            table[record.id] = record  # type: ignore[assignment]
            self._last_id = max(self._last_id, record.id)
        self._offset_s = now.wall_s - now.elapsed_s
        self._carry_over(now, decision, is_trusted=is_trusted)
        self._read_again(now, decision, is_trusted=is_trusted)
        self._obey_calendar(now, decision)
        for ringing in self.in_phase(RingingPhase.RINGING):
            self._resume_ringing(ringing, now, decision)
        self._advance(now, Why.OFF, decision)
        return decision

    def tick(self, now: Moment, *, is_trusted: bool = True) -> Decision:
        """Ring what is due, louder what rings, and end what has rung long enough.

        ``is_trusted``: whether the wall clock is known to be right.
        """
        decision = Decision()
        offset_s = now.wall_s - now.elapsed_s
        jump_s = 0.0 if self._offset_s is None else offset_s - self._offset_s
        self._offset_s = offset_s
        is_jump = abs(jump_s) >= self.rules.jump_s
        if self.has_guesses and (is_jump or is_trusted):
            # First of all: a right clock makes no alarm late whose day was a guess.
            self._read_again(now, decision, is_trusted=is_trusted)
        if is_jump:
            self._follow_jump(jump_s, now, decision)
        # Whatever is found too late without a jump was delayed by this machine itself.
        self._advance(now, Why.CLOCK if jump_s >= self.rules.jump_s else Why.STALLED, decision)
        return decision

    def wait_s(self, now: Moment) -> float | None:
        """How long nothing needs to be done; None while there is nothing at all."""
        if not self._entries and not self._ringings:
            return None
        waits = [self.rules.poll_s]
        waits += [_left_s(entry.when, now) for entry in self._entries.values()]
        waits += [self._ringing_wait_s(ringing, now) for ringing in self._ringings.values()]
        return max(0.0, min(waits))

    # -- changes of the records ---------------------------------------------------------

    def _add(
        self,
        kind: Kind,
        name: str,
        when: Countdown | Occasion,
        now: Moment,
        meaning: Meaning | None = None,
    ) -> tuple[Entry, Decision]:
        decision = Decision()
        entry = Entry(self._new_id(), kind, name, when, now.wall_s, meaning)
        return self._keep(entry, decision), decision

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _keep(self, record: Changed, decision: Decision) -> Changed:
        if isinstance(record, Entry):
            self._entries[record.id] = record
        else:
            self._ringings[record.id] = record
        decision.add([Put(record)])
        return record

    def _forget(self, record: Entry | Ringing, decision: Decision) -> None:
        if isinstance(record, Entry):
            self._entries.pop(record.id, None)
        else:
            self._ringings.pop(record.id, None)
            self._loudness.pop(record.id, None)
        decision.add([Delete(record)])

    def _end(self, ringing: Ringing, ended: RingingEnd, now: Moment, decision: Decision) -> None:
        self._forget(ringing, decision)
        if ringing.phase is RingingPhase.RINGING:
            self._stopped.add(ringing, now)
            decision.add(effects=[SilenceAlarm(ringing, ended)])

    def recently_stopped(self, now: Moment) -> tuple[Ringing, ...]:
        """What somebody stopped a moment ago, and may want back."""
        return self._stopped.at(now)

    def _sleep_on(self, ringing: Ringing, for_s: float, now: Moment, decision: Decision) -> Ringing:
        self._loudness.pop(ringing.id, None)
        snoozed = msgspec.structs.replace(
            ringing, phase=RingingPhase.SNOOZED, since=stamp(now), snooze=countdown(for_s, now)
        )
        return self._keep(snoozed, decision)

    # -- coming due ---------------------------------------------------------------------

    def _advance(self, now: Moment, why_late: Why, decision: Decision) -> None:
        due = [entry for entry in self._entries.values() if _left_s(entry.when, now) <= 0]
        for entry in sorted(due, key=lambda entry: _left_s(entry.when, now)):
            self._come_due(entry, now, why_late, decision)
        for ringing in self.ringings:
            if ringing.phase is RingingPhase.SNOOZED and ringing.snooze is not None:
                self._wake_snoozed(ringing, ringing.snooze, now, why_late, decision)
            elif ringing.phase is RingingPhase.RINGING:
                self._go_on_ringing(ringing, now, decision)
            elif ringing.since.age_s(now) > self.rules.missed_kept_s:
                self._forget(ringing, decision)

    def _come_due(self, entry: Entry, now: Moment, why_late: Why, decision: Decision) -> None:
        """Turn an entry into one that rings, or was missed; move a repeated one on."""
        earlier = 0
        if isinstance(entry.when, Occasion):
            passed = last_passed(entry.when, now.wall_s, now.zone)
            if passed is None:
                return
            date, earlier = passed
            entry = msgspec.structs.replace(
                entry, when=msgspec.structs.replace(entry.when, date=date)
            )
        late_s = max(0.0, -_left_s(entry.when, now))
        is_missed = late_s > self._manner(entry).grace_s
        is_repeated = isinstance(entry.when, Occasion) and bool(entry.when.weekdays)
        if is_repeated:
            self._move_on(entry, now, decision, rang=not is_missed)
        else:
            self._forget(entry, decision)
        ringing = Ringing(
            id=self._new_id() if is_repeated else entry.id,
            entry=entry,
            due_wall_s=now.wall_s - late_s,
            phase=RingingPhase.RINGING,
            since=stamp(now),
            late_s=late_s,
            missed_before=earlier,
        )
        if is_missed:
            self._miss(ringing, why_late, now, decision)
        else:
            self._begin(ringing, decision)

    def _move_on(self, entry: Entry, now: Moment, decision: Decision, *, rang: bool) -> None:
        """Set a repeated alarm to its next date; from the one it has, rung or not."""
        assert isinstance(entry.when, Occasion)
        rung_on = entry.when.date if rang else entry.when.rung_on
        date = next_ring(entry.when, now.wall_s, now.zone, rung_on)
        when = msgspec.structs.replace(entry.when, date=date, rung_on=rung_on)
        self._keep(msgspec.structs.replace(entry, when=when, meaning=None), decision)

    def _begin(self, ringing: Ringing, decision: Decision) -> None:
        self._keep(ringing, decision)
        self._sound(ringing, 0.0, decision)

    def _sound(
        self, ringing: Ringing, ringing_s: float, decision: Decision, *, is_resumed: bool = False
    ) -> None:
        loudness = self._manner(ringing.entry).loudness_at(ringing_s)
        if self._loudness.get(ringing.id) != loudness:
            self._loudness[ringing.id] = loudness
            decision.add(effects=[SoundAlarm(ringing, loudness, is_resumed)])

    def _miss(self, ringing: Ringing, why: Why, now: Moment, decision: Decision) -> None:
        missed = msgspec.structs.replace(
            ringing, phase=RingingPhase.MISSED, since=stamp(now), why=why, snooze=None
        )
        self._keep(missed, decision)
        self._loudness.pop(ringing.id, None)
        decision.add(effects=[NoteMissed(missed)])

    def _go_on_ringing(self, ringing: Ringing, now: Moment, decision: Decision) -> None:
        ringing_s = ringing.since.age_s(now)
        if ringing_s >= self._manner(ringing.entry).ring_for_s:
            decision.add(effects=[SilenceAlarm(ringing, RingingEnd.TIMED_OUT)])
            self._miss(ringing, Why.UNANSWERED, now, decision)
        else:
            self._sound(ringing, ringing_s, decision)

    def _wake_snoozed(
        self,
        ringing: Ringing,
        snooze: Countdown,
        now: Moment,
        why_late: Why,
        decision: Decision,
    ) -> None:
        left_s = snooze.left_s(now)
        if left_s > 0:
            return
        awake = msgspec.structs.replace(
            ringing, phase=RingingPhase.RINGING, since=stamp(now), snooze=None, late_s=-left_s
        )
        if -left_s > self._manner(ringing.entry).grace_s:
            self._miss(awake, why_late, now, decision)
        else:
            self._begin(awake, decision)

    def _manner(self, entry: Entry) -> RingingManner:
        return self.rules.manners[entry.kind]

    def _ringing_wait_s(self, ringing: Ringing, now: Moment) -> float:
        if ringing.snooze is not None:
            return ringing.snooze.left_s(now)
        age_s = ringing.since.age_s(now)
        if ringing.phase is RingingPhase.MISSED:
            return self.rules.missed_kept_s - age_s
        manner = self._manner(ringing.entry)
        louder_s = manner.next_step_s(age_s)
        return min(manner.ring_for_s, louder_s or manner.ring_for_s) - age_s

    # -- restarts and jumps -------------------------------------------------------------

    def _read_again(self, now: Moment, decision: Decision, *, is_trusted: bool) -> None:
        """Give what was set by a clock that was not set the day that was meant."""
        for entry in self.entries:
            if entry.meaning is None:
                continue
            read = read_again(entry, now)
            if is_trusted:
                read = msgspec.structs.replace(read, meaning=None)
            if read != entry:
                self._keep(read, decision)

    def _carry_over(self, now: Moment, decision: Decision, *, is_trusted: bool) -> None:
        """Put what was counted down in an earlier boot on the clock of this one."""
        for entry in self.entries:
            said = carried_over(entry, now, is_trusted=is_trusted)
            if said != entry:
                self._keep(said, decision)
            if isinstance(entry.when, Countdown) and entry.when.boot != now.boot:
                when = carried(entry.when, now)
                self._keep(msgspec.structs.replace(entry, when=when), decision)
        for ringing in self.ringings:
            if ringing.snooze is not None and ringing.snooze.boot != now.boot:
                snooze = carried(ringing.snooze, now)
                self._keep(msgspec.structs.replace(ringing, snooze=snooze), decision)

    def _resume_ringing(self, ringing: Ringing, now: Moment, decision: Decision) -> None:
        """Go on with one that nobody had stopped when the last process ended."""
        manner = self._manner(ringing.entry)
        ringing_s = ringing.since.age_s(now)
        if ringing_s < manner.ring_for_s:
            self._sound(ringing, ringing_s, decision, is_resumed=True)
        elif ringing_s <= manner.grace_s:
            again = self._keep(msgspec.structs.replace(ringing, since=stamp(now)), decision)
            self._sound(again, 0.0, decision, is_resumed=True)
        else:
            self._miss(ringing, Why.OFF, now, decision)

    def _follow_jump(self, jump_s: float, now: Moment, decision: Decision) -> None:
        for entry in self.entries:
            if isinstance(entry.when, Countdown):
                when = after_jump(entry.when, jump_s, now)
                self._keep(msgspec.structs.replace(entry, when=when), decision)
        for ringing in self.ringings:
            if ringing.snooze is not None:
                snooze = after_jump(ringing.snooze, jump_s, now)
                self._keep(msgspec.structs.replace(ringing, snooze=snooze), decision)
        self._obey_calendar(now, decision)

    def _obey_calendar(self, now: Moment, decision: Decision) -> None:
        """After the wall clock may have been put back: wait again for what lies ahead again."""
        for ringing in self.in_phase(RingingPhase.MISSED):
            self._unmiss(ringing, now, decision)
        for entry in self.entries:
            when = entry.when
            if not isinstance(when, Occasion) or not when.weekdays:
                continue
            if when.rung_on is not None and _is_far_ahead(when.rung_on, now):
                when = msgspec.structs.replace(when, rung_on=None)
            date = next_ring(when, now.wall_s, now.zone, when.rung_on)
            when = msgspec.structs.replace(when, date=min(date, when.date))
            if when != entry.when:
                self._keep(msgspec.structs.replace(entry, when=when), decision)

    def _unmiss(self, ringing: Ringing, now: Moment, decision: Decision) -> None:
        """Take back that an alarm was missed, when the clock that said so has been put back."""
        missed = ringing.entry.when
        if not isinstance(missed, Occasion) or ringing.why is Why.UNANSWERED:
            return
        late_s = now.wall_s - first_instant(missed.date, missed.time, now.zone)
        if late_s > self._manner(ringing.entry).grace_s:
            return
        if not missed.weekdays or ringing.entry.id in self._entries:
            self._keep(ringing.entry, decision)
        self._forget(ringing, decision)


def _is_far_ahead(date: dt.date, now: Moment) -> bool:
    """Whether it begins more than a day from now; by instants: a zone may skip a day (Apia)."""
    return first_instant(date, dt.time(), now.zone) - now.wall_s > _DAY.total_seconds()


def _left_s(when: Countdown | Occasion, now: Moment) -> float:
    if isinstance(when, Countdown):
        return when.left_s(now)
    return due_s(when, now.zone) - now.wall_s
