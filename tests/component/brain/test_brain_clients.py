"""The `openai` package's own client talks, by voice, with `bittern brain` as a process."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import unix_connect

TIMER = {
    "type": "function",
    "name": "set_timer",
    "description": "Start a timer",
    "parameters": {
        "type": "object",
        "properties": {
            "seconds": {"type": "integer", "description": "How long, in seconds"},
            "name": {"type": "string"},
        },
        "required": ["seconds"],
    },
}


class Talk:
    """A conversation through the SDK; every event is checked."""

    def __init__(self, connection, watch) -> None:
        self.connection = connection
        self.watch = watch
        self.events: list = []

    async def until(self, kind: str, seconds: float = 60.0):
        """Read on until an event of this type; return it."""
        async with asyncio.timeout(seconds):
            while True:
                text = await self.connection.recv_bytes()
                event = self.connection.parse_event(text)
                self.watch.check(_as_sent(text))
                self.events.append(event)
                if event.type == "error" and kind != "error":
                    raise AssertionError(event.error)
                if event.type == kind:
                    return event

    async def append(self, sound: np.ndarray) -> None:
        for start in range(0, len(sound), 2400):
            data = sound[start : start + 2400].astype("<i2").tobytes()
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(data).decode())

    async def listen(self) -> tuple[str, bytes]:
        """Read a spoken answer to its end; return its words and its sound."""
        begun = len(self.events)
        done = await self.until("response.done")
        assert done.response.status == "completed", done.response.status_details
        answer = self.events[begun:]
        sound = [e.delta for e in answer if e.type == "response.output_audio.delta"]
        words = [e.transcript for e in answer if e.type == "response.output_audio_transcript.done"]
        return " ".join(words), b"".join(base64.b64decode(delta) for delta in sound)


def _as_sent(text: bytes) -> dict:
    event: dict = json.loads(text)
    return event


@contextlib.asynccontextmanager
async def talking(address: str, watch, **session):
    client = AsyncOpenAI(api_key="none", websocket_base_url=address)
    async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
        talk = Talk(connection, watch)
        await talk.until("session.created")
        if session:
            await connection.session.update(session={"type": "realtime", **session})
            await talk.until("session.updated")
        yield talk
    await client.close()


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(24_000 * seconds), np.int16)


@pytest.mark.parametrize("mode", ["brain", "strict_brain"])
async def test_two_spoken_turns_with_the_turns_found_by_the_brain(mode, request, say, watch):
    transcription = {"model": "gpt-transcribe", "language": "en"}
    address = request.getfixturevalue(mode)
    async with talking(address, watch, audio={"input": {"transcription": transcription}}) as talk:
        for question, heard, answer in [
            ("What is seven times eight?", ("7", "8"), ("fifty-six", "56")),
            ("And how many days are there in a week?", ("days", "week"), ()),
        ]:
            await talk.append(np.concatenate([silence(0.5), say(question), silence(1.0)]))
            words, sound = await talk.listen()
            [transcript] = [
                event.transcript
                for event in talk.events
                if event.type == "conversation.item.input_audio_transcription.completed"
            ]
            talk.events.clear()
            numerals = transcript.replace("seven", "7").replace("eight", "8")
            assert all(part in numerals for part in heard)
            assert not answer or any(part in words for part in answer)
            assert len(sound) / 48_000 > 0.5
            assert np.abs(np.frombuffer(sound, "<i2")).max() > 1000


async def test_push_to_talk(brain, say, watch):
    async with talking(brain, watch, audio={"input": {"turn_detection": None}}) as talk:
        for question, answer in [
            ("What is ten plus five?", "fifteen"),
            ("What is ten minus five?", "five"),
        ]:
            await talk.append(say(question))
            await talk.connection.input_audio_buffer.commit()
            await talk.connection.response.create()
            words, _ = await talk.listen()
            assert answer in words or str({"fifteen": 15, "five": 5}[answer]) in words


async def test_a_spoken_command_becomes_a_call_and_its_result_an_answer(brain, say, watch):
    async with talking(brain, watch, tools=[TIMER]) as talk:
        await talk.append(np.concatenate([say("Set a timer for ten minutes."), silence(1.0)]))
        call = await talk.until("response.function_call_arguments.done")
        assert call.name == "set_timer"
        assert "600" in call.arguments
        await talk.until("response.done")
        output = {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": '{"ok": true, "seconds": 600}',
        }
        await talk.connection.conversation.item.create(item=output)
        await talk.connection.response.create()
        words, sound = await talk.listen()
        assert words
        assert sound


async def test_the_user_interrupts_and_the_brain_forgets_what_was_not_heard(brain, say, watch):
    async with talking(brain, watch) as talk:
        await talk.append(np.concatenate([say("What can you do?"), silence(1.0)]))
        words, sound = await talk.listen()
        item_id = talk.events[-1].response.output[0].id
        heard_ms = len(sound) // 48 // 2
        await talk.append(say("Stop!"))
        await talk.until("input_audio_buffer.speech_started")
        await talk.connection.conversation.item.truncate(
            item_id=item_id, content_index=0, audio_end_ms=heard_ms
        )
        await talk.until("conversation.item.truncated")
        await talk.connection.conversation.item.retrieve(item_id=item_id)
        item = (await talk.until("conversation.item.retrieved")).item
        kept = item.content[0].transcript
        assert words.startswith(kept)
        assert 0.2 < len(kept) / len(words) < 0.8
        assert len(base64.b64decode(item.content[0].audio)) == heard_ms * 48


async def test_speech_cancels_an_answer_in_the_making(brain, say, watch):
    async with talking(brain, watch) as talk:
        await talk.append(np.concatenate([say("Tell me a long story about a dog."), silence(0.8)]))
        await talk.until("response.created")
        await talk.append(say("No, wait a moment, please."))
        done = await talk.until("response.done")
        assert done.response.status == "cancelled"
        assert done.response.status_details.reason == "turn_detected"


async def test_text_history_and_deletion(brain, watch):
    async with talking(brain, watch, output_modalities=["text"]) as talk:
        items = talk.connection.conversation.item
        for number in range(3):
            content = [{"type": "input_text", "text": f"message {number}"}]
            message = {"type": "message", "role": "user", "content": content, "id": f"m{number}"}
            await items.create(item=message)
            assert (await talk.until("conversation.item.done")).item.id == f"m{number}"
        await items.delete(item_id="m1")
        assert (await talk.until("conversation.item.deleted")).item_id == "m1"
        await talk.connection.response.create(response={"metadata": {"topic": "x"}})
        done = await talk.until("response.done")
        assert done.response.metadata == {"topic": "x"}
        assert done.response.output[0].content[0].text


async def test_it_serves_a_unix_socket_and_leaves_it_clean(run_brain, models, tmp_path):
    path = tmp_path / "brain.sock"
    process = run_brain("--listen", f"unix:{path}")
    assert process.ready() == f"unix:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    async with unix_connect(str(path), "ws://brain/v1/realtime") as client:
        assert "session.created" in await client.recv()
    assert process.stop() == 0
    assert not path.exists()


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="no systemd tools here")
async def test_the_service_manager_opens_the_socket_and_idle_time_ends_the_brain(
    run_brain, models, tmp_path
):
    path = tmp_path / "brain.sock"
    activate = ("systemd-socket-activate", "--listen", str(path))
    process = run_brain("--idle-exit-s", "0.5", prefix=activate)
    await asyncio.to_thread(_wait_for, path)
    async with unix_connect(str(path), "ws://brain/v1/realtime", open_timeout=30) as client:
        assert "session.created" in await client.recv()
    assert await asyncio.to_thread(process.process.wait, 15) == 0
    there = await asyncio.to_thread(path.exists)
    assert there, "the socket belongs to the service manager"
    process.process.communicate()


def _wait_for(path: Path) -> None:
    deadline_s = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline_s, f"{path} did not appear"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--listen", "0.0.0.0:0"), "can be reached from other machines"),
        (("--listen", "nowhere"), "'nowhere' is no address"),
        (("--listen", "127.0.0.1:0", "--token-env", "NOT_THERE"), "NOT_THERE holds no token"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said(run_brain, options, message):
    process = run_brain(*options)
    _, errors = process.process.communicate(timeout=30)
    assert process.process.returncode == 2
    assert message in errors
    assert "Traceback" not in errors
