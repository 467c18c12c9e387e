"""The connection to a real Mosquitto: several devices, lost brokers, rubbish, floods."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from mosquitto import PASSWORD, USER, Mosquitto, program, watching
from private_authority import Authority
from waiting import until

from device.homeassistant import broker as module
from device.homeassistant.broker import MOST_MESSAGES, BrokerLink
from device.homeassistant.discovery import OFFLINE, ONLINE, DeviceCard, Entity
from device.homeassistant.plan import BrokerPlan, Showing

KITCHEN = DeviceCard("bittern_kitchen", "0.1.0", area="Kitchen")


class Device:
    """A device with two states, which writes down its orders."""

    def __init__(self, plan: BrokerPlan, card: DeviceCard) -> None:
        self.states = {Entity.VOLUME: "40", Entity.MUTE: "OFF"}
        self.orders: list[tuple[Entity, str]] = []
        self.obeyed = asyncio.Event()
        self.card = card
        self.link = BrokerLink(plan, card, lambda: Showing(dict(self.states)), self._obey)

    def _obey(self, entity: Entity, payload: str) -> None:
        self.orders.append((entity, payload))
        self.obeyed.set()

    async def until_connected(self) -> None:
        await until(lambda: not self.link.trouble, self.obeyed, 15, lambda: self.link.trouble)

    async def until_trouble(self, words: str) -> None:
        await until(lambda: words in self.link.trouble, self.obeyed, 15, lambda: self.link.trouble)

    async def until_ordered(self, count: int) -> None:
        await until(lambda: len(self.orders) >= count, self.obeyed, 15, lambda: str(self.orders))


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what is only politeness."""
    program()
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(module, "REBIRTH_WITHIN_S", 0.2)


@contextlib.asynccontextmanager
async def device(
    broker: Mosquitto, card: DeviceCard = KITCHEN, **more: object
) -> AsyncIterator[Device]:
    made = Device(BrokerPlan("127.0.0.1", broker.port, **more), card)  # type: ignore[arg-type]
    made.link.begin()
    try:
        yield made
    finally:
        await made.link.close()


async def test_a_device_is_described_shown_and_commanded(mosquitto):
    async with watching(mosquitto) as home, device(mosquitto) as kitchen:
        described = await home.until_known(KITCHEN.config_topic)
        assert described["device"]["suggested_area"] == "Kitchen"
        await home.until(KITCHEN.availability_topic, ONLINE)
        await home.until(KITCHEN.state_topic(Entity.VOLUME), "40")
        kitchen.states[Entity.VOLUME] = "55"
        kitchen.link.look()
        await home.until(KITCHEN.state_topic(Entity.VOLUME), "55")
        told = home.times(KITCHEN.state_topic(Entity.MUTE))
        await home.send(KITCHEN.command_topic(Entity.VOLUME), "30")
        await kitchen.until_ordered(1)
        assert kitchen.orders == [(Entity.VOLUME, "30")]
        kitchen.link.happened("wake_word", word="hey jarvis")
        event = await home.until_known(KITCHEN.state_topic(Entity.HEARD))
        assert event == {"event_type": "wake_word", "word": "hey jarvis"}
        assert home.times(KITCHEN.state_topic(Entity.MUTE)) == told, "what is the same is not told"
    async with watching(mosquitto) as home:
        await home.until(KITCHEN.availability_topic, OFFLINE)
        assert KITCHEN.state_topic(Entity.HEARD) not in home.retained, "an event is not kept"


async def test_several_devices_are_told_apart(mosquitto):
    cards = [DeviceCard(f"bittern_{name}", "0.1.0") for name in ("hall", "bath", "attic")]
    async with contextlib.AsyncExitStack() as stack:
        home = await stack.enter_async_context(watching(mosquitto))
        devices = [await stack.enter_async_context(device(mosquitto, card)) for card in cards]
        for each in devices:
            await each.until_connected()
        for number, card in enumerate(cards):
            await home.send(card.command_topic(Entity.VOLUME), str(number))
        for number, each in enumerate(devices):
            await each.until_ordered(1)
            assert each.orders == [(Entity.VOLUME, str(number))]
        topics = [topic for topic in home.retained if topic.endswith("/config")]
        assert {card.config_topic for card in cards} <= set(topics)


async def test_two_of_one_name_are_told_to_choose_another(mosquitto):
    async with device(mosquitto) as first, contextlib.AsyncExitStack() as stack:
        await first.until_connected()
        second = await stack.enter_async_context(device(mosquitto))
        await first.until_trouble("give this one a [mqtt] name of its own")
        await second.link.close()


async def test_what_was_left_lying_is_not_obeyed(mosquitto):
    async with watching(mosquitto) as home:
        for entity, rubbish in (
            (Entity.MUTE, "OFF"),
            (Entity.VOLUME, "100"),
            (Entity.STOP, b"\xff\xfe\x00"),
        ):
            await home.send(KITCHEN.command_topic(entity), rubbish, retain=True)
        await home.send(KITCHEN.birth_topic, ONLINE, retain=True)
        async with device(mosquitto) as kitchen:
            await kitchen.until_connected()
            await home.send(KITCHEN.command_topic(Entity.MUTE), b"\xff\xfe")
            await home.send(KITCHEN.command_topic(Entity.SAY), "x" * 5_000)
            await home.send(f"bittern/{KITCHEN.identifier}/nonsense/set", "x")
            await home.send(KITCHEN.command_topic(Entity.ASK), "not offered")
            await home.send(KITCHEN.command_topic(Entity.VOLUME), "20")
            await kitchen.until_ordered(1)
            assert kitchen.orders == [(Entity.VOLUME, "20")]
        for entity in (Entity.MUTE, Entity.VOLUME, Entity.STOP):
            await home.send(KITCHEN.command_topic(entity), b"", retain=True)
        await home.send(KITCHEN.birth_topic, b"", retain=True)


async def test_a_broker_that_was_away_is_found_again_and_told_everything(tmp_path):
    broker = Mosquitto(tmp_path)
    async with device(broker) as kitchen:
        await kitchen.until_trouble("refused")
        broker.start()
        await kitchen.until_connected()
        broker.stop()
        await until(lambda: kitchen.link.trouble, kitchen.obeyed, 15)
        kitchen.states[Entity.VOLUME] = "77"
        for retained in tmp_path.glob("mosquitto.db"):
            retained.unlink()  # a broker that has lost everything
        broker.start()
        async with watching(broker) as home:
            await home.until_known(KITCHEN.config_topic)
            await home.until(KITCHEN.availability_topic, ONLINE)
            await home.until(KITCHEN.state_topic(Entity.VOLUME), "77")
            await home.send(KITCHEN.command_topic(Entity.STOP), "PRESS")
            await kitchen.until_ordered(1)
    broker.stop()


async def test_a_device_that_dies_is_unavailable(mosquitto):
    async with watching(mosquitto) as home:
        kitchen = Device(BrokerPlan("127.0.0.1", mosquitto.port), KITCHEN)
        kitchen.link.begin()
        await home.until(KITCHEN.availability_topic, ONLINE)
        link = kitchen.link._task
        assert link is not None
        for task in asyncio.all_tasks():
            if task.get_name() == "mqtt orders":
                client = task.get_coro().cr_frame.f_locals["client"]  # type: ignore[union-attr]
        client._client.socket().shutdown(2)  # as when the power goes: without a goodbye
        await home.until(KITCHEN.availability_topic, OFFLINE)
        await home.until(KITCHEN.availability_topic, ONLINE)  # and it comes back
        await kitchen.link.close()


async def test_home_assistant_that_starts_is_told_again(mosquitto):
    async with watching(mosquitto) as home, device(mosquitto) as kitchen:
        await kitchen.until_connected()
        await home.until(KITCHEN.availability_topic, ONLINE)
        before = home.times(KITCHEN.config_topic)
        volumes = home.times(KITCHEN.state_topic(Entity.VOLUME))
        await home.send(KITCHEN.birth_topic, ONLINE)
        await until(
            lambda: (
                home.times(KITCHEN.config_topic) > before
                and home.times(KITCHEN.state_topic(Entity.VOLUME)) > volumes
            ),
            home._changed,
            10,
        )


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD), ("", "")])
async def test_a_wrong_password_is_named_and_no_log_has_it(tmp_path, caplog, user, password):
    broker = Mosquitto(tmp_path, password=True)
    broker.start()
    caplog.set_level(logging.DEBUG)
    try:
        async with device(broker, user=user, password=password) as kitchen:
            await kitchen.until_trouble("refuses the user or the password")
            await asyncio.sleep(0.3)
        told = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(told) == 1, "once, however often it is tried"
        assert not password or password not in caplog.text
        async with device(broker, user=USER, password=PASSWORD) as kitchen:
            await kitchen.until_connected()
    finally:
        broker.stop()


async def test_an_encrypted_broker_must_show_who_it_is(tmp_path):
    authority = Authority(tmp_path / "house")
    broker = Mosquitto(tmp_path, tls=authority.server_files())
    broker.start()
    try:
        async with device(broker, is_encrypted=True) as kitchen:
            await kitchen.until_trouble("its certificate is not accepted: see [mqtt] ca_file")
        async with device(broker, is_encrypted=True, ca_file=authority.file) as kitchen:
            await kitchen.until_connected()
        missing = tmp_path / "missing.pem"
        async with device(broker, is_encrypted=True, ca_file=missing) as kitchen:
            await kitchen.until_trouble("No such file")
    finally:
        broker.stop()


async def test_a_flood_is_not_listened_to(mosquitto, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", MOST_MESSAGES * 2)
    async with watching(mosquitto) as home, device(mosquitto) as kitchen:
        await kitchen.until_connected()
        for number in range(MOST_MESSAGES + 50):
            await home._client.publish(KITCHEN.command_topic(Entity.VOLUME), str(number))
        await kitchen.until_trouble("it is not listened to for a minute")
        assert len(kitchen.orders) <= MOST_MESSAGES
        await home.until(KITCHEN.availability_topic, OFFLINE)


async def test_a_device_that_is_given_up_leaves_no_trace(mosquitto):
    card = DeviceCard("bittern_gone", "0.1.0")
    async with watching(mosquitto) as home:
        gone = Device(BrokerPlan("127.0.0.1", mosquitto.port), card)
        gone.link.begin()
        await home.until(card.state_topic(Entity.VOLUME), "40")
        await gone.link.close(is_removed=True)
        await home.until(card.config_topic, "")
    async with watching(mosquitto) as home:
        await home.send("sentinel", json.dumps({"is": "last"}))
        await home.until_known("sentinel")
        assert [topic for topic in home.retained if card.identifier in topic] == []


async def test_what_is_not_offered_is_not_told(mosquitto):
    async with watching(mosquitto) as home, device(mosquitto) as kitchen:
        kitchen.states |= {Entity.QUESTION: "what is the pin", Entity.ANSWER: "1234"}
        kitchen.states[Entity.VOLUME] = "41"
        await home.until(KITCHEN.state_topic(Entity.VOLUME), "41")
        assert "1234" not in str(home.seen)
