"""Alarms set while nothing has set the clock ring on the day that was meant."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device.tools.alarms.ringer import Ringer
from device.tools.alarms.rules import Rules
from device.tools.builtin import add_builtin_tools
from device.tools.house import NoHouse
from device.tools.lists import Lists
from device.tools.registry import Registry
from device.tools.store import Store
from device.workshop.simulation.clock import VirtualClock, run_virtually

ZONE = ZoneInfo("Europe/London")
WRONG = dt.datetime(2026, 11, 3, 10, 0, tzinfo=ZONE)
"""A Tuesday: what a Pi shows that was last on three weeks ago."""
RIGHT = dt.datetime(2026, 11, 26, 22, 0, tzinfo=ZONE)
"""A Thursday: what it was when the clock was put right, ten minutes later."""


POLL_S = 30.0
"""The clocks are looked at less often than in a kitchen: nights pass faster."""


class Night:
    """One appliance after the other, on the same store."""

    def __init__(self, clock: VirtualClock, path: Path) -> None:
        self.clock, self.path = clock, path
        self.rang: list[str] = []
        self.missed: list[Any] = []
        self.rings = asyncio.Event()

    async def during(self, act: Callable[[Registry], Awaitable[None]]) -> None:
        store = Store(self.path)
        await store.open()
        hear, missed = self._heard, self.missed.append
        rules = Rules(poll_s=POLL_S)
        ringer = Ringer(store, self.clock, hear, lambda _: None, on_missed=missed, rules=rules)
        registry = Registry()
        add_builtin_tools(
            registry, house=NoHouse(), clock=self.clock, ringer=ringer, lists=Lists(store)
        )
        await ringer.start()
        running = asyncio.create_task(ringer.run())
        await act(registry)
        running.cancel()
        await ringer.close()
        await store.close()

    def _heard(self, _: Any) -> None:
        self.rings.set()
        shown = self.clock.local.strftime("%a %d %H:%M")
        if shown not in self.rang:
            self.rang.append(shown)

    async def ring_once(self, registry: Registry) -> None:
        """Stop the first one soon after it began, as somebody would who is woken by it."""
        self.rings.clear()
        await self.rings.wait()
        await registry.run("cancel_alarm", '{"all_alarms": true}', "stop")


async def set_alarm(registry: Registry, **arguments: object) -> dict[str, Any]:
    outcome = await registry.run("set_alarm", json.dumps(arguments), "set")
    assert not outcome.is_error, outcome.output_json
    return dict(json.loads(outcome.output_json))


MEANT = [
    ({}, "Fri 27 06:30"),
    ({"date": "tomorrow"}, "Fri 27 06:30"),
    ({"date": "2026-11-04"}, "Fri 27 06:30"),  # a model that counted from the wrong today
    ({"date": "sunday"}, "Sun 29 06:30"),
    ({"date": "2026-11-28"}, "Sat 28 06:30"),
    ({"weekdays": ["monday", "sunday"]}, "Sun 29 06:30"),
]


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(("said", "rings"), MEANT)
def test_it_rings_on_the_day_that_was_meant(
    store_path: Path, said: dict[str, object], rings: str, is_restarted: bool
) -> None:
    async def main(clock: VirtualClock) -> Night:
        clock.is_set = False
        night = Night(clock, store_path)

        async def evening(registry: Registry) -> None:
            facts = await set_alarm(registry, time="6:30", **said)
            assert "My clock is not set yet" in facts["spoken"]
            await asyncio.sleep(600)

        async def later(registry: Registry) -> None:
            # The jump is seen before anybody says that the clock is right now.
            clock.set_local(RIGHT)
            await asyncio.sleep(POLL_S + 1)
            clock.is_set = True
            await asyncio.sleep(POLL_S + 1)
            assert night.missed == []
            await night.ring_once(registry)

        async def both(registry: Registry) -> None:
            await evening(registry)
            await later(registry)

        if is_restarted:
            await night.during(evening)
            clock.reboot()
            await night.during(later)
        else:
            await night.during(both)
        return night

    night = run_virtually(main, WRONG)
    assert night.rang == [rings]
    assert night.missed == []


def test_a_clock_that_turns_out_to_be_right_changes_nothing(store_path: Path) -> None:
    async def main(clock: VirtualClock) -> Night:
        clock.is_set = False
        night = Night(clock, store_path)

        async def act(registry: Registry) -> None:
            await set_alarm(registry, time="6:30", date="tomorrow")
            await asyncio.sleep(60)
            clock.is_set = True
            await asyncio.sleep(60)
            facts = await set_alarm(registry, time="7:30")
            assert "not set yet" not in facts["spoken"]
            await night.ring_once(registry)

        await night.during(act)
        return night

    assert run_virtually(main, WRONG).rang == ["Wed 04 06:30"]
