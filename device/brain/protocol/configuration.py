"""The configuration of a session: its defaults, how an update changes it, what it means."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from device.brain.base.abilities import FunctionTool, NamedTool, ToolChoice
from device.brain.protocol.codec import FORMATS, WireFormat
from device.brain.protocol.shapes import RequestError
from device.brain.understanding.expected_words import expected_words

Json: TypeAlias = dict[str, Any]

DEFAULT_MODEL = "bittern-brain"
DEFAULT_VOICE = "alloy"
DEFAULT_INSTRUCTIONS = (
    "You are the offline voice of a home appliance. Answer in one or two short spoken "
    "sentences. You have no internet: where a fact is asked and you are not sure, say so."
)

_SERVER_VAD: Json = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC_VAD: Json = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
_PCM: Json = {"type": "audio/pcm", "rate": 24_000}
_INPUT: Json = {
    "format": _PCM,
    "transcription": None,
    "noise_reduction": None,
    "turn_detection": _SERVER_VAD,
}
_REALTIME: Json = {
    "type": "realtime",
    "object": "realtime.session",
    "model": DEFAULT_MODEL,
    "output_modalities": ["audio"],
    "instructions": DEFAULT_INSTRUCTIONS,
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "truncation": "auto",
    "tracing": None,
    "include": None,
    "prompt": None,
    "audio": {"input": _INPUT, "output": {"format": _PCM, "voice": DEFAULT_VOICE, "speed": 1.0}},
}
_TRANSCRIPTION: Json = {
    "type": "transcription",
    "object": "realtime.transcription_session",
    "include": None,
    "audio": {"input": {**_INPUT, "transcription": {"model": DEFAULT_MODEL}}},
}
_CLEARED: Json = {
    "instructions": "",
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "truncation": "auto",
    "output_modalities": ["audio"],
}
"""What ``null`` means for a field that is never null in the effective session."""
_DROPPED_BY_NULL = ("parallel_tool_calls", "reasoning")


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """``audio.input.turn_detection``, every value filled in."""

    kind: Literal["server_vad", "semantic_vad"]
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None
    eagerness: Literal["low", "medium", "high"] = "medium"
    create_response: bool = True
    interrupt_response: bool = True


@dataclass(frozen=True, slots=True)
class Truncation:
    """What to do when the conversation outgrows the context."""

    is_allowed: bool = True
    retention_ratio: float = 1.0
    post_instructions_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    """What one response is made with: the session's values, overridden for this response."""

    instructions: str
    modality: Literal["audio", "text"]
    voice: str | Json
    output_format: WireFormat
    speed: float
    tools: Sequence[Json]
    tool_choice: str | Json
    parallel_tool_calls: bool
    max_output_tokens: int | None
    truncation: Truncation
    metadata: dict[str, str] | None = None
    own_instructions: str = ""
    """What this one response is told, beside the session; empty where nothing is."""

    @property
    def function_tools(self) -> list[FunctionTool]:
        """The tools that the client runs, which are the only ones that work without a network."""
        return [
            FunctionTool(
                tool["name"],
                tool.get("description") or "",
                tool.get("parameters") or {"type": "object", "properties": {}},
            )
            for tool in self.tools
            if tool["type"] == "function"
        ]

    @property
    def thinkers_choice(self) -> ToolChoice:
        """``tool_choice`` as the thinker takes it; an MCP choice is none that it can make."""
        choice = self.tool_choice
        if isinstance(choice, dict):
            return NamedTool(choice["name"]) if choice["type"] == "function" else "none"
        if choice == "none":
            return "none"
        return "required" if choice == "required" else "auto"

    @property
    def voice_name(self) -> str:
        """The voice as one name, a voice of the client's own by its id."""
        return str(self.voice["id"]) if isinstance(self.voice, dict) else self.voice


class Configuration:
    """The effective configuration of one session, as the wire shows it."""

    def __init__(
        self, session_id: str, expires_at: int, model: str | None, is_transcription: bool
    ) -> None:
        self._fields = copy.deepcopy(_TRANSCRIPTION if is_transcription else _REALTIME)
        self._fields["id"] = session_id
        self._fields["expires_at"] = expires_at
        self._model_is_open = model is None
        if model is not None and not is_transcription:
            self._fields["model"] = model

    def wire(self) -> Json:
        """Return the complete session object; a copy."""
        return copy.deepcopy(self._fields)

    @property
    def is_transcription(self) -> bool:
        """Whether this session only writes down what it hears."""
        return bool(self._fields["type"] == "transcription")

    # ------------------------------------------------------------------------ updating

    def update(self, changes: Json, strict: bool, has_spoken: bool, is_responding: bool) -> None:
        """Apply a checked ``session`` of ``session.update``, wholly or not at all.

        Raises `RequestError` for what cannot be changed (any more).
        """
        self._check_locked(changes, has_spoken)
        if strict:
            self._check_refused(changes, is_responding)
        updated = _merged(self._fields, changes)
        _check_choice(updated.get("tool_choice"), updated.get("tools", []), "session")
        if changes.get("model") is not None:
            self._model_is_open = False
        self._fields = updated

    def _check_locked(self, changes: Json, has_spoken: bool) -> None:
        if changes["type"] != self._fields["type"]:
            message = f"This is a {self._fields['type']} session; its type cannot be changed."
            raise RequestError("invalid_value", message, "session.type")
        model = changes.get("model")
        if model is not None and model != self._fields.get("model") and not self._model_is_open:
            message = f"The model of a session cannot be changed (it is {self._fields['model']})."
            raise RequestError("invalid_value", message, "session.model")
        output = changes.get("audio", {}).get("output", {})
        self.check_voice(output.get("voice"), has_spoken, "session.audio.output.voice")

    def check_voice(self, voice: Any, has_spoken: bool, param: str) -> None:
        """Raise `RequestError` if another voice is wanted after the first has been heard."""
        if has_spoken and voice is not None and voice != self._fields["audio"]["output"]["voice"]:
            message = "Cannot update a conversation's voice if assistant audio is present."
            raise RequestError("cannot_update_voice", message, param)

    def _check_refused(self, changes: Json, is_responding: bool) -> None:
        """Refuse what the cloud refuses and a lenient endpoint can live with."""
        model = changes.get("model") or self._fields.get("model", "")
        for name in _DROPPED_BY_NULL:
            if changes.get(name) is not None and "realtime-2" not in model:
                message = f"'{name}' is not supported by the model {model}."
                raise RequestError("unknown_parameter", message, f"session.{name}")
        tracing = self._fields.get("tracing")
        if tracing is not None and changes.get("tracing", tracing) != tracing:
            message = "Tracing cannot be changed once it is enabled."
            raise RequestError("invalid_value", message, "session.tracing")
        output = changes.get("audio", {}).get("output", {})
        if is_responding and output.get("speed", self.speed) != self.speed:
            message = "The speed can only be changed between turns."
            raise RequestError("invalid_value", message, "session.audio.output.speed")

    # ------------------------------------------------------------------------- reading

    @property
    def speed(self) -> float:
        """How fast the answers are spoken."""
        return float(self._fields["audio"].get("output", {}).get("speed", 1.0))

    @property
    def input_format(self) -> WireFormat:
        """How the client writes sound."""
        return FORMATS[self._fields["audio"]["input"]["format"]["type"]]

    @property
    def turn_detection(self) -> TurnDetection | None:
        """Who ends the turn; None where the client does."""
        wire = self._fields["audio"]["input"]["turn_detection"]
        if wire is None:
            return None
        values = {name: value for name, value in wire.items() if name != "type"}
        if values.get("eagerness") == "auto":
            values["eagerness"] = "medium"  # documented to be the same
        return TurnDetection(kind=wire["type"], **values)

    @property
    def transcription(self) -> Json | None:
        """``audio.input.transcription``: None where the client does not want the words."""
        wire: Json | None = self._fields["audio"]["input"]["transcription"]
        return wire

    @property
    def language(self) -> str | None:
        """What the user is expected to speak (ISO 639-1)."""
        transcription = self.transcription or {}
        named = transcription.get("language") or next(
            iter(transcription.get("languages") or ()), None
        )
        return named.split("-")[0].lower() if named else None

    @property
    def vocabulary(self) -> str:
        """Words that the user is likely to say, as a prompt for the transcriber.

        What the client says itself, and behind it the values that its tools may take.
        """
        transcription = self.transcription or {}
        words = ", ".join(transcription.get("keywords") or ())
        values = expected_words(self._fields.get("tools", ()))
        return " ".join(part for part in (transcription.get("prompt"), words, values) if part)

    def response_settings(self, overrides: Mapping[str, Any]) -> ResponseSettings:
        """Return what a response is made with; ``overrides`` is a checked ``response`` object."""
        given = {name: value for name, value in overrides.items() if value is not None}
        fields = {**self._fields, **given}
        output = {
            **self._fields["audio"]["output"],
            **_without_nulls(given.get("audio", {}).get("output", {})),
        }
        _check_choice(fields["tool_choice"], fields["tools"], "response")
        limit = fields["max_output_tokens"]
        parallel = fields.get("parallel_tool_calls")
        return ResponseSettings(
            instructions=fields["instructions"],
            modality=fields["output_modalities"][0],
            voice=output["voice"],
            output_format=FORMATS[output["format"]["type"]],
            speed=output["speed"],
            tools=fields["tools"],
            tool_choice=fields["tool_choice"],
            parallel_tool_calls=True if parallel is None else parallel,
            max_output_tokens=None if limit == "inf" else limit,
            truncation=_truncation(self._fields["truncation"]),
            metadata=given.get("metadata"),
            own_instructions=given.get("instructions") or "",
        )


def _truncation(wire: str | Json) -> Truncation:
    if isinstance(wire, dict):
        limits = wire.get("token_limits") or {}
        return Truncation(True, wire["retention_ratio"], limits.get("post_instructions"))
    return Truncation(is_allowed=wire != "disabled")


def _check_choice(choice: Any, tools: Sequence[Json], owner: str) -> None:
    """Refuse to insist on a tool that is not declared."""
    if not isinstance(choice, dict):
        return
    key = "name" if choice["type"] == "function" else "server_label"
    if any(tool["type"] == choice["type"] and tool[key] == choice[key] for tool in tools):
        return
    message = f"Tool choice '{choice[key]}' not found in '{owner}.tools'."
    raise RequestError("invalid_value", message, f"{owner}.tool_choice")


def _without_nulls(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


# ----------------------------------------------------------------------------- merging


def _merged(fields: Json, changes: Json) -> Json:
    """Return the session after an update: what is left out keeps its value."""
    updated = copy.deepcopy(fields)
    for name, value in changes.items():
        if name == "audio":
            _merge_audio(updated["audio"], value)
        elif name in _DROPPED_BY_NULL and value is None:
            updated.pop(name, None)
        elif name != "model" or value is not None:
            updated[name] = _CLEARED.get(name) if value is None else copy.deepcopy(value)
    return updated


def _merge_audio(audio: Json, changes: Json) -> None:
    for name, value in changes.get("input", {}).items():
        audio["input"][name] = _merged_input(name, audio["input"][name], value)
    defaults = _REALTIME["audio"]["output"]
    for name, value in changes.get("output", {}).items():
        audio["output"][name] = copy.deepcopy(defaults[name] if value is None else value)


def _merged_input(name: str, current: Any, value: Any) -> Any:
    if name == "format":
        return copy.deepcopy(_PCM if value is None else value)
    if value is None:
        return None
    if name == "turn_detection":
        defaults = _SERVER_VAD if value["type"] == "server_vad" else _SEMANTIC_VAD
        kept = current if current and current["type"] == value["type"] else defaults
        return {**kept, **value}
    if name == "noise_reduction":
        merged = {"strength": 1, **(current or {}), **value}
        if "type" not in merged:
            message = "Missing required parameter: 'session.audio.input.noise_reduction.type'."
            param = "session.audio.input.noise_reduction.type"
            raise RequestError("missing_required_parameter", message, param)
        return merged
    return {**(current or {}), **value}
