"""REALTIME.md 2.2 and 4.1: the input audio buffer; push to talk."""

from __future__ import annotations

import base64

import numpy as np
import pytest

TWO_HUNDRED_MS = np.full(4800, 3000, np.int16)


async def test_push_to_talk_commits_and_does_not_answer_by_itself(client, kinds):
    await client.listen_by_hand()
    await client.say(TWO_HUNDRED_MS)
    await client.send("input_audio_buffer.commit")
    events = await client.until("conversation.item.done")
    assert kinds(events) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    committed, added, done = events
    assert committed["previous_item_id"] is added["previous_item_id"] is None
    assert added["item"]["id"] == done["item"]["id"] == committed["item_id"]
    assert done["item"]["role"] == "user"
    assert done["item"]["status"] == "completed"
    assert [part["type"] for part in done["item"]["content"]] == ["input_audio"]
    await client.send("input_audio_buffer.clear")
    assert (await client.read())["type"] == "input_audio_buffer.cleared"


async def test_the_next_commit_names_the_one_before(client):
    await client.listen_by_hand()
    ids = []
    for _ in range(2):
        await client.say(TWO_HUNDRED_MS)
        await client.send("input_audio_buffer.commit")
        ids.append(await client.last("input_audio_buffer.committed"))
    assert ids[1]["previous_item_id"] == ids[0]["item_id"]


@pytest.mark.parametrize("ms", [0, 99])
async def test_a_commit_of_less_than_100_ms(client, ms):
    await client.listen_by_hand()
    await client.say(TWO_HUNDRED_MS[: ms * 24])
    error = await client.refused("input_audio_buffer.commit")
    assert error["code"] == "input_audio_buffer_commit_empty"
    await client.say(TWO_HUNDRED_MS[: (100 - ms) * 24])
    await client.send("input_audio_buffer.commit")
    await client.last("input_audio_buffer.committed")


async def test_clear_forgets_what_was_appended(client):
    await client.listen_by_hand()
    await client.say(TWO_HUNDRED_MS)
    await client.send("input_audio_buffer.clear")
    await client.last("input_audio_buffer.cleared")
    error = await client.refused("input_audio_buffer.commit")
    assert error["code"] == "input_audio_buffer_commit_empty"


async def test_a_commit_while_the_server_ends_the_turns(client, silence):
    await client.say(silence(500))
    error = await client.refused("input_audio_buffer.commit")
    assert error["code"] == "input_audio_buffer_commit_empty"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({}, "missing_required_parameter", "audio"),
        ({"audio": 7}, "invalid_value", "audio"),
        ({"audio": "not base64!"}, "invalid_value", "audio"),
    ],
)
async def test_an_append_that_is_none(client, fields, code, param):
    error = await client.refused("input_audio_buffer.append", **fields)
    assert (error["code"], error["param"]) == (code, param)


async def test_samples_may_be_cut_anywhere(client):
    await client.listen_by_hand()
    await client.say(TWO_HUNDRED_MS, bytes_per_event=777)
    await client.send("input_audio_buffer.commit")
    item_id = (await client.last("input_audio_buffer.committed"))["item_id"]
    await client.send("conversation.item.retrieve", item_id=item_id)
    item = (await client.last("conversation.item.retrieved"))["item"]
    assert base64.b64decode(item["content"][0]["audio"]) == TWO_HUNDRED_MS.astype("<i2").tobytes()


@pytest.mark.parametrize("form", ["audio/pcmu", "audio/pcma"])
async def test_the_telephone_has_eight_bytes_a_millisecond(client, form):
    await client.update(audio={"input": {"turn_detection": None, "format": {"type": form}}})
    audio = base64.b64encode(bytes(99 * 8)).decode()
    await client.send("input_audio_buffer.append", audio=audio)
    error = await client.refused("input_audio_buffer.commit")
    assert error["code"] == "input_audio_buffer_commit_empty"
    await client.send("input_audio_buffer.append", audio=base64.b64encode(bytes(8)).decode())
    await client.send("input_audio_buffer.commit")
    await client.last("input_audio_buffer.committed")


async def test_the_output_buffer_belongs_to_webrtc(client):
    error = await client.refused("output_audio_buffer.clear")
    assert error["code"] == "invalid_event"
