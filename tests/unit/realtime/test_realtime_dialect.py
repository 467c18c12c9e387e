from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.beta.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

from device.realtime import events as ev
from device.realtime.dialect import (
    Dialect,
    client_to_beta,
    client_to_ga,
    dialect_of_session,
    server_to_beta,
    server_to_ga,
    session_to_beta,
    session_to_ga,
)

BETA_CLIENT = TypeAdapter(RealtimeClientEvent)
BETA_SERVER = TypeAdapter(RealtimeServerEvent)

BETA_SESSION = {
    "id": "sess_1",
    "object": "realtime.session",
    "model": "gpt-4o-realtime-preview",
    "modalities": ["text", "audio"],
    "instructions": "Be brief.",
    "voice": "alloy",
    "speed": 1.1,
    "input_audio_format": "pcm16",
    "output_audio_format": "g711_ulaw",
    "input_audio_transcription": {"model": "whisper-1", "language": "en"},
    "input_audio_noise_reduction": {"type": "far_field"},
    "turn_detection": {"type": "server_vad", "threshold": 0.5},
    "tools": [],
    "tool_choice": "auto",
    "temperature": 0.8,
    "max_response_output_tokens": "inf",
}


def test_a_beta_session_is_nested() -> None:
    event = ev.decode_server(json.dumps({"type": "session.created", "session": BETA_SESSION}))
    assert isinstance(event, ev.SessionCreated)
    assert event.session == ev.Session(
        id="sess_1",
        object="realtime.session",
        model="gpt-4o-realtime-preview",
        output_modalities=["audio"],
        instructions="Be brief.",
        audio=ev.SessionAudio(
            input=ev.AudioInputSettings(
                format=ev.AudioPcm(),
                transcription=ev.Transcription(model="whisper-1", language="en"),
                noise_reduction=ev.NoiseReduction(type="far_field"),
                turn_detection=ev.ServerVad(threshold=0.5),
            ),
            output=ev.AudioOutputSettings(format=ev.AudioPcmu(), voice="alloy", speed=1.1),
        ),
        tools=[],
        tool_choice="auto",
        max_output_tokens="inf",
    )


def test_a_session_survives_the_way_to_beta_and_back() -> None:
    there = {key: value for key, value in BETA_SESSION.items() if key != "temperature"}
    assert session_to_beta(session_to_ga(there)) == there


def test_client_examples_become_beta_that_openai_knows(client_example: str) -> None:
    raw = json.loads(client_example)
    beta = client_to_beta(raw)
    text = json.dumps(beta)
    assert '"audio/pcm"' not in text
    assert "output_text" not in text
    if raw["type"] in ("conversation.item.create",) and "mcp" in raw["item"]["type"]:
        return  # beta has no such items; they are never made on a beta connection
    if "input_image" in text:
        return  # nor images
    if isinstance(beta.get("response", {}).get("tool_choice"), dict):
        beta["response"]["tool_choice"] = "auto"  # the package knows only the strings
    BETA_CLIENT.validate_python(beta)


def test_server_examples_become_beta_and_come_back(server_example: str) -> None:
    raw = json.loads(server_example)
    beta = server_to_beta(raw)
    if beta is None:
        assert raw["type"].startswith(
            ("conversation.item.done", "mcp_list_tools", "response.mcp_call")
        ) or raw["type"].endswith((".segment", ".timeout_triggered", ".dtmf_event_received"))
        return
    if "model" in beta.get("session", {}):
        beta["session"]["model"] = "gpt-4o-realtime-preview"  # newer ones it cannot know
    BETA_SERVER.validate_python(beta)
    if raw["type"].startswith("response.") and "function_call_arguments.done" not in raw["type"]:
        assert server_to_ga(beta)["type"] == raw["type"]
        # what beta has no word for is gone, everything else is where it was
        there, back = ev.server_event(raw), ev.server_event(server_to_ga(beta))
        assert type(there) is type(back)


def test_text_and_audio_parts_are_renamed_by_who_speaks() -> None:
    def item(role: str) -> dict[str, Any]:
        content = [{"type": "text", "text": "a"}, {"type": "audio", "transcript": "b"}]
        return {"type": "message", "id": "i", "role": role, "content": content}

    said = ev.server_event({"type": "conversation.item.created", "item": item("assistant")})
    heard = ev.server_event({"type": "conversation.item.created", "item": item("user")})
    assert said.item.content == [ev.OutputText(text="a"), ev.OutputAudio(transcript="b")]  # type: ignore[union-attr]
    assert heard.item.content == [ev.InputText(text="a"), ev.InputAudio(transcript="b")]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["audio", "output_audio"])
def test_all_four_names_of_parts_are_understood(kind: str) -> None:
    event = ev.server_event(
        {
            "type": "response.content_part.added",
            "response_id": "r",
            "item_id": "i",
            "output_index": 0,
            "content_index": 0,
            "part": {"type": kind, "transcript": "t"},
        }
    )
    assert event.part == ev.AudioPart(transcript="t")  # type: ignore[union-attr]


def test_names_are_normalised_whatever_the_dialect() -> None:
    raw = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    audio = ev.decode_server(json.dumps({**raw, "type": "response.audio.delta", "delta": "AAAA"}))
    words = ev.decode_server(
        json.dumps({**raw, "type": "response.audio_transcript.done", "transcript": "hi"})
    )
    assert isinstance(audio, ev.ResponseOutputAudioDelta)
    assert isinstance(words, ev.ResponseOutputAudioTranscriptDone)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ({"type": "realtime"}, Dialect.GA),
        ({"audio": {}}, Dialect.GA),
        ({"modalities": ["text"]}, Dialect.BETA),
        ({"input_audio_format": "pcm16", "id": "s"}, Dialect.BETA),
        ({"id": "s"}, Dialect.AUTO),
    ],
)
def test_the_dialect_shows_in_the_session(session: dict[str, Any], expected: Dialect) -> None:
    assert dialect_of_session(session) is expected


def test_a_string_format_in_a_nested_session_is_mended() -> None:
    mended = session_to_ga({"type": "realtime", "audio": {"input": {"format": "pcm16"}}})
    assert mended["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}


def test_translation_leaves_its_argument_alone(client_example: str) -> None:
    raw = json.loads(client_example)
    client_to_beta(raw)
    client_to_ga(raw)
    assert raw == json.loads(client_example)


def test_transcription_sessions_of_beta() -> None:
    event = ev.client_event(
        {
            "type": "transcription_session.update",
            "session": {"input_audio_format": "pcm16", "turn_detection": None},
        }
    )
    assert isinstance(event, ev.SessionUpdate)
    assert event.session.type == "transcription"
    assert event.session.audio.input.turn_detection is None  # type: ignore[union-attr]
