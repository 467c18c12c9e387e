"""REALTIME.md 2.1: the session object and how it is updated."""

from __future__ import annotations

import time

import pytest


async def test_the_first_event_shows_the_whole_session(connected, server):
    async with connected(server) as client:
        created = await client.read()
    assert created["type"] == "session.created"
    session = created["session"]
    assert (session["type"], session["object"]) == ("realtime", "realtime.session")
    assert session["id"].startswith("sess_")
    assert session["model"] == "gpt-realtime-2.1"
    assert session["expires_at"] == pytest.approx(time.time() + 3600, abs=30)
    assert session["output_modalities"] == ["audio"]
    assert (session["tools"], session["tool_choice"]) == ([], "auto")
    assert (session["max_output_tokens"], session["truncation"]) == ("inf", "auto")
    assert session["tracing"] is None
    heard = session["audio"]["input"]
    assert heard["format"] == {"type": "audio/pcm", "rate": 24000}
    assert (heard["transcription"], heard["noise_reduction"]) == (None, None)
    detection = heard["turn_detection"]
    assert (detection["type"], detection["threshold"]) == ("server_vad", 0.5)
    assert (detection["prefix_padding_ms"], detection["silence_duration_ms"]) == (300, 500)
    assert detection["create_response"] is detection["interrupt_response"] is True
    said = session["audio"]["output"]
    assert said["format"] == {"type": "audio/pcm", "rate": 24000}
    assert said["speed"] == 1.0
    assert said["voice"]


async def test_what_is_left_out_keeps_its_value(client):
    created = client.events[0]["session"]
    updated = await client.update(instructions="Be brief.", audio={"output": {"speed": 1.25}})
    assert updated["instructions"] == "Be brief."
    assert updated["audio"]["output"] == {**created["audio"]["output"], "speed": 1.25}
    assert updated["audio"]["input"] == created["audio"]["input"]
    again = await client.update(max_output_tokens=99)
    assert again == {**updated, "max_output_tokens": 99}


async def test_an_update_of_a_turn_detection_keeps_its_other_values(client):
    await client.update(
        audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}}
    )
    updated = await client.update(
        audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 900}}}
    )
    detection = updated["audio"]["input"]["turn_detection"]
    assert (detection["threshold"], detection["silence_duration_ms"]) == (0.7, 900)


TOOL = {"type": "function", "name": "a", "parameters": {"type": "object", "properties": {}}}


async def test_arrays_are_replaced(client):
    await client.update(tools=[TOOL, {**TOOL, "name": "b"}])
    updated = await client.update(tools=[{**TOOL, "name": "c"}])
    assert [tool["name"] for tool in updated["tools"]] == ["c"]


@pytest.mark.parametrize(
    ("set_to", "cleared_by", "shows"),
    [
        ({"tools": [TOOL]}, {"tools": []}, ("tools", [])),
        ({"instructions": "x"}, {"instructions": ""}, ("instructions", "")),
        ({"max_output_tokens": 5}, {"max_output_tokens": None}, ("max_output_tokens", "inf")),
        ({"truncation": "disabled"}, {"truncation": None}, ("truncation", "auto")),
    ],
)
async def test_empty_values_clear(client, set_to, cleared_by, shows):
    [(name, value)] = set_to.items()
    assert (await client.update(**set_to))[name] == value
    assert (await client.update(**cleared_by))[shows[0]] == shows[1]


@pytest.mark.parametrize("name", ["turn_detection", "transcription", "noise_reduction"])
async def test_null_clears_what_the_ear_does(client, name):
    await client.update(
        audio={
            "input": {
                "noise_reduction": {"type": "far_field"},
                "transcription": {"model": "gpt-transcribe"},
            }
        }
    )
    updated = await client.update(audio={"input": {name: None}})
    assert updated["audio"]["input"][name] is None


@pytest.mark.parametrize("form", [{"type": "audio/pcmu"}, {"type": "audio/pcma"}])
async def test_formats_of_the_telephone(client, form):
    updated = await client.update(audio={"input": {"format": form}, "output": {"format": form}})
    assert updated["audio"]["input"]["format"]["type"] == form["type"]
    assert updated["audio"]["output"]["format"]["type"] == form["type"]


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"type": "nonsense"}, "invalid_value", "session.type"),
        ({"instructions": "no type"}, "missing_required_parameter", "session.type"),
        ({"type": "realtime", "model": "gpt-realtime"}, "invalid_value", "session.model"),
        (
            {"type": "realtime", "output_modalities": ["video"]},
            "invalid_value",
            "session.output_modalities[0]",
        ),
        (
            {"type": "realtime", "audio": {"output": {"speed": 1.6}}},
            "invalid_value",
            "session.audio.output.speed",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/mp3"}}}},
            "invalid_value",
            "session.audio.input.format.type",
        ),
        (
            {
                "type": "realtime",
                "audio": {
                    "input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 100}}
                },
            },
            "invalid_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {"type": "realtime", "max_output_tokens": 4097},
            "invalid_value",
            "session.max_output_tokens",
        ),
        (
            {"type": "realtime", "tool_choice": {"type": "function", "name": "nobody"}},
            "invalid_value",
            "session.tool_choice",
        ),
    ],
)
async def test_an_update_is_refused_whole(client, session, code, param):
    error = await client.refused("session.update", session={**session, "instructions": "changed"})
    assert (error["code"], error["param"]) == (code, param)
    assert (await client.update())["instructions"] != "changed"


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"surprise": 1}, "session.surprise"),
        ({"temperature": 0.8}, "session.temperature"),
        ({"audio": {"input": {"surprise": 1}}}, "session.audio.input.surprise"),
        ({"voice": "alloy"}, "session.voice"),
    ],
)
async def test_unknown_fields_are_refused_or_ignored(client, session, param):
    if client.server.is_strict:
        wanted = {"type": "realtime", **session, "instructions": "changed"}
        error = await client.refused("session.update", session=wanted)
        assert (error["code"], error["param"]) == ("unknown_parameter", param)
        assert (await client.update())["instructions"] != "changed"
    else:
        assert (await client.update(**session, instructions="x"))["instructions"] == "x"


async def test_the_type_stays(client):
    error = await client.refused("session.update", session={"type": "transcription"})
    assert (error["code"], error["param"]) == ("invalid_value", "session.type")
    assert (await client.update())["type"] == "realtime"


async def test_the_model_may_be_named_again(client):
    assert (await client.update(model="gpt-realtime-2.1"))["model"] == "gpt-realtime-2.1"


@pytest.mark.answers({"items": [{"say": "Fifty-six."}]})
async def test_the_voice_is_locked_by_the_first_sound(client):
    assert (await client.update(audio={"output": {"voice": "cedar"}}))["audio"]["output"][
        "voice"
    ] == "cedar"
    await client.write("what is seven times eight")
    await client.answer()
    voice = {"type": "realtime", "audio": {"output": {"voice": "marin"}}}
    error = await client.refused("session.update", session=voice)
    assert error["code"] == "cannot_update_voice"
    voice["audio"]["output"]["voice"] = "cedar"
    assert (await client.update(**voice))["audio"]["output"]["voice"] == "cedar"


async def test_a_transcription_session_has_only_an_ear(connected, server):
    async with connected(server, query="?intent=transcription") as client:
        session = (await client.read())["session"]
        assert session["type"] == "transcription"
        assert "output" not in session["audio"]
        error = await client.refused("response.create")
        assert error["code"] == "invalid_value"
