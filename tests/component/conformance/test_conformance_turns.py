"""REALTIME.md 4.1, 4.2 and 4.4: turns that the server ends, and interruptions."""

from __future__ import annotations

import numpy as np
import pytest

ANSWER = {"heard": "What is seven times eight?", "items": [{"say": "It is fifty-six."}]}
LONG_ANSWER = {"heard": "Hello.", "items": [{"say": "x" * 300}]}
pytestmark = pytest.mark.answers(ANSWER)


@pytest.fixture
def turn(question, silence) -> np.ndarray:
    return np.concatenate([silence(400), question, silence(1200)])


@pytest.mark.parametrize(
    "detection",
    [{"type": "server_vad"}, {"type": "semantic_vad", "eagerness": "high"}],
    ids=["server_vad", "semantic_vad"],
)
async def test_a_turn_in_the_documented_order(client, turn, kinds, detection):
    await client.update(audio={"input": {"turn_detection": detection}})
    await client.say(turn)
    events = await client.until("rate_limits.updated")
    order = [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
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
    assert [kind for kind in kinds(events) if kind in order] == order
    by_kind = {event["type"]: event for event in reversed(events)}
    started = by_kind["input_audio_buffer.speech_started"]
    stopped = by_kind["input_audio_buffer.speech_stopped"]
    committed = by_kind["input_audio_buffer.committed"]
    assert started["item_id"] == stopped["item_id"] == committed["item_id"]
    assert 0 <= started["audio_start_ms"] < stopped["audio_end_ms"]
    assert stopped["audio_end_ms"] <= len(turn) / 24
    assert committed["previous_item_id"] is None
    items = [e for e in events if e["type"] == "conversation.item.added"]
    assert items[1]["previous_item_id"] == committed["item_id"]
    assert "fifty-six" in by_kind["response.done"]["response"]["output"][0]["content"][0][
        "transcript"
    ].lower().replace("56", "fifty-six")


async def test_the_words_are_told_to_who_wants_them(client, turn):
    transcription = {"model": "gpt-transcribe", "language": "en"}
    await client.update(audio={"input": {"transcription": transcription}})
    await client.say(turn)
    await client.until("rate_limits.updated")
    start = "conversation.item.input_audio_transcription."
    if not any(event["type"] == f"{start}completed" for event in client.events):
        await client.last(f"{start}completed")
    [completed] = [e for e in client.events if e["type"] == f"{start}completed"]
    deltas = [e["delta"] for e in client.events if e["type"] == f"{start}delta"]
    assert "".join(deltas).strip() == completed["transcript"].strip()
    assert completed["content_index"] == 0
    assert completed["usage"]["type"] in ("duration", "tokens")
    committed = next(e for e in client.events if e["type"] == "input_audio_buffer.committed")
    assert completed["item_id"] == committed["item_id"]
    await client.send("conversation.item.retrieve", item_id=completed["item_id"])
    item = (await client.last("conversation.item.retrieved"))["item"]
    assert item["content"][0]["transcript"] == completed["transcript"]


async def test_without_create_response_the_client_answers(client, turn, kinds):
    detection = {"type": "server_vad", "create_response": False}
    await client.update(audio={"input": {"turn_detection": detection}})
    await client.say(turn)
    await client.until("conversation.item.done")
    session = await client.update()
    assert session["audio"]["input"]["turn_detection"]["create_response"] is False
    assert "response.created" not in kinds(client.events)
    events = await client.answer()
    assert events[0]["type"] == "response.created"


async def test_push_to_talk_knows_no_speech_events(client, turn, kinds):
    await client.listen_by_hand()
    await client.say(turn)
    await client.send("input_audio_buffer.commit")
    await client.until("conversation.item.done")
    events = await client.answer()
    assert not any("speech" in kind for kind in kinds(client.events))
    assert events[-2]["response"]["status"] == "completed"


@pytest.mark.answers(LONG_ANSWER)
async def test_speech_interrupts_the_answer(client, question, silence, done):
    await client.begin_a_long_answer()
    await client.last("response.output_audio.delta")
    await client.say(np.concatenate([silence(100), question]))
    events = await client.until("rate_limits.updated")
    assert "input_audio_buffer.speech_started" in [event["type"] for event in events]
    response = done(events)
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"


@pytest.mark.answers(LONG_ANSWER)
async def test_without_interrupt_response_the_answer_goes_on(client, question, silence, done):
    flags = {"interrupt_response": False, "create_response": False}
    detection = {"type": "server_vad", **flags}
    await client.update(audio={"input": {"turn_detection": detection}})
    await client.begin_a_long_answer()
    await client.last("response.output_audio.delta")
    await client.say(np.concatenate([silence(100), question]))
    events = await client.until("rate_limits.updated")
    assert done(events)["status"] == "completed"


async def test_the_clock_counts_what_was_appended(client, turn, silence):
    await client.update(
        audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}
    )
    await client.say(turn)
    first = await client.last("input_audio_buffer.speech_stopped")
    await client.say(np.concatenate([turn, silence(200)]))
    started = await client.last("input_audio_buffer.speech_started")
    stopped = await client.last("input_audio_buffer.speech_stopped")
    assert started["audio_start_ms"] >= first["audio_end_ms"]
    length_ms = len(turn) / 24
    assert stopped["audio_end_ms"] == pytest.approx(first["audio_end_ms"] + length_ms, abs=150)
