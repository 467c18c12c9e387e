"""The shapes of the eleven client events (GA dialect; the bounds are the documented ones)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from device.brain.protocol.shapes import (
    Place,
    RequestError,
    Shape,
    anything,
    array,
    boolean,
    choice,
    either,
    free_object,
    integer,
    mapping,
    missing,
    nullable,
    number,
    record,
    suggestion,
    tagged,
    text,
)
from device.brain.understanding.schema_check import schema_fault

VOICES = (
    *("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"),
)
LONGEST_ID = 512
_EFFORTS = ("minimal", "low", "medium", "high", "xhigh")
_BETA_FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}

identifier = text(longest=LONGEST_ID)


# ----------------------------------------------------------------- parts of a session


def _audio_format(value: Any, at: Place) -> dict[str, Any]:
    """Take a format object; where lenient also the names that beta clients go on using."""
    if isinstance(value, str) and not at.strict and value in _BETA_FORMATS:
        value = {"type": _BETA_FORMATS[value]}
    form: dict[str, Any] = _format_object(value, at)
    if form["type"] == "audio/pcm":
        form["rate"] = 24_000
    else:
        form.pop("rate", None)
    return form


def _pcm_rate(value: Any, at: Place) -> int:
    if value != 24_000 or isinstance(value, bool):
        raise at.wrong_value(value, "Only a rate of 24000 is supported.")
    return 24_000


_format_object = tagged(
    {
        "audio/pcm": record({"type": anything}, {"rate": _pcm_rate}),
        "audio/pcmu": record({"type": anything}),
        "audio/pcma": record({"type": anything}),
    }
)

_turn_flags: dict[str, Shape] = {"create_response": boolean, "interrupt_response": boolean}
_turn_detection_object = tagged(
    {
        "server_vad": record(
            {"type": anything},
            {
                **_turn_flags,
                "threshold": number(0, 1),
                "prefix_padding_ms": integer(0, 60_000),
                "silence_duration_ms": integer(0, 60_000),
                "idle_timeout_ms": nullable(integer(5000, 30_000)),
            },
        ),
        "semantic_vad": record(
            {"type": anything},
            {**_turn_flags, "eagerness": choice("low", "medium", "high", "auto")},
        ),
    }
)


def _turn_detection(value: Any, at: Place) -> Any:
    """Take a turn detection object; where lenient, one without a type means ``server_vad``."""
    if isinstance(value, dict) and "type" not in value and not at.strict:
        value = {"type": "server_vad", **value}
    return _turn_detection_object(value, at)


_transcription = record(
    {},
    {
        "model": nullable(text(longest=200)),
        "language": nullable(text(longest=16)),
        "languages": nullable(array(text(longest=16), longest=100)),
        "keywords": nullable(array(text(longest=200), longest=1000)),
        "prompt": nullable(text(longest=10_000)),
        "delay": nullable(choice(*_EFFORTS[:3], "high", "xhigh")),
    },
)
_audio_input: dict[str, Shape] = {
    "format": nullable(_audio_format),
    "noise_reduction": nullable(
        record({}, {"type": choice("near_field", "far_field"), "strength": nullable(number(0))})
    ),
    "transcription": nullable(_transcription),
    "turn_detection": nullable(_turn_detection),
}
_voice = either(suggestion(*VOICES), record({"id": identifier}))
_function_tool = record(
    {"type": anything, "name": text(longest=64, pattern="[a-zA-Z0-9_-]+")},
    {
        "description": nullable(text(longest=10_000)),
        "parameters": nullable(free_object),
    },
)


def _sound_tool(value: Any, at: Place) -> Any:
    """A function whose schema can be relied on; else an error that names the function."""
    tool = _function_tool(value, at)
    parameters = tool.get("parameters")
    if parameters is not None and (fault := schema_fault(parameters)):
        message = f"Invalid schema for function '{tool['name']}': {fault}."
        raise RequestError("invalid_function_parameters", message, f"{at.path}.parameters")
    return tool


_tool_names = array(text(), longest=1000)
_tool_filter = record({}, {"tool_names": _tool_names, "read_only": nullable(boolean)})


def _list_or_filter(value: Any, at: Place) -> Any:
    return _tool_names(value, at) if isinstance(value, list) else _tool_filter(value, at)


_mcp_tool = record(
    {"type": anything, "server_label": text(longest=200)},
    {
        "server_url": nullable(text(longest=2000)),
        "connector_id": nullable(text(longest=200)),
        "tunnel_id": nullable(text(longest=200)),
        "authorization": nullable(text(longest=10_000)),
        "headers": nullable(mapping(anything, text(), most=100)),
        "allowed_tools": nullable(_list_or_filter),
        "require_approval": nullable(
            either(
                choice("always", "never"),
                record({}, {"always": _tool_filter, "never": _tool_filter}),
            )
        ),
        "server_description": nullable(text(longest=10_000)),
        "allowed_callers": nullable(array(choice("direct", "programmatic"))),
        "defer_loading": nullable(boolean),
    },
)
_tools = array(tagged({"function": _sound_tool, "mcp": _mcp_tool}), longest=128)
_tool_choice = either(
    choice("none", "auto", "required"),
    tagged(
        {
            "function": record({"type": anything, "name": text(longest=64)}),
            "mcp": record(
                {"type": anything, "server_label": text(longest=200)}, {"name": nullable(text())}
            ),
        }
    ),
)


def _modalities(value: Any, at: Place) -> list[str]:
    """Take ``["audio"]`` or ``["text"]``; both at once is beta's way to ask for audio."""
    given: list[str] = array(choice("audio", "text"))(value, at)
    if len(given) == 1:
        return given
    if set(given) == {"audio", "text"} and not at.strict:
        return ["audio"]
    raise at.wrong_value(given, "Supported values are: ['audio'] and ['text'].")


def _max_output_tokens(value: Any, at: Place) -> int | str:
    if value == "inf":
        return "inf"
    if isinstance(value, str):
        raise at.wrong_value(value, "It must be an integer from 1 to 4096, or 'inf'.")
    tokens: int = integer(1, 4096)(value, at)
    return tokens


_truncation = either(
    choice("auto", "disabled"),
    tagged(
        {
            "retention_ratio": record(
                {"type": anything, "retention_ratio": number(0, 1)},
                {"token_limits": nullable(record({}, {"post_instructions": integer(0)}))},
            )
        }
    ),
)
_prompt = record(
    {"id": identifier}, {"version": nullable(text()), "variables": nullable(free_object)}
)
_shared: dict[str, Shape] = {
    "instructions": nullable(text()),
    "output_modalities": nullable(_modalities),
    "tools": nullable(_tools),
    "tool_choice": nullable(_tool_choice),
    "parallel_tool_calls": nullable(boolean),
    "reasoning": nullable(record({}, {"effort": nullable(choice(*_EFFORTS))})),
    "max_output_tokens": nullable(_max_output_tokens),
    "prompt": nullable(_prompt),
}
"""What a session and a single response have in common."""

_realtime_session = record(
    {"type": anything},
    {
        **_shared,
        "model": nullable(text(longest=200)),
        "audio": record(
            {},
            {
                "input": record({}, _audio_input),
                "output": record(
                    {},
                    {
                        "format": nullable(_audio_format),
                        "voice": nullable(_voice),
                        "speed": nullable(number(0.25, 1.5)),
                    },
                ),
            },
        ),
        "truncation": nullable(_truncation),
        "tracing": nullable(
            either(
                choice("auto"),
                record(
                    {},
                    {"workflow_name": text(), "group_id": text(), "metadata": anything},
                ),
            )
        ),
        "include": nullable(array(choice("item.input_audio_transcription.logprobs"))),
    },
)
_transcription_session = record(
    {"type": anything},
    {
        "audio": record({}, {"input": record({}, _audio_input)}),
        "include": nullable(array(choice("item.input_audio_transcription.logprobs"))),
    },
)
session_shape = tagged({"realtime": _realtime_session, "transcription": _transcription_session})


# ------------------------------------------------------------------- parts of an item

_input_text = record({"type": anything, "text": text()})
_data_uri = text(pattern=r"(?s)data:image/(png|jpe?g);base64,.*")
_user_part = tagged(
    {
        "input_text": _input_text,
        "input_audio": record(
            {"type": anything, "audio": text()}, {"transcript": nullable(text())}
        ),
        "input_image": record(
            {"type": anything, "image_url": _data_uri},
            {"detail": nullable(choice("auto", "low", "high"))},
        ),
    }
)
_item_common: dict[str, Shape] = {
    "id": nullable(text(longest=LONGEST_ID)),
    "object": nullable(choice("realtime.item")),
    "status": nullable(choice("in_progress", "completed", "incomplete")),
}


def _message_of(part: Shape) -> Shape:
    return record(
        {"type": anything, "role": anything, "content": array(part, longest=1000)},
        {**_item_common, "phase": nullable(text(longest=64))},
    )


_message = tagged(
    {
        "system": _message_of(tagged({"input_text": _input_text})),
        "user": _message_of(_user_part),
        "assistant": _message_of(
            tagged({"output_text": record({"type": anything, "text": text()})})
        ),
    },
    tag="role",
)
_mcp_names: dict[str, Shape] = {
    "type": anything,
    "id": identifier,
    "server_label": text(),
    "name": text(),
    "arguments": text(),
}
_mcp_error = tagged(
    {
        "protocol_error": record({"type": anything, "code": integer(), "message": text()}),
        "tool_execution_error": record({"type": anything, "message": text()}),
        "http_error": record({"type": anything, "code": integer(), "message": text()}),
    }
)
_items: dict[str, Shape] = {
    "message": _message,
    "function_call": record(
        {"type": anything, "name": text(longest=64), "arguments": text()},
        {**_item_common, "call_id": nullable(identifier)},
    ),
    "function_call_output": record(
        {"type": anything, "call_id": identifier, "output": text()}, _item_common
    ),
    "mcp_approval_response": record(
        {
            "type": anything,
            "id": identifier,
            "approval_request_id": identifier,
            "approve": boolean,
        },
        {"reason": nullable(text())},
    ),
    "mcp_list_tools": record(
        {
            "type": anything,
            "server_label": text(),
            "tools": array(
                record(
                    {"name": text(), "input_schema": anything},
                    {"description": nullable(text()), "annotations": anything},
                )
            ),
        },
        {"id": nullable(identifier)},
    ),
    "mcp_call": record(
        _mcp_names,
        {
            "output": nullable(text()),
            "error": nullable(_mcp_error),
            "approval_request_id": nullable(identifier),
        },
    ),
    "mcp_approval_request": record(_mcp_names),
}
item_shape = tagged(_items)
_input_item = tagged({**_items, "item_reference": record({"type": anything, "id": identifier})})


# ------------------------------------------------------------------------- the events

_response_parameters = record(
    {},
    {
        **_shared,
        "conversation": nullable(choice("auto", "none")),
        "input": nullable(array(_input_item, longest=1000)),
        "metadata": nullable(mapping(text(longest=64), text(longest=512), most=16)),
        "audio": record(
            {},
            {"output": record({}, {"format": nullable(_audio_format), "voice": nullable(_voice)})},
        ),
    },
)


def _event(
    required: Mapping[str, Shape] | None = None, optional: Mapping[str, Shape] | None = None
) -> Shape:
    return record(
        {"type": anything, **(required or {})},
        {"event_id": nullable(identifier), **(optional or {})},
    )


_EVENTS: dict[str, Shape] = {
    "session.update": _event({"session": session_shape}),
    "input_audio_buffer.append": _event({"audio": text()}),
    "input_audio_buffer.commit": _event(),
    "input_audio_buffer.clear": _event(),
    "conversation.item.create": _event(
        {"item": item_shape}, {"previous_item_id": nullable(identifier)}
    ),
    "conversation.item.retrieve": _event({"item_id": identifier}),
    "conversation.item.delete": _event({"item_id": identifier}),
    "conversation.item.truncate": _event(
        {"item_id": identifier, "content_index": integer(0), "audio_end_ms": integer(0)}
    ),
    "response.create": _event(optional={"response": nullable(_response_parameters)}),
    "response.cancel": _event(optional={"response_id": nullable(identifier)}),
    "output_audio_buffer.clear": _event(),
}


def parsed(message: str | bytes) -> dict[str, Any]:
    """Read one message of a client; raise `RequestError` for what is no event at all."""
    if isinstance(message, bytes):
        raise RequestError("invalid_event", "Events are sent as text, not as binary messages.")
    try:
        event = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RequestError("invalid_event", f"The event is not valid JSON: {error}.") from None
    if not isinstance(event, dict):
        raise RequestError("invalid_event", "An event is a JSON object.")
    if "type" not in event:
        raise missing(Place("type", True))
    return event


def checked(event: Mapping[str, Any], strict: bool) -> dict[str, Any]:
    """Return the event with everything in it as documented; raise `RequestError` if it is not.

    In lenient mode what nobody knows is left out; in strict mode it is an error.
    """
    kind = event.get("type")
    if not isinstance(kind, str):
        raise missing(Place("type", strict))
    if kind not in _EVENTS:
        names = ", ".join(repr(name) for name in _EVENTS)
        message = f"Invalid value: {kind[:80]!r}. Supported values are: {names}."
        raise RequestError("invalid_value", message, "type")
    clean: dict[str, Any] = _EVENTS[kind](event, Place("", strict))
    return clean
