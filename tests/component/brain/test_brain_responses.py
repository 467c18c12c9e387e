"""REALTIME.md 2.2, 4.3, 4.8, 4.9, 4.12: responses, tools, context, tokens."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from device.brain.base.abilities import (
    AbilityFailedError,
    FunctionTool,
    NamedTool,
    StopPiece,
    TextPiece,
    ToolCallPiece,
)
from device.brain.protocol.codec import A_LAW, MU_LAW, PCM
from device.brain.protocol.limits import BrainLimits
from device.brain.work.jobs import Speak, Spoken, Think, Thought

LIGHT = {
    "type": "function",
    "name": "set_light",
    "description": "Switch a lamp",
    "parameters": {"type": "object", "properties": {"on": {"type": "boolean"}}},
}


def refused(events):
    assert [event["type"] for event in events] == ["error"]
    return events[0]["error"]


def done(bench):
    return bench.last("response.done")["response"]


# ---------------------------------------------------------------------------- plain answers


def test_a_written_answer(bench, kinds):
    bench.update(output_modalities=["text"])
    bench.thinker.answers.append([TextPiece("Hello "), TextPiece("there.")])
    events = bench.ask("hi")
    assert kinds(events)[2:] == [
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
    assert [event["delta"] for event in bench.of("response.output_text.delta")] == [
        "Hello ",
        "there.",
    ]
    assert bench.last("response.output_text.done")["text"] == "Hello there."
    assert done(bench)["output"][0]["content"] == [{"type": "output_text", "text": "Hello there."}]
    assert not bench.voice.sentences


def test_a_spoken_answer_carries_its_words(bench):
    bench.thinker.answers.append([TextPiece("Hello there. "), TextPiece("How are you?")])
    bench.ask("hi")
    deltas = bench.of("response.output_audio_transcript.delta")
    assert "".join(event["delta"] for event in deltas) == "Hello there. How are you?"
    assert bench.last("response.output_audio_transcript.done")["transcript"] == (
        "Hello there. How are you?"
    )
    part = bench.last("response.content_part.done")["part"]
    assert part == {"type": "audio", "transcript": "Hello there. How are you?"}
    sound = b"".join(base64.b64decode(e["delta"]) for e in bench.of("response.output_audio.delta"))
    assert len(sound) == 25 * 10 * 48


def test_the_first_sentence_is_spoken_while_the_second_is_thought_of(bench):
    bench.hold(Think, Speak)
    bench.ask("hi")
    [job] = bench.held_jobs(Think)
    bench.deliver(Thought(job.job, TextPiece("One sentence. And")))
    assert [speak.sentence for speak in bench.held_jobs(Speak)] == ["One sentence. "]
    bench.deliver(Thought(job.job, TextPiece(" another")))
    bench.held.discard(Speak)
    bench.work()
    assert bench.of("response.output_audio.delta")
    assert not bench.of("response.output_audio.done")


def test_sentences_are_spoken_one_after_the_other_and_in_order(bench):
    bench.hold(Speak)
    bench.thinker.answers.append([TextPiece("One. Two. Three.")])
    bench.ask("count")
    assert [job.sentence for job in bench.held_jobs(Speak)] == ["One. "]
    bench.release()
    assert [sentence for sentence, _, _ in bench.voice.sentences] == ["One. ", "Two. ", "Three."]


def test_no_more_is_spoken_than_the_client_reads(bench):
    bench.thinker.answers.append([TextPiece("One. Two. Three.")])
    bench.hold(Speak)
    bench.ask("count")
    bench.session.set_writable(False)
    bench.release()
    assert len(bench.voice.sentences) == 1
    assert not bench.of("response.done")
    bench.session.set_writable(True)
    bench.work()
    assert len(bench.voice.sentences) == 3
    assert done(bench)["status"] == "completed"


def test_voice_and_speed_reach_the_voice(bench):
    bench.update(audio={"output": {"voice": "marin", "speed": 1.5}})
    bench.ask("hi")
    assert bench.voice.sentences[0][1:] == ("marin", 1.5)


@pytest.mark.parametrize("form", [MU_LAW, A_LAW], ids=lambda form: form.name)
def test_telephone_sound(bench, form):
    bench.update(audio={"output": {"format": {"type": form.name}}})
    bench.thinker.answers.append([TextPiece("x" * 50)])
    bench.ask("hi")
    sound = b"".join(base64.b64decode(e["delta"]) for e in bench.of("response.output_audio.delta"))
    assert len(sound) == 500 * 8
    assert np.abs(form.decode(sound)).max() == pytest.approx(8000, rel=0.05)
    assert done(bench)["audio"]["output"]["format"] == {"type": form.name}
    item_id = done(bench)["output"][0]["id"]
    got = bench.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert base64.b64decode(got["content"][0]["audio"]) == sound


def test_an_answer_without_anything_to_say(bench):
    bench.thinker.answers.append([])
    bench.ask("hi")
    assert done(bench)["status"] == "completed"
    assert done(bench)["output"] == []


# ------------------------------------------------------------------------------- overrides


def test_overrides_hold_for_one_response(bench):
    bench.update(instructions="Be kind.", tools=[LIGHT])
    bench.ask(
        "hi",
        instructions="Be rude.",
        output_modalities=["text"],
        tools=[],
        max_output_tokens=77,
        metadata={"client_event_id": "rc1"},
    )
    bench.ask("hi")
    first, second = bench.thinker.requests
    assert (first.instructions, second.instructions) == ("Be rude.", "Be kind.")
    assert (len(first.tools), len(second.tools)) == (0, 1)
    assert (first.is_spoken, second.is_spoken) == (False, True)
    assert first.max_output_tokens == 77
    created = [event["response"] for event in bench.of("response.created")]
    assert created[0]["metadata"] == {"client_event_id": "rc1"}
    assert created[1]["metadata"] is None
    assert [c["output_modalities"] for c in created] == [["text"], ["audio"]]
    assert [c["max_output_tokens"] for c in created] == [77, "inf"]
    assert bench.of("response.done")[0]["response"]["metadata"] == {"client_event_id": "rc1"}


def test_another_voice_for_one_response_is_refused_once_one_was_heard(bench):
    bench.ask("hi")
    error = refused(bench.send("response.create", response=voiced("cedar")))
    assert (error["code"], error["param"]) == (
        "cannot_update_voice",
        "response.audio.output.voice",
    )
    assert bench.send("response.create", response=voiced("alloy"))[0]["type"] == "response.created"


def voiced(voice):
    return {"audio": {"output": {"voice": voice}}}


@pytest.mark.parametrize(
    ("response", "param"),
    [
        ({"metadata": {"k": 1}}, "response.metadata.k"),
        ({"metadata": {"k": "v" * 513}}, "response.metadata.k"),
        ({"metadata": {f"k{n}": "v" for n in range(17)}}, "response.metadata"),
        ({"conversation": "some"}, "response.conversation"),
        ({"input": [{"type": "item_reference", "id": "nobody"}]}, "item_id"),
        ({"input": [{"type": "message", "role": "user"}]}, "response.input[0].content"),
        ({"tool_choice": {"type": "function", "name": "x"}}, "response.tool_choice"),
        ({"max_output_tokens": 0}, "response.max_output_tokens"),
        ({"output_modalities": ["smell"]}, "response.output_modalities[0]"),
    ],
)
def test_parameters_out_of_their_range(bench, response, param):
    assert refused(bench.send("response.create", response=response))["param"] == param


def test_speed_is_no_parameter_of_a_response(strict_bench, lenient_bench):
    response = {"audio": {"output": {"speed": 1.2}}}
    error = refused(strict_bench.send("response.create", response=response))
    assert (error["code"], error["param"]) == (
        "unknown_parameter",
        "response.audio.output.speed",
    )
    lenient_bench.send("response.create", response=response)
    assert lenient_bench.voice.sentences[0][2] == 1.0


# ------------------------------------------------------------------------- one at a time


def test_the_conversation_has_one_response_at_a_time(bench):
    bench.hold(Think)
    bench.ask("one")
    error = refused(bench.send("response.create", event_id="rc2"))
    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] == "rc2"
    bench.release()
    assert bench.send("response.create")[0]["type"] == "response.created"


def test_cancelling(bench):
    bench.hold(Think)
    bench.ask("one")
    bench.send("response.cancel")
    assert done(bench)["status"] == "cancelled"
    assert done(bench)["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert done(bench)["usage"]["output_tokens"] == 0
    assert bench.release() == []


def test_cancelling_by_id(bench):
    bench.hold(Think)
    bench.ask("one")
    response_id = bench.last("response.created")["response"]["id"]
    assert refused(bench.send("response.cancel", response_id="resp_x"))["code"] == (
        "response_cancel_not_active"
    )
    bench.send("response.cancel", response_id=response_id)
    assert done(bench)["id"] == response_id


def test_nothing_to_cancel(bench):
    assert refused(bench.send("response.cancel"))["code"] == "response_cancel_not_active"
    bench.ask("hi")
    assert refused(bench.send("response.cancel"))["code"] == "response_cancel_not_active"


# ----------------------------------------------------------------------------- out of band


def test_an_out_of_band_response_leaves_the_conversation_alone(bench, kinds):
    bench.write("hello")
    response = {"conversation": "none", "output_modalities": ["text"], "metadata": {"p": "topic"}}
    events = bench.send("response.create", response=response)
    assert "conversation.item.added" not in kinds(events)
    assert bench.last("response.created")["response"]["conversation_id"] is None
    assert done(bench)["metadata"] == {"p": "topic"}
    assert len(bench.thinker.requests[0].items) == 1
    bench.send("response.create")
    assert len(bench.thinker.requests[1].items) == 1
    assert done(bench)["conversation_id"].startswith("conv_")


def test_it_runs_beside_the_normal_one_and_is_cancelled_by_id(bench):
    bench.hold(Think)
    bench.ask("one")
    aside = {"conversation": "none", "output_modalities": ["text"]}
    bench.send("response.create", response=aside)
    aside_id = bench.last("response.created")["response"]["id"]
    bench.send("response.cancel")
    assert done(bench)["id"] != aside_id
    assert refused(bench.send("response.cancel"))["code"] == "response_cancel_not_active"
    bench.send("response.cancel", response_id=aside_id)
    assert done(bench)["id"] == aside_id


def test_speech_does_not_cancel_it(bench):
    bench.hold(Think)
    bench.send("response.create", response={"conversation": "none"})
    bench.speak(300)
    assert not bench.of("response.done")


def test_an_empty_input_is_an_empty_context(bench):
    bench.write("hello")
    bench.send("response.create", response={"conversation": "none", "input": []})
    assert list(bench.thinker.requests[0].items) == []


def test_input_is_made_of_items_and_references(bench):
    bench.write("one", id="a")
    bench.write("two", id="b")
    sound = base64.b64encode(bench.tone(600).astype("<i2").tobytes()).decode()
    audio = {"type": "input_audio", "audio": sound}
    response = {
        "conversation": "none",
        "input": [
            {"type": "item_reference", "id": "b"},
            {"type": "message", "role": "user", "content": [audio]},
        ],
    }
    bench.send("response.create", response=response)
    assert [item.text for item in bench.thinker.requests[0].items] == ["two", "word word."]


def test_a_session_has_so_many_responses_at_a_time(new_bench):
    bench = new_bench(limits=BrainLimits(responses_per_session=2))
    bench.hold(Think)
    for _ in range(2):
        bench.send("response.create", response={"conversation": "none"})
    error = refused(bench.send("response.create", response={"conversation": "none"}))
    assert error["code"] == "rate_limit_exceeded"


# ---------------------------------------------------------------------------------- tools


def test_a_tool_turn_comes_in_the_documented_order(bench, kinds):
    bench.update(tools=[LIGHT])
    bench.thinker.answers.append([ToolCallPiece("set_light", '{"on":true}')])
    events = bench.ask("light")
    assert kinds(events)[2:] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    added = bench.last("response.output_item.added")["item"]
    assert added["arguments"] == ""
    arguments = bench.last("response.function_call_arguments.done")
    assert (arguments["name"], arguments["arguments"]) == ("set_light", '{"on":true}')
    [item] = done(bench)["output"]
    assert item["status"] == "completed"
    assert item["call_id"] == arguments["call_id"] == added["call_id"]


def test_several_calls_and_speech_in_one_response(bench):
    bench.thinker.answers.append(
        [
            TextPiece("One moment."),
            ToolCallPiece("set_light", '{"on":true}'),
            ToolCallPiece("set_light", '{"on":false}'),
        ]
    )
    bench.ask("light")
    output = done(bench)["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "function_call"]
    assert output[1]["call_id"] != output[2]["call_id"]


def test_the_tools_of_the_session_reach_the_thinker(bench):
    bench.update(tools=[LIGHT, {"type": "function", "name": "bare"}])
    bench.ask("hi")
    request = bench.thinker.requests[0]
    assert request.tools == [
        FunctionTool("set_light", "Switch a lamp", LIGHT["parameters"]),
        FunctionTool("bare", "", {"type": "object", "properties": {}}),
    ]
    assert request.tool_choice == "auto"


@pytest.mark.parametrize(
    ("choice", "seen", "tools"),
    [
        ("none", "none", 0),
        ("required", "required", 1),
        ({"type": "function", "name": "set_light"}, NamedTool("set_light"), 1),
    ],
)
def test_the_choice_of_tools(bench, choice, seen, tools):
    bench.update(tools=[LIGHT], tool_choice=choice)
    bench.ask("hi")
    assert bench.thinker.requests[0].tool_choice == seen
    assert len(bench.thinker.requests[0].tools) == tools


# --------------------------------------------------------------------- failure, incomplete


def test_a_thinker_that_fails(bench):
    bench.thinker.answers.append([TextPiece("Well"), AbilityFailedError("server_error", "broken")])
    bench.ask("hi")
    assert done(bench)["status"] == "failed"
    assert done(bench)["status_details"] == {
        "type": "failed",
        "error": {"type": "server_error", "code": "server_error", "message": "broken"},
    }
    assert done(bench)["output"][0]["status"] == "incomplete"
    bench.ask("again")
    assert done(bench)["status"] == "completed"


def test_a_voice_that_fails(bench):
    bench.voice.failure = AbilityFailedError("server_error", "hoarse")
    bench.ask("hi")
    assert done(bench)["status"] == "failed"


def test_a_filter(bench):
    bench.thinker.answers.append([TextPiece("Well. "), StopPiece("content_filter")])
    bench.ask("hi")
    assert done(bench)["status"] == "incomplete"
    assert done(bench)["status_details"] == {"type": "incomplete", "reason": "content_filter"}


def test_a_written_answer_ends_at_its_token_limit(bench):
    bench.thinker.answers.append([TextPiece("one "), TextPiece("two "), TextPiece("three ")])
    bench.ask("hi", output_modalities=["text"], max_output_tokens=2)
    assert done(bench)["status"] == "incomplete"
    assert done(bench)["status_details"]["reason"] == "max_output_tokens"


def test_a_spoken_answer_ends_at_its_token_limit(bench):
    bench.thinker.answers.append([TextPiece("word " * 40 + ".")])
    bench.ask("hi", max_output_tokens=60)
    assert done(bench)["status"] == "incomplete"
    usage = done(bench)["usage"]
    assert usage["output_tokens"] == 60
    sound = b"".join(base64.b64decode(e["delta"]) for e in bench.of("response.output_audio.delta"))
    assert len(sound) // 48 == usage["output_token_details"]["audio_tokens"] * 50


# --------------------------------------------------------------------------- tokens, rates


def test_tokens_are_counted_by_the_documented_rates(bench):
    bench.update(instructions="one two three", tools=[])
    bench.detect(None)
    bench.speak(1000)
    bench.send("input_audio_buffer.commit")
    bench.write("four five")
    picture = {"type": "input_image", "image_url": "data:image/jpeg;base64,AAAA"}
    create = {"type": "message", "role": "user", "content": [picture]}
    bench.send("conversation.item.create", item=create)
    bench.thinker.answers.append([TextPiece("a" * 100 + ".")])
    bench.send("response.create")
    usage = done(bench)["usage"]
    details = usage["input_token_details"]
    assert details["audio_tokens"] == 10
    assert details["text_tokens"] == 5
    assert details["image_tokens"] == 194
    assert usage["output_token_details"] == {"text_tokens": 1, "audio_tokens": 21}
    assert usage["input_tokens"] == 209
    assert usage["total_tokens"] == 231


def test_what_was_said_is_input_of_the_next_turn(bench):
    bench.update(instructions="")
    bench.thinker.answers.append([TextPiece("a" * 100)])
    bench.ask("hi")
    bench.send("response.create")
    details = done(bench)["usage"]["input_token_details"]
    assert details["audio_tokens"] == 20
    assert details["text_tokens"] == 2


def test_the_rate_goes_down_and_recovers(new_bench):
    bench = new_bench(limits=BrainLimits(tokens_per_minute=100))
    bench.update(instructions="")
    bench.ask("one two three", output_modalities=["text"])
    used = done(bench)["usage"]["total_tokens"]
    [limit] = bench.last("rate_limits.updated")["rate_limits"]
    assert limit == {
        "name": "tokens",
        "limit": 100,
        "remaining": 100 - used,
        "reset_seconds": used * 0.6,
    }
    bench.wait(60)
    bench.ask("x", output_modalities=["text"])
    assert bench.last("rate_limits.updated")["rate_limits"][0]["remaining"] > 80


def test_an_exhausted_rate_fails_the_response(new_bench):
    bench = new_bench(limits=BrainLimits(tokens_per_minute=5))
    bench.ask("one two three four five six")
    bench.ask("more")
    assert done(bench)["status"] == "failed"
    assert done(bench)["status_details"]["error"]["code"] == "rate_limit_exceeded"
    bench.wait(600)
    bench.ask("more")
    assert done(bench)["status"] == "completed"


# -------------------------------------------------------------------- growth and truncation


def talk(bench, turns, words=100):
    for number in range(turns):
        bench.write(f"turn{number} " + "word " * (words - 1))


def test_the_oldest_drops_out_when_it_gets_too_much(bench):
    bench.update(instructions="")
    talk(bench, 30)
    bench.send("response.create", response={"output_modalities": ["text"]})
    seen = bench.thinker.requests[0].items
    assert 14 <= len(seen) <= 17  # the window of this thinker is 2000 tokens, 256 kept free
    assert seen[-1].text.startswith("turn29")
    assert done(bench)["status"] == "completed"


def test_disabled_truncation_fails_the_response(bench):
    bench.update(instructions="", truncation="disabled")
    talk(bench, 30)
    bench.send("response.create")
    assert done(bench)["status"] == "failed"
    assert done(bench)["status_details"]["error"]["code"] == "context_length_exceeded"


def test_a_ceiling_and_a_ratio_drop_a_chunk_at_once(bench):
    truncation = {
        "type": "retention_ratio",
        "retention_ratio": 0.5,
        "token_limits": {"post_instructions": 1000},
    }
    bench.update(instructions="", truncation=truncation)
    talk(bench, 10)
    ask_briefly(bench)
    assert len(bench.thinker.requests[-1].items) == 10
    talk(bench, 1)
    ask_briefly(bench)
    shown = len(bench.thinker.requests[-1].items)
    assert 5 <= shown <= 6
    talk(bench, 2)
    ask_briefly(bench)
    assert len(bench.thinker.requests[-1].items) == shown + 2


def ask_briefly(bench):
    bench.thinker.answers.append([])
    bench.send("response.create", response={"output_modalities": ["text"]})


def test_an_output_without_its_call_is_not_shown(bench):
    bench.update(instructions="")
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "x " * 1000}
    bench.send("conversation.item.create", item=call)
    output = {"type": "function_call_output", "call_id": "c", "output": "ok"}
    bench.send("conversation.item.create", item=output)
    talk(bench, 10)
    ask_briefly(bench)
    assert len(bench.thinker.requests[-1].items) == 10


def test_pcm_is_the_default_format():
    assert PCM.bytes_per_ms == 48
    assert MU_LAW.bytes_per_ms == A_LAW.bytes_per_ms == 8


def test_sound_of_a_response_that_is_over_is_dropped(bench):
    bench.ask("hi")
    assert bench.deliver(Spoken(1, b"xx")) == []
