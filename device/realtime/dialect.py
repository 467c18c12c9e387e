"""The two dialects of the protocol, GA and beta, translated both ways on plain JSON objects.

OpenAI removed beta on 2026-05-12; speaches, Azure's preview URLs and several resellers
still speak it, and some mix the two. So everything that comes in is brought to GA first,
whatever was agreed (one table of names), and only what goes out depends on the dialect
of the endpoint. Nothing here changes its argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Dialect(StrEnum):
    """How an endpoint wants to be spoken to; ``auto`` finds out."""

    AUTO = "auto"
    GA = "ga"
    BETA = "beta"


BETA_HEADER = ("OpenAI-Beta", "realtime=v1")
"""The header that asks for beta. It must be absent on OpenAI."""

_TEXTS = ("delta", "done")
SERVER_NAMES: Mapping[str, str] = {
    **{f"response.text.{end}": f"response.output_text.{end}" for end in _TEXTS},
    **{f"response.audio.{end}": f"response.output_audio.{end}" for end in _TEXTS},
    **{
        f"response.audio_transcript.{end}": f"response.output_audio_transcript.{end}"
        for end in _TEXTS
    },
    "transcription_session.updated": "session.updated",
    "transcription_session.created": "session.created",
}
"""Beta name of a server event -> GA name. What is not in the table has one name."""
CLIENT_NAMES: Mapping[str, str] = {"transcription_session.update": "session.update"}

_FORMATS: Mapping[str, Json] = {
    "pcm16": {"type": "audio/pcm", "rate": 24_000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
_BETA_FORMATS = {form["type"]: name for name, form in _FORMATS.items()}
_PARTS_TO_GA = {"output_text": "text", "output_audio": "audio"}

_BETA_SESSION_KEYS = frozenset(
    {
        "modalities",
        "voice",
        "speed",
        "input_audio_format",
        "output_audio_format",
        "input_audio_transcription",
        "input_audio_noise_reduction",
        "turn_detection",
        "max_response_output_tokens",
        "temperature",
    }
)
_SAME_IN_BOTH = ("id", "object", "expires_at", "model", "instructions", "tracing", "tool_choice")


def dialect_of_session(session: Mapping[str, Any]) -> Dialect:
    """Tell the dialect of a server from the session of its ``session.created``.

    GA says ``type`` or ``audio``; beta has its flat keys. ``AUTO`` means: cannot tell.
    """
    if "type" in session or "audio" in session:
        return Dialect.GA
    if _BETA_SESSION_KEYS & session.keys():
        return Dialect.BETA
    return Dialect.AUTO


# --- towards GA -----------------------------------------------------------------------


def server_to_ga(raw: Json) -> Json:
    """Bring a server's event to GA names and shapes; a GA event comes out as it was."""
    event = {**raw, "type": SERVER_NAMES.get(raw["type"], raw["type"])}
    _apply(event, "session", session_to_ga)
    _apply(event, "item", item_to_ga)
    _apply(event, "response", response_to_ga)
    _apply(event, "part", _part_to_ga)
    if event["type"] == "error" and isinstance(event.get("error"), str):
        event["error"] = {"type": "error", "message": event["error"]}
    return event


def client_to_ga(raw: Json) -> Json:
    """Bring a client's event to GA names and shapes; a GA event comes out as it was."""
    kind = raw["type"]
    if not isinstance(kind, str):
        return raw
    event = {**raw, "type": CLIENT_NAMES.get(kind, kind)}
    _apply(event, "session", session_to_ga)
    if kind in CLIENT_NAMES and isinstance(event.get("session"), dict):
        event["session"]["type"] = "transcription"
    _apply(event, "item", item_to_ga)
    _apply(event, "response", response_to_ga)
    return event


def _object(holder: Mapping[str, Any], key: str) -> Json:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _apply(holder: Json, key: str, translate: Callable[[Json], Json]) -> None:
    if isinstance(holder.get(key), dict):
        holder[key] = translate(holder[key])


def session_to_ga(session: Json) -> Json:
    """Nest the flat session of beta; mend string formats in a GA one (Azure sends them)."""
    if not _BETA_SESSION_KEYS & session.keys():
        return _with_format_objects(session)
    nested: Json = {"type": "realtime"}
    nested.update({key: session[key] for key in _SAME_IN_BOTH if key in session})
    nested.update(
        {key: session[key] for key in ("type", "tools", "include", "audio") if key in session}
    )
    _rename(session, "max_response_output_tokens", nested, "max_output_tokens")
    if "modalities" in session:
        nested["output_modalities"] = _modalities_to_ga(session["modalities"])
    audio = _flat_audio_to_ga(session)
    if audio:
        nested["audio"] = {**audio, **_object(session, "audio")}
    return _with_format_objects(nested)


def _flat_audio_to_ga(session: Mapping[str, Any]) -> Json:
    heard: Json = {}
    _rename(session, "input_audio_format", heard, "format")
    _rename(session, "input_audio_transcription", heard, "transcription")
    _rename(session, "input_audio_noise_reduction", heard, "noise_reduction")
    _rename(session, "turn_detection", heard, "turn_detection")
    spoken = _flat_output_to_ga(session)
    _rename(session, "speed", spoken, "speed")
    return {key: value for key, value in (("input", heard), ("output", spoken)) if value}


def _flat_output_to_ga(holder: Mapping[str, Any]) -> Json:
    spoken: Json = {}
    _rename(holder, "output_audio_format", spoken, "format")
    _rename(holder, "voice", spoken, "voice")
    return spoken


def _rename(source: Mapping[str, Any], old: str, target: Json, new: str) -> None:
    if old in source:
        target[new] = source[old]


def _modalities_to_ga(modalities: Any) -> Any:
    if isinstance(modalities, list):
        return ["audio"] if "audio" in modalities else ["text"]
    return modalities


def _with_format_objects(session: Json) -> Json:
    audio = session.get("audio")
    if not isinstance(audio, dict):
        return dict(session)
    return {**session, "audio": {side: _with_format_object(audio[side]) for side in audio}}


def _with_format_object(side: Any) -> Any:
    if isinstance(side, dict) and isinstance(side.get("format"), str):
        return {**side, "format": _FORMATS.get(side["format"], side["format"])}
    return side


def response_to_ga(response: Json) -> Json:
    """Bring a response object, or the parameters of ``response.create``, to GA."""
    beta_only = ("modalities", "voice", "output_audio_format", "max_response_output_tokens")
    modern = {key: value for key, value in response.items() if key not in beta_only}
    if any(key in response for key in beta_only):
        modern.pop("temperature", None)
    if "modalities" in response:
        modern["output_modalities"] = _modalities_to_ga(response["modalities"])
    _rename(response, "max_response_output_tokens", modern, "max_output_tokens")
    spoken = _flat_output_to_ga(response)
    if spoken:
        modern["audio"] = {"output": spoken}
    for key in ("output", "input"):
        if isinstance(modern.get(key), list):
            modern[key] = [item_to_ga(i) if isinstance(i, dict) else i for i in modern[key]]
    return _with_format_objects(modern)


def item_to_ga(item: Json) -> Json:
    """Give the content parts of a message their GA names, by who speaks."""
    if item.get("type") != "message" or not isinstance(item.get("content"), list):
        return item
    said = "output" if item.get("role") == "assistant" else "input"
    names = {"text": f"{said}_text", "audio": f"{said}_audio"}
    return {**item, "content": [_renamed_part(part, names) for part in item["content"]]}


def _part_to_ga(part: Json) -> Json:
    renamed: Json = _renamed_part(part, _PARTS_TO_GA)
    return renamed


def _renamed_part(part: Any, names: Mapping[str, str]) -> Any:
    if isinstance(part, dict) and isinstance(part.get("type"), str) and part["type"] in names:
        return {**part, "type": names[part["type"]]}
    return part


# --- towards beta ---------------------------------------------------------------------

_SERVER_NAMES_TO_BETA = {
    ga: beta for beta, ga in SERVER_NAMES.items() if not beta.startswith("transcription_session")
}


def client_to_beta(raw: Json) -> Json:
    """Write a GA client event for an endpoint that speaks beta; what beta lacks is dropped."""
    event = dict(raw)
    _apply(event, "session", session_to_beta)
    _apply(event, "item", item_to_beta)
    _apply(event, "response", response_to_beta)
    return event


def server_to_beta(raw: Json) -> Json | None:
    """Write a GA server event for a client that speaks beta.

    None when beta has no such event (``conversation.item.done``, MCP, segments).
    """
    if raw["type"] == "conversation.item.added":
        raw = {**raw, "type": "conversation.item.created"}
    elif _absent_from_beta(raw["type"]):
        return None
    event = {**raw, "type": _SERVER_NAMES_TO_BETA.get(raw["type"], raw["type"])}
    _apply(event, "session", session_to_beta)
    _apply(event, "item", item_to_beta)
    _apply(event, "response", response_to_beta)
    if event["type"] == "response.function_call_arguments.done":
        event.pop("name", None)
    return event


def _absent_from_beta(kind: str) -> bool:
    absent = ("conversation.item.done", "mcp_list_tools.", "response.mcp_call")
    ends = (".segment", ".timeout_triggered", ".dtmf_event_received")
    return kind.startswith(absent) or kind.endswith(ends)


def session_to_beta(session: Json) -> Json:
    """Flatten a GA session."""
    flat = {key: session[key] for key in _SAME_IN_BOTH if key in session}
    if isinstance(session.get("tools"), list):
        flat["tools"] = _function_tools(session["tools"])
    if "output_modalities" in session:
        flat["modalities"] = _modalities_to_beta(session["output_modalities"])
    _rename(session, "max_output_tokens", flat, "max_response_output_tokens")
    _without_mcp_choice(flat)
    audio = _object(session, "audio")
    _flatten_input(_object(audio, "input"), flat)
    _flatten_output(_object(audio, "output"), flat)
    _rename(_object(audio, "output"), "speed", flat, "speed")
    return flat


def _flatten_input(heard: Mapping[str, Any], flat: Json) -> None:
    if "format" in heard:
        flat["input_audio_format"] = _format_to_beta(heard["format"])
    _rename(heard, "turn_detection", flat, "turn_detection")
    _rename(heard, "transcription", flat, "input_audio_transcription")
    _rename(heard, "noise_reduction", flat, "input_audio_noise_reduction")
    _keep_only(flat, "input_audio_transcription", ("model", "language", "prompt"))
    _keep_only(flat, "input_audio_noise_reduction", ("type",))
    if isinstance(flat.get("turn_detection"), dict):
        flat["turn_detection"] = _without(flat["turn_detection"], "idle_timeout_ms")


def _flatten_output(spoken: Mapping[str, Any], flat: Json) -> None:
    if "format" in spoken:
        flat["output_audio_format"] = _format_to_beta(spoken["format"])
    if not isinstance(spoken.get("voice"), dict):  # a voice of one's own is a GA matter
        _rename(spoken, "voice", flat, "voice")


def _format_to_beta(form: Any) -> Any:
    return _BETA_FORMATS.get(form.get("type"), "pcm16") if isinstance(form, dict) else form


def _keep_only(holder: Json, key: str, wanted: tuple[str, ...]) -> None:
    if isinstance(holder.get(key), dict):
        holder[key] = {name: holder[key][name] for name in wanted if name in holder[key]}


def _without(holder: Mapping[str, Any], key: str) -> Json:
    return {name: value for name, value in holder.items() if name != key}


def _without_mcp_choice(holder: Json) -> None:
    choice = holder.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "mcp":
        holder["tool_choice"] = "auto"


def _function_tools(tools: list[Any]) -> list[Any]:
    return [t for t in tools if isinstance(t, dict) and t.get("type") == "function"]


def _modalities_to_beta(modalities: Any) -> list[str]:
    spoken = isinstance(modalities, list) and "audio" in modalities
    return ["text", "audio"] if spoken else ["text"]


def response_to_beta(response: Json) -> Json:
    """Bring a response object, or the parameters of ``response.create``, to beta."""
    moved = ("output_modalities", "max_output_tokens", "audio", "reasoning", "parallel_tool_calls")
    old = {key: value for key, value in response.items() if key not in moved}
    if "output_modalities" in response:
        old["modalities"] = _modalities_to_beta(response["output_modalities"])
    _rename(response, "max_output_tokens", old, "max_response_output_tokens")
    _flatten_output(_object(_object(response, "audio"), "output"), old)
    if isinstance(old.get("tools"), list):
        old["tools"] = _function_tools(old["tools"])
    _without_mcp_choice(old)
    for key in ("output", "input"):
        if isinstance(old.get(key), list):
            old[key] = [item_to_beta(i) if isinstance(i, dict) else i for i in old[key]]
    return old


def item_to_beta(item: Json) -> Json:
    """Give the content parts of an assistant's message their beta names."""
    if item.get("type") != "message" or not isinstance(item.get("content"), list):
        return item
    return {**item, "content": [_renamed_part(part, _PARTS_TO_GA) for part in item["content"]]}
