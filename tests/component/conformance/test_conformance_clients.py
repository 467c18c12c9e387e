"""REALTIME.md 4.11: what known clients need of a server."""

from __future__ import annotations

import asyncio

import pytest

from device.realtime.endpoint import Endpoint
from device.realtime.events import Session
from device.realtime.websocket import WebSocketLink

pytestmark = pytest.mark.answers({"items": [{"say": "It is fifty-six."}]})


async def test_the_python_agents_sdk_may_ask_for_tracing_and_its_own_defaults(client):
    audio = {
        "input": {
            "turn_detection": {"type": "semantic_vad"},
            "transcription": {"model": "gpt-4o-mini-transcribe"},
        },
        "output": {"voice": "ash"},
    }
    updated = await client.update(audio=audio, output_modalities=["audio"])
    assert updated["audio"]["output"]["voice"] == "ash"
    assert updated["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert (await client.update(tracing="auto"))["tracing"] == "auto"


async def test_livekit_finds_its_response_by_metadata_and_its_usage(client, done):
    await client.write("what is seven times eight")
    events = await client.answer(metadata={"client_event_id": "lk_1"})
    assert events[0]["response"]["metadata"] == {"client_event_id": "lk_1"}
    assert done(events)["usage"]["total_tokens"] > 0
    added = [e for e in client.events if e["type"] == "conversation.item.added"]
    assert all("previous_item_id" in event for event in added)


async def test_pipecat_shakes_hands_before_anything_else(client):
    await client.send("session.update", session={"type": "realtime", "instructions": "x"})
    assert (await client.read())["type"] == "session.updated"


async def test_history_is_replayed_as_text(client, done):
    """REALTIME.md 4.7: this is how a conversation goes on after a reconnection."""
    history = [
        ("system", "input_text", "Summary of earlier talk: sums."),
        ("user", "input_text", "what is two plus two"),
        ("assistant", "output_text", "Four."),
        ("user", "input_text", "what is seven times eight"),
    ]
    for role, kind, text in history:
        content = [{"type": kind, "text": text}]
        item = {"type": "message", "role": role, "content": content}
        await client.send("conversation.item.create", item=item)
        await client.last("conversation.item.done")
    response = done(await client.answer(output_modalities=["text"]))
    assert "fifty-six" in response["output"][0]["content"][0]["text"].lower()


async def test_the_appliances_own_link(server):
    endpoint = Endpoint(name="under test", url=server.url, key=None, key_required=False)
    session = Session(instructions="Be brief.")
    async with asyncio.timeout(20):
        link = await WebSocketLink.open(endpoint, session)
        await link.close()
