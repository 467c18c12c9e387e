"""Finger and switch on mock pins, all the way to the microphone and the data folder.

Microphone and speaker are files, the pins are gpiozero's own mock; the rest is real.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device.appliance.control import order
from device.assistant.states import State
from device.audio.files import FileMicrophone, FileSpeaker, read_sound, write_sound
from device.daemon.service import Service, begin_service, serve
from device.house.appliance import Hardware
from device.house.introduction import address, introduction, own_introduction
from device.panel.actions import Action
from device.panel.gestures import Gesture
from device.panel.reset_guard import ResetGuard
from device.panel.watchers import ButtonEvent
from device.phrases.en import ENGLISH, NOTICES
from device.room.loudness import share
from device.settings import LoadedSettings, load_settings

BOARD = """\
title = "a desk"
[lights]
kind = "rgb"
red = 22
green = 27
blue = 24
[mute_switch]
pin = 26
[[button]]
name = "talk"
pin = 23
"""
BUTTON, SWITCH = 23, 26
RED, GREEN, BLUE = 22, 27, 24


class Switch(MockPWMPin):
    """A pin that a switch may pull down, whatever resistor is chosen."""

    is_closed = False

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        if self.is_closed:
            self._change_state(False)


class Desk:
    """A service at a board."""

    def __init__(self, pins: MockFactory, folder: Path) -> None:
        self.pins = pins
        self.folder = folder
        self.opened = 0
        self.service: Service

    def microphone(self, path: Path) -> FileMicrophone:
        desk = self

        class Counted(FileMicrophone):
            def open(self, deliver: Any) -> None:
                desk.opened += 1
                super().open(deliver)

        return Counted(path)

    async def order(self, command: str, **more: object) -> dict[str, Any]:
        socket = self.folder / "control.sock"
        return await asyncio.to_thread(order, socket, {"command": command, **more}, 60.0)

    @property
    def blocks(self) -> int:
        return self.service.appliance.room.capture.health().blocks

    @property
    def state(self) -> State:
        return self.service.appliance.room.conductor.core.state

    @property
    def is_red(self) -> bool:
        red, green, blue = (self.pins.pin(line).state for line in (RED, GREEN, BLUE))
        return red > 0.1 and green == blue == 0


async def until(happened: Callable[[], object], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not happened():  # noqa: ASYNC110
            # What is waited for here tells nobody: it is looked at.
            await asyncio.sleep(0.02)


DeskOf = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def desk_of(tmp_path, settings, cloud_of) -> AsyncIterator[DeskOf]:
    pins = MockFactory(pin_class=Switch)
    desk = Desk(pins, tmp_path)
    silence, board = tmp_path / "silence.wav", tmp_path / "desk.toml"
    write_sound(silence, np.zeros(24_000, np.int16), 24_000)
    board.write_text(BOARD)
    spoken = (tmp_path / f"spoken-{number}.wav" for number in range(9))
    hardware = Hardware(
        lambda _: desk.microphone(silence), lambda _: FileSpeaker(next(spoken)), lambda: pins
    )
    cloud = await cloud_of()
    panel = f'[panel]\nboard = "{board}"\nvery_long = "factory_reset"\n'
    loaded = settings.load(settings.endpoint("cloud", cloud.url), more=panel)
    async with AsyncExitStack() as stack:

        async def start(*, switch_on: bool = False) -> Desk:
            pins.pin(SWITCH).is_closed = switch_on
            desk.service = await begin_service(
                loaded, lambda: load_settings(loaded.user_file), hardware
            )
            stack.push_async_callback(desk.service.stop)
            return desk

        yield start
    pins.close()


async def test_while_the_switch_is_on_no_frame_is_read_whatever_software_wants(desk_of) -> None:
    desk = await desk_of()
    await until(lambda: desk.blocks > 5)
    desk.pins.pin(SWITCH).drive_low()
    await until(lambda: desk.state is State.MUTED)
    await until(lambda: not desk.service.appliance.room.capture.is_open)
    before, opened = desk.blocks, desk.opened
    await until(lambda: desk.is_red)
    assert not (await desk.order("unmute"))["ok"]
    for action in (Action.MUTE, Action.TALK, Action.STOP, Action.PAIR):
        desk.service.appliance.controls.act(action)
    desk.pins.pin(BUTTON).drive_low()
    await asyncio.sleep(1.0)  # a long press: mute, or the end of it
    desk.pins.pin(BUTTON).drive_high()
    text = (desk.folder / "bittern.toml").read_text()
    (desk.folder / "bittern.toml").write_text(text.replace("follow_up_s = 0", "follow_up_s = 3"))
    assert (await desk.order("reload"))["ok"]
    assert not (await desk.order("unmute"))["ok"]
    assert desk.opened == opened
    assert desk.blocks in (before, 0)
    assert len(desk.service.appliance.room.capture.ring.read(0, 10**9)) == 0
    assert desk.is_red
    desk.pins.pin(SWITCH).drive_high()
    await until(lambda: desk.blocks > 5)


async def test_a_switch_that_is_on_from_the_start_lets_no_frame_in(desk_of) -> None:
    desk = await desk_of(switch_on=True)
    await until(lambda: desk.state is State.MUTED)
    await asyncio.sleep(0.3)
    assert (desk.opened, desk.blocks) == (0, 0)
    assert (await desk.order("status"))["is_muted_by_switch"]


def event(gesture: Gesture, action: Action = Action.FACTORY_RESET) -> ButtonEvent:
    return ButtonEvent("talk", gesture, action, time.monotonic())


async def test_letting_go_forgets_nothing_and_both_are_said(desk_of, caplog) -> None:
    desk = await desk_of()
    desk.service.appliance.controls.button(event(Gesture.VERY_LONG_COMING))
    await until(lambda: desk.service.appliance.front.front.panel.view.warning is not None)
    assert NOTICES["reset_coming"] in caplog.text
    desk.service.appliance.controls.button(event(Gesture.VERY_LONG_CANCELLED))
    await until(lambda: desk.service.appliance.front.front.panel.view.warning is None)
    assert NOTICES["reset_called_off"] in caplog.text
    await asyncio.sleep(2.0)
    assert not desk.service.reset_asked.is_set()
    length = len(
        desk.service.appliance.room.conductor.parts.mouth.sounds.notice("reset_called_off")[1]
    )
    await desk.service.stop()
    sound, _ = read_sound(desk.folder / "spoken-0.wav")
    assert np.count_nonzero(np.abs(sound.astype(int)) > 200) > 0.2 * length


async def test_a_press_in_the_count_stops_it(desk_of) -> None:
    desk = await desk_of()
    desk.service.appliance.controls.button(event(Gesture.VERY_LONG))
    await until(lambda: desk.service.appliance.controls.resetting.guard.is_counting)
    desk.pins.pin(BUTTON).drive_low()
    await asyncio.sleep(0.1)
    desk.pins.pin(BUTTON).drive_high()
    await until(lambda: not desk.service.appliance.controls.resetting.guard.is_counting)
    assert desk.state is State.IDLE
    assert not desk.service.reset_asked.is_set()


async def test_as_a_service_it_asks_systemd(desk_of, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    desk = await desk_of()
    desk.service.appliance.controls.resetting.guard = ResetGuard(0.2)
    desk.service.appliance.controls.button(event(Gesture.VERY_LONG))
    await until((tmp_path / "factory-reset").exists)
    assert not desk.service.reset_asked.is_set()


async def test_everything_is_forgotten_and_the_appliance_begins_anew(
    tmp_path, monkeypatch, settings, cloud_of
) -> None:
    silence = tmp_path / "silence.wav"
    write_sound(silence, np.zeros(24_000, np.int16), 24_000)
    spoken = (tmp_path / f"spoken-{number}.wav" for number in range(9))
    hardware = Hardware(lambda _: FileMicrophone(silence), lambda _: FileSpeaker(next(spoken)))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    services: list[Service] = []
    state = tmp_path / "state"
    cloud = await cloud_of()
    loaded: LoadedSettings = settings.load(settings.endpoint("cloud", cloud.url), follow_up_s=3)
    text = loaded.user_file.read_text()
    loaded.user_file.write_text(text.replace(f'state = "{tmp_path}"', f'state = "{state}"'))
    loaded = load_settings(loaded.user_file)
    key = tmp_path / "config" / "bittern" / "keys" / "openai"
    key.parent.mkdir(parents=True)
    key.write_text("sk-secret")
    running = asyncio.create_task(
        serve(loaded, lambda: load_settings(loaded.user_file), hardware, services.append)
    )
    await until(lambda: services)
    first = services[0]
    registry = first.appliance.room.conductor.parts.registry
    await registry.run("set_timer", '{"minutes": 7, "name": "eggs"}', "call-1")
    first.appliance.controls.resetting.guard = ResetGuard(0.2)
    first.appliance.controls.button(event(Gesture.VERY_LONG))
    await until(lambda: len(services) == 2, 20.0)
    second = services[1]
    assert second.appliance.loaded.settings.assistant.follow_up_s != 3
    listed = await second.appliance.room.conductor.parts.registry.run("list_timers", "{}", "call-2")
    assert "eggs" not in listed.output_json
    assert not key.exists()
    running.cancel()
    await asyncio.wait({running})


def test_the_introduction_says_what_ssh_needs() -> None:
    sentence = ENGLISH.say(introduction("kitchen.local", "192.168.1.20"))
    assert "kitchen." in sentence
    assert "192 point 168 point 1 point 20" in sentence
    assert "not connected" in ENGLISH.say(introduction("kitchen", ""))
    assert address() == "" or address() in ENGLISH.say(own_introduction()).replace(
        " point ", "."
    ).replace(" colon ", ":")


def test_loudness_goes_with_the_ear() -> None:
    shares = [share(np.full(480, level, np.int16)) for level in (0, 30, 300, 3_000, 30_000)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert 0.2 < shares[2] < 0.5 < shares[3] < 1.0
