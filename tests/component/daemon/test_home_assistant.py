"""The whole appliance as a device in Home Assistant, over a real Mosquitto."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import sys
from collections.abc import Iterator

import pytest
from mosquitto import PASSWORD, USER, Mosquitto, Watcher, program, watching
from waiting import until

from device.assistant.news import WakeHeard
from device.assistant.states import State
from device.doctor.broker import check_broker
from device.doctor.findings import Verdict
from device.homeassistant import broker as module
from device.homeassistant.discovery import (
    OFF,
    OFFLINE,
    ON,
    ONLINE,
    SENSITIVITIES,
    STATES,
    UNKNOWN,
    DeviceCard,
    Entity,
)
from device.house import sensitivity
from device.panel.actions import Action
from device.panel.gestures import Gesture
from device.panel.watchers import ButtonEvent
from tests.component.daemon.test_service import SHORT, Running, run

__all__ = ["run"]

CARD = DeviceCard("bittern_test", "0.1.0", may_ask=True, has_transcripts=True)


@pytest.fixture
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    program()
    broker = Mosquitto(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.1)


@pytest.fixture
def start(run, settings, cloud_of, mosquitto):
    async def started(*lines: str, more: str = "", port: int = 0) -> Running:
        cloud = await cloud_of(SHORT)
        table = ["[mqtt]", 'host = "127.0.0.1"', f"port = {port or mosquitto.port}"]
        mqtt = "\n".join([*table, 'name = "test"', *lines, ""])
        return await run(settings.load(settings.endpoint("cloud", cloud.url), more=mqtt + more))

    return started


@pytest.fixture
async def home(mosquitto):
    async with watching(mosquitto) as watcher:
        yield watcher


def topic(entity: Entity) -> str:
    return CARD.state_topic(entity)


def order(entity: Entity) -> str:
    return CARD.command_topic(entity)


def test_home_assistant_knows_all_states_and_steps() -> None:
    assert tuple(str(state) for state in State) == STATES
    assert sensitivity.SENSITIVITIES == SENSITIVITIES


async def test_all_is_shown(start, home):
    running = await start()
    described = await home.until_known(CARD.config_topic)
    shown = {name for name, what in described["components"].items() if "unique_id" in what}
    assert shown == {str(each) for each in Entity} - {"ask", "question", "answer"}
    for entity, state in {
        Entity.MUTE: OFF, Entity.VOLUME: "100", Entity.STATE: "idle", Entity.NEXT_TIMER: UNKNOWN,
        Entity.SENSITIVITY: "normal", Entity.MICROPHONE: OFF, Entity.ANSWERS: OFF,
        Entity.STORE: OFF, Entity.BUDGET: OFF, Entity.FIRMWARE: "0.1.0",
    }.items():  # fmt: skip
        await home.until(topic(entity), state)
    await running.order("volume", percent=35)
    await home.until(topic(Entity.VOLUME), "35")
    before_s = dt.datetime.now(dt.UTC)
    await running.order("tool", name="set_timer", arguments={"minutes": 10, "name": "surprise"})
    until_known = home.until_known(CARD.attributes_topic(Entity.NEXT_TIMER))
    assert (await until_known)["timers"] in (0, 1)
    await asyncio.sleep(0.3)
    due = dt.datetime.fromisoformat(home.retained[topic(Entity.NEXT_TIMER)])
    assert 590 < (due - before_s).total_seconds() < 630
    assert "surprise" not in str(home.seen), "what somebody has said is told to nobody"
    status = await running.order("status")
    assert status["home_assistant"] == "connected to 127.0.0.1"
    await running.service.stop()
    await home.until(CARD.availability_topic, OFFLINE)


async def test_it_is_muted_from_there_and_unmuted_only_here(start, home, caplog):
    running = await start()
    await home.until(topic(Entity.MUTE), OFF)
    await home.send(order(Entity.MUTE), ON)
    await home.until(topic(Entity.MUTE), ON)
    with caplog.at_level(logging.WARNING):
        await home.send(order(Entity.MUTE), OFF)
        await _until_logged(caplog, "`remote_unmute` of [mqtt]")
    assert (await running.order("status"))["is_muted"]
    await running.order("unmute")
    await home.until(topic(Entity.MUTE), OFF)


async def test_what_a_hand_has_closed_no_order_opens(start, home, caplog):
    running = await start("remote_unmute = true")
    controls = running.service.appliance.controls
    await home.until(topic(Entity.MUTE), OFF)
    await home.send(order(Entity.MUTE), ON)
    await home.until(topic(Entity.MUTE), ON)
    await home.send(order(Entity.MUTE), OFF)
    await home.until(topic(Entity.MUTE), OFF)
    caplog.set_level(logging.WARNING)
    for close, release in (
        (lambda: controls.act(Action.MUTE), lambda: controls.act(Action.MUTE)),
        (lambda: controls.mute_switch(True), lambda: controls.mute_switch(False)),
    ):
        caplog.clear()
        close()
        await home.until(topic(Entity.MUTE), ON)
        await home.send(order(Entity.MUTE), ON)  # must not make it a remote one
        await home.send(order(Entity.MUTE), OFF)
        await _until_logged(caplog, "by hand")
        assert (await running.order("status"))["is_muted"]
        release()
        await home.until(topic(Entity.MUTE), OFF)


async def test_announcements_obey_quiet_hours(start, home, settings, caplog):
    now = dt.datetime.now()
    hours = [f"{now + dt.timedelta(hours=by):%H:%M}" for by in (-1, 1)]
    running = await start()
    mouth = running.service.appliance.room.mouth
    await home.until(CARD.availability_topic, ONLINE)
    await home.send(order(Entity.SAY), "The washing machine is ready.")
    await until(lambda: mouth.sounding, asyncio.Event(), 15)
    await home.send(order(Entity.STOP), "PRESS")
    await until(lambda: not mouth.sounding, asyncio.Event(), 5)
    quiet = f'quiet_from = "{hours[0]}"\nquiet_to = "{hours[1]}"\n'
    running.write("[speaker]\n", f"[speaker]\n{quiet}")
    await running.order("reload")
    with caplog.at_level(logging.WARNING):
        await home.send(order(Entity.SAY), "The washing machine is ready.")
        await _until_logged(caplog, "quiet_from")
    assert not running.service.appliance.room.mouth.sounding


async def test_what_was_said_is_told_only_where_the_owner_says_so(start, home):
    running = await start("remote_ask = true")
    await home.until(CARD.availability_topic, ONLINE)
    await home.send(order(Entity.ASK), "what time is it")
    await home.until(topic(Entity.STATE), "speaking")
    await home.until(topic(Entity.STATE), "idle")
    # What would be told of the answer is told before the answer to this.
    await home.send(order(Entity.VOLUME), "20")
    await home.until(topic(Entity.VOLUME), "20")
    assert "noon" not in str(home.seen)
    running.write("remote_ask = true", "remote_ask = true\ntranscripts = true")
    assert (await running.order("reload"))["changed"] == ["mqtt.transcripts"]
    await home.send(order(Entity.ASK), "what time is it")
    await home.until(topic(Entity.ANSWER), "It is noon.")


async def test_questions_are_not_taken_unless_the_owner_says_so(start, home):
    running = await start()
    await home.until(topic(Entity.STATE), "idle")
    await home.send(order(Entity.ASK), "what time is it")
    await home.send(order(Entity.VOLUME), "20")
    await home.until(topic(Entity.VOLUME), "20")
    assert running.service.appliance.room.state is State.IDLE
    assert home.times(topic(Entity.STATE), "thinking") == 0


async def test_events_are_told_without_words(start, home):
    running = await start()
    house = running.service.appliance.house
    await home.until(CARD.availability_topic, ONLINE)
    for listener in house.listeners:
        listener(WakeHeard(1, "hey jarvis", 0.98765, 1.0))
    event = await home.until_known(topic(Entity.HEARD))
    assert event == {"event_type": "wake_word", "word": "hey jarvis", "score": 0.988}
    pressed = ButtonEvent("front", Gesture.DOUBLE, Action.NONE, 0.0)
    running.service.appliance.controls.button(pressed)
    await running.order(
        "tool", name="set_timer", arguments={"seconds": 1, "name": "a present for Anna"}
    )
    await _until_event(home, "timer_finished")
    button = next(what for one, what in home.seen if one == topic(Entity.HEARD) and "front" in what)
    assert '"gesture": "double"' in button
    assert "Anna" not in str(home.seen)
    await home.send(order(Entity.STOP), "PRESS")
    await until(lambda: not house.services.rings.is_ringing, asyncio.Event(), 10)


async def test_the_sensitivity_is_chosen_there_and_stays(start, home, tmp_path):
    running = await start()
    await home.until(topic(Entity.SENSITIVITY), "normal")
    await home.send(order(Entity.SENSITIVITY), "high")
    await home.until(topic(Entity.SENSITIVITY), "high")
    assert running.service.appliance.house.loaded.settings.wake.sensitivity == "high"
    await running.order("reload")
    assert (await running.order("status"))["sensitivity"] == "high"
    running.write("[speaker]", '[wake]\nsensitivity = "low"\n[speaker]')
    await running.order("reload")
    await home.until(topic(Entity.SENSITIVITY), "low")
    assert not (await running.order("sensitivity", to="deaf"))["ok"]
    running.write('sensitivity = "low"', "threshold = 0.5")
    await running.order("reload")
    assert not (await running.order("sensitivity", to="high"))["ok"]


async def test_a_broker_taken_from_the_settings_forgets_the_device(start, home):
    running = await start()
    await home.until(CARD.availability_topic, ONLINE)
    running.write('host = "127.0.0.1"', 'host = ""')
    await running.order("reload")
    await home.until(CARD.config_topic, "")
    assert (await running.order("status"))["home_assistant"] == ""


async def test_the_password_comes_from_a_file(start, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    broker = Mosquitto(folder, password=True)
    broker.start()
    key = tmp_path / "password"
    key.write_text(PASSWORD.replace(" ", ""))
    running = await start(f'user = "{USER}"', f'key_file = "{key}"', port=broker.port)
    presence = running.service.appliance.presence
    await until(lambda: "refuses" in presence.standing, asyncio.Event(), 15)
    assert "correct" not in presence.standing
    broker.stop()


async def test_nothing_is_loaded_while_no_broker_is_named(tmp_path):
    script = (
        "import sys, device.house.appliance, device.daemon.service;"
        "sys.exit(any(name.split('.')[0] in ('aiomqtt', 'paho') for name in sys.modules))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await process.wait() == 0


async def _until_logged(caplog: pytest.LogCaptureFixture, words: str) -> None:
    await until(lambda: words in caplog.text, asyncio.Event(), 15)


async def _until_event(home: Watcher, name: str) -> None:
    def was_told() -> bool:
        return any(one == topic(Entity.HEARD) and name in what for one, what in home.seen)

    await until(was_told, asyncio.Event(), 15)


async def test_the_doctor_tries_the_broker(settings, mosquitto, tmp_path):
    lines = '[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
    assert await check_broker(settings.load(brain=True)) == []
    (good,) = await check_broker(settings.load(brain=True, more=lines.format(port=mosquitto.port)))
    assert (good.verdict, good.found) == (Verdict.GOOD, "127.0.0.1 lets us in")
    mosquitto.stop()
    (away,) = await check_broker(settings.load(brain=True, more=lines.format(port=mosquitto.port)))
    assert (away.verdict, "refused" in away.found) == (Verdict.BAD, True)
    key = tmp_path / "password"
    more = f'{lines.format(port=1)}user = "x"\nkey_file = "{key}"\n'
    (lacking,) = await check_broker(settings.load(brain=True, more=more))
    assert (lacking.verdict, "was not found" in lacking.found) == (Verdict.BAD, True)
    key.write_text("secret1")
    far = more.replace('"127.0.0.1"', '"broker.invalid"')
    findings = await check_broker(settings.load(brain=True, more=far))
    assert [each.verdict for each in findings] == [Verdict.BAD, Verdict.WARNING]
    assert "in the clear" in findings[1].found
    safe = f"{far}tls = true\n"
    assert [each.verdict for each in await check_broker(settings.load(brain=True, more=safe))] == [
        Verdict.BAD
    ]
