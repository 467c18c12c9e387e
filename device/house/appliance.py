"""The whole appliance: a house with one room, the panel before it, the control socket beside it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from socket import socket

from device.appliance.control import ControlServer
from device.appliance.sole import MicrophoneClaim, look_for_another
from device.assistant.effects import Show
from device.assistant.news import News
from device.audio.microphone import Microphone
from device.audio.portaudio_host import shared_host
from device.audio.speaker import Speaker
from device.errors import BitternError
from device.house.changes import Changes, changes
from device.house.controls import Controls
from device.house.front import HouseFront
from device.house.house import MAIN, House, Rooms, begin_house
from device.house.levels import set_levels_once
from device.house.orders import Orders
from device.house.page_sessions import FILE as SESSIONS_FILE
from device.house.page_sessions import PageSessions
from device.house.pairing import Pairing
from device.house.past_turns import FILE, PastTurns
from device.house.presence import Presence
from device.house.sensitivity import keep_chosen, with_chosen
from device.panel.boards import load_board
from device.panel.gpio import Pins
from device.phrases.book import Phrase, phrase
from device.reports import log_lines
from device.room.cards import microphone_from, speaker_from
from device.room.room import Room, RoomPlan
from device.settings import LoadedSettings, tree
from device.settings.places import control_socket, state_folder

log = logging.getLogger("bittern")

Load = Callable[[], LoadedSettings]
"""Reads the settings anew; raises a ``BitternError`` with every mistake in them."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where sound, lights and buttons are: of this machine, or of a test."""

    microphone: Callable[[tree.Microphone], Microphone] = microphone_from
    speaker: Callable[[tree.Speaker], Speaker] = speaker_from
    pins: Pins | None = None
    """gpiozero's, in place of the Raspberry Pi's."""


@dataclass(frozen=True, slots=True)
class ApplianceManner:
    """How an appliance runs, and who is told how it is."""

    is_safe: bool = False
    """Safe mode: the status says so."""
    may_be_deaf: bool = False
    """Start, and say so, where the microphone cannot be opened."""
    tell: Callable[[str], None] = lambda _: None
    """Gets one line for ``systemctl status``."""
    forget: Callable[[], None] = lambda: None
    """Does the factory reset, or has it done; called on the event loop."""
    control: socket | None = None
    """The control socket, where it listens already: ours alone, made for this process."""


class Appliance:
    """One that runs. See :func:`begin_appliance`.

    New settings build anew what depends on them; the house, the control socket, mute and
    volume stay.
    """

    def __init__(
        self,
        house: House,
        controls: Controls,
        front: HouseFront,
        load: Load,
        manner: ApplianceManner,
        stack: AsyncExitStack,
    ) -> None:
        self.house = house
        self.controls = controls
        self.front = front
        self.is_safe = manner.is_safe
        self._manner = manner
        self._load = load
        self._stack = stack
        self._reloading = asyncio.Lock()
        self._write = log_lines(house.loaded.settings.log.transcripts, self._state)
        self.presence = Presence(self)
        self.past_turns = PastTurns(
            house.services.state / FILE,
            lambda: self.loaded.settings.log.transcripts,
            lambda: house.services.spending.month_usd,
        )
        self.pairing = Pairing()
        self.page_sessions = PageSessions(house.services.state / SESSIONS_FILE)
        house.listeners.add(self.past_turns.take)
        stack.push_async_callback(self._close_past_turns)

    async def _close_past_turns(self) -> None:
        self.house.listeners.discard(self.past_turns.take)
        await self.past_turns.close()

    @property
    def room(self) -> Room:
        """The room of this appliance, as it is now: other settings make another one."""
        return self.house.rooms[MAIN]

    @property
    def loaded(self) -> LoadedSettings:
        """The settings in force."""
        return self.house.loaded

    def _state(self) -> str:
        room = self.house.rooms.get(MAIN)
        return str(room.state) if room is not None else ""

    def plan(self, hardware: Hardware, loaded: LoadedSettings) -> RoomPlan:
        """The room by these settings, on this hardware."""
        return RoomPlan(
            hardware.microphone(loaded.settings.microphone),
            hardware.speaker(loaded.settings.speaker),
            self._report,
            show=self.show,
            is_muted=lambda: self.controls.is_switched_off,
            may_be_deaf=self._manner.may_be_deaf,
            hangs=lambda: shared_host().hangs,
            attend=self.front.attend,
        )

    async def wait(self) -> None:
        """Return never; raise what broke it."""
        await self.house.wait()

    async def reload(self) -> Changes:
        """Read the settings and apply them; return what changed.

        Bad ones, and ones the appliance cannot start with, raise a ``BitternError``, and
        the old ones stay in force.
        """
        async with self._reloading:
            new = await asyncio.to_thread(self._load_with_chosen)
            found = changes(self.loaded.settings, new.settings)
            if found.touch_panel:
                load_board(new.settings.panel.board)
            others = self.house.services.others
            if found.touch_rooms or others.is_outdated(new.settings):
                try:
                    await self.house.rebuild(new)
                finally:
                    if MAIN in self.house.rooms:
                        self.controls.take(self.room, self.front.front.panel)
            self._adopt(new, found)
            await self.presence.adopt(new.settings)
            log.info("new settings: %s", ", ".join(found.keys) or "nothing has changed")
            return found

    def _load_with_chosen(self) -> LoadedSettings:
        return with_chosen(self._load(), self.house.services.state)

    async def choose_sensitivity(self, wanted: str) -> None:
        """Hear the wake word as easily as that from now on; raises a ``BitternError``."""
        state = self.house.services.state
        by_settings = await asyncio.to_thread(self._load)
        try:
            await asyncio.to_thread(keep_chosen, wanted, by_settings, state)
        except OSError as failure:
            raise BitternError(
                f"the sensitivity cannot be kept in {state}: {failure.strerror}",
                "Nothing was changed.",
            ) from None
        await self.reload()

    def _adopt(self, new: LoadedSettings, found: Changes) -> None:
        settings, self.house.loaded = new.settings, new
        logging.getLogger().setLevel(settings.log.level.upper())
        self._write = log_lines(settings.log.transcripts, self._state)
        if "speaker.volume_percent" in found.keys:
            self.house.services.volumes.use(settings.speaker.volume_percent)
            self.room.mouth.volume_percent = settings.speaker.volume_percent
        if found.touch_panel:
            core = self.room.conductor.core.status
            show = Show(core.state, core.is_fallback, core.fault)
            self.front.rebuild(settings.panel, show)
            self.room.untold.look()
            self.controls.take(self.room, self.front.front.panel)

    def invite(self) -> list[Phrase]:
        """What somebody at the device hears who wants to pair a browser; nothing without a page."""
        if not self.loaded.settings.page.enabled:
            return []
        return [phrase("page_code", code=self.pairing.invite().code)]

    def _report(self, what: News) -> None:
        self._write(what)

    def show(self, what: Show) -> None:
        """Tell by lights and in words how the conversation is."""
        self.front.show(what)
        brain = ", the local brain answers" if what.is_local else ""
        safe = "safe mode, " if self.is_safe else ""
        fault = f": {what.fault}" if what.fault else ""
        self._manner.tell(f"{safe}{what.state}{brain}{fault}")

    async def close(self) -> None:
        """Stop everything, in bounded time; what could not be closed goes with the process."""
        await self._stack.aclose()


async def begin_appliance(
    loaded: LoadedSettings, load: Load, hardware: Hardware, manner: ApplianceManner
) -> Appliance:
    """Light up, listen, take orders; raises a ``BitternError`` that says what is missing.

    Or that another appliance is there already: before anything of the machine is touched
    where it takes orders, else before anybody is answered.
    """
    stack = AsyncExitStack()
    try:
        return await _begun(loaded, load, hardware, manner, stack)
    except BaseException:
        await stack.aclose()
        raise


async def _begun(
    loaded: LoadedSettings,
    load: Load,
    hardware: Hardware,
    manner: ApplianceManner,
    stack: AsyncExitStack,
) -> Appliance:
    loaded = await asyncio.to_thread(with_chosen, loaded, state_folder(loaded.settings.paths))
    settings = loaded.settings
    if manner.control is None:
        own = control_socket(settings.paths)
        await asyncio.to_thread(look_for_another, own, control_socket(tree.Paths(), {}))
    controls = Controls(asyncio.get_running_loop(), manner.forget, lambda: appliance.invite())
    rooms: Rooms = {}  # lights are there before any room is
    front = HouseFront(settings.panel, controls, hardware.pins, lambda: rooms.get(MAIN))
    stack.callback(front.close)
    await asyncio.to_thread(set_levels_once, settings)
    # A microphone that a switch closes is not opened, not for a moment.
    await front.until_switch_is_known()
    claim = stack.enter_context(ExitStack())  # kept until the house has let go of it
    house = await begin_house(loaded, rooms=rooms)
    stack.push_async_callback(_closed, house)
    appliance = Appliance(house, controls, front, load, manner, stack)
    room = await house.open_room(MAIN, lambda loaded: appliance.plan(hardware, loaded))
    claim.callback(MicrophoneClaim.make(room.capture.microphone.name).release)
    controls.take(room, front.front.panel)
    orders = Orders(appliance)
    await _take_orders(appliance, orders, manner.control, stack)
    stack.push_async_callback(appliance.presence.close)
    await appliance.presence.begin(orders)
    stack.callback(controls.close)
    manner.tell(f"{room.state}")
    log.info('listening for "%s"', '", "'.join(settings.wake_words()))
    return appliance


async def _closed(house: House) -> None:
    try:
        await house.close()
    except BitternError as failure:
        log.error("%s", failure)


async def _take_orders(
    appliance: Appliance, orders: Orders, passed: socket | None, stack: AsyncExitStack
) -> None:
    place = control_socket(appliance.loaded.settings.paths)
    server = ControlServer(place, orders, passed)
    try:
        await server.start()
    except BitternError as failure:
        # Without it the appliance still does what it is for.
        log.error("%s", failure)
    else:
        stack.push_async_callback(server.close)
