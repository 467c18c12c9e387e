"""The house: what lasts, and the rooms that are built on it and built anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from device.appliance.service_manager import EarsProgress
from device.assistant.news import News
from device.errors import BitternError
from device.house.opening import RoomOpening, Terms
from device.house.services import Services, open_services
from device.reports import Reporter
from device.room.room import Room, RoomPlan
from device.room.stopping import Stage, Stops
from device.settings import LoadedSettings

log = logging.getLogger(__name__)

REST_WITHIN_S = 20.0
"""How long new settings wait for the end of a conversation."""
MAIN = "main"
"""The room of an appliance that has but one."""

USUAL_TERMS = Terms()

Rooms = dict[str, Room]
"""Those that are open, by name."""
PlanOf = Callable[[LoadedSettings], RoomPlan]
"""Plans a room by the settings: asked again whenever these change."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a room is after it was built anew, as before."""

    is_muted: bool
    volume_percent: float


class House:
    """Stores, alarms, brain and spending, and any number of rooms. See :func:`open_house`.

    Each room has its own microphone, speaker and conversation; timers, lists, the month's
    spending and the brain are everybody's. What rings, rings in all rooms.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        terms: Terms,
        services: Services,
        stops: Stops,
        rooms: Rooms,
    ) -> None:
        self.loaded = loaded
        self.services = services
        self.rooms = rooms
        self.listeners: set[Reporter] = set()
        """Are told all news of all rooms, what was said included."""
        self._terms = terms
        self._stops = stops
        self._plans: dict[str, PlanOf] = {}
        self._rebuilding = asyncio.Lock()
        self._replaced = asyncio.Event()
        stops.add(Stage.ROOMS, self._stop_rooms)

    async def open_room(self, name: str, plan_of: PlanOf) -> Room:
        """Open one more room; raises a ``BitternError`` that says what is missing."""
        if name in self.rooms:
            raise ValueError(f"there is a room {name} already")
        self._plans[name] = plan_of
        return await self._open(name, plan_of(self.loaded))

    async def _open(self, name: str, plan: RoomPlan) -> Room:
        plan = replace(plan, report=self._heard_by_all(plan.report))
        opening = RoomOpening(name, self.loaded, plan, self.services, self._terms)
        try:
            room = self.rooms[name] = await opening.room()
        except BaseException:
            await opening.stops.close()
            raise
        return room

    def _heard_by_all(self, report: Reporter) -> Reporter:
        def told(what: News) -> None:
            report(what)
            for listener in tuple(self.listeners):
                listener(what)

        return told

    async def _stop_rooms(self) -> None:
        rooms = list(self.rooms.values())
        self.rooms.clear()
        outcomes = await asyncio.gather(*(r.stop() for r in rooms), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    @property
    def progress(self) -> EarsProgress:
        """How far the ears have come: of the room that is furthest behind."""
        if self._rebuilding.locked() or not self.rooms:
            return EarsProgress(0, 0, 0.0, is_excused=True)
        all_of_them = [room.progress for room in self.rooms.values()]
        return min(all_of_them, key=lambda it: (it.is_excused, it.blocks_heard))

    async def wait(self) -> None:
        """Return never; raise what broke the house or one of its rooms."""
        while True:
            self._replaced.clear()
            watched = [asyncio.ensure_future(room.wait()) for room in self.rooms.values()]
            replaced = asyncio.create_task(self._replaced.wait())
            try:
                await asyncio.wait(
                    {*watched, replaced, self.services.ringing},
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if self.services.ringing.done():
                    self.services.ringing.result()
                if not replaced.done():
                    for each in watched:
                        if each.done():
                            each.result()
            finally:
                for task in (*watched, replaced):
                    task.cancel()
            async with self._rebuilding:
                """The new rooms are there, or the old ones again."""

    async def rebuild(self, new: LoadedSettings) -> None:
        """Build the rooms by new settings, or by the old ones again; the house itself stays.

        Waits for the end of the conversations, but not for ever. Whoever is muted stays
        so, and as loud. Raises the ``BitternError`` that kept the new rooms from opening.
        """
        await self._rest()
        async with self._rebuilding:
            self._replaced.set()
            kept = {
                name: _Kept(room.conductor.core.status.is_muted, room.mouth.volume_percent)
                for name, room in self.rooms.items()
            }
            old = self.loaded
            await self._stop_rooms()
            try:
                await self._open_again(new, kept)
            except BitternError:
                await self._stop_rooms()
                await self._open_again(old, kept)
                raise

    async def _open_again(self, loaded: LoadedSettings, kept: dict[str, _Kept]) -> None:
        self.loaded = loaded
        await self.services.adopt(loaded.settings, is_private=self._terms.is_private)
        for name, was in kept.items():
            plan = self._plans[name](loaded)
            is_muted = plan.is_muted
            if was.is_muted:
                plan = replace(plan, is_muted=lambda: True)
            else:
                plan = replace(plan, is_muted=is_muted)
            room = await self._open(name, plan)
            room.mouth.volume_percent = was.volume_percent

    async def _rest(self) -> None:
        """Wait for the end of the conversations, but not for ever."""
        at_rest = asyncio.Event()

        def look(_: object = None) -> None:
            if all(room.is_at_rest for room in self.rooms.values()):
                at_rest.set()

        self.listeners.add(look)
        look()
        try:
            async with asyncio.timeout(REST_WITHIN_S):
                await at_rest.wait()
        except TimeoutError:
            log.warning("the conversation goes on; the new settings end it")
        finally:
            self.listeners.discard(look)

    async def close(self) -> None:
        """Stop everything in the order of :data:`device.room.stopping.ORDER`."""
        await self._stops.close()


async def begin_house(
    loaded: LoadedSettings, terms: Terms = USUAL_TERMS, rooms: Rooms | None = None
) -> House:
    """Open what lasts; rooms come later. Raises a ``BitternError``.

    ``rooms``: a table of no rooms yet, where somebody else is to see them come and go.
    """
    stops = Stops()
    try:
        services = await open_services(loaded, stops, is_private=terms.is_private)
    except BaseException:
        await stops.close()
        raise
    return House(loaded, terms, services, stops, {} if rooms is None else rooms)


@asynccontextmanager
async def open_house(loaded: LoadedSettings, terms: Terms = USUAL_TERMS) -> AsyncIterator[House]:
    """A house from its opening to its end; raises a ``BitternError``."""
    house = await begin_house(loaded, terms)
    try:
        yield house
    finally:
        await house.close()
