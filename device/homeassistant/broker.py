"""The one connection to the MQTT broker: kept up, introduced, told, and asked for orders.

The broker and whoever writes to it are not trusted with more than the entities offer: what is
too long, too often, retained or no text is not obeyed. A broker that is away costs nothing
but a retry, later and later.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import ssl
from collections import deque
from collections.abc import Callable

from aiomqtt import Client, Message, MqttCodeError, MqttError, ProtocolVersion, Will
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from device.homeassistant.discovery import OFFLINE, ONLINE, DeviceCard, Entity, discovery
from device.homeassistant.plan import BrokerPlan, Showing
from device.plain_text import one_line

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""The states are compared with what was told so often, and whenever something has happened."""
CONNECT_WITHIN_S = 10.0
KEEPALIVE_S = 30
"""A broker that hears nothing for one and a half times as long gives out our last will."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
STEADY_S = 60.0
"""A connection that held so long is tried again at once; others later and later."""
LONGEST_MESSAGE_BYTES = 16_384
"""The broker is told not to send anything longer (MQTT 5)."""
LONGEST_ORDER_BYTES = 4_096
MOST_WAITING = 32
"""Orders that wait to be looked at; what comes beyond is lost."""
MOST_MESSAGES = 200
WITHIN_S = 10.0
"""Whoever sends more in that time floods: the connection is given up for a while."""
MOST_EVENTS = 16
"""What has happened and could not be told yet; older events are nobody's business by then."""
REBIRTH_WITHIN_S = 5.0
"""All devices introduce themselves when Home Assistant starts: not all at once."""
FAREWELL_S = 1.0
_TAKEN_OVER = 142
"""Reason code of MQTT 5: somebody else has connected under our name. Mosquitto 2.0 hangs up
without it."""
_SUSPICIOUS = 3
"""Connections lost within ``STEADY_S`` each, one after the other."""
_UNSPECIFIED = 128
"""What the library makes of a connection that just ends."""
_CREDENTIALS = {134, 135}
"""Bad user name or password; not authorized."""
_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
"""How OpenSSL calls it; the library hands on no more than its text."""

FAILURES = (MqttError, OSError, ValueError)
"""What a broker that is away, wrong or hostile may cause; ``ssl.SSLError`` is an ``OSError``."""


class FloodError(Exception):
    """Somebody sends more than anybody could mean."""


class RefusedError(Exception):
    """The broker is there, and does not let us do what we are for."""


class BrokerLink:
    """Tells a broker how the device is, and passes on what it is told to do.

    On one event loop. ``show`` gives all states, at once; ``obey`` is given each order, and
    must return at once, too.
    """

    def __init__(
        self,
        plan: BrokerPlan,
        card: DeviceCard,
        show: Callable[[], Showing],
        obey: Callable[[Entity, str], None],
    ) -> None:
        self._plan = plan
        self._card = card
        self._show = show
        self._obey = obey
        self._changed = asyncio.Event()
        self._events: deque[str] = deque(maxlen=MOST_EVENTS)
        self._told: dict[str, str] = {}
        self._rebirth_at_s: float | None = None
        self._lost_soon = 0
        """How many connections in a row were made, and lost soon."""
        self._is_leaving = False
        self._is_removed = False
        self._task: asyncio.Task[None] | None = None
        self._orders = {card.command_topic(each): each for each in card.offered}
        self.trouble = "not connected yet"
        """Why there is no connection; empty while there is one."""

    # -- for the appliance --------------------------------------------------------------

    def begin(self) -> None:
        """Connect, now or as soon as the broker is there."""
        self._task = asyncio.create_task(self._run(), name="mqtt broker")

    def look(self) -> None:
        """Something may have changed: tell it now rather than within a second."""
        self._changed.set()

    def happened(self, event_type: str, **facts: object) -> None:
        """Tell of an event; it is lost where nobody is connected for long."""
        self._events.append(json.dumps({"event_type": event_type, **facts}))
        self._changed.set()

    async def close(self, *, is_removed: bool = False) -> None:
        """Say goodbye, in bounded time; ``is_removed``: leave no trace of the device either."""
        self._is_leaving, self._is_removed = True, is_removed
        self._changed.set()
        if self._task is None:
            return
        if not self.trouble:
            await asyncio.wait({self._task}, timeout=FAREWELL_S)
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=FAREWELL_S)

    # -- the connection -----------------------------------------------------------------

    async def _run(self) -> None:
        loop, wait_s = asyncio.get_running_loop(), FIRST_WAIT_S
        while True:
            began_s = loop.time()
            try:
                await self._connected()
            except FAILURES as failure:
                self._lose(failure)
            except RefusedError as refused:
                self._note(str(refused))
            except FloodError as flood:
                wait_s = LONGEST_WAIT_S
                self._note(str(flood))
            if self._is_leaving:
                return
            if loop.time() - began_s > STEADY_S:
                wait_s, self._lost_soon = FIRST_WAIT_S, 0
            await asyncio.sleep(wait_s * random.uniform(0.7, 1.3))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _lose(self, failure: Exception) -> None:
        """There is no connection, or none any more."""
        self._lost_soon += not self.trouble
        if _code(failure) == _TAKEN_OVER or self._lost_soon >= _SUSPICIOUS:
            self._note(
                "it hangs up as soon as we are connected: if another device calls itself "
                f"{self._card.identifier}, too, give this one a [mqtt] name of its own"
            )
        else:
            self._note(_reason(failure))

    def _note(self, why: str) -> None:
        if why != self.trouble:
            log.warning("MQTT broker %s: %s", self._plan.host, why)
        self.trouble = why

    async def _connected(self) -> None:
        """Be connected until that ends, or we leave."""
        card = self._card
        will = Will(card.availability_topic, OFFLINE, qos=1, retain=True)
        async with await _client(self._plan, card.identifier, will) as client:
            await self._subscribe(client)
            await self._introduce(client)
            log.info(
                "connected to the MQTT broker %s as %s", self._plan.host, self._card.identifier
            )
            self.trouble = ""
            listening = asyncio.create_task(self._listen(client), name="mqtt orders")
            try:
                await self._tell(client, listening)
            except FloodError:
                # Who leaves in good order has no last will.
                await self._say_goodbye(client)
                raise
            finally:
                listening.cancel()
                await asyncio.wait({listening})

    async def _subscribe(self, client: Client) -> None:
        """Hear of orders and of Home Assistant's coming, and nothing that was said before."""
        for topic in (self._card.all_commands, self._card.birth_topic):
            options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
            for granted in await client.subscribe(topic, options=options):
                if isinstance(granted, ReasonCode) and granted.is_failure:
                    raise RefusedError(f"it does not let us listen to {topic}: {granted}")

    async def _introduce(self, client: Client) -> None:
        """Describe the device, say that it is there, and begin to tell everything anew."""
        self._rebirth_at_s = None
        self._told.clear()
        card = self._card
        await client.publish(card.config_topic, discovery(card), qos=1, retain=True)
        await client.publish(card.availability_topic, ONLINE, qos=1, retain=True)

    # -- telling ------------------------------------------------------------------------

    async def _tell(self, client: Client, listening: asyncio.Task[None]) -> None:
        """Tell what changes; returns once we have said goodbye."""
        loop = asyncio.get_running_loop()
        listening.add_done_callback(lambda _: self._changed.set())
        while not self._is_leaving:
            self._changed.clear()
            if listening.done():
                listening.result()
                raise MqttError("the broker has hung up")
            if self._rebirth_at_s is not None and loop.time() >= self._rebirth_at_s:
                await self._introduce(client)
            await self._tell_changes(client)
            while self._events:
                topic = self._card.state_topic(Entity.HEARD)
                await client.publish(topic, self._events.popleft(), qos=1)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                continue
        await self._say_goodbye(client)

    async def _tell_changes(self, client: Client) -> None:
        for topic, payload in self._messages(self._show()).items():
            if self._told.get(topic) != payload:
                await client.publish(topic, payload, retain=True)
                self._told[topic] = payload

    def _messages(self, showing: Showing) -> dict[str, str]:
        """What is told, by topic: of the entities that are offered alone."""
        card, offered = self._card, set(self._card.offered)
        states = {
            card.state_topic(entity): state
            for entity, state in showing.states.items()
            if entity in offered
        }
        more = {
            card.attributes_topic(entity): json.dumps(facts)
            for entity, facts in showing.attributes.items()
            if entity in offered
        }
        return states | more

    async def _say_goodbye(self, client: Client) -> None:
        card = self._card
        if not self._is_removed:
            await client.publish(card.availability_topic, OFFLINE, qos=1, retain=True)
            return
        for topic in (card.config_topic, *self._told, card.availability_topic):
            await client.publish(topic, b"", qos=1, retain=True)

    # -- listening ----------------------------------------------------------------------

    async def _listen(self, client: Client) -> None:
        """Pass on orders; raises ``FloodError`` where there are too many of them."""
        loop = asyncio.get_running_loop()
        began_s, count = loop.time(), 0
        async for message in client.messages:
            if loop.time() - began_s > WITHIN_S:
                began_s, count = loop.time(), 0
            count += 1
            if count > MOST_MESSAGES:
                raise FloodError(
                    f"somebody sends more than {MOST_MESSAGES} orders in {WITHIN_S:g} s: "
                    "it is not listened to for a minute"
                )
            self._hear(message)
            await asyncio.sleep(0)  # what has come already must not keep others waiting

    def _hear(self, message: Message) -> None:
        """Obey one message, if it is an order: one that was left lying is none."""
        payload, topic = message.payload, str(message.topic)
        if message.retain or not isinstance(payload, bytes) or len(payload) > LONGEST_ORDER_BYTES:
            log.info("a message on %s is no order, and is not obeyed", one_line(topic, 100))
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            log.info("a message on %s is no text, and is not obeyed", one_line(topic, 100))
            return
        if topic == self._card.birth_topic:
            if text == ONLINE:
                wait_s = random.uniform(0, REBIRTH_WITHIN_S)
                self._rebirth_at_s = asyncio.get_running_loop().time() + wait_s
        elif (entity := self._orders.get(topic)) is not None:
            self._obey(entity, text)


async def try_broker(plan: BrokerPlan, identifier: str) -> str:
    """Connect once, under a name beside the device's, and say what is wrong; empty: nothing."""
    try:
        async with await _client(plan, f"{identifier}_doctor"):
            return ""
    except FAILURES as failure:
        return _reason(failure)


async def _client(plan: BrokerPlan, identifier: str, will: Will | None = None) -> Client:
    limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.MaximumPacketSize = LONGEST_MESSAGE_BYTES
    return Client(
        plan.host,
        plan.port,
        username=plan.user or None,
        password=plan.password or None,
        identifier=identifier,
        protocol=ProtocolVersion.V5,
        will=will,
        clean_start=True,
        keepalive=KEEPALIVE_S,
        timeout=CONNECT_WITHIN_S,
        max_queued_incoming_messages=MOST_WAITING,
        properties=limits,
        tls_context=await asyncio.to_thread(_trust, plan) if plan.is_encrypted else None,
        logger=_LIBRARY,
    )


def _code(failure: Exception) -> int | None:
    """The reason code of MQTT, where there is one: of a connection that was lost, why."""
    if isinstance(failure.__cause__, MqttError):
        failure = failure.__cause__
    if not isinstance(failure, MqttCodeError):
        return None
    return failure.rc.value if isinstance(failure.rc, ReasonCode) else failure.rc


def _reason(failure: Exception) -> str:
    """What is wrong, and what to do about it."""
    code = _code(failure)
    if code in _CREDENTIALS:
        return "it refuses the user or the password: see [mqtt] user, key_env and key_file"
    if code == _UNSPECIFIED:
        return "it has hung up"
    text = one_line(str(failure) or type(failure).__name__, 200)
    if _UNTRUSTED in text:
        return f"its certificate is not accepted: see [mqtt] ca_file ({text})"
    return text


def _trust(plan: BrokerPlan) -> ssl.SSLContext:
    """The system's certificates and the owner's; raises ``OSError`` for a file of none."""
    context = ssl.create_default_context()
    if plan.ca_file is not None:
        context.load_verify_locations(plan.ca_file)
    return context


_LIBRARY = logging.getLogger(f"{__name__}.library")
_LIBRARY.setLevel(logging.CRITICAL)
"""It has a warning for every message that is lost in a flood; what matters comes as an error."""
