from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from device.realtime import events as ev
from device.realtime.dialect import Dialect
from device.realtime.endpoint import Endpoint, Endpointing, Secret
from device.realtime.failures import LinkFailed, Reason
from device.realtime.negotiation import MOST_STRIPPED, Negotiation, WrongDialectError, outgoing
from device.realtime.session import EndpointingSettings, session_for, truncation_for

GA_CREATED = {"type": "session.created", "session": {"type": "realtime", "expires_at": 99}}
BETA_CREATED = {"type": "session.created", "session": {"modalities": ["text", "audio"]}}
UPDATED = {"type": "session.updated", "session": {"type": "realtime"}}


def endpoint(model: str = "gpt-realtime-2.1", **changes: Any) -> Endpoint:
    return Endpoint("cloud", "wss://host", model, key=Secret("sk-secret"), **changes)


def session(to: Endpoint, **changes: Any) -> ev.Session:
    return session_for(to, **{"instructions": "Be brief.", "voice": "marin", **changes})


def error(code: str, param: str | None = None, message: str = "") -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": "t", "code": code, "param": param, "message": message},
    }


def greet(to: Endpoint, *events: dict[str, Any], **changes: Any) -> tuple[Negotiation, list[Any]]:
    negotiation = Negotiation(to, session(to, **changes))
    sent = [json.loads(text) for event in events for text in negotiation.receive(event)]
    return negotiation, sent


def test_the_normal_greeting(openai_accepts_from_client: Callable[[Any], Any]) -> None:
    negotiation, sent = greet(endpoint(), GA_CREATED)
    assert negotiation.waits_for == "session.updated"
    assert not negotiation.is_done
    assert negotiation.receive(UPDATED) == []
    assert negotiation.is_done
    assert negotiation.endpoint.dialect is Dialect.GA
    assert negotiation.session.expires_at == 99  # said only by session.created
    (update,) = sent
    openai_accepts_from_client(update)
    heard = update["session"]["audio"]["input"]
    assert heard["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert heard["turn_detection"]["silence_duration_ms"] == 500
    assert heard["transcription"] is None
    assert update["session"]["audio"]["output"]["voice"] == "marin"


@pytest.mark.parametrize("mode", list(Endpointing))
def test_every_session_we_build_is_one_that_openai_accepts(
    mode: Endpointing, openai_accepts_from_client: Callable[[Any], Any]
) -> None:
    to = endpoint(turn_detection=mode)
    built = session(
        to,
        tools=[ev.FunctionTool(name="f", description="d", parameters={"type": "object"})],
        transcription_model="gpt-transcribe",
        transcription_language="en",
        speed=1.2,
        max_output_tokens=500,
        truncation=truncation_for(0.7, 6000),
        reasoning_effort="low",
        parallel_tool_calls=False,
        endpointing=EndpointingSettings(threshold=0.7, eagerness="low", interrupt_response=False),
    )
    raw = json.loads(outgoing(to, ev.SessionUpdate(session=built)))
    openai_accepts_from_client(raw)
    ev.client_event(raw, strict=True)
    detection = raw["session"]["audio"]["input"]["turn_detection"]
    assert (detection and detection["type"]) == {"local": None}.get(mode, str(mode))


def test_a_beta_server_is_spoken_to_in_beta() -> None:
    negotiation, sent = greet(endpoint(), BETA_CREATED)
    assert negotiation.endpoint.dialect is Dialect.BETA
    assert sent[0]["session"]["modalities"] == ["text", "audio"]
    assert sent[0]["session"]["input_audio_format"] == "pcm16"
    assert "audio" not in sent[0]["session"]


def test_a_server_that_ignored_the_nested_session_gets_the_flat_one() -> None:
    flat = {"type": "session.updated", "session": {"voice": "af_heart", "modalities": ["text"]}}
    negotiation, sent = greet(endpoint(), {"type": "session.created", "session": {"id": "s"}}, flat)
    assert len(sent) == 2
    assert "audio" in sent[0]["session"]
    assert "modalities" in sent[1]["session"]
    assert not negotiation.is_done
    negotiation.receive(flat)
    assert negotiation.is_done


def test_azure_preview_refuses_the_shape_and_gets_beta() -> None:
    refused = error("unknown_parameter", "session.audio", "Unknown parameter: 'session.audio'.")
    _, sent = greet(endpoint(), GA_CREATED, refused)
    assert "input_audio_format" in sent[1]["session"]


@pytest.mark.parametrize("param", ["session.reasoning", None])
def test_a_refused_field_is_left_out_once_and_remembered(param: str | None) -> None:
    refused = error("unknown_parameter", param, "Unknown parameter: 'session.reasoning'.")
    to = endpoint(model="my-deployment")
    negotiation, sent = greet(to, GA_CREATED, refused, UPDATED, reasoning_effort="low")
    assert sent[0]["session"]["reasoning"] == {"effort": "low"}
    assert "reasoning" not in sent[1]["session"]
    assert negotiation.is_done
    learned = negotiation.endpoint
    assert "reasoning" in learned.refused
    again = json.loads(
        outgoing(
            learned,
            ev.ResponseCreate(response=ev.ResponseParameters(reasoning=ev.Reasoning(effort="low"))),
        )
    )
    assert "reasoning" not in again["response"]


def test_an_old_model_is_not_even_asked_to_reason() -> None:
    _, sent = greet(
        endpoint(model="gpt-realtime"), GA_CREATED, reasoning_effort="low", parallel_tool_calls=True
    )
    assert not {"reasoning", "parallel_tool_calls"} & sent[0]["session"].keys()


def test_a_nested_field_can_be_left_out() -> None:
    refused = error("invalid_value", "session.audio.input.noise_reduction")
    _, sent = greet(endpoint(), GA_CREATED, refused)
    assert "noise_reduction" not in sent[1]["session"]["audio"]["input"]
    assert "turn_detection" in sent[1]["session"]["audio"]["input"]


def test_a_field_refused_twice_is_a_failure() -> None:
    refused = error("unknown_parameter", "session.truncation")
    with pytest.raises(LinkFailed) as failed:
        greet(endpoint(), GA_CREATED, refused, refused)
    assert failed.value.failure.reason is Reason.PROTOCOL


def test_not_for_ever() -> None:
    refusals = [error("unknown_parameter", f"session.field{n}") for n in range(MOST_STRIPPED + 1)]
    with pytest.raises(LinkFailed):
        greet(endpoint(), GA_CREATED, *refusals)


@pytest.mark.parametrize("param", ["session.type", "session.instructions"])
def test_what_makes_no_sense_without_is_never_left_out(param: str) -> None:
    to = endpoint(dialect=Dialect.BETA)
    with pytest.raises(LinkFailed):
        greet(to, BETA_CREATED, error("invalid_value", param))


def test_the_end_of_beta_asks_for_a_new_connection() -> None:
    with pytest.raises(WrongDialectError) as wrong:
        greet(endpoint(dialect=Dialect.BETA), error("beta_api_shape_disabled"))
    assert wrong.value.dialect is Dialect.GA


def test_an_error_instead_of_a_greeting_is_its_own_reason_and_hides_the_key() -> None:
    said = error("invalid_api_key", message="Incorrect API key provided: sk-secret")
    with pytest.raises(LinkFailed) as failed:
        greet(endpoint(), said)
    assert failed.value.failure.reason is Reason.REFUSED_KEY
    assert "sk-secret" not in str(failed.value.failure)


def test_what_comes_in_between_is_kept_in_order() -> None:
    limits = {"type": "rate_limits.updated", "rate_limits": []}
    visemes = {"type": "visemes"}
    negotiation, sent = greet(endpoint(), limits, GA_CREATED, visemes, UPDATED)
    assert [type(event).__name__ for event in negotiation.early] == [
        "RateLimitsUpdated",
        "UnknownEvent",
    ]
    assert len(sent) == 1


def test_session_updated_before_its_time_does_not_count() -> None:
    negotiation, _ = greet(endpoint(), UPDATED)
    assert not negotiation.is_done
    assert negotiation.waits_for == "session.created"


def test_a_wish_that_was_ignored_is_told(caplog: pytest.LogCaptureFixture) -> None:
    audio = {"input": {"turn_detection": {"type": "server_vad"}}, "output": {"voice": "marin"}}
    echo = {"type": "session.updated", "session": {"type": "realtime", "audio": audio}}
    greet(endpoint(turn_detection=Endpointing.SEMANTIC_VAD), GA_CREATED, echo)
    assert "asked for turn_detection semantic_vad, got server_vad" in caplog.text


def test_an_error_that_names_no_field_does_not_end_the_greeting() -> None:
    said = error("", message="Invalid client event: 1 validation error(s)")
    negotiation, sent = greet(endpoint(), GA_CREATED, said)
    assert len(sent) == 1
    assert negotiation.told is not None
    (again,) = map(json.loads, negotiation.quiet())
    assert "transcription" in sent[0]["session"]["audio"]["input"]
    assert "transcription" not in again["session"]["audio"]["input"], "a null, most likely"
    assert negotiation.quiet() == []
    negotiation.receive(UPDATED)
    assert negotiation.is_done


def test_a_field_named_without_a_code_is_left_out_unless_the_update_was_taken() -> None:
    said = error("", message="Specifying `session.truncation` is not supported.")
    negotiation, sent = greet(endpoint(), GA_CREATED, said)
    assert "truncation" in sent[0]["session"]
    (again,) = map(json.loads, negotiation.quiet())
    assert "truncation" not in again["session"]
    taken, _ = greet(endpoint(), GA_CREATED, said, UPDATED)
    assert taken.is_done
    assert "truncation" in taken.endpoint.refused
