"""REALTIME.md 4.6: every error has its code, its parameter and the event that caused it."""

from __future__ import annotations

import pytest

MISTAKES = [
    ({"type": "session.update"}, "missing_required_parameter", "session"),
    ({"type": "session.update", "session": 5}, "invalid_value", "session"),
    ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
    ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_value", "audio"),
    ({"type": "input_audio_buffer.append", "audio": "%"}, "invalid_value", "audio"),
    ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
    ({"type": "conversation.item.create"}, "missing_required_parameter", "item"),
    (
        {"type": "conversation.item.delete", "item_id": "x"},
        "item_delete_invalid_item_id",
        "item_id",
    ),
    ({"type": "conversation.item.delete"}, "missing_required_parameter", "item_id"),
    (
        {"type": "conversation.item.retrieve", "item_id": "x"},
        "item_retrieve_invalid_item_id",
        "item_id",
    ),
    (
        {
            "type": "conversation.item.truncate",
            "item_id": "x",
            "content_index": 0,
            "audio_end_ms": 1,
        },
        "item_truncate_invalid_item_id",
        "item_id",
    ),
    (
        {"type": "conversation.item.truncate", "item_id": "x", "content_index": 0},
        "missing_required_parameter",
        "audio_end_ms",
    ),
    (
        {
            "type": "conversation.item.truncate",
            "item_id": "x",
            "content_index": 0,
            "audio_end_ms": -1,
        },
        "invalid_value",
        "audio_end_ms",
    ),
    ({"type": "response.create", "response": []}, "invalid_value", "response"),
    ({"type": "response.cancel"}, "response_cancel_not_active", None),
    ({"type": "response.cancel", "response_id": 5}, "invalid_value", "response_id"),
    ({"type": "output_audio_buffer.clear"}, "invalid_event", "type"),
    ({"type": "response.think"}, "invalid_value", "type"),
    ({"type": "transcription_session.update", "session": {}}, "invalid_value", "type"),
    ({"type": 5}, "missing_required_parameter", "type"),
]


@pytest.mark.parametrize(("event", "code", "param"), MISTAKES, ids=lambda value: str(value)[:50])
def test_a_mistake_is_named_and_the_session_goes_on(bench, event, code, param):
    kind = event["type"]
    fields = {name: value for name, value in event.items() if name != "type"}
    [error] = bench.send(kind, **fields, event_id="mine")
    assert error["type"] == "error"
    details = error["error"]
    assert details["type"] == "invalid_request_error"
    assert (details["code"], details["param"]) == (code, param)
    assert details["event_id"] == "mine"
    assert details["message"]
    assert bench.send("input_audio_buffer.clear")[0]["type"] == "input_audio_buffer.cleared"


@pytest.mark.parametrize("text", ["", "{", "5", "[]", '"x"', "null", "{}", '{"event_id":"e"}'])
def test_what_is_no_event_is_an_error(bench, text):
    [error] = bench.send_text(text)
    code = "missing_required_parameter" if text.startswith('{"e') or text == "{}" else None
    assert error["error"]["code"] == (code or "invalid_event")


def test_binary_messages_are_no_events(bench):
    [error] = bench.send_text(b'{"type":"input_audio_buffer.clear"}')
    assert error["error"]["code"] == "invalid_event"


@pytest.mark.parametrize("event_id", [5, [], {"a": 1}, "x" * 513])
def test_an_event_id_is_a_string(bench, event_id):
    [error] = bench.send("input_audio_buffer.clear", event_id=event_id)
    assert error["error"]["param"] == "event_id"


def test_an_event_id_may_be_null(bench):
    [cleared] = bench.send("input_audio_buffer.clear", event_id=None)
    assert cleared["type"] == "input_audio_buffer.cleared"


def test_fields_of_an_event_that_nobody_knows(strict_bench, lenient_bench):
    [error] = strict_bench.send("input_audio_buffer.clear", now=True)
    assert (error["error"]["code"], error["error"]["param"]) == ("unknown_parameter", "now")
    assert lenient_bench.send("input_audio_buffer.clear", now=True)[0]["type"] != "error"


def test_a_very_deep_event_is_an_error(bench):
    [error] = bench.send_text('{"type":' + "[" * 100_000)
    assert error["error"]["code"] == "invalid_event"
