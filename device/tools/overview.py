"""All timers, alarms, reminders, lists and facts at once, as they are: looking changes nothing.

``list_alarms`` counts what was missed as told. This does not: who looks may be nobody, a page
left open on a shelf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from device.phrases.en import ENGLISH
from device.tools.alarms.entries import Countdown, Entry, Kind, Ringing
from device.tools.alarms.ringer import Ringer
from device.tools.alarms.sentences import missed_sentence
from device.tools.facts import Facts
from device.tools.lists import Lists
from device.tools.when import when_facts


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that will ring, rings, or was snoozed."""

    id: int
    """For :meth:`device.tools.alarms.ringer.Ringer.cancel`."""
    kind: str
    """``timer``, ``alarm`` or ``reminder``."""
    name: str
    time: str
    """``06:45``, on the clock of the house."""
    date: str
    weekdays: Sequence[str]
    left_s: float | None
    """Of a timer: 0 when it rings."""
    length_s: float | None
    is_paused: bool
    is_ringing: bool
    is_snoozed: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """What the house keeps for its people."""

    waiting: Sequence[Waiting]
    missed: Sequence[str]
    """Sentences: what rang unheard, and why."""
    lists: dict[str, list[str]]
    facts: Sequence[str]


async def overview(ringer: Ringer, lists: Lists, facts: Facts) -> Overview:
    """Read it all; raises ``StoreError`` where the disk fails."""
    now = ringer.now()
    entries = [entry for kind in Kind for entry in ringer.waiting(kind)]
    both: list[Entry | Ringing] = [*ringer.ringing, *ringer.snoozed, *entries]
    waiting = [_waiting(ringer, each) for each in both]
    missed = [missed_sentence(each, now.zone, now.local.date()) for each in ringer.missed]
    return Overview(
        sorted(waiting, key=lambda each: (not each.is_ringing, each.date, each.time)),
        [ENGLISH.say(each) for each in missed],
        {name: await lists.items(name) for name in await lists.names()},
        facts.known,
    )


def _waiting(ringer: Ringer, one: Entry | Ringing) -> Waiting:
    entry, now = (one.entry if isinstance(one, Ringing) else one), ringer.now()
    when = when_facts(entry, now)
    weekdays = when["weekdays"]
    assert isinstance(weekdays, list)
    countdown = entry.when if isinstance(entry.when, Countdown) else None
    left_s = None if countdown is None else max(0.0, countdown.left_s(now))
    is_snoozed = isinstance(one, Ringing) and one.snooze is not None
    if isinstance(one, Ringing):
        left_s = 0.0 if one.snooze is None else max(0.0, one.snooze.left_s(now))
    return Waiting(
        id=one.id,
        kind=str(entry.kind),
        name=entry.name,
        time=str(when["time"]),
        date=str(when["date"]),
        weekdays=weekdays,
        left_s=None if left_s is None else round(left_s, 1),
        length_s=None if countdown is None else countdown.length_s,
        is_paused=countdown is not None and countdown.paused_left_s is not None,
        is_ringing=isinstance(one, Ringing) and not is_snoozed,
        is_snoozed=is_snoozed,
    )
