"""REALTIME.md 3, 4.6 and 4.7: dialects, refusals, and the end of a session."""

from __future__ import annotations

import time

import pytest
from websockets.exceptions import ConnectionClosed

BETA = {"OpenAI-Beta": "realtime=v1"}


async def test_a_session_expires(mortal_server, connected):
    async with connected(mortal_server) as client:
        session = (await client.read())["session"]
        assert session["expires_at"] == pytest.approx(time.time() + 1, abs=1.5)
        await client.write("hello")
        error = await client.error()
        assert (error["code"], error["event_id"]) == ("session_expired", None)
        with pytest.raises(ConnectionClosed) as closed:
            await client.read()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert "maximum duration" in closed.value.rcvd.reason


async def test_a_session_expires_in_the_middle_of_an_answer(mortal_server, connected):
    async with connected(mortal_server) as client:
        await client.read()
        await client.begin_a_long_answer()
        with pytest.raises(ConnectionClosed) as closed:
            await client.until("nothing that is ever sent")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert client.events[-1]["error"]["code"] == "session_expired"


async def test_beta_is_refused_with_the_documented_error(server, connected):
    async with connected(server, additional_headers=BETA) as client:
        error = await client.read()
        assert error["type"] == "error"
        assert error["error"]["type"] == "invalid_request_error"
        assert error["error"]["code"] == "beta_api_shape_disabled"
        with pytest.raises(ConnectionClosed) as closed:
            await client.read()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4000


@pytest.mark.answers({"items": [{"say": "It is fifty-six."}]})
async def test_beta_is_spoken_in_betas_words(beta_server, connected, kinds):
    async with connected(beta_server, is_ga=False, additional_headers=BETA) as client:
        session = (await client.read())["session"]
        assert session["modalities"] == ["text", "audio"] or session["modalities"] == [
            "audio",
            "text",
        ]
        assert session["input_audio_format"] == session["output_audio_format"] == "pcm16"
        assert session["turn_detection"]["type"] == "server_vad"
        assert "audio" not in session
        wanted = {"modalities": ["text", "audio"], "voice": "ash", "temperature": 0.8}
        await client.send("session.update", session={**wanted, "turn_detection": None})
        updated = (await client.last("session.updated"))["session"]
        assert (updated["voice"], updated["turn_detection"]) == ("ash", None)
        content = [{"type": "input_text", "text": "what is seven times eight"}]
        item = {"type": "message", "role": "user", "content": content}
        await client.send("conversation.item.create", item=item)
        created = await client.last("conversation.item.created")
        assert created["item"]["content"] == content
        await client.send("response.create")
        events = await client.until("response.done")
    spoken = kinds(events)
    for name in ("response.audio.delta", "response.audio_transcript.done", "response.audio.done"):
        assert name in spoken
    assert not any(
        "output_audio" in kind or kind.endswith("item.added")
        for kind in spoken
        if kind.startswith("conversation.")
    )
    assert events[-1]["response"]["output"][0]["content"][0]["type"] == "audio"


async def test_the_subprotocols_of_clients_that_cannot_set_headers(server, connected):
    async with connected(
        server, subprotocols=["realtime", "openai-insecure-api-key.none"]
    ) as client:
        assert client.socket.subprotocol == "realtime"
        assert (await client.read())["type"] == "session.created"
