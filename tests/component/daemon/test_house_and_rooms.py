"""A house keeps what rings while its rooms are built anew, and has room for more than one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from device.assistant import inputs
from device.assistant.effects import Show
from device.assistant.news import AnswerSaid, News
from device.assistant.states import State
from device.audio.files import FileMicrophone, FileSpeaker, read_sound, write_sound
from device.daemon.service import Service, begin_service
from device.house.appliance import Hardware
from device.house.house import House, begin_house
from device.room.focus import Channel
from device.room.room import RoomPlan
from device.room.stopping import ORDER, Stage
from device.settings import load_settings
from device.tools.alarms.decisions import NoteMissed
from device.tools.alarms.entries import Kind

ANSWER = {"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]}


async def until(happened: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not happened():  # noqa: ASYNC110
            # Nobody is told of what is waited for here: it is looked at.
            await asyncio.sleep(0.02)


def test_every_stage_has_its_place_in_the_order_once() -> None:
    assert sorted(stage for row in ORDER for stage in row) == sorted(Stage)


@pytest.fixture
async def service(tmp_path, settings, cloud_of) -> AsyncIterator[Service]:
    silence = tmp_path / "silence.wav"
    write_sound(silence, np.zeros(24_000, np.int16), 24_000)
    spoken = (tmp_path / f"spoken-{number}.wav" for number in range(9))
    hardware = Hardware(lambda _: FileMicrophone(silence), lambda _: FileSpeaker(next(spoken)))
    loaded = settings.load(settings.endpoint("cloud", (await cloud_of(ANSWER)).url))
    service = await begin_service(loaded, lambda: load_settings(loaded.user_file), hardware)
    yield service
    await service.stop()


async def test_what_rings_and_what_is_due_meanwhile_outlives_new_settings(service) -> None:
    house, appliance = service.appliance.house, service.appliance
    before, ringer = appliance.room, house.services.ringer
    await ringer.set_countdown(Kind.TIMER, "eggs", 0.0)
    await until(lambda: before.alarms.is_ringing)
    path = appliance.loaded.user_file
    path.write_text(path.read_text().replace("follow_up_s = 0", "follow_up_s = 3"))
    reloading = asyncio.create_task(appliance.reload())
    await until(lambda: not house.rooms)
    # Its room is gone, and the next one is not there yet.
    await ringer.set_countdown(Kind.TIMER, "rice", 0.0)
    await reloading
    assert appliance.room is not before
    assert house.services.ringer is ringer
    assert not house.services.ringing.done()
    await until(lambda: len(appliance.room.mouth.keys_of(Channel.ALARM)) == 2)
    assert {it.entry.name for it in ringer.ringing} == {"eggs", "rice"}
    assert not any(it.is_resumed for it in house.services.rings.sounding), "nothing began anew"


async def test_what_new_settings_forbid_is_done_for_no_model_any_more(service) -> None:
    appliance = service.appliance

    async def clear_list(name: str) -> str:
        registry = appliance.room.conductor.parts.registry
        return (await registry.run("clear_list", f'{{"list_name": "{name}"}}', name)).output_json

    assert "not allowed" not in await clear_list("work")
    path = appliance.loaded.user_file
    rule = '[tools]\ndeny = ["clear_list list_name=work", "mute_microphone"]\n'
    path.write_text(f"{path.read_text()}\n{rule}")
    await appliance.reload()
    assert "not allowed" in await clear_list("work")
    assert "not allowed" not in await clear_list("garden")
    offered = {tool["name"] for tool in appliance.room.conductor.parts.registry.tools()}
    assert "clear_list" in offered
    assert "mute_microphone" not in offered


@pytest.fixture
async def house(settings, cloud_of) -> AsyncIterator[House]:
    house = await begin_house(
        settings.load(settings.endpoint("cloud", (await cloud_of(ANSWER)).url))
    )
    yield house
    await house.close()


async def test_two_rooms_answer_each_in_its_own_and_ring_together(house, studio, tmp_path) -> None:
    told: dict[str, list[News]] = {"kitchen": [], "study": []}
    takes = {
        "kitchen": studio.question(),
        "study": studio.take(3.0, "Hey Jarvis", 0.2, "Hello.", 1),
    }
    for name, take in takes.items():
        plan = RoomPlan(
            FileMicrophone(take.path), FileSpeaker(tmp_path / f"{name}.wav"), told[name].append
        )
        await house.open_room(name, lambda _, plan=plan: plan)
    kitchen, study = house.rooms["kitchen"], house.rooms["study"]

    def answers(name: str) -> int:
        return sum(isinstance(it, AnswerSaid) for it in told[name])

    await until(lambda: answers("kitchen") == 1)
    assert answers("study") == 0, "it has heard its wake word only now, or has not yet"
    await until(lambda: answers("study") == 1)
    assert answers("kitchen") == 1

    kitchen.conductor.feed(inputs.MuteChanged(True))
    assert (kitchen.state, study.state) == (State.MUTED, State.IDLE)
    kitchen.mouth.volume_percent = 10
    assert study.mouth.volume_percent == 100

    await house.services.ringer.set_countdown(Kind.TIMER, "eggs", 0.0)
    await until(lambda: kitchen.alarms.is_ringing and study.alarms.is_ringing)
    assert study.quieten()
    await until(lambda: not kitchen.alarms.is_ringing and not study.alarms.is_ringing)
    await house.close()
    for name in takes:
        sound, _ = read_sound(tmp_path / f"{name}.wav")
        assert np.abs(sound).max() > 300


@pytest.fixture
async def two_rooms(house, tmp_path) -> dict[str, list[Show | bool]]:
    """What the panels of kitchen and study were told; nobody says anything in either."""
    panels: dict[str, list[Show | bool]] = {"kitchen": [], "study": []}
    silence = tmp_path / "silence.wav"
    write_sound(silence, np.zeros(24_000, np.int16), 24_000)
    for name, panel in panels.items():
        plan = RoomPlan(
            FileMicrophone(silence),
            FileSpeaker(tmp_path / f"{name}.wav"),
            lambda _: None,
            show=panel.append,
            attend=panel.append,
        )
        await house.open_room(name, lambda _, plan=plan: plan)
    return panels


async def test_each_room_has_a_panel_of_its_own(house, two_rooms) -> None:
    for panel in two_rooms.values():
        panel.clear()
    house.rooms["study"].conductor.feed(inputs.MuteChanged(True))
    assert two_rooms == {"kitchen": [], "study": [Show(State.MUTED)]}
    house.rooms["kitchen"].conductor.feed(inputs.MuteChanged(True))
    assert two_rooms["kitchen"] == [Show(State.MUTED)]


async def test_what_somebody_should_know_is_looked_for_in_each_room(house, two_rooms) -> None:
    await house.services.ringer.set_countdown(Kind.TIMER, "eggs", 0.0)
    await until(lambda: all(room.alarms.is_ringing for room in house.rooms.values()))
    for panel in two_rooms.values():
        panel.clear()
    house.services.rings.missed(NoteMissed(house.services.ringer.ringing[0]))
    # It rings still, and is not among what the store calls missed: no light, in either.
    assert two_rooms == {"kitchen": [False], "study": [False]}


async def test_calls_in_one_room_are_none_of_the_other_rooms_budget(house, two_rooms) -> None:
    kitchen, study = (house.rooms[name].conductor.parts.registry for name in two_rooms)
    for number in range(kitchen.limits.calls_per_turn):
        assert not (await kitchen.run("get_time", "{}", f"call-{number}")).is_error
    assert (await kitchen.run("get_time", "{}", "one more")).is_error
    assert not (await study.run("get_time", "{}", "its first")).is_error
    study.new_turn()
    assert (await kitchen.run("get_time", "{}", "one more")).is_error, "its turn goes on"
