"""REALTIME.md 2.3, 4.4 and 4.10: items of every kind, their order, and cutting them."""

from __future__ import annotations

import base64

import pytest

from device.brain.base.abilities import (
    AudioPart,
    ImagePart,
    Message,
    TextPart,
    TextPiece,
    ToolCall,
    ToolCallPiece,
    ToolResult,
)
from device.brain.protocol.limits import BrainLimits
from device.brain.work.jobs import Speak, TranscribeRecording

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA"


def refused(events):
    assert [event["type"] for event in events] == ["error"]
    return events[0]["error"]


def create(bench, item, **fields):
    return bench.send("conversation.item.create", item=item, **fields)


def order(bench):
    """Return the ids of the conversation as the thinker would be shown it."""
    bench.thinker.requests.clear()
    bench.send("response.create", response={"conversation": "none", "output_modalities": ["text"]})
    return [item.text for item in bench.thinker.requests[0].items if isinstance(item, Message)]


def test_a_written_item_is_added_and_done(bench, kinds):
    events = bench.write("hello", id="msg_1")
    assert kinds(events) == ["conversation.item.added", "conversation.item.done"]
    assert events[0]["item"] == {
        "id": "msg_1",
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": "hello"}],
    }
    assert events[0]["previous_item_id"] is None


@pytest.mark.parametrize(
    ("item", "seen"),
    [
        (
            {
                "type": "message",
                "role": "system",
                "content": [{"type": "input_text", "text": "Summary"}],
            },
            Message("system", (TextPart("Summary"),)),
        ),
        (
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "It is seven."}],
            },
            Message("assistant", (TextPart("It is seven."),)),
        ),
        (
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": PNG, "detail": "low"},
                ],
            },
            Message("user", (TextPart("What is this?"), ImagePart(PNG, "low"))),
        ),
        (
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"on":true}'},
            ToolCall("c1", "f", '{"on":true}'),
        ),
    ],
)
def test_every_kind_is_stored_and_shown_to_the_thinker(bench, item, seen):
    added = create(bench, item)[0]["item"]
    assert added.items() >= item.items()
    got = bench.send("conversation.item.retrieve", item_id=added["id"])[0]
    assert got["type"] == "conversation.item.retrieved"
    assert got["item"] == added
    bench.send("response.create")
    assert list(bench.thinker.requests[0].items) == [seen]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "mcp_approval_response", "id": "a", "approval_request_id": "r", "approve": True},
        {"type": "mcp_list_tools", "id": "l", "server_label": "s", "tools": []},
        {"type": "mcp_call", "id": "c", "server_label": "s", "name": "n", "arguments": "{}"},
        {
            "type": "mcp_approval_request",
            "id": "r",
            "server_label": "s",
            "name": "n",
            "arguments": "{}",
        },
    ],
)
def test_mcp_items_are_kept_and_not_shown(bench, item):
    assert create(bench, item)[0]["item"] == item
    bench.write("hello")
    bench.send("response.create")
    assert len(bench.thinker.requests[0].items) == 1


def test_the_output_of_a_tool_belongs_to_a_known_call(bench):
    output = {"type": "function_call_output", "call_id": "c1", "output": "{}"}
    error = refused(create(bench, output))
    assert error["code"] == "invalid_tool_call_id"
    create(bench, {"type": "function_call", "call_id": "c1", "name": "f", "arguments": ""})
    create(bench, output)
    bench.send("response.create")
    assert bench.thinker.requests[0].items[1] == ToolResult("c1", "{}")


def test_recorded_sound_is_transcribed_before_it_is_answered(bench):
    sound = base64.b64encode(bench.tone(900).astype("<i2").tobytes()).decode()
    item = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "audio": sound, "transcript": "for reference"}],
    }
    bench.hold(TranscribeRecording)
    added = create(bench, item)[0]["item"]
    assert added["content"] == [{"type": "input_audio", "transcript": "for reference"}]
    bench.send("response.create")
    assert not bench.thinker.requests
    bench.release()
    assert bench.thinker.requests[0].items[0].parts == (AudioPart("word word."),)
    got = bench.send("conversation.item.retrieve", item_id=added["id"])[0]["item"]
    assert got["content"][0]["audio"] == sound


# ------------------------------------------------------------------------------- the order


def test_items_go_to_the_end_the_root_or_behind_another(bench):
    bench.write("second", id="b")
    bench.write("fourth", id="d")
    create(bench, message("first", "a"), previous_item_id="root")
    events = create(bench, message("third", "c"), previous_item_id="b")
    assert [event["previous_item_id"] for event in events] == ["b", "b"]
    assert order(bench) == ["first", "second", "third", "fourth"]


def message(text, item_id):
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "id": item_id, "content": content}


def test_behind_an_unknown_item_is_nowhere(bench):
    error = refused(create(bench, message("x", "a"), previous_item_id="nobody"))
    assert (error["code"], error["param"]) == ("invalid_value", "previous_item_id")
    assert order(bench) == []


def test_ids_are_unique(bench):
    bench.write("x", id="a")
    error = refused(bench.write("y", id="a"))
    assert error["code"] == "item_create_duplicate_item_id"
    assert order(bench) == ["x"]


def test_a_deleted_item_is_gone_and_its_id_is_free(bench):
    bench.write("x", id="a")
    [deleted] = bench.send("conversation.item.delete", item_id="a")
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", "a")
    assert refused(bench.send("conversation.item.delete", item_id="a"))["code"] == (
        "item_delete_invalid_item_id"
    )
    bench.write("y", id="a")
    assert order(bench) == ["y"]


def test_what_is_not_there_cannot_be_retrieved(bench):
    error = refused(bench.send("conversation.item.retrieve", item_id="x", event_id="r1"))
    assert error["code"] == "item_retrieve_invalid_item_id"
    assert error["event_id"] == "r1"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({}, "item.type"),
        ({"type": "poem"}, "item.type"),
        ({"type": "message", "role": "user"}, "item.content"),
        ({"type": "message", "content": []}, "item.role"),
        ({"type": "message", "role": "narrator", "content": []}, "item.role"),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "output_audio"}]},
            "item.content[0].type",
        ),
        (
            {"type": "message", "role": "system", "content": [{"type": "input_audio"}]},
            "item.content[0].type",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_text"}]},
            "item.content[0].text",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "?"}]},
            "item.content[0].audio",
        ),
        (
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_image", "image_url": "https://example.org/a.png"}],
            },
            "item.content[0].image_url",
        ),
        ({"type": "function_call", "name": "f"}, "item.arguments"),
        ({"type": "function_call_output", "output": ""}, "item.call_id"),
        ({"type": "item_reference", "id": "a"}, "item.type"),
    ],
)
def test_items_that_make_no_sense_are_refused(bench, item, param):
    assert refused(create(bench, item))["param"] == param
    assert order(bench) == []


# --------------------------------------------------------------------------------- cutting


def spoken(bench, *sentences):
    """Have something said; return the id of the assistant's item."""
    bench.thinker.answers.append([TextPiece(" ".join(sentences))])
    bench.send("response.create")
    return bench.last("response.done")["response"]["output"][0]["id"]


def cut(bench, item_id, audio_end_ms, content_index=0, **fields):
    return bench.send(
        "conversation.item.truncate",
        item_id=item_id,
        content_index=content_index,
        audio_end_ms=audio_end_ms,
        **fields,
    )


@pytest.mark.parametrize(
    ("audio_end_ms", "heard"),
    [
        (0, ""),
        (20, ""),
        (60, "The"),
        (110, "The sun is"),
        (250, "The sun is shining today."),
        (300, "The sun is shining today. It"),
        (470, "The sun is shining today. It may rain tomorrow."),
    ],
)
def test_what_was_heard_is_what_remains(bench, audio_end_ms, heard):
    # Each character is 10 ms of sound.
    item_id = spoken(bench, "The sun is shining today.", "It may rain tomorrow.")
    [truncated] = cut(bench, item_id, audio_end_ms)
    assert truncated["type"] == "conversation.item.truncated"
    got = bench.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert got["content"][0]["transcript"] == heard
    assert len(got["content"][0]["audio"]) * 3 // 4 == truncated["audio_end_ms"] * 48
    bench.thinker.requests.clear()
    bench.send("response.create")
    [seen] = bench.thinker.requests[0].items[:1]
    assert seen.interrupted
    assert seen.text == got["content"][0]["transcript"]


def test_nobody_can_have_heard_more_than_was_said(bench):
    item_id = spoken(bench, "Hello.")
    error = refused(cut(bench, item_id, 61, event_id="t1"))
    assert error["code"] == "invalid_value"
    assert error["message"] == "Audio content of 60ms is already shorter than 61ms"
    assert error["event_id"] == "t1"


def test_only_what_the_assistant_said_can_be_cut(bench):
    bench.write("x", id="a")
    assert refused(cut(bench, "a", 10))["message"] == (
        "Only model output audio messages can be truncated."
    )
    assert refused(cut(bench, "nobody", 10))["code"] == "item_truncate_invalid_item_id"
    item_id = spoken(bench, "Hello.")
    assert refused(cut(bench, item_id, 10, content_index=1))["param"] == "content_index"
    bench.ask("write", output_modalities=["text"])
    written = bench.last("response.done")["response"]["output"][0]["id"]
    assert refused(cut(bench, written, 10))["param"] == "content_index"


def test_cutting_an_answer_that_goes_on(bench):
    bench.detect({"type": "server_vad", "interrupt_response": False})
    bench.thinker.answers.append([TextPiece("One two three. "), TextPiece("Four five six.")])
    bench.ask("count")
    item_id = bench.last("response.done")["response"]["output"][0]["id"]
    assert cut(bench, item_id, 100)[0]["type"] == "conversation.item.truncated"


def test_cutting_in_the_middle_of_the_making(bench):
    bench.hold(Speak)
    bench.thinker.answers.append([TextPiece("One two three. "), TextPiece("Four five six.")])
    bench.ask("count")
    job = bench.held_jobs(Speak)[0]
    for result in list(bench.results(job))[:-1]:
        bench.deliver(result)
    item_id = bench.last("response.output_item.added")["item"]["id"]
    assert cut(bench, item_id, 80)[0]["type"] == "conversation.item.truncated"
    bench.jobs.remove(job)
    bench.send("response.cancel")
    bench.release()
    got = bench.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert got["content"][0]["transcript"] == "One two"


def test_an_interrupted_answer_is_known_to_be_one(bench):
    bench.hold(Speak)
    bench.thinker.answers.append([TextPiece("One two three.")])
    bench.ask("count")
    bench.send("response.cancel")
    bench.release()
    bench.send("response.create")
    assert bench.thinker.requests[-1].items[1].interrupted


# ---------------------------------------------------------------------------------- limits


def test_a_conversation_has_a_largest_size(new_bench):
    bench = new_bench(limits=BrainLimits(items=3))
    for number in range(3):
        bench.write(str(number), id=f"i{number}")
    assert "3 items" in refused(bench.write("x"))["message"]
    bench.say_something()
    deleted = [event["item_id"] for event in bench.of("conversation.item.deleted")]
    assert deleted[0] == "i0"
    assert len(order(bench)) <= 3


def test_an_item_has_a_largest_size(new_bench):
    bench = new_bench(limits=BrainLimits(item_bytes=1000))
    assert refused(bench.write("x" * 1000))["param"] == "item"


def test_old_sound_is_forgotten_before_old_words(new_bench):
    bench = new_bench(limits=BrainLimits(kept_audio_bytes=150_000))
    bench.detect(None)
    ids = []
    for _ in range(3):
        bench.speak(1200)
        bench.send("input_audio_buffer.commit")
        ids.append(bench.last("input_audio_buffer.committed")["item_id"])
    sizes = [
        len(bench.send("conversation.item.retrieve", item_id=i)[0]["item"]["content"][0]["audio"])
        for i in ids
    ]
    assert sizes[0] == 0
    assert sizes[2] == 1200 * 48 * 4 // 3
    assert order(bench) == ["word word word."] * 3


def test_items_of_the_answer_are_in_the_conversation(bench):
    bench.thinker.answers.append([TextPiece("Wait. "), ToolCallPiece("f", '{"a":1}')])
    bench.ask("do it")
    call = bench.last("response.done")["response"]["output"][1]
    bench.send(
        "conversation.item.create",
        item={"type": "function_call_output", "call_id": call["call_id"], "output": "ok"},
    )
    bench.send("response.create")
    seen = bench.thinker.requests[-1].items
    assert [type(item) for item in seen] == [Message, Message, ToolCall, ToolResult]


def test_a_conversation_with_too_much_text_loses_its_oldest_items(new_bench):
    bench = new_bench(limits=BrainLimits(kept_characters=10_000))
    for _ in range(6):
        bench.write("word " * 600)
    assert len(bench.of("conversation.item.deleted")) == 3
    first = [event["item"]["id"] for event in bench.of("conversation.item.added")][:3]
    assert [event["item_id"] for event in bench.of("conversation.item.deleted")] == first
