"""What Home Assistant is shown of the appliance, as its entities have it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from device import __version__
from device.assistant.budget import BudgetLevel
from device.assistant.states import State
from device.homeassistant.discovery import LONGEST_STATE, OFF, ON, UNKNOWN, Entity
from device.plain_text import one_line
from device.tools.alarms.entries import Countdown, Entry, Kind
from device.tools.alarms.occasions import due_s
from device.tools.alarms.ringer import Ringer

if TYPE_CHECKING:
    from device.house.appliance import Appliance


def shown_states(appliance: Appliance, said: Mapping[Entity, str]) -> dict[Entity, str]:
    """The state of every entity; none while the room is built anew.

    ``said``: what was said last, as far as it may be told.
    """
    room = next(iter(appliance.house.rooms.values()), None)
    if room is None:
        return {}
    core, ringer = room.conductor.core.status, appliance.house.services.ringer
    is_faulted = core.state is State.FAULTED
    problems = {
        Entity.MICROPHONE: is_faulted or room.is_mending,
        Entity.ANSWERS: bool(core.fault) and not is_faulted,
        Entity.STORE: ringer.trouble is not None,
        Entity.BUDGET: core.budget_level is not BudgetLevel.FINE,
    }
    return {
        Entity.MUTE: ON if core.is_muted else OFF,
        Entity.VOLUME: str(round(room.mouth.volume_percent)),
        Entity.STATE: str(core.state),
        Entity.SENSITIVITY: appliance.loaded.settings.wake.sensitivity,
        Entity.NEXT_TIMER: _next_time(ringer),
        Entity.FIRMWARE: __version__,
        **{entity: ON if there_is else OFF for entity, there_is in problems.items()},
        **{entity: one_line(text, LONGEST_STATE) for entity, text in said.items()},
    }


def timer_facts(ringer: Ringer, *, with_names: bool) -> dict[str, object]:
    """What goes with the time of the next one: its kind, and how many there are of each.

    ``with_names``: what it is called, too, which somebody has said.
    """
    counts = {f"{kind}s": len(ringer.waiting(kind)) for kind in Kind}
    soonest = _soonest(ringer)
    if soonest is None:
        return dict(counts)
    name = {"name": soonest[1].name} if with_names else {}
    return {"kind": str(soonest[1].kind), **name, **counts}


def _next_time(ringer: Ringer) -> str:
    soonest = _soonest(ringer)
    if soonest is None:
        return UNKNOWN
    return dt.datetime.fromtimestamp(round(soonest[0]), dt.UTC).isoformat()


def _soonest(ringer: Ringer) -> tuple[float, Entry] | None:
    """What rings next of timers, alarms and reminders, in seconds since 1970."""
    zone = ringer.now().zone
    times: list[tuple[float, Entry]] = []
    for kind in Kind:
        for entry in ringer.waiting(kind):
            match entry.when:
                case Countdown(due_wall_s=due_wall_s, paused_left_s=None):
                    times.append((due_wall_s, entry))
                case Countdown():
                    continue  # paused: nobody knows when
                case occasion:
                    times.append((due_s(occasion, zone), entry))
    return min(times, key=lambda each: each[0], default=None)
