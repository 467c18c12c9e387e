"""REALTIME.md 2.2, 2.4, 4.6, 4.9 and 4.12: responses, what they cost, how they end."""

from __future__ import annotations

import asyncio
import base64

import pytest

pytestmark = pytest.mark.answers({"items": [{"say": "It is fifty-six."}]})
QUESTION = "what is seven times eight"

SPOKEN = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
WRITTEN = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


async def test_a_spoken_answer_in_the_documented_order(client, kinds, done):
    asked = await client.write(QUESTION)
    events = await client.answer()
    assert kinds(events) == SPOKEN
    created = events[0]["response"]
    assert (created["object"], created["status"]) == ("realtime.response", "in_progress")
    assert (created["output"], created["metadata"], created["usage"]) == ([], None, None)
    assert created["conversation_id"]
    assert created["output_modalities"] == ["audio"]
    assert created["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert created["audio"]["output"]["voice"]
    assert created["max_output_tokens"] == "inf"
    [added] = [e for e in events if e["type"] == "conversation.item.added"]
    assert added["previous_item_id"] == asked["id"]
    response = done(events)
    assert (response["status"], response["id"]) == ("completed", created["id"])
    [item] = response["output"]
    assert (item["role"], item["status"]) == ("assistant", "completed")
    [content] = item["content"]
    deltas = [e["delta"] for e in events if e["type"] == "response.output_audio_transcript.delta"]
    assert "".join(deltas) == content["transcript"]
    assert content["type"] == "output_audio"
    assert "fifty-six" in content["transcript"]


async def test_a_written_answer_in_the_documented_order(client, kinds, done):
    await client.update(output_modalities=["text"])
    await client.write(QUESTION)
    events = await client.answer()
    assert kinds(events) == WRITTEN
    [item] = done(events)["output"]
    assert item["content"][0]["type"] == "output_text"
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    assert "".join(deltas) == item["content"][0]["text"]
    assert done(events)["usage"]["output_token_details"]["audio_tokens"] == 0


async def test_one_response_differs_from_the_session(client, done):
    await client.write(QUESTION)
    events = await client.answer(
        output_modalities=["text"],
        instructions="Answer in a word.",
        max_output_tokens=200,
        metadata={"client_event_id": "rc1", "purpose": "test"},
    )
    created, response = events[0]["response"], done(events)
    for shown in (created, response):
        assert shown["metadata"] == {"client_event_id": "rc1", "purpose": "test"}
        assert shown["output_modalities"] == ["text"]
        assert shown["max_output_tokens"] == 200
    session = await client.update()
    assert session["output_modalities"] == ["audio"]
    assert session["max_output_tokens"] == "inf"


@pytest.mark.parametrize("form", ["audio/pcmu", "audio/pcma"])
async def test_an_answer_for_the_telephone(client, form):
    await client.write(QUESTION)
    wanted = {"output": {"format": {"type": form}}}
    events = await client.answer(audio=wanted)
    assert events[0]["response"]["audio"]["output"]["format"]["type"] == form
    sound = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    length_s = sum(len(base64.b64decode(delta)) for delta in sound) / 8000
    assert 0.5 < length_s < 4


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        ({"metadata": {"x": 1}}, "invalid_value", "response.metadata.x"),
        ({"metadata": {str(n): "" for n in range(17)}}, "invalid_value", "response.metadata"),
        ({"conversation": "mine"}, "invalid_value", "response.conversation"),
        ({"max_output_tokens": 0}, "invalid_value", "response.max_output_tokens"),
        (
            {"input": [{"type": "item_reference", "id": "nobody"}]},
            "invalid_value",
            "item_id",
        ),
        (
            {"tool_choice": {"type": "function", "name": "nobody"}},
            "invalid_value",
            "response.tool_choice",
        ),
    ],
)
async def test_a_response_that_cannot_be_asked_for(client, response, code, param):
    error = await client.refused("response.create", response=response)
    assert (error["code"], error["param"]) == (code, param)
    await client.write(QUESTION)
    assert (await client.answer())[-2]["response"]["status"] == "completed"


async def test_strict_servers_know_no_speed_of_a_response(client):
    if client.server.is_strict:
        error = await client.refused("response.create", response={"speed": 1.0})
        assert (error["code"], error["param"]) == ("unknown_parameter", "response.speed")
    else:
        await client.write(QUESTION)
        await client.answer(speed=1.0)


async def test_one_at_a_time(client):
    await client.write(QUESTION)
    await client.send("response.create")
    error = await client.refused("response.create")
    assert error["code"] == "conversation_already_has_active_response"
    response = (await client.last("response.done"))["response"]
    assert response["status"] == "completed"
    await client.last("rate_limits.updated")
    assert (await client.answer())[-2]["response"]["status"] == "completed"


async def test_what_an_answer_costs(client, done, question):
    await client.listen_by_hand()
    await client.say(question)
    await client.send("input_audio_buffer.commit")
    await client.last("conversation.item.done")
    events = await client.answer()
    usage = done(events)["usage"]
    inside, outside = usage["input_token_details"], usage["output_token_details"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens"] == sum(
        inside[kind] for kind in ("text_tokens", "audio_tokens", "image_tokens")
    )
    assert usage["output_tokens"] == outside["text_tokens"] + outside["audio_tokens"]
    assert set(inside["cached_tokens_details"]) == {"text_tokens", "audio_tokens", "image_tokens"}
    assert inside["audio_tokens"] == pytest.approx(len(question) / 2400, abs=2)
    sound = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    ms = sum(len(base64.b64decode(delta)) for delta in sound) / 48
    assert outside["audio_tokens"] == pytest.approx(ms / 50, abs=2)
    [limit] = events[-1]["rate_limits"]
    assert limit["name"] == "tokens"
    assert 0 < limit["remaining"] < limit["limit"]
    assert limit["reset_seconds"] >= 0


async def test_as_much_as_the_client_wants_and_no_more(client, done):
    await client.write(QUESTION)
    response = done(await client.answer(max_output_tokens=2))
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


# ------------------------------------------------------------------------------ cancelling


@pytest.mark.answers({"items": [{"say": "x" * 300}]})
@pytest.mark.parametrize("by_id", [False, True])
async def test_an_answer_is_cancelled(client, by_id, done):
    [*_, created] = await client.begin_a_long_answer()
    await client.last("response.output_audio.delta")
    name = {"response_id": created["response"]["id"]} if by_id else {}
    await client.send("response.cancel", **name)
    events = await client.until("rate_limits.updated")
    response = done(events)
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    [item] = response["output"]
    assert item["status"] == "incomplete"
    assert response["usage"]["output_tokens"] > 0
    read = len(client.events)
    await client.write("hello")
    kinds = [event["type"] for event in client.events[read:]]
    assert kinds == ["conversation.item.added", "conversation.item.done"], "it went on speaking"


async def test_cancelling_nothing(client):
    error = await client.refused("response.cancel")
    assert error["code"] == "response_cancel_not_active"
    error = await client.refused("response.cancel", response_id="resp_nobody")
    assert error["code"] == "response_cancel_not_active"


@pytest.mark.answers({"items": [{"say": "x" * 300}]})
async def test_cancelling_another_one_leaves_this_one_alone(client):
    await client.begin_a_long_answer()
    error = await client.refused("response.cancel", response_id="resp_nobody")
    assert error["code"] == "response_cancel_not_active"
    await client.send("response.cancel")
    assert (await client.last("response.done"))["response"]["status"] == "cancelled"


# ----------------------------------------------------------------------------- out of band


async def test_out_of_band_writes_nothing_into_the_conversation(client, kinds, done):
    asked = await client.write(QUESTION)
    wanted = {"conversation": "none", "output_modalities": ["text"], "metadata": {"for": "topic"}}
    events = await client.answer(**wanted)
    assert not any(kind.startswith("conversation.") for kind in kinds(events))
    response = done(events)
    assert response["conversation_id"] is None
    assert response["metadata"] == {"for": "topic"}
    assert response["output"][0]["content"][0]["text"]
    item = await client.write("and again")
    shown = [e for e in client.events if e["type"] == "conversation.item.added"][-1]
    assert (shown["item"]["id"], shown["previous_item_id"]) == (item["id"], asked["id"])


async def test_out_of_band_has_its_own_context(client, done):
    other = [{"type": "input_text", "text": "what is three plus four"}]
    message = {"type": "message", "role": "user", "content": other}
    await client.write(QUESTION)
    events = await client.answer(conversation="none", output_modalities=["text"], input=[message])
    if client.server.is_brain:
        assert "seven" in done(events)["output"][0]["content"][0]["text"].lower()
    reference = {"type": "item_reference", "id": "asked"}
    await client.write(QUESTION, id="asked")
    events = await client.answer(conversation="none", output_modalities=["text"], input=[reference])
    assert "fifty-six" in done(events)["output"][0]["content"][0]["text"].lower()


@pytest.mark.answers({"items": [{"say": "x" * 300}]})
async def test_beside_another_and_cancelled_only_by_id(client):
    [*_, normal] = await client.begin_a_long_answer()
    await client.send("response.create", response={"conversation": "none"})
    beside = (await client.last("response.created"))["response"]
    assert beside["conversation_id"] is None
    await client.send("response.cancel", response_id=beside["id"])
    await client.send("response.cancel")
    ends = {}
    while len(ends) < 2:
        response = (await client.last("response.done"))["response"]
        ends[response["id"]] = response["status"]
    assert ends == {beside["id"]: "cancelled", normal["response"]["id"]: "cancelled"}
    error = await client.refused("response.cancel")
    assert error["code"] == "response_cancel_not_active"


async def test_a_client_that_hangs_up_in_the_middle_harms_nobody(connected, server):
    async with connected(server) as first:
        await first.read()
        await first.begin_a_long_answer()
    await asyncio.sleep(0)
    async with connected(server) as second:
        await second.read()
        await second.write(QUESTION)
        assert (await second.answer())[-2]["response"]["status"] == "completed"
