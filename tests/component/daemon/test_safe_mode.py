"""Safe mode: it speaks, it answers orders, and it ends when there is reason to hope."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.appliance import service_manager
from device.appliance.control import order
from device.audio.devices import SoundDeviceError
from device.audio.files import FileMicrophone, FileSpeaker, read_sound, write_sound
from device.audio.microphone import Deliver, Microphone
from device.audio.portaudio import PortAudioSpeaker
from device.audio.sounds import Sounds
from device.audio.speaker import Speaker
from device.daemon.safe import EXIT_TRY_AGAIN, Patience, safe_settings, serve_safely
from device.daemon.service import Service
from device.errors import BitternError
from device.house.appliance import Hardware
from device.models.location import store_folder
from device.phrases.en import NOTICES
from device.settings import load_settings

FAILED = {"MONITOR_EXIT_STATUS": "1"}


@pytest.fixture
def owners(tmp_path, monkeypatch) -> Path:
    """The owner's settings, with a mistake in them."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    path = tmp_path / "bittern.toml"
    path.write_text("[assistant]\nfollow_up_s = 'soon'\n")
    return path


class Machine:
    """Safe mode on sound that is files, unless a test puts something else in its place."""

    def __init__(self, owners: Path, folder: Path) -> None:
        silence = folder / "silence.wav"
        write_sound(silence, np.zeros(24_000, np.int16), 24_000)
        self.microphone: Callable[[Any], Microphone] = lambda _: FileMicrophone(silence)
        self.speaker: Callable[[Any], Speaker] = lambda _: FileSpeaker(folder / "spoken.wav")
        self.patience = Patience(first_wait_s=0.2, look_s=0.2)
        self.services: list[Service] = []
        """Those that have begun, the last one being that which runs."""
        self._owners = owners

    async def serve(self, environ: dict[str, str]) -> int:
        hardware = Hardware(lambda wanted: self.microphone(wanted), lambda it: self.speaker(it))
        return await serve_safely(
            lambda: load_settings(self._owners),
            environ,
            hardware,
            self.patience,
            self.services.append,
        )


@pytest.fixture
def machine(owners, tmp_path) -> Machine:
    return Machine(owners, tmp_path)


async def status(folder: Path) -> dict[str, object]:
    """The status, as soon as there is somebody to ask."""
    while True:
        try:
            return await asyncio.to_thread(
                order, folder / "run" / "control.sock", {"command": "status"}, 5.0
            )
        except BitternError:
            await asyncio.sleep(0.05)


async def test_it_says_why_and_ends_when_the_mistake_is_mended(machine, owners, tmp_path, caplog):
    running = asyncio.create_task(machine.serve({}))
    async with asyncio.timeout(30):
        told = await status(tmp_path)
        assert told["is_safe_mode"] is True
        await asyncio.sleep(1.0)
        owners.write_text("[assistant]\nfollow_up_s = 5\n")
        assert await running == EXIT_TRY_AGAIN
    assert NOTICES["settings_bad"] in caplog.text
    assert np.abs(read_sound(tmp_path / "spoken.wav")[0]).max() > 300


async def test_it_waits_for_a_sound_card(machine, owners, tmp_path, monkeypatch, caplog):
    asked = iter(range(1000))

    def speaker_from(_: object) -> FileSpeaker | PortAudioSpeaker:
        # A whole round of attempts fails first.
        if next(asked) >= 4:
            return FileSpeaker(tmp_path / "spoken.wav")
        return PortAudioSpeaker("no card of this name")

    machine.speaker = speaker_from
    running = asyncio.create_task(machine.serve({}))
    async with asyncio.timeout(30):
        assert (await status(tmp_path))["is_safe_mode"]
    assert "safe mode waits" in caplog.text
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_only_sound_and_lights_are_the_owners(tmp_path):
    path = tmp_path / "bittern.toml"
    path.write_text('[microphone]\ndevice = "Jabra"\n[assistant]\nfollow_up_s = 9\n')
    settings = safe_settings(load_settings(path).settings).settings
    assert settings.microphone.device == "Jabra"
    assert settings.assistant.follow_up_s != 9
    assert [each.name for each in settings.endpoints()] == ["brain"]


class LateMicrophone(FileMicrophone):
    """One that is not there at first."""

    def __init__(self, path: Path, there: asyncio.Event) -> None:
        super().__init__(path)
        self._there = there

    def open(self, deliver: Deliver) -> None:
        if not self._there.is_set():
            raise SoundDeviceError("no microphone of this name")
        super().open(deliver)


async def test_without_a_microphone_it_speaks_and_with_one_there_is_hope(
    machine, owners, tmp_path, monkeypatch, caplog
):
    owners.write_text("[assistant]\nfollow_up_s = 5\n")
    there, room = asyncio.Event(), tmp_path / "room.wav"
    # Not exact zeros, which is what a broken microphone sounds like.
    noise = np.random.default_rng(1).normal(0, 30, 48_000).astype(np.int16)
    write_sound(room, noise, 24_000)
    machine.microphone = lambda _: LateMicrophone(room, there)
    running = asyncio.create_task(machine.serve(FAILED))
    async with asyncio.timeout(40):
        told = await status(tmp_path)
        while told["state"] != "faulted":
            told = await status(tmp_path)
        assert (told["is_safe_mode"], told["fault"]) == (True, "microphone")
        there.set()
        assert await running == EXIT_TRY_AGAIN
    assert NOTICES["safe_mode"] in caplog.text


async def test_sound_that_comes_late_is_reason_to_hope(
    machine, owners, tmp_path, monkeypatch, notifications
):
    """And systemd is told of the end once: it would kill a service that goes on after that."""
    owners.write_text("[assistant]\nfollow_up_s = 5\n")
    asked = iter(range(1000))

    def speaker_from(_: object) -> FileSpeaker | PortAudioSpeaker:
        if next(asked) >= 4:
            return FileSpeaker(tmp_path / "spoken.wav")
        return PortAudioSpeaker("no card of this name")

    machine.speaker = speaker_from
    failed = {"MONITOR_EXIT_STATUS": "1"}
    async with asyncio.timeout(30):
        assert await machine.serve(failed) == EXIT_TRY_AGAIN
    messages = notifications()
    stops = [number for number, message in enumerate(messages) if "STOPPING=1" in message]
    waits = [number for number, message in enumerate(messages) if "safe mode waits" in message]
    assert len(waits) == 4
    assert len(stops) == 1
    assert stops[0] > waits[-1]
    left = {thread.name for thread in threading.enumerate()} & {"listening", "file-speaker"}
    assert not left, "it was stopped to the end"


class Until(logging.Handler):
    """Waits until something has been logged so often."""

    def __init__(self, text: str, count: int = 1) -> None:
        super().__init__()
        self._text, self._left = text, count
        self._is_told = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self._left -= self._text in record.getMessage()
        if self._left <= 0:
            self._is_told.set()

    async def wait(self) -> None:
        await self._is_told.wait()


@contextlib.contextmanager
def logged(text: str, count: int = 1) -> Iterator[Until]:
    until = Until(text, count)
    logging.getLogger().addHandler(until)
    try:
        yield until
    finally:
        logging.getLogger().removeHandler(until)


async def ended(running: asyncio.Task[int]) -> None:
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_missing_model_is_said_where_safe_mode_can_listen(machine, owners, tmp_path):
    """The words of the owner have no models; the shipped one has."""
    store = tmp_path / "models"
    owners.write_text(f'[wake]\nwords = ["okay nabu"]\n[paths]\nmodels = "{store}"\n')
    store.mkdir()
    for entry in store_folder().iterdir():
        if entry.name != "microwakeword":
            (store / entry.name).symlink_to(entry)
    (store / "microwakeword").mkdir()
    for model in (store_folder() / "microwakeword").glob("hey_jarvis*"):
        (store / "microwakeword" / model.name).symlink_to(model)
    with logged(NOTICES["models_missing"]) as said:
        running = asyncio.create_task(machine.serve(FAILED))
        async with asyncio.timeout(60):
            await said.wait()
            assert (await status(tmp_path))["is_safe_mode"]
    await ended(running)


async def test_without_any_model_it_still_says_so_once(machine, owners, tmp_path, monkeypatch):
    owners.write_text("[assistant]\nfollow_up_s = 5\n")
    usual, store = store_folder(), tmp_path / "cache" / "bittern" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store.mkdir(parents=True)
    (store / "notices").symlink_to(usual / "notices")
    speakers: list[Path] = []

    def speaker_from(_: object) -> FileSpeaker:
        speakers.append(tmp_path / f"alone-{len(speakers)}.wav")
        return FileSpeaker(speakers[-1])

    machine.speaker = speaker_from
    with logged("safe mode waits", 2) as said:
        running = asyncio.create_task(machine.serve(FAILED))
        async with asyncio.timeout(60):
            await said.wait()
    await ended(running)
    (spoken,) = [
        sound
        for path in speakers
        if path.exists() and np.abs(sound := read_sound(path)[0]).max(initial=0) > 300
    ]
    _, notice = Sounds.of_store(store).notice("models_missing")
    assert len(spoken) >= len(notice)


class Fed:
    """How safe mode feeds the watchdog, whose period is 150 ms here."""

    def __init__(self, read: Callable[[], list[str]]) -> None:
        self._read = read
        self.was_ready = False

    async def until_fed(self) -> None:
        """Return when it has been fed some times, from now on."""
        self.feeds()
        count = 0
        async with asyncio.timeout(20):
            while count < 3:
                await asyncio.sleep(0.05)
                count += self.feeds()

    async def until_starved(self) -> None:
        """Return when it has not been fed for ten periods."""
        last_s = time.monotonic()
        async with asyncio.timeout(20):
            while time.monotonic() - last_s < 1.5:
                await asyncio.sleep(0.1)
                if self.feeds():
                    last_s = time.monotonic()

    def feeds(self) -> int:
        told = self._read()
        self.was_ready = self.was_ready or "READY=1" in told
        return told.count("WATCHDOG=1")


@pytest.fixture
def fed(notifications) -> Fed:
    return Fed(notifications)


async def test_the_watchdog_is_fed_while_it_listens_and_starves_when_it_is_deaf(
    machine, owners, tmp_path, fed
):
    running = asyncio.create_task(machine.serve({}))
    async with asyncio.timeout(60):
        await status(tmp_path)
        await fed.until_fed()
        assert fed.was_ready
        # Sound arrives, and nobody listens to it any more.
        listening = machine.services[-1].appliance.room.listening
        await asyncio.to_thread(listening.stop)
        await fed.until_starved()
        listening.start()
        await fed.until_fed()
    await ended(running)


class Hanging:
    """Opens a microphone or a speaker that is not there, and later a driver that hangs."""

    def __init__(self) -> None:
        self.hangs = threading.Event()
        self.has_hung = threading.Event()
        self.over = threading.Event()

    def open(self) -> None:
        if self.hangs.is_set():
            self.has_hung.set()
            self.over.wait(30)  # not for ever, or a test that fails would not end
        raise SoundDeviceError("nothing of this name")


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    it = Hanging()
    yield it
    it.over.set()


async def hung(hanging: Hanging) -> None:
    hanging.hangs.set()
    assert await asyncio.to_thread(hanging.has_hung.wait, 20)


async def test_the_watchdog_is_fed_while_it_looks_for_sound_and_no_longer(
    machine, owners, tmp_path, monkeypatch, fed, hanging
):
    class Missing(FileSpeaker):
        def open(self, *_: object) -> None:
            hanging.open()

    machine.speaker = lambda _: Missing(tmp_path / "spoken.wav")
    monkeypatch.setattr(service_manager, "GOES_ON_WITHIN_S", 2.0)
    running = asyncio.create_task(machine.serve(FAILED))
    async with asyncio.timeout(60):
        await fed.until_fed()
        assert fed.was_ready, "or systemd would give up waiting for it"
        await hung(hanging)
        await fed.until_starved()
        hanging.over.set()
    await ended(running)


async def test_without_a_microphone_it_is_fed_while_one_is_looked_for_and_no_longer(
    machine, owners, tmp_path, monkeypatch, fed, hanging
):
    class Missing(FileMicrophone):
        def open(self, deliver: Deliver) -> None:
            hanging.open()

    room = tmp_path / "silence.wav"
    machine.microphone = lambda _: Missing(room)
    monkeypatch.setattr(service_manager, "GOES_ON_WITHIN_S", 2.0)
    running = asyncio.create_task(machine.serve(FAILED))
    async with asyncio.timeout(60):
        while (await status(tmp_path))["state"] != "faulted":
            pass
        await fed.until_fed()
        await hung(hanging)
        await fed.until_starved()
        hanging.over.set()
        await fed.until_fed()
    await ended(running)


async def test_settings_that_were_mended_unseen_are_tried_in_the_end(
    machine, owners, tmp_path, monkeypatch
):
    """It was not there, or frozen, when they changed."""
    owners.write_text("[assistant]\nfollow_up_s = 5\n")
    machine.patience = Patience(0.2, 0.2, try_again_s=1.0)
    failed = {"MONITOR_EXIT_STATUS": "78"}
    async with asyncio.timeout(30):
        assert await machine.serve(failed) == EXIT_TRY_AGAIN
