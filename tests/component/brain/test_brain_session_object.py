"""REALTIME.md 2.1: the session object, what an update may change, and what it may not."""

from __future__ import annotations

import pytest

from device.brain.protocol.limits import BrainLimits

TOOL = {
    "type": "function",
    "name": "set_light",
    "description": "Switch a lamp",
    "parameters": {"type": "object", "properties": {"on": {"type": "boolean"}}},
}


def test_the_session_is_created_with_every_default(bench):
    [created] = bench.events
    assert created["type"] == "session.created"
    session = created["session"]
    assert session["type"] == "realtime"
    assert session["object"] == "realtime.session"
    assert session["id"].startswith("sess_")
    assert session["expires_at"] == 1_700_003_600
    assert session["output_modalities"] == ["audio"]
    assert session["instructions"]
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert session["audio"]["input"]["transcription"] is None
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": "alloy",
        "speed": 1.0,
    }


def test_an_update_changes_what_it_names_and_keeps_the_rest(bench):
    before = bench.session_object
    [updated] = bench.update(instructions="Be brief.")
    assert updated["type"] == "session.updated"
    assert updated["session"] == {**before, "instructions": "Be brief."}


def test_nested_fields_are_updated_one_by_one(bench):
    bench.update(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}})
    bench.update(audio={"output": {"speed": 1.25}})
    audio = bench.session_object["audio"]
    assert audio["input"]["turn_detection"]["threshold"] == 0.7
    assert audio["input"]["turn_detection"]["prefix_padding_ms"] == 300
    assert audio["output"]["speed"] == 1.25
    assert audio["output"]["voice"] == "alloy"


def test_an_empty_update_shows_the_session(bench):
    before = bench.session_object
    assert bench.update()[0]["session"] == before


def test_arrays_are_replaced(bench):
    bench.update(tools=[TOOL, {**TOOL, "name": "dim_light"}])
    bench.update(tools=[TOOL])
    assert bench.session_object["tools"] == [TOOL]


@pytest.mark.parametrize(
    ("filled", "cleared", "expected"),
    [
        ({"instructions": "x"}, {"instructions": ""}, {"instructions": ""}),
        ({"tools": [TOOL]}, {"tools": []}, {"tools": []}),
        ({"tools": [TOOL]}, {"tools": None}, {"tools": []}),
        ({"tool_choice": "required"}, {"tool_choice": None}, {"tool_choice": "auto"}),
        ({"max_output_tokens": 5}, {"max_output_tokens": None}, {"max_output_tokens": "inf"}),
        ({"truncation": "disabled"}, {"truncation": None}, {"truncation": "auto"}),
    ],
)
def test_clearing(bench, filled, cleared, expected):
    bench.update(**filled)
    assert bench.update(**cleared)[0]["session"].items() >= expected.items()


@pytest.mark.parametrize("name", ["turn_detection", "transcription", "noise_reduction"])
def test_input_settings_are_cleared_by_null(bench, name):
    filled = {
        "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
        "transcription": {"model": "gpt-transcribe", "language": "en"},
        "noise_reduction": {"type": "far_field"},
    }
    bench.update(audio={"input": filled})
    shown = bench.session_object["audio"]["input"]
    assert shown[name].items() >= filled[name].items()
    bench.update(audio={"input": {name: None}})
    assert bench.session_object["audio"]["input"][name] is None


def test_the_other_kind_of_detection_begins_with_its_own_defaults(bench):
    bench.update(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    assert bench.session_object["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


def test_the_strength_of_noise_reduction_is_kept(bench):
    bench.update(audio={"input": {"noise_reduction": {"type": "near_field", "strength": 0.4}}})
    bench.update(audio={"input": {"noise_reduction": {"type": "far_field"}}})
    shown = bench.session_object["audio"]["input"]["noise_reduction"]
    assert shown == {"type": "far_field", "strength": 0.4}


def test_retention_ratio_and_limits_are_echoed(bench):
    truncation = {
        "type": "retention_ratio",
        "retention_ratio": 0.7,
        "token_limits": {"post_instructions": 6000},
    }
    assert bench.update(truncation=truncation)[0]["session"]["truncation"] == truncation


@pytest.mark.parametrize("form", ["audio/pcmu", "audio/pcma"])
def test_telephone_formats(bench, form):
    both = {"input": {"format": {"type": form}}, "output": {"format": {"type": form}}}
    session = bench.update(audio=both)[0]["session"]
    assert session["audio"]["input"]["format"] == {"type": form}
    assert session["audio"]["output"]["format"] == {"type": form}


def test_a_voice_of_ones_own(bench):
    session = bench.update(audio={"output": {"voice": {"id": "voice_123"}}})[0]["session"]
    assert session["audio"]["output"]["voice"] == {"id": "voice_123"}


# ---------------------------------------------------------------------------- what is locked


def refused(events):
    """Return the one error that came; nothing else may have."""
    assert [event["type"] for event in events] == ["error"]
    return events[0]["error"]


def test_the_type_cannot_be_switched(bench):
    error = refused(bench.send("session.update", session={"type": "transcription"}))
    assert (error["code"], error["param"]) == ("invalid_value", "session.type")


def test_the_type_must_be_there(bench):
    error = refused(bench.send("session.update", session={"instructions": "x"}))
    assert (error["code"], error["param"]) == ("missing_required_parameter", "session.type")


def test_the_model_of_the_address_cannot_be_changed(new_bench):
    bench = new_bench(model="gpt-realtime-2.1")
    error = refused(bench.update(model="gpt-realtime-1.5"))
    assert (error["code"], error["param"]) == ("invalid_value", "session.model")
    assert bench.update(model="gpt-realtime-2.1")[0]["session"]["model"] == "gpt-realtime-2.1"


def test_a_session_without_a_model_takes_the_first_that_is_named(new_bench):
    bench = new_bench()
    assert bench.update(model="gpt-realtime-2.1")[0]["session"]["model"] == "gpt-realtime-2.1"
    assert refused(bench.update(model="another"))["param"] == "session.model"


def test_the_voice_is_locked_by_the_first_sound(bench):
    bench.update(audio={"output": {"voice": "marin"}})
    bench.ask("hello")
    error = refused(bench.update(audio={"output": {"voice": "cedar"}}))
    assert (error["code"], error["param"]) == (
        "cannot_update_voice",
        "session.audio.output.voice",
    )
    assert bench.update(audio={"output": {"voice": "marin"}})[0]["type"] == "session.updated"


def test_a_written_answer_does_not_lock_the_voice(bench):
    bench.ask("hello", output_modalities=["text"])
    assert bench.update(audio={"output": {"voice": "cedar"}})[0]["type"] == "session.updated"


def test_a_refused_update_changes_nothing(bench):
    before = bench.session_object
    refused(bench.update(instructions="new", audio={"output": {"speed": 9}}))
    assert bench.update()[0]["session"] == before


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"max_output_tokens": 0}, "session.max_output_tokens"),
        ({"max_output_tokens": 4097}, "session.max_output_tokens"),
        ({"max_output_tokens": "many"}, "session.max_output_tokens"),
        ({"max_output_tokens": True}, "session.max_output_tokens"),
        ({"instructions": 5}, "session.instructions"),
        ({"output_modalities": []}, "session.output_modalities"),
        ({"output_modalities": ["video"]}, "session.output_modalities[0]"),
        ({"tool_choice": "sometimes"}, "session.tool_choice"),
        ({"tool_choice": {"type": "function", "name": "nobody"}}, "session.tool_choice"),
        ({"tools": {}}, "session.tools"),
        ({"tools": [{"type": "function"}]}, "session.tools[0].name"),
        ({"tools": [{"name": "x"}]}, "session.tools[0].type"),
        ({"tools": [{"type": "function", "name": "no spaces"}]}, "session.tools[0].name"),
        ({"audio": {"output": {"speed": 0.2}}}, "session.audio.output.speed"),
        ({"audio": {"output": {"speed": 1.6}}}, "session.audio.output.speed"),
        ({"audio": {"output": {"speed": "fast"}}}, "session.audio.output.speed"),
        (
            {"audio": {"input": {"format": {"type": "audio/mp3"}}}},
            "session.audio.input.format.type",
        ),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "session.audio.input.format.rate",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 1.1}}}},
            "session.audio.input.turn_detection.threshold",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 9}}}},
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "psychic_vad"}}}},
            "session.audio.input.turn_detection.type",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "x"}}}},
            "session.audio.input.turn_detection.eagerness",
        ),
        ({"truncation": {"type": "retention_ratio"}}, "session.truncation.retention_ratio"),
        ({"include": ["everything"]}, "session.include[0]"),
    ],
)
def test_values_out_of_their_range_are_named(bench, session, param):
    before = bench.session_object
    error = refused(bench.update(**session))
    assert error["type"] == "invalid_request_error"
    assert error["code"] in ("invalid_value", "missing_required_parameter")
    assert error["param"] == param
    assert param in error["message"] or "not found" in error["message"]
    assert bench.update()[0]["session"] == before


# --------------------------------------------------------- strict refuses, lenient lets it be


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"temperature": 0.8}, "session.temperature"),
        ({"audio": {"input": {"gain": 3}}}, "session.audio.input.gain"),
        ({"tools": [{**TOOL, "strict": True}]}, "session.tools[0].strict"),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}},
            "session.audio.input.turn_detection.threshold",
        ),
    ],
)
def test_unknown_fields(strict_bench, lenient_bench, session, param):
    error = refused(strict_bench.update(**session))
    assert (error["code"], error["param"]) == ("unknown_parameter", param)
    [updated] = lenient_bench.update(**session)
    assert updated["type"] == "session.updated"
    assert param.rsplit(".", 1)[1] not in str(updated["session"]) or "threshold" in param


def test_both_modalities(strict_bench, lenient_bench):
    both = {"output_modalities": ["text", "audio"]}
    assert refused(strict_bench.update(**both))["param"] == "session.output_modalities"
    assert lenient_bench.update(**both)[0]["session"]["output_modalities"] == ["audio"]


def test_unknown_voices(strict_bench, lenient_bench):
    voice = {"output": {"voice": "grandmother"}}
    assert refused(strict_bench.update(audio=voice))["param"] == "session.audio.output.voice"
    session = lenient_bench.update(audio=voice)[0]["session"]
    assert session["audio"]["output"]["voice"] == "grandmother"


def test_reasoning_is_for_models_that_reason(new_bench):
    older = new_bench(strict=True, model="gpt-realtime-1.5")
    assert refused(older.update(reasoning={"effort": "low"}))["param"] == "session.reasoning"
    newer = new_bench(strict=True, model="gpt-realtime-2.1-mini")
    assert newer.update(reasoning={"effort": "low"}, parallel_tool_calls=False)[0]["session"][
        "reasoning"
    ] == {"effort": "low"}


def test_tracing_is_set_once(strict_bench):
    strict_bench.update(tracing="auto")
    assert refused(strict_bench.update(tracing=None))["param"] == "session.tracing"


def test_names_of_beta_formats_are_understood_where_lenient(lenient_bench):
    session = lenient_bench.update(audio={"input": {"format": "g711_ulaw"}})[0]["session"]
    assert session["audio"]["input"]["format"] == {"type": "audio/pcmu"}


def test_an_mcp_server_cannot_be_reached_and_the_client_is_told(bench, kinds):
    tool = {"type": "mcp", "server_label": "home", "server_url": "https://mcp.example/sse"}
    events = bench.update(tools=[tool])
    assert kinds(events) == [
        "session.updated",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.failed",
    ]
    assert events[1]["item_id"] == events[2]["item_id"]


# -------------------------------------------------------------------- transcription sessions


def test_a_transcription_session_writes_and_does_not_answer(new_bench, kinds):
    bench = new_bench(is_transcription=True)
    assert bench.session_object["type"] == "transcription"
    assert bench.session_object["object"] == "realtime.transcription_session"
    events = kinds(bench.say_something())
    assert events[-3:] == [
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert refused(bench.send("response.create"))["code"] == "invalid_value"


def test_a_transcription_session_is_updated_as_one(new_bench):
    bench = new_bench(is_transcription=True)
    wanted = {"type": "transcription", "audio": {"input": {"turn_detection": None}}}
    [updated] = bench.send("session.update", session=wanted)
    assert updated["session"]["audio"]["input"]["turn_detection"] is None
    assert refused(bench.update(instructions="x"))["param"] == "session.type"


# -------------------------------------------------------------------------------- its end


@pytest.mark.parametrize("strict", [False, True])
def test_a_session_ends_after_an_hour(new_bench, strict):
    bench = new_bench(strict=strict, limits=BrainLimits(idle_s=10_000))
    assert bench.session.next_deadline_s() == bench.now_s + 3600
    [error] = bench.wait(3600)
    assert error["error"]["code"] == "session_expired"
    assert bench.closed.code == 1001
    assert "maximum duration of 60 minutes" in bench.closed.reason
    assert bench.update() == []


def test_the_thinker_learns_of_the_tools_when_they_are_declared_not_when_they_are_needed(bench):
    bench.update(tools=[TOOL, {"type": "mcp", "server_label": "m", "server_url": "https://m.test"}])
    assert bench.thinker.learned == [[TOOL["name"]]]
    bench.update(instructions="Be brief.")
    assert len(bench.thinker.learned) == 1, "nothing new"
    bench.update(tools=[])
    assert bench.thinker.learned[-1] == []
