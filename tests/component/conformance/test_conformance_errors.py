"""REALTIME.md 4.6: whatever comes, it is answered with its error, and the session goes on."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("not JSON", "invalid_event", None),
        ("[]", "invalid_event", None),
        ("7", "invalid_event", None),
        ("", "invalid_event", None),
        (b"\x00\x01", "invalid_event", None),
        ("{}", "missing_required_parameter", "type"),
        ('{"type": 7}', "missing_required_parameter", "type"),
        ('{"type": "no.such.event"}', "invalid_value", "type"),
        ('{"type": "session.created"}', "invalid_value", "type"),
        ('{"type": "session.update"}', "missing_required_parameter", "session"),
        ('{"type": "session.update", "session": []}', "invalid_value", "session"),
        ('{"type": "conversation.item.delete"}', "missing_required_parameter", "item_id"),
        ('{"type": "response.cancel", "response_id": 7}', "invalid_value", "response_id"),
        ('{"type": "response.create", "response": "now"}', "invalid_value", "response"),
        (
            '{"type": "conversation.item.truncate", "item_id": "a", "content_index": 0}',
            "missing_required_parameter",
            "audio_end_ms",
        ),
        (
            '{"type": "conversation.item.truncate", "item_id": "a", "content_index": 0,'
            ' "audio_end_ms": -1}',
            "invalid_value",
            "audio_end_ms",
        ),
    ],
)
async def test_bad_events(client, message, code, param):
    await client.socket.send(message)
    error = await client.error()
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert error["param"] == param
    assert error["event_id"] is None
    assert (await client.update(instructions="still here"))["instructions"] == "still here"


async def test_the_error_names_the_event_that_caused_it(client):
    for number in range(3):
        await client.send("conversation.item.delete", item_id="nobody", event_id=f"mine_{number}")
    assert [(await client.error())["event_id"] for _ in range(3)] == ["mine_0", "mine_1", "mine_2"]


async def test_unknown_fields_of_an_event(client):
    if client.server.is_strict:
        error = await client.refused("input_audio_buffer.clear", surprise=1)
        assert (error["code"], error["param"]) == ("unknown_parameter", "surprise")
    else:
        await client.send("input_audio_buffer.clear", surprise=1)
        assert (await client.read())["type"] == "input_audio_buffer.cleared"


async def test_a_flood_of_mistakes(client):
    for _ in range(50):
        await client.socket.send("nonsense")
    for _ in range(50):
        assert (await client.read())["type"] == "error"
    await client.update()
