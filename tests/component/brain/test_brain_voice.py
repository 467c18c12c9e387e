"""The one voice of the machine: the brain speaks what the appliance has to say."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.appliance.voice import NoVoiceError, Voice
from device.brain.base.abilities import AbilityFailedError, Cancellation, Samples
from device.brain.sessions.listening_socket import ListenAddress, open_socket
from device.brain.sessions.server import BrainServer, ServerOptions
from device.errors import BitternError
from device.realtime.speech import LONGEST_TEXT, MOST_WAITING


class Actor:
    """Speaks two samples for each letter; counts how many speak at once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.at_once = self.most_at_once = 0
        self.may_speak = threading.Event()
        self.may_speak.set()

    def speak(
        self, sentence: str, voice: str, speed: float, cancellation: Cancellation
    ) -> Iterator[Samples]:
        del voice, speed
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.texts.append(sentence)
        while not self.may_speak.wait(0.01):
            cancellation.check()
        if "fail" in sentence:
            self.at_once -= 1
            raise AbilityFailedError("model_unavailable", "no voice:\nlost")
        yield np.full(2 * len(sentence), -2, np.int16)
        self.at_once -= 1


@dataclasses.dataclass
class Stage:
    actor: Actor
    voice: Voice
    server: BrainServer
    address: Path
    ended: asyncio.Task[None]


@pytest.fixture
async def stage(new_bench: Any, tmp_path: Path) -> AsyncIterator[Stage]:
    actor, path = Actor(), tmp_path / "brain.sock"
    abilities = dataclasses.replace(new_bench().abilities, voice=actor)
    server = BrainServer(abilities, ServerOptions(idle_exit_s=0.3))
    ready = asyncio.Event()
    task = asyncio.create_task(
        server.run(open_socket(ListenAddress.parse(f"unix:{path}")), ready.set)
    )
    await ready.wait()

    async def ensure() -> None:
        """It is there."""

    yield Stage(actor, Voice(path, ensure), server, path, task)
    actor.may_speak.set()
    server.stop()
    await task


async def test_a_sentence_comes_back_as_sound(stage: Stage) -> None:
    samples = await stage.voice.speak(" Tea for two: 10 °C & «naïve»? \U0001f9e1 ")
    assert stage.actor.texts == ["Tea for two: 10 °C & «naïve»? \U0001f9e1"]
    assert samples.dtype == np.int16
    assert samples.tolist() == [-2] * 2 * len(stage.actor.texts[0])
    longest = await stage.voice.speak("\U0001f9e1" * LONGEST_TEXT)
    assert len(longest) == 2 * LONGEST_TEXT


async def test_many_at_once_wait_for_one_another_and_too_many_are_told(stage: Stage) -> None:
    other = Voice(stage.address, stage.voice._ensure)
    stage.actor.may_speak.clear()
    wanted = [asyncio.create_task(stage.voice.speak(f"sentence {n}")) for n in range(MOST_WAITING)]
    wanted += [asyncio.create_task(other.speak("another"))]
    await asyncio.sleep(0.05)
    with pytest.raises(NoVoiceError, match="wait for the voice"):
        await stage.voice.speak("one too many")
    stage.actor.may_speak.set()
    assert len(await asyncio.gather(*wanted)) == MOST_WAITING + 1
    assert stage.actor.most_at_once == 1
    await stage.voice.speak("and room again")


async def test_what_rings_is_spoken_before_all_that_waits(stage: Stage) -> None:
    stage.actor.may_speak.clear()
    waiting = [asyncio.create_task(stage.voice.speak(f"say {n}")) for n in range(MOST_WAITING)]
    await asyncio.sleep(0.05)
    alarm = asyncio.create_task(stage.voice.speak_first("Your pasta timer is done."))
    await asyncio.sleep(0.05)
    stage.actor.may_speak.set()
    await asyncio.gather(alarm, *waiting)
    assert stage.actor.texts.index("Your pasta timer is done.") == 1
    assert stage.actor.most_at_once == 1


async def test_who_gives_up_does_not_hold_up_the_others(stage: Stage) -> None:
    stage.actor.may_speak.clear()
    impatient = asyncio.create_task(stage.voice.speak("never mind"))
    await asyncio.sleep(0.05)
    impatient.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await impatient
    stage.actor.may_speak.set()
    assert len(await stage.voice.speak("next"))


@pytest.mark.parametrize("text", ["", "  \n", "x" * (LONGEST_TEXT + 1), "fail"])
async def test_what_cannot_be_spoken_says_so(stage: Stage, text: str) -> None:
    with pytest.raises(NoVoiceError) as failed:
        await stage.voice.speak(text)
    assert "600 characters" in failed.value.what or "no voice" in failed.value.what


async def test_a_brain_that_speaks_is_not_idle(stage: Stage) -> None:
    stage.actor.may_speak.clear()
    speaking = asyncio.create_task(stage.voice.speak("a long story"))
    await asyncio.sleep(0.6)
    assert not stage.ended.done()
    stage.actor.may_speak.set()
    assert len(await speaking)
    await asyncio.wait_for(asyncio.shield(stage.ended), 5)


async def test_a_brain_that_is_killed_is_asked_again(tmp_path: Path) -> None:
    calls: list[str] = []

    async def ensure() -> None:
        calls.append("ensure")

    async def killed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        if len(calls) > 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\x01\x00")
        writer.close()

    path = tmp_path / "brain.sock"
    async with await asyncio.start_unix_server(killed, path):
        assert (await Voice(path, ensure).speak("hello")).tolist() == [1]
    assert len(calls) == 2


async def test_without_a_brain_it_says_what_the_brain_says(tmp_path: Path) -> None:
    async def ensure() -> None:
        raise BitternError("no brain answers", "Start it.")

    with pytest.raises(NoVoiceError, match="no brain answers"):
        await Voice(tmp_path / "none", ensure).speak("hello")
