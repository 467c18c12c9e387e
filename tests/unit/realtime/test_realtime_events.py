from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent

from device.realtime import events as ev
from device.realtime.events import UNSET, ProtocolError, UnknownEvent

Accepts = Callable[[Any], Any]


def test_client_examples_come_back_as_they_went(
    client_example: str, openai_accepts_from_client: Accepts
) -> None:
    event = ev.decode_client(client_example)
    assert not isinstance(event, UnknownEvent)
    back = json.loads(ev.encode(event))
    assert back == json.loads(client_example)
    openai_accepts_from_client(back)


def test_server_examples_come_back_as_they_went(
    server_example: str, openai_accepts_from_server: Accepts
) -> None:
    event = ev.decode_server(server_example)
    assert not isinstance(event, UnknownEvent)
    back = json.loads(ev.encode(event))
    assert back == json.loads(server_example)
    openai_accepts_from_server(back)


def test_client_examples_are_accepted_strictly_too(client_example: str) -> None:
    ev.client_event(json.loads(client_example), strict=True)


def test_the_list_of_events_is_openais_own() -> None:
    def tags(union: Any) -> set[str]:
        members = union.__args__[0].__args__ if hasattr(union, "__metadata__") else union.__args__
        return {member.model_fields["type"].annotation.__args__[0] for member in members}

    assert tags(RealtimeClientEvent) == ev.CLIENT_TYPES
    # the package's union leaves out nothing that we have, and we nothing that it has
    assert tags(RealtimeServerEvent) == ev.SERVER_TYPES


def test_class_names_follow_the_wire() -> None:
    def camel(wire: str) -> str:
        return "".join(word.capitalize() for word in wire.replace(".", "_").split("_"))

    for wire in (ev.CLIENT_TYPES | ev.SERVER_TYPES) - {"error"}:
        assert getattr(ev, camel(wire)).__struct_config__.tag == wire
    assert ev.ErrorEvent.__struct_config__.tag == "error"


# --- liberal in what we accept ----------------------------------------------------------


def server(**fields: Any) -> Any:
    return ev.decode_server(json.dumps(fields))


def test_an_unknown_event_is_kept_whole() -> None:
    event = server(type="response.visemes.delta", event_id="e", shapes=[1, 2])
    assert event == UnknownEvent(
        "response.visemes.delta",
        {"type": "response.visemes.delta", "event_id": "e", "shapes": [1, 2]},
    )
    assert json.loads(ev.encode(event)) == event.raw


def test_missing_name_of_a_tool_call_is_empty() -> None:
    event = server(
        type="response.function_call_arguments.done",
        response_id="r",
        item_id="i",
        output_index=0,
        call_id="c",
        arguments="{}",
    )
    assert event.name == ""
    assert event.arguments == "{}"


def test_missing_item_id_of_committed_is_empty() -> None:
    assert server(type="input_audio_buffer.committed", event_id="e").item_id == ""


def test_null_where_text_belongs_is_empty() -> None:
    event = server(
        type="conversation.item.input_audio_transcription.completed",
        event_id=None,
        item_id=None,
        content_index=None,
        transcript=None,
        usage=None,
    )
    assert (event.item_id, event.content_index, event.transcript) == ("", 0, "")


def test_wrong_values_of_optional_fields_are_dropped() -> None:
    event = server(
        type="response.done",
        response={"id": "r", "status": "exploded", "usage": {"total_tokens": None}, "output": None},
    )
    assert event.response.status is UNSET
    assert event.response.usage.total_tokens == 0
    assert event.response.output is UNSET


def test_a_fraction_of_a_millisecond_is_rounded() -> None:
    event = server(type="input_audio_buffer.speech_started", item_id="i", audio_start_ms=12.6)
    assert event.audio_start_ms == 13


def test_an_item_of_an_unknown_type_is_kept() -> None:
    item = {"type": "hologram", "id": "item_9", "voxels": 3}
    event = server(type="conversation.item.added", event_id="e", item=item)
    assert isinstance(event.item, ev.UnknownItem)
    assert event.item.raw == item
    assert event.item.id == "item_9"
    with pytest.raises(ProtocolError):
        ev.encode(event)


def test_an_unknown_content_part_does_not_take_the_others_along() -> None:
    content = [{"type": "smell"}, {"type": "output_text", "text": "hi"}]
    item = {"type": "message", "role": "assistant", "id": "a", "content": content}
    event = server(type="conversation.item.done", event_id="e", item=item)
    assert event.item.content == [ev.OutputText(text="hi")]


def test_an_error_that_is_only_text() -> None:
    assert server(type="error", error="model not loaded").error.message == "model not loaded"


def test_an_error_whose_code_is_a_number() -> None:
    event = server(type="error", error={"type": "server_error", "code": 500, "message": None})
    assert (event.error.code, event.error.message) == ("500", "")


@pytest.mark.parametrize(
    "text",
    ["", "hello", "[]", "3", "null", '{"no":"type"}', '{"type":3}', '{"type":', "\ud800", b"\xff"],
)
def test_what_is_no_event_is_a_protocol_error(text: str | bytes) -> None:
    for decode in (ev.decode_server, ev.decode_client):
        with pytest.raises(ProtocolError):
            decode(text)


@pytest.mark.parametrize("session", ["text", None, 3, []])
def test_a_session_that_is_no_object_is_refused_or_empty(session: Any) -> None:
    assert server(type="session.updated", session=session).session == ev.Session()


def test_a_million_brackets_do_not_break_the_decoder() -> None:
    for text in ("[" * 1_000_000, '{"type":' * 100_000, '{"type":"x","a":' + "[" * 100_000):
        with pytest.raises(ProtocolError):
            ev.decode_server(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.text() | st.binary())
def test_any_text_gives_an_event_or_a_protocol_error(text: str | bytes) -> None:
    for decode in (ev.decode_server, ev.decode_client):
        with contextlib.suppress(ProtocolError):
            decode(text)


FIELDS = st.sampled_from(
    (
        *("event_id", "session", "item", "response", "error", "part", "item_id", "output_index"),
        *("delta", "rate_limits", "usage", "name", "arguments", "content", "audio", "output"),
        *("tools", "voice", "modalities", "turn_detection", "input", "format", "role"),
    )
)
OBJECT = st.dictionaries(FIELDS | st.just("type"), JSON | st.dictionaries(FIELDS, JSON))


@given(
    st.sampled_from(sorted(ev.SERVER_TYPES | ev.CLIENT_TYPES)),
    st.dictionaries(FIELDS, JSON | OBJECT),
)
def test_any_fields_in_a_known_event_give_an_event_or_a_protocol_error(
    kind: str, fields: dict[str, Any]
) -> None:
    text = json.dumps({**fields, "type": kind})
    for decode in (ev.decode_server, ev.decode_client):
        with contextlib.suppress(ProtocolError):
            assert decode(text) is not None


# --- strict in what we send -------------------------------------------------------------


def test_a_value_out_of_range_is_not_sent() -> None:
    session = ev.Session(
        audio=ev.SessionAudio(
            input=ev.AudioInputSettings(turn_detection=ev.ServerVad(threshold=3.0))
        )
    )
    with pytest.raises(ProtocolError) as refused:
        ev.encode(ev.SessionUpdate(session=session))
    assert refused.value.param == "session.audio.input.turn_detection.threshold"


def test_absent_and_null_are_different_on_the_wire() -> None:
    absent = ev.SessionUpdate(session=ev.Session(audio=ev.SessionAudio()))
    cleared = ev.SessionUpdate(
        session=ev.Session(audio=ev.SessionAudio(input=ev.AudioInputSettings(turn_detection=None)))
    )
    assert json.loads(ev.encode(absent))["session"]["audio"] == {}
    sent = json.loads(ev.encode(cleared))["session"]["audio"]
    assert sent == {"input": {"turn_detection": None}}
    back = ev.decode_client(ev.encode(cleared))
    assert isinstance(back, ev.SessionUpdate)
    assert back == cleared


def test_a_server_event_without_an_id_gets_one_of_its_own() -> None:
    cleared = ev.InputAudioBufferCleared()
    first, second = (json.loads(ev.encode(cleared))["event_id"] for _ in range(2))
    assert first
    assert second
    assert first != second
    assert cleared.event_id == ""


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"type": "realtime", "temperature": 0.8, "audio": {}}, "session.temperature"),
        ({"type": "realtime", "foo": 1}, "session.foo"),
        ({"type": "realtime", "audio": {"input": {"foo": 1}}}, "session.audio.input.foo"),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "eagerness": "low"}}}},
            "session.audio.input.turn_detection.eagerness",
        ),
        ({"type": "realtime", "audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
    ],
)  # fmt: skip
def test_a_strict_server_names_the_field(session: dict[str, Any], param: str) -> None:
    raw = {"type": "session.update", "session": session}
    with pytest.raises(ProtocolError) as refused:
        ev.client_event(raw, strict=True)
    assert refused.value.param == param
    ev.client_event(raw)  # the liberal one does not mind


# --- audio --------------------------------------------------------------------------------


@given(st.lists(st.integers(-32768, 32767)))
def test_samples_survive_the_wire(values: list[int]) -> None:
    samples = np.array(values, dtype=np.int16)
    assert np.array_equal(ev.base64_to_pcm(ev.pcm_to_base64(samples)), samples)


def test_samples_are_little_endian() -> None:
    assert base64.b64decode(ev.pcm_to_base64(np.array([1], dtype=np.int16))) == b"\x01\x00"


@pytest.mark.parametrize("text", ["====", "AAA", "not base64!", "AAAA", "\u20ac"])
def test_audio_that_is_none(text: str) -> None:
    with pytest.raises(ProtocolError):
        ev.base64_to_pcm(text)


def test_only_int16_in_one_dimension_is_encoded() -> None:
    for wrong in (np.zeros(3, dtype=np.float32), np.zeros((2, 2), dtype=np.int16)):
        with pytest.raises(ValueError, match="expected 1-D int16"):
            ev.pcm_to_base64(wrong)  # type: ignore[arg-type]


def test_events_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        ev.ResponseCancel().response_id = "r"  # type: ignore[misc]


def test_decoding_is_one_pass_for_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hot path, an audio delta, must not take the way of the repaired."""
    monkeypatch.setattr("device.realtime.codec.server_event", None)
    delta = ev.ResponseOutputAudioDelta(
        response_id="r", item_id="i", output_index=0, content_index=0, delta="AAAA"
    )
    assert ev.decode_server(ev.encode(delta)).delta == "AAAA"  # type: ignore[union-attr]


def test_structs_are_msgspec() -> None:
    assert issubclass(ev.SessionUpdate, msgspec.Struct)
