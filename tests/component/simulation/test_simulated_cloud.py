"""The simulated cloud, asked by a plain WebSocket and by the device's own link."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect

from device.realtime.events import base64_to_pcm, pcm_to_base64
from device.workshop.simulation.cloud import Cloud

CloudOf = Callable[..., Awaitable[Cloud]]
Json = dict[str, Any]

LOUD = np.full(480, 6_000, dtype=np.int16)
QUIET = np.zeros(480, dtype=np.int16)
MANUAL = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}


class Client:
    """Sends dictionaries, reads dictionaries."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket

    async def send(self, kind: str, **fields: Any) -> None:
        await self.websocket.send(json.dumps({"type": kind, **fields}))

    async def read(self) -> Json:
        event: Json = json.loads(await asyncio.wait_for(self.websocket.recv(), 5))
        return event

    async def until(self, kind: str) -> list[Json]:
        """Read up to and with the first event of a type."""
        events = [await self.read()]
        while events[-1]["type"] != kind:
            events.append(await self.read())
        return events

    async def update(self, session: Json) -> Json:
        await self.send("session.update", session=session)
        return await self.read()

    async def speak(self, ms: int, silence_ms: int = 700) -> None:
        for block in [LOUD] * (ms // 20) + [QUIET] * (silence_ms // 20):
            await self.send("input_audio_buffer.append", audio=pcm_to_base64(block))


@asynccontextmanager
async def client_of(cloud: Cloud, **options: Any) -> AsyncIterator[Client]:
    async with connect(cloud.url, proxy=None, **options) as websocket:
        client = Client(websocket)
        assert (await client.read())["type"] == "session.created"
        yield client


def types(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]


def saying(*words: str, **more: Any) -> Json:
    server = {"first_delta_ms": 0}
    return {"server": server, "answers": [{"items": [{"say": w} for w in words], **more}]}


async def test_a_spoken_turn_in_the_order_of_the_real_server(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(saying("Hello there.", heard="good morning"))
    async with client_of(cloud) as client:
        transcribing = {"audio": {"input": {"transcription": {"model": "gpt-transcribe"}}}}
        await client.update({"type": "realtime", **transcribing})
        await client.speak(400)
        events = await client.until("rate_limits.updated")
    once = list(dict.fromkeys(types(events)))
    assert once == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert events[0]["audio_start_ms"] == 0
    assert events[1]["audio_end_ms"] == 400 + 500
    (done,) = [event for event in events if event["type"] == "response.done"]
    assert done["response"]["usage"]["output_token_details"]["audio_tokens"] == round(12 * 65 / 50)
    assert done["response"]["output"][0]["content"][0]["transcript"] == "Hello there."
    audio = [
        base64_to_pcm(e["delta"]) for e in events if e["type"] == "response.output_audio.delta"
    ]
    assert len(np.concatenate(audio)) == 12 * 65 * 24


async def test_several_message_items_in_one_response(cloud_of: CloudOf) -> None:
    script = saying("Let me see.", "It is seven.")
    script["answers"][0]["items"][0]["phase"] = "commentary"
    cloud = await cloud_of(script)
    async with client_of(cloud) as client:
        await client.send("response.create")
        events = await client.until("response.done")
    output = events[-1]["response"]["output"]
    assert [item["content"][0]["transcript"] for item in output] == ["Let me see.", "It is seven."]
    assert output[0]["phase"] == "commentary"
    assert len({item["id"] for item in output}) == 2


async def test_push_to_talk(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(saying("Yes."))
    async with client_of(cloud) as client:
        updated = await client.update(MANUAL)
        assert updated["session"]["audio"]["input"]["turn_detection"] is None
        assert updated["session"]["audio"]["output"]["voice"] == "marin"  # what was not said stays
        await client.speak(60, 0)
        await client.send("input_audio_buffer.commit", event_id="c1")
        error = (await client.read())["error"]
        assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "c1")
        await client.speak(100, 0)
        await client.send("input_audio_buffer.commit")
        assert (
            types(await client.until("conversation.item.done"))[0] == "input_audio_buffer.committed"
        )
        await client.send("input_audio_buffer.clear")
        assert (await client.read())["type"] == "input_audio_buffer.cleared"
    visit = cloud.visits[0]
    assert visit.audio_ms == 160
    assert np.frombuffer(bytes(visit.audio), dtype="<i2").max() == 6_000


async def test_a_tool_turn(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(
        {
            "answers": [
                {
                    "items": [
                        {"say": "One moment."},
                        {"call": "set_light", "arguments": {"on": True}},
                    ]
                },
                {"items": [{"say": "Done."}]},
            ]
        }
    )
    async with client_of(cloud) as client:
        await client.send("response.create")
        first = await client.until("response.done")
        (arguments,) = [e for e in first if e["type"] == "response.function_call_arguments.done"]
        assert json.loads(arguments["arguments"]) == {"on": True}
        assert arguments["name"] == "set_light"
        call = first[-1]["response"]["output"][1]
        await client.until("rate_limits.updated")
        output = {"type": "function_call_output", "call_id": "call_unknown", "output": "{}"}
        await client.send("conversation.item.create", item=output)
        assert (await client.read())["error"]["code"] == "invalid_tool_call_id"
        await client.send("conversation.item.create", item={**output, "call_id": call["call_id"]})
        await client.until("conversation.item.done")
        await client.send("response.create")
        second = await client.until("response.done")
    assert second[-1]["response"]["output"][0]["content"][0]["transcript"] == "Done."


async def test_barge_in_cancels_and_truncation_knows_the_length(cloud_of: CloudOf) -> None:
    script = saying("x" * 100)
    script["server"] |= {"pace": 4.0, "chunk_ms": 100}
    cloud = await cloud_of(script)
    async with client_of(cloud) as client:
        await client.send("response.create")
        events = await client.until("response.output_audio.delta")
        await client.speak(100, 0)
        events += await client.until("response.done")
        item_id = next(e["item"]["id"] for e in events if e["type"] == "response.output_item.added")
        done = events[-1]["response"]
        assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
        assert done["output"][0]["status"] == "incomplete"
        assert "input_audio_buffer.speech_started" in types(events)
        await client.until("rate_limits.updated")
        where = {"item_id": item_id, "content_index": 0}
        await client.send("conversation.item.truncate", **where, audio_end_ms=99_999)
        assert "is already shorter than 99999ms" in (await client.read())["error"]["message"]
        await client.send("conversation.item.truncate", **where, audio_end_ms=50)
        truncated = await client.read()
        assert (truncated["type"], truncated["audio_end_ms"]) == ("conversation.item.truncated", 50)
        await client.send("conversation.item.retrieve", item_id=item_id)
        assert (await client.read())["item"]["content"] == [{"type": "output_audio"}]
        await client.send("response.cancel")
        assert (await client.read())["error"]["code"] == "response_cancel_not_active"


async def test_one_response_at_a_time_but_others_beside_it(cloud_of: CloudOf) -> None:
    script = saying("x" * 50)
    script["server"] |= {"pace": 10.0}
    cloud = await cloud_of(script)
    async with client_of(cloud) as client:
        await client.send("response.create")
        await client.until("response.created")
        await client.send("response.create", event_id="again")
        error = (await client.until("error"))[-1]["error"]
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "again"
        beside = {"conversation": "none", "output_modalities": ["text"], "metadata": {"a": "b"}}
        await client.send("response.create", response=beside)
        done = await client.until("response.done")
        response = next(e["response"] for e in done if e["type"] == "response.created")
        assert response["conversation_id"] is None
        assert response["metadata"] == {"a": "b"}
        kinds = types(done + await client.until("response.done"))
        assert "response.output_text.done" in kinds
        assert "response.output_audio.done" in kinds


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"type": "realtime", "foo": 1}, "unknown_parameter", "session.foo"),
        ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({"type": "realtime", "audio": {"output": {"speed": 9}}}, "invalid_value",
         "session.audio.output.speed"),
        ({"voice": "alloy"}, "missing_required_parameter", "session.type"),
        ({"type": "realtime", "reasoning": {}}, "unknown_parameter", "session.reasoning"),
    ],
)  # fmt: skip
async def test_a_session_is_refused_whole(
    cloud_of: CloudOf, session: Json, code: str, param: str
) -> None:
    cloud = await cloud_of({"server": {"refuse_fields": ["session.reasoning"]}})
    async with client_of(cloud) as client:
        error = (await client.update({**session, "instructions": "new"}))["error"]
        assert (error["code"], error["param"]) == (code, param)
        updated = await client.update({"type": "realtime"})
        assert updated["session"]["instructions"] != "new"


async def test_the_voice_is_locked_after_the_first_sound(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(saying("Hi."))
    voice = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
    async with client_of(cloud) as client:
        assert (await client.update(voice))["type"] == "session.updated"
        await client.send("response.create")
        await client.until("rate_limits.updated")
        voice["audio"]["output"]["voice"] = "marin"  # type: ignore[index]
        assert (await client.update(voice))["error"]["code"] == "cannot_update_voice"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no JSON", "invalid_event"),
        ("[]", "invalid_event"),
        (b"{}", "invalid_event"),
        ('{"type":"no.such.event"}', "invalid_value"),
        ('{"a":1}', "missing_required_parameter"),
    ],
)
async def test_what_is_no_event_is_answered_with_an_error(
    cloud_of: CloudOf, text: str | bytes, code: str
) -> None:
    cloud = await cloud_of()
    async with client_of(cloud) as client:
        await client.websocket.send(text)
        assert (await client.read())["error"]["code"] == code


async def test_items_are_created_in_their_place_and_deleted(cloud_of: CloudOf) -> None:
    cloud = await cloud_of()
    part = {"type": "input_text", "text": "hi"}
    item = {"type": "message", "role": "user", "id": "a", "content": [part]}
    async with client_of(cloud) as client:
        await client.send("conversation.item.create", item=item)
        assert (await client.until("conversation.item.done"))[-1]["previous_item_id"] is None
        await client.send("conversation.item.create", item={**item, "id": "b"})
        assert (await client.until("conversation.item.done"))[-1]["previous_item_id"] == "a"
        for wrong, code in (
            ({"item": item}, "item_create_duplicate_item_id"),
            ({"item": {**item, "id": "c"}, "previous_item_id": "z"}, "invalid_value"),
        ):
            await client.send("conversation.item.create", **wrong)
            assert (await client.read())["error"]["code"] == code
        await client.send("conversation.item.delete", item_id="a")
        assert (await client.read())["type"] == "conversation.item.deleted"
        await client.send("conversation.item.delete", item_id="a")
        assert (await client.read())["error"]["code"] == "item_delete_invalid_item_id"


async def test_mcp_with_approval(cloud_of: CloudOf) -> None:
    request = {"call": "read_sensor", "arguments": {}, "mcp_server": "home", "output": "21 C"}
    cloud = await cloud_of(
        {
            "answers": [{"items": [request]}, {"items": [{"say": "It is 21 degrees."}]}],
            "mcp": [{"label": "home", "tools": ["read_sensor"]}],
        }
    )
    tool = {"type": "mcp", "server_label": "home", "server_url": "https://mcp.example/sse"}
    async with client_of(cloud) as client:
        await client.update({"type": "realtime", "tools": [tool]})
        listed = await client.until("mcp_list_tools.completed")
        assert listed[1]["item"]["tools"][0]["name"] == "read_sensor"
        await client.send("response.create")
        asked = (await client.until("response.done"))[-1]["response"]["output"][0]
        assert asked["type"] == "mcp_approval_request"
        await client.until("rate_limits.updated")
        answer = {"type": "mcp_approval_response", "id": "y", "approve": True}
        await client.send(
            "conversation.item.create", item={**answer, "approval_request_id": asked["id"]}
        )
        output = (await client.until("response.done"))[-1]["response"]["output"]
        assert [item["type"] for item in output] == ["mcp_call", "message"]
        assert output[0]["output"] == "21 C"


async def test_an_mcp_server_that_is_away(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({"mcp": [{"label": "home", "is_reachable": False}]})
    tool = {"type": "mcp", "server_label": "home", "server_url": "https://mcp.example/sse"}
    async with client_of(cloud) as client:
        await client.update({"type": "realtime", "tools": [tool]})
        assert types(await client.until("mcp_list_tools.failed"))[0] == "mcp_list_tools.in_progress"


@pytest.mark.parametrize("kind", ["reorder", "twice", "same_ids"])
async def test_bent_answers(cloud_of: CloudOf, kind: str) -> None:
    cloud = await cloud_of({**saying("One two three."), "faults": [{"kind": kind, "at": "answer"}]})
    async with client_of(cloud) as client:
        await client.send("response.create")
        events = await client.until("response.done")
        inner = [e for e in events if e["type"] not in ("response.created", "response.done")]
        if kind == "twice":
            assert types(inner)[0::2] == types(inner)[1::2]
        if kind == "reorder":
            assert types(inner)[0] != "response.output_item.added"
        if kind == "same_ids":
            await client.until("rate_limits.updated")
            await client.send("response.create")
            again = await client.until("response.done")
            assert again[-1]["response"]["output"][0]["id"].startswith("item_")


async def test_faults_belong_to_a_connection(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(
        {**saying("Hi."), "faults": [{"kind": "stall", "at": "answer", "connection": 2}]}
    )
    async with client_of(cloud) as first, client_of(cloud) as second:
        await second.send("response.create")
        await first.send("response.create")
        await first.until("response.done")
        await cloud.visits[1].until(lambda visit: visit.mishaps == ["stall at answer"])
    assert cloud.visits[0].mishaps == []


async def test_a_failed_response_carries_its_code_and_no_error_event(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({"answers": [{"status": "failed", "error_code": "insufficient_quota"}]})
    async with client_of(cloud) as client:
        await client.send("response.create")
        events = await client.until("response.done")
    assert "error" not in types(events)
    details = events[-1]["response"]["status_details"]
    assert details["error"]["code"] == "insufficient_quota"


async def test_a_beta_cloud_speaks_beta(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({**saying("Hi."), "server": {"dialect": "beta", "strict": False}})
    async with client_of(cloud) as client:
        ignored = await client.update({"type": "realtime", "audio": {"output": {"voice": "ash"}}})
        assert ignored["session"]["voice"] == "marin"
        assert (await client.update({"voice": "ash"}))["session"]["voice"] == "ash"
        await client.send("response.create")
        kinds = types(await client.until("response.done"))
    assert "response.audio.delta" in kinds
    assert "conversation.item.created" in kinds


async def test_latency_and_pace(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(
        {"server": {"first_delta_ms": 200, "pace": 2.0}, "answers": [{"items": [{"say": "x" * 8}]}]}
    )
    async with client_of(cloud) as client:
        began = asyncio.get_running_loop().time()
        await client.send("response.create")
        await client.until("response.output_item.added")
        first = asyncio.get_running_loop().time() - began
        await client.until("response.done")
        whole = asyncio.get_running_loop().time() - began
    assert 0.2 <= first < 0.4
    assert 0.2 + 0.52 / 2 <= whole < 0.8


async def test_the_microphone_is_heard_in_any_block_size(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(saying("Hi."))
    sound = np.concatenate([np.tile(LOUD, 20), np.tile(QUIET, 40)])
    async with client_of(cloud) as client:
        for start in range(0, len(sound), 333):
            audio = pcm_to_base64(sound[start : start + 333])
            await client.send("input_audio_buffer.append", audio=audio)
        assert types(await client.until("response.done"))[0] == "input_audio_buffer.speech_started"


async def test_it_closes_though_somebody_connected_and_said_nothing() -> None:
    cloud = Cloud()
    await cloud.start()
    host, port = cloud.url.removeprefix("ws://").split("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(10):
        await cloud.close()
        assert await reader.read() == b"", "the silent caller was cut off"
    writer.close()
