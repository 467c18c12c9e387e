"""The appliance as a device in Home Assistant, while the settings name an MQTT broker.

What is shown there is looked up here; what is ordered there becomes an order as the control
socket has them, so the same things are refused: announcements in quiet hours, an open
microphone where a switch closes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from device import __version__
from device.assistant.news import AnswerSaid, News, QuestionHeard, WakeHeard
from device.errors import BitternError
from device.homeassistant.discovery import OFF, ON, DeviceCard, Entity
from device.homeassistant.plan import BrokerPlan, Showing
from device.house.showing import shown_states, timer_facts
from device.panel.watchers import ButtonEvent
from device.room.focus import Channel, Refusal
from device.settings import tree
from device.settings.secrets import find_key
from device.tools.alarms.decisions import SoundAlarm

if TYPE_CHECKING:
    from device.homeassistant.broker import BrokerLink
    from device.house.appliance import Appliance

log = logging.getLogger(__name__)

Carry = Callable[[Mapping[str, object]], Awaitable[object]]
"""Carries out an order of the control socket; raises a ``BitternError``."""

MOST_ORDERS = 4
"""Carried out at once; an announcement takes as long as the voice needs."""
ANNOUNCED_WITHIN_S = 60.0
"""So long an announcement waits for the end of a conversation."""
_MACHINE_ID = Path("/etc/machine-id")


class RemoteOrderError(BitternError):
    """An order that is not for somebody elsewhere to give, or that nobody understands."""


class Presence:
    """See the module. On the event loop's thread."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._carry: Carry | None = None
        self._link: BrokerLink | None = None
        self._settings = tree.Mqtt()
        self._orders: set[asyncio.Task[None]] = set()
        self._said: dict[Entity, str] = {}

    @property
    def standing(self) -> str:
        """How it stands with the broker, in words; empty where there is to be none."""
        if not self._settings.host:
            return ""
        trouble = self._link.trouble if self._link is not None else "it could not be begun"
        return trouble or f"connected to {self._settings.host}"

    async def begin(self, carry: Carry) -> None:
        """There is an appliance by now, which can be shown and takes orders."""
        self._carry = carry
        await self.adopt(self._appliance.loaded.settings)

    async def adopt(self, settings: tree.Settings) -> None:
        """Be there as these settings say; waits for no broker."""
        new, old = settings.mqtt, self._settings
        if new == old or self._carry is None:
            return
        await self._end(is_removed=bool(old.host) and not new.host)
        self._settings = new
        if new.host:
            self._begin(new)

    async def close(self) -> None:
        """Say goodbye, and take no more orders."""
        await self._end(is_removed=False)

    def _begin(self, settings: tree.Mqtt) -> None:
        try:
            from device.homeassistant.broker import BrokerLink
        except ModuleNotFoundError as missing:
            log.error(
                "Home Assistant cannot be reached by MQTT: %s is not installed; it is part of "
                "requirements/run.txt: run scripts/install.sh or scripts/run again",
                missing.name,
            )
            return
        try:
            plan = broker_plan(settings)
        except BitternError as failure:
            log.error("Home Assistant is not reached by MQTT: %s", failure)
            return
        self._link = BrokerLink(plan, device_card(settings), self._show, self._obey)
        self._appliance.house.listeners.add(self._take)
        self._appliance.house.services.rings.listeners.add(self._rings)
        self._appliance.controls.listeners.add(self._pressed)
        self._link.begin()

    async def _end(self, *, is_removed: bool) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        self._appliance.house.listeners.discard(self._take)
        self._appliance.house.services.rings.listeners.discard(self._rings)
        self._appliance.controls.listeners.discard(self._pressed)
        for order in tuple(self._orders):
            order.cancel()
        self._said.clear()
        await link.close(is_removed=is_removed)

    # -- telling ------------------------------------------------------------------------

    def _show(self) -> Showing:
        facts = timer_facts(
            self._appliance.house.services.ringer, with_names=self._settings.transcripts
        )
        said = {entity: {"text": text} for entity, text in self._said.items()}
        states = shown_states(self._appliance, self._said)
        return Showing(states, {Entity.NEXT_TIMER: facts, **said})

    def _take(self, what: News) -> None:
        if self._link is None:
            return
        match what:
            case WakeHeard(word=word, score=score):
                self._link.happened("wake_word", word=word, score=round(score, 3))
            case QuestionHeard(text=text) if self._settings.transcripts:
                self._said[Entity.QUESTION] = text
            case AnswerSaid(text=text) if self._settings.transcripts:
                self._said[Entity.ANSWER] = text
        self._link.look()

    def _rings(self, ring: SoundAlarm) -> None:
        if self._link is not None:
            entry = ring.ringing.entry
            name = {"name": entry.name} if self._settings.transcripts else {}
            self._link.happened("timer_finished", kind=str(entry.kind), **name)

    def _pressed(self, event: ButtonEvent) -> None:
        if self._link is not None:
            self._link.happened("button", button=event.button, gesture=str(event.gesture))

    # -- obeying ------------------------------------------------------------------------

    def _obey(self, entity: Entity, payload: str) -> None:
        if len(self._orders) >= MOST_ORDERS:
            log.warning("Home Assistant's order %s is lost: others are not done yet", entity)
            return
        order = asyncio.create_task(self._carry_out(entity, payload), name=f"order {entity}")
        self._orders.add(order)
        order.add_done_callback(self._orders.discard)

    async def _carry_out(self, entity: Entity, payload: str) -> None:
        try:
            order = self._order(entity, payload)
            if entity is Entity.SAY:
                await self._until_it_may_be_said()
            if self._carry is not None:
                await self._carry(order)
        except BitternError as refused:
            log.warning("Home Assistant's order %s is not carried out: %s", entity, refused)
        if self._link is not None:
            self._link.look()

    def _order(self, entity: Entity, payload: str) -> dict[str, object]:
        """As the control socket has it; raises a ``BitternError`` for what may not be ordered."""
        match entity, payload:
            case Entity.MUTE, str() if payload == ON:
                return {"command": "mute"}
            case Entity.MUTE, str() if payload == OFF:
                self._must_be_let_unmute()
                return {"command": "unmute"}
            case Entity.VOLUME, _:
                return {"command": "volume", "percent": _percent(payload)}
            case Entity.SENSITIVITY, _:
                return {"command": "sensitivity", "to": payload}
            case ((Entity.SAY | Entity.ASK), _):
                return {"command": str(entity), "text": payload}
            case Entity.STOP, _:
                return {"command": "stop"}
        raise RemoteOrderError(f"{entity} takes no such order")

    def _must_be_let_unmute(self) -> None:
        if not self._settings.remote_unmute:
            raise RemoteOrderError(
                "the microphone is not opened from elsewhere",
                "`remote_unmute` of [mqtt] in the settings would allow it.",
            )
        if self._appliance.controls.is_muted_by_hand:
            raise RemoteOrderError(
                "somebody here has closed the microphone by hand", "Open it by hand."
            )

    async def _until_it_may_be_said(self) -> None:
        """Wait for the end of a conversation; other reasons not to speak are for who speaks."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + ANNOUNCED_WITHIN_S
        while loop.time() < until_s:
            mouth = self._appliance.room.mouth
            if mouth.refusal(Channel.ANNOUNCEMENT) is not Refusal.IN_CONVERSATION:
                return
            await asyncio.sleep(0.25)


def broker_plan(settings: tree.Mqtt, environ: Mapping[str, str] | None = None) -> BrokerPlan:
    """The broker by these settings; raises a ``BitternError`` for a password that is none."""
    found = find_key(settings) if environ is None else find_key(settings, environ)
    if found is None and (settings.key_env or settings.key_file):
        raise BitternError(
            "the password of the MQTT broker was not found",
            "See key_env and key_file of [mqtt] in the settings, and docs/home-assistant.md.",
        )
    return BrokerPlan(
        settings.host,
        settings.port or (8883 if settings.tls else 1883),
        settings.user,
        found.value if found is not None else "",
        settings.tls,
        Path(settings.ca_file).expanduser() if settings.ca_file else None,
    )


def device_card(settings: tree.Mqtt) -> DeviceCard:
    """Who this device is at the broker."""
    return DeviceCard(
        identifier=f"bittern_{settings.name or _own_number()}",
        version=__version__,
        area=settings.area,
        may_ask=settings.remote_ask,
        has_transcripts=settings.transcripts,
        prefix=settings.prefix,
    )


def _own_number(machine_id: Path = _MACHINE_ID) -> str:
    """Eight digits that this machine alone has, and that tell nobody its id (machine-id(5))."""
    try:
        secret = machine_id.read_bytes().strip()
    except OSError:
        secret = b""
    return hmac.new(secret or b"nobody", b"bittern mqtt", hashlib.sha256).hexdigest()[:8]


def _percent(payload: str) -> int:
    try:
        return round(float(payload))
    except (ValueError, OverflowError):
        raise RemoteOrderError("the volume is a number from 0 to 100") from None
