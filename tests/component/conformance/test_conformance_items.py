"""REALTIME.md 2.2 and 2.3: items are created, retrieved, deleted, truncated."""

from __future__ import annotations

import base64

import pytest

TEXT = [{"type": "input_text", "text": "hello"}]
USER = {"type": "message", "role": "user", "content": TEXT}
CALL = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY"
    "42YAAAAASUVORK5CYII="
)


async def create(client, item, **fields):
    """Create an item; return the events added and done."""
    await client.send("conversation.item.create", item=item, **fields)
    return await client.last("conversation.item.added"), await client.last("conversation.item.done")


@pytest.mark.parametrize(
    "item",
    [
        USER,
        {"type": "message", "role": "system", "content": TEXT},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "It is seven."}],
        },
        {**USER, "content": [*TEXT, {"type": "input_image", "image_url": PNG, "detail": "low"}]},
        CALL,
    ],
    ids=["user", "system", "assistant", "image", "function_call"],
)
async def test_an_item_is_added_and_done(client, item):
    added, done = await create(client, item)
    assert added["item"] == done["item"]
    shown = done["item"]
    assert shown["id"]
    assert (shown["object"], shown["status"]) == ("realtime.item", "completed")
    assert {name: shown[name] for name in item} == item


async def test_items_stand_where_they_are_put(client):
    places = []
    for name, previous in [("a", None), ("b", None), ("root", "root"), ("between", "a")]:
        where = {"previous_item_id": previous} if previous else {}
        added, done = await create(client, {**USER, "id": name}, **where)
        assert added["previous_item_id"] == done["previous_item_id"]
        places.append(added["previous_item_id"])
    assert places == [None, "a", None, "a"]
    added, _ = await create(client, USER)
    assert added["previous_item_id"] == "b"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"item": {**USER, "id": "taken"}}, "item_create_duplicate_item_id", "item.id"),
        (
            {"item": USER, "previous_item_id": "nobody"},
            "invalid_value",
            "previous_item_id",
        ),
        ({}, "missing_required_parameter", "item"),
        ({"item": {"role": "user"}}, "missing_required_parameter", "item.type"),
        ({"item": {**USER, "type": "nonsense"}}, "invalid_value", "item.type"),
        ({"item": {**USER, "role": "parrot"}}, "invalid_value", "item.role"),
        (
            {"item": {**USER, "content": [{"type": "output_text", "text": "x"}]}},
            "invalid_value",
            "item.content[0].type",
        ),
        (
            {
                "item": {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_audio", "transcript": "x"}],
                }
            },
            "invalid_value",
            "item.content[0].type",
        ),
        (
            {"item": {"type": "function_call_output", "call_id": "call_none", "output": "{}"}},
            "invalid_tool_call_id",
            None,
        ),
    ],
)
async def test_an_item_that_is_refused(client, fields, code, param):
    await create(client, {**USER, "id": "taken"})
    error = await client.refused("conversation.item.create", **fields)
    assert (error["code"], error["param"]) == (code, param)
    added, _ = await create(client, USER)
    assert added["previous_item_id"] == "taken"


async def test_an_output_needs_its_call(client):
    await create(client, CALL)
    output = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
    _, done = await create(client, output)
    assert done["item"]["call_id"] == "call_1"


async def test_an_item_is_retrieved(client):
    _, done = await create(client, {**USER, "id": "here"})
    await client.send("conversation.item.retrieve", item_id="here")
    assert (await client.last("conversation.item.retrieved"))["item"] == done["item"]


async def test_a_sound_is_kept_but_shown_only_when_asked_for(client, question):
    audio = base64.b64encode(question.astype("<i2").tobytes()).decode()
    item = {**USER, "id": "sound", "content": [{"type": "input_audio", "audio": audio}]}
    added, _ = await create(client, item)
    assert not added["item"]["content"][0].get("audio")
    await client.send("conversation.item.retrieve", item_id="sound")
    retrieved = (await client.last("conversation.item.retrieved"))["item"]
    assert retrieved["content"][0]["audio"] == audio


async def test_an_item_is_deleted(client):
    for name in ("a", "b", "c"):
        await create(client, {**USER, "id": name})
    await client.send("conversation.item.delete", item_id="b")
    assert (await client.last("conversation.item.deleted"))["item_id"] == "b"
    error = await client.refused("conversation.item.retrieve", item_id="b")
    assert (error["code"], error["param"]) == ("item_retrieve_invalid_item_id", "item_id")
    added, _ = await create(client, {**USER, "id": "b"}, previous_item_id="a")
    assert added["previous_item_id"] == "a"


@pytest.mark.parametrize("doing", ["retrieve", "delete", "truncate"])
async def test_an_item_that_nobody_knows(client, doing):
    more = {"content_index": 0, "audio_end_ms": 1} if doing == "truncate" else {}
    error = await client.refused(f"conversation.item.{doing}", item_id="nobody", **more)
    assert (error["code"], error["param"]) == (f"item_{doing}_invalid_item_id", "item_id")


@pytest.mark.answers({"items": [{"say": "Fifty-six."}]})
async def test_what_was_heard_of_an_answer_is_all_that_stays(client, done):
    await client.write("what is seven times eight")
    events = await client.answer()
    item = done(events)["output"][0]
    deltas = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    length_ms = sum(len(base64.b64decode(delta)) for delta in deltas) / 48
    where = {"item_id": item["id"], "content_index": 0}
    too_long = round(length_ms) + 1000
    error = await client.refused("conversation.item.truncate", **where, audio_end_ms=too_long)
    assert error["code"] == "invalid_value"
    assert f"already shorter than {too_long}ms" in error["message"]
    await client.send("conversation.item.truncate", **where, audio_end_ms=120)
    truncated = await client.last("conversation.item.truncated")
    assert {name: truncated[name] for name in where} == where
    assert truncated["audio_end_ms"] == 120
    await client.send("conversation.item.retrieve", item_id=item["id"])
    kept = (await client.last("conversation.item.retrieved"))["item"]["content"][0]
    assert not kept.get("transcript")
    longer = await client.refused("conversation.item.truncate", **where, audio_end_ms=200)
    assert "Audio content of 120ms is already shorter than 200ms" in longer["message"]


async def test_only_what_the_model_said_can_be_truncated(client):
    await create(client, {**USER, "id": "mine"})
    spoken = {"type": "message", "role": "assistant", "id": "written"}
    await create(client, {**spoken, "content": [{"type": "output_text", "text": "Seven."}]})
    where = {"content_index": 0, "audio_end_ms": 1}
    error = await client.refused("conversation.item.truncate", item_id="mine", **where)
    assert (error["code"], error["param"]) == ("invalid_value", "item_id")
    error = await client.refused("conversation.item.truncate", item_id="written", **where)
    assert error["code"] == "invalid_value"
