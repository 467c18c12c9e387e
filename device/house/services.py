"""What outlives a conversation and a change of settings."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from device.appliance.brain_process import BrainProcess
from device.appliance.voice import Voice
from device.house.other_tools import OtherTools
from device.house.remembered import FILE as ENDPOINTS_FILE
from device.house.remembered import EndpointMemory
from device.house.rings import Rings
from device.house.volumes import FILE as VOLUMES_FILE
from device.house.volumes import Volumes
from device.room.policy import brain_arguments
from device.room.stopping import Stage, Stops
from device.settings import LoadedSettings
from device.settings.places import brain_socket, state_folder, tools_socket
from device.settings.tree import Settings
from device.spending.ledger import FILE as SPENDING_FILE
from device.spending.meter import Spending
from device.spending.prices import prices
from device.tools.alarms.ringer import Ringer
from device.tools.database import StoreError
from device.tools.facts import Facts
from device.tools.lists import Lists
from device.tools.moments import SystemClock
from device.tools.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """Stores, what rings, what was spent, and the process of the brain: one of each a house."""

    state: Path
    lists: Lists
    facts: Facts
    rings: Rings
    ringer: Ringer
    ringing: asyncio.Task[None]
    """Ends only by an error."""
    spending: Spending
    brain: BrainProcess
    voice: Voice
    others: OtherTools
    volumes: Volumes
    memory: EndpointMemory

    async def adopt(self, settings: Settings, *, is_private: bool) -> None:
        """Go by other settings from now on; no timer, list or sum is lost by that."""
        self.spending.use(prices(settings.price))
        self.volumes.use(settings.speaker.volume_percent)
        self.memory.adopt(settings)
        may_start = settings.brain.autostart or is_private
        await self.brain.use(brain_arguments(settings), may_start=may_start)
        await self.others.adopt(settings)


async def open_services(loaded: LoadedSettings, stops: Stops, *, is_private: bool) -> Services:
    """Open them all; ``is_private``: with a brain and a store of its own, to disturb nobody.

    What has come due meanwhile rings as soon as a room joins.
    """
    settings = loaded.settings
    scratch = _scratch(stops) if is_private else None
    state = scratch or state_folder(settings.paths)
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as failure:
        # What is kept there says by itself that it cannot be kept.
        log.error("the state folder %s cannot be made: %s", state, failure.strerror)
    store = Store(state / "house.sqlite3")
    await store.open()  # the ringer tells what was wrong with it
    stops.add(Stage.KEEPING, store.close)
    rings = Rings()
    ringer = Ringer(
        store,
        SystemClock(),
        rings.ring,
        rings.silence,
        on_missed=rings.missed,
        on_trouble=rings.trouble,
    )
    spending = await _spending(settings, state, stops)
    brain = BrainProcess(
        scratch / "brain.sock" if scratch else brain_socket(settings.paths),
        brain_arguments(settings),
        may_start=settings.brain.autostart or is_private,
    )
    stops.add(Stage.BRAIN, brain.stop)
    voice = Voice(brain.socket_path, brain.ensure)
    others = OtherTools(
        scratch / "tools.sock" if scratch else tools_socket(settings.paths), loaded.user_file
    )
    await others.adopt(settings)
    stops.add(Stage.BRAIN, others.close)
    volumes = Volumes(state / VOLUMES_FILE, settings.speaker.volume_percent)
    stops.add(Stage.KEEPING, volumes.close)
    memory = EndpointMemory(state / ENDPOINTS_FILE, settings)
    stops.add(Stage.KEEPING, memory.close)
    await ringer.start()
    stops.add(Stage.KEEPING, ringer.close)
    ringing = stops.watch(asyncio.create_task(ringer.run(), name="ringer"))
    lists = Lists(store)
    facts = await _facts(lists)
    return Services(
        state, lists, facts, rings, ringer, ringing, spending, brain, voice, others, volumes, memory
    )


async def _facts(lists: Lists) -> Facts:
    facts = Facts(lists)
    try:
        await facts.load()
    except StoreError as failure:
        log.error("what was asked to remember cannot be read: %s", failure)
    return facts


async def _spending(settings: Settings, state: Path, stops: Stops) -> Spending:
    spending = Spending(state / SPENDING_FILE, prices(settings.price))
    await spending.open()
    stops.add(Stage.KEEPING, spending.close)
    stops.watch(asyncio.create_task(spending.run(), name="months"))
    return spending


def _scratch(stops: Stops) -> Path:
    return Path(stops.enter(Stage.KEEPING, tempfile.TemporaryDirectory(prefix="bittern-")))
