"""The whole appliance in this process: a spoken recording in, what the speaker gave out.

The person is the brain's own voice, so that these tests need no recordings, and everything
runs at the wire's 24 kHz: what an endpoint received is then the recording, to the bit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from side_by_side import SideBySide, run_and_leave
from waiting import until

from device.assistant.effects import Show
from device.assistant.news import News
from device.assistant.states import State
from device.audio.files import FileMicrophone, FileSpeaker, read_sound, write_sound
from device.audio.microphone import Microphone
from device.audio.samples import Samples, silence
from device.audio.sounds import Synthesize, brain_voice
from device.audio.speaker import Speaker
from device.house.house import MAIN, House, begin_house
from device.reports import NewsRecord, record
from device.room.room import Room as OpenRoom
from device.room.room import RoomPlan
from device.settings import LoadedSettings, load_settings
from device.workshop.simulation.room import SimulatedRoom

RATE_HZ = 24_000
WAKE = "Hey Jarvis"
QUESTION = "What time is it?"
ROOM_NOISE = 12
"""Amplitude between the words; it also makes every stretch of a recording unique."""
AUDIBLE = 150
"""Amplitude above which a sample belongs to a word."""


@dataclass(frozen=True)
class Take:
    """A recording, and where its parts lie in it."""

    path: Path
    sound: Samples
    begins: tuple[int, ...]

    def part(self, number: int) -> Samples:
        """The n-th part, a text or a pause."""
        ends = (*self.begins[1:], len(self.sound))
        return self.sound[self.begins[number] : ends[number]]


class Studio:
    """Makes recordings of a synthesized person."""

    def __init__(self, voice: Synthesize, folder: Path) -> None:
        self._voice = voice
        self._folder = folder
        self._takes = 0
        self.words = cache(self._words)

    def _words(self, text: str) -> Samples:
        sound = self._voice(text)
        audible = np.nonzero(np.abs(sound.astype(np.int32)) > AUDIBLE)[0]
        return sound[audible[0] : audible[-1] + 1]

    def take(self, *parts: str | float) -> Take:
        """Record: a text is spoken, a number is a pause in seconds."""
        self._takes += 1
        sounds = [
            self.words(part) if isinstance(part, str) else silence(round(part * RATE_HZ))
            for part in parts
        ]
        sound = np.concatenate(sounds)
        noise = np.random.default_rng(self._takes).normal(0.0, ROOM_NOISE, len(sound))
        sound = np.clip(sound + noise, -32_768, 32_767).astype(np.int16)
        path = self._folder / f"take-{self._takes}.wav"
        write_sound(path, sound, RATE_HZ)
        begins = np.cumsum([0, *map(len, sounds)])[:-1]
        return Take(path, sound, tuple(map(int, begins)))

    def question(self, pause_s: float = 0.2) -> Take:
        """The wake word and a question; the question is part 3."""
        return self.take(0.4, WAKE, pause_s, QUESTION, 1.0)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(brain_voice(), tmp_path_factory.mktemp("takes"))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's key is used, and nobody's settings are read."""
    for name in ("OPENAI_API_KEY", "BITTERN_CONFIG"):
        monkeypatch.delenv(name, raising=False)


class SettingsMaker:
    """Writes settings in which every file of the appliance lies in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def table(self, name: str, **keys: object) -> str:
        """An ``[[endpoint]]``."""
        lines = [f"{key} = {_toml(value)}" for key, value in {"name": name, **keys}.items()]
        return "\n".join(["[[endpoint]]", *lines, ""])

    def endpoint(self, name: str, url: str, **keys: object) -> str:
        """An ``[[endpoint]]`` that needs no key."""
        return self.table(name, url=url, **{"dialect": "ga", "key_required": False, **keys})

    def load(
        self, *endpoints: str, brain: bool = False, more: str = "", **assistant: object
    ) -> LoadedSettings:
        """Ask these endpoints, then the brain if wanted; one question a turn, full volume."""
        keys = {"follow_up_s": 0, "chime": False, **assistant}
        lines = [
            "[assistant]",
            *(f"{key} = {_toml(value)}" for key, value in keys.items()),
            "[speaker]",
            "volume_percent = 100",
            "[paths]",
            f'runtime = "{self.folder}"',
            f'state = "{self.folder}"',
            more,
            *endpoints,
            self.table("openai", enabled=False),
            *([] if brain else [self.table("brain", enabled=False)]),
        ]
        path = self.folder / "bittern.toml"
        path.write_text("\n".join(lines))
        return load_settings(path)


@pytest.fixture
def settings(tmp_path: Path) -> SettingsMaker:
    return SettingsMaker(tmp_path)


@pytest.fixture(scope="session")
def settings_in() -> type[SettingsMaker]:
    """Make settings for a folder of one's own."""
    return SettingsMaker


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


class Appliance:
    """A running daemon, and all it has told. An asynchronous context manager."""

    def __init__(
        self,
        loaded: LoadedSettings,
        microphone: Microphone,
        speaker: Speaker,
        *,
        watch_sound: bool = False,
    ) -> None:
        self._loaded = loaded
        self._plan = RoomPlan(
            microphone, speaker, self._report, self._show, watches_sound=watch_sound
        )
        self._stack = AsyncExitStack()
        self.house: House
        self.room: OpenRoom
        self.reports: list[tuple[float, NewsRecord]] = []
        """With the moment of each, on :func:`time.monotonic`."""
        self.shows: list[Show] = []
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Appliance:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open a house and its room."""
        self.house = await begin_house(self._loaded)
        self._stack.push_async_callback(self.house.close)
        try:
            self.room = await self.house.open_room(MAIN, lambda _: self._plan)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close them."""
        await self._stack.aclose()

    def _report(self, what: News) -> None:
        if (line := record(what)) is not None:
            self.reports.append((time.monotonic(), line))
        self._changed.set()

    def _show(self, what: Show) -> None:
        self.shows.append(what)
        self._changed.set()

    def of(self, event: str) -> list[NewsRecord]:
        """All reports of one kind."""
        return [report for _, report in self.reports if report.event == event]

    @property
    def state(self) -> State:
        """What it is doing."""
        return self.room.state

    async def until(self, happened: Callable[[Appliance], object], within_s: float = 15.0) -> None:
        """Wait until it has happened; raise :class:`TimeoutError` with what happened instead."""

        def told() -> str:
            reports = "\n".join(f"{at_s:.2f} {report}" for at_s, report in self.reports)
            return f"in state {self.state} after:\n{reports}"

        await until(lambda: happened(self), self._changed, within_s, told)

    async def until_told(self, event: str, count: int = 1, within_s: float = 15.0) -> NewsRecord:
        """Wait for the n-th report of a kind, and return it."""
        await self.until(lambda it: len(it.of(event)) >= count, within_s)
        return self.of(event)[count - 1]

    async def until_state(self, state: State, within_s: float = 15.0) -> None:
        """Wait for a state."""
        await self.until(lambda it: it.state is state, within_s)


ApplianceOf = Callable[..., Awaitable[Appliance]]


@pytest.fixture
async def appliance_of(tmp_path: Path) -> AsyncIterator[ApplianceOf]:
    """Return a function that starts an appliance on a take, or in a room.

    What the speaker of a take plays is in ``tmp_path / "answer.wav"``.
    """
    async with AsyncExitStack() as stack:

        async def start(
            loaded: LoadedSettings, source: Take | SimulatedRoom, *, watch_sound: bool = False
        ) -> Appliance:
            microphone: Microphone
            speaker: Speaker
            if isinstance(source, SimulatedRoom):
                microphone, speaker = source.microphone, source.speaker
            else:
                microphone = FileMicrophone(source.path)
                speaker = FileSpeaker(tmp_path / "answer.wav")
            appliance = Appliance(loaded, microphone, speaker, watch_sound=watch_sound)
            return await stack.enter_async_context(appliance)

        yield start


@pytest.fixture(scope="session")
def appliance_class() -> type[Appliance]:
    """Run several appliances in one loop."""
    return Appliance


@pytest.fixture(scope="session")
def play_side_by_side(
    studio: Studio, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., dict[str, Any]]:
    """Return a function that plays all, at most so many at once: see :class:`SideBySide`.

    Code, models and voice have been read from the disk by then: no play is kept waiting for it.
    """
    folder = tmp_path_factory.mktemp("first")
    take = studio.question()

    async def start_and_stop() -> None:
        microphone, speaker = FileMicrophone(take.path), FileSpeaker(folder / "answer.wav")
        settings = SettingsMaker(folder)
        loaded = settings.load(settings.endpoint("nobody", "ws://127.0.0.1:9"))
        async with Appliance(loaded, microphone, speaker):
            """That is all."""

    run_and_leave(start_and_stop())
    return lambda plays, at_most, **more: SideBySide(at_most, **more).play(plays)


@pytest.fixture(scope="session")
def chosen() -> Callable[[pytest.FixtureRequest, str], list[Any]]:
    """Return a function that gives the values of a parameter in a module's chosen tests."""

    def values(request: pytest.FixtureRequest, parameter: str) -> list[Any]:
        calls = [
            getattr(it, "callspec", None) for it in request.session.items if it.path == request.path
        ]
        found = [call.params[parameter] for call in calls if call and parameter in call.params]
        return list(dict.fromkeys(found))

    return values


class Comparing:
    """Questions about sounds."""

    @staticmethod
    def played(path: Path) -> Samples:
        """What was written in the place of a speaker."""
        return read_sound(path)[0]

    @staticmethod
    def times_in(needle: Samples, haystack: Samples | bytes | bytearray) -> int:
        """How often a stretch of sound is in another, to the bit and at whole samples."""
        whole = haystack.tobytes() if isinstance(haystack, np.ndarray) else bytes(haystack)
        part, count, at = needle.tobytes(), 0, 0
        while (at := whole.find(part, at)) >= 0:
            count += at % 2 == 0
            at += 1
        return count


@pytest.fixture
def sounds() -> Comparing:
    return Comparing()
