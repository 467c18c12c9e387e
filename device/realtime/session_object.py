"""The session object of ``session.update``, ``session.created`` and ``session.updated``.

One structure serves the request and the answer: every field may be absent, so that a
partial update says exactly what it changes. ``id``, ``object`` and ``expires_at`` only
ever come from a server.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta

from device.realtime.wire_types import UNSET, Maybe, Nullable, WireObject

Modality: TypeAlias = Literal["audio", "text"]
Effort: TypeAlias = Literal["minimal", "low", "medium", "high", "xhigh"]
Eagerness: TypeAlias = Literal["low", "medium", "high", "auto"]
MaxOutputTokens: TypeAlias = Annotated[int, Meta(ge=1)] | Literal["inf"]

WIRE_RATE_HZ = 24_000
"""The only PCM rate of the protocol, both ways."""


class AudioPcm(WireObject, tag_field="type", tag="audio/pcm", kw_only=True, frozen=True):
    """16-bit little-endian mono, 24 kHz."""

    rate: int = WIRE_RATE_HZ


class AudioPcmu(WireObject, tag_field="type", tag="audio/pcmu", kw_only=True, frozen=True):
    """G.711 mu-law, 8 kHz."""


class AudioPcma(WireObject, tag_field="type", tag="audio/pcma", kw_only=True, frozen=True):
    """G.711 A-law, 8 kHz."""


AudioFormat: TypeAlias = AudioPcm | AudioPcmu | AudioPcma


class NoiseReduction(WireObject, kw_only=True, frozen=True):
    """The endpoint's own noise reduction, before its VAD and its model."""

    type: Literal["near_field", "far_field"]
    strength: Nullable[float] = UNSET


class Transcription(WireObject, kw_only=True, frozen=True):
    """The separate model that writes down what the user said."""

    model: Nullable[str] = UNSET
    language: Nullable[str] = UNSET
    languages: Nullable[list[str]] = UNSET
    keywords: Nullable[list[str]] = UNSET
    prompt: Nullable[str] = UNSET
    delay: Nullable[Effort] = UNSET


class ServerVad(WireObject, tag_field="type", tag="server_vad", kw_only=True, frozen=True):
    """The endpoint ends the turn after ``silence_duration_ms`` of silence."""

    threshold: Maybe[Annotated[float, Meta(ge=0, le=1)]] = UNSET
    prefix_padding_ms: Maybe[Annotated[int, Meta(ge=0)]] = UNSET
    silence_duration_ms: Maybe[Annotated[int, Meta(ge=0)]] = UNSET
    idle_timeout_ms: Nullable[Annotated[int, Meta(ge=5_000, le=30_000)]] = UNSET
    create_response: Maybe[bool] = UNSET
    interrupt_response: Maybe[bool] = UNSET


class SemanticVad(WireObject, tag_field="type", tag="semantic_vad", kw_only=True, frozen=True):
    """A model of the endpoint guesses whether the sentence is finished."""

    eagerness: Maybe[Eagerness] = UNSET
    create_response: Maybe[bool] = UNSET
    interrupt_response: Maybe[bool] = UNSET


TurnDetection: TypeAlias = ServerVad | SemanticVad


class VoiceId(WireObject, kw_only=True, frozen=True):
    """A voice of one's own."""

    id: str


class AudioInputSettings(WireObject, kw_only=True, frozen=True):
    """``session.audio.input``."""

    format: Maybe[AudioFormat] = UNSET
    noise_reduction: Nullable[NoiseReduction] = UNSET
    transcription: Nullable[Transcription] = UNSET
    turn_detection: Nullable[TurnDetection] = UNSET


class AudioOutputSettings(WireObject, kw_only=True, frozen=True):
    """``session.audio.output`` and ``response.audio.output``."""

    format: Maybe[AudioFormat] = UNSET
    voice: Nullable[str | VoiceId] = UNSET
    speed: Maybe[Annotated[float, Meta(ge=0.25, le=1.5)]] = UNSET


class SessionAudio(WireObject, kw_only=True, frozen=True):
    """``session.audio``."""

    input: Maybe[AudioInputSettings] = UNSET
    output: Maybe[AudioOutputSettings] = UNSET


class FunctionTool(WireObject, tag_field="type", tag="function", kw_only=True, frozen=True):
    """A tool that the client runs. ``parameters`` is a JSON Schema object."""

    name: str
    description: Maybe[str] = UNSET
    parameters: Maybe[dict[str, Any]] = UNSET


class McpToolFilter(WireObject, kw_only=True, frozen=True):
    """Some tools of an MCP server."""

    tool_names: Maybe[list[str]] = UNSET
    read_only: Maybe[bool] = UNSET


class McpApprovalFilter(WireObject, kw_only=True, frozen=True):
    """Which tools need approval and which never do."""

    always: Maybe[McpToolFilter] = UNSET
    never: Maybe[McpToolFilter] = UNSET


class McpTool(WireObject, tag_field="type", tag="mcp", kw_only=True, frozen=True):
    """An MCP server whose tools the endpoint runs by itself."""

    server_label: str
    server_url: Nullable[str] = UNSET
    connector_id: Nullable[str] = UNSET
    tunnel_id: Nullable[str] = UNSET
    authorization: Nullable[str] = UNSET
    headers: Nullable[dict[str, str]] = UNSET
    allowed_tools: Nullable[list[str] | McpToolFilter] = UNSET
    require_approval: Nullable[Literal["always", "never"] | McpApprovalFilter] = UNSET
    server_description: Nullable[str] = UNSET
    allowed_callers: Nullable[list[Literal["direct", "programmatic"]]] = UNSET
    defer_loading: Nullable[bool] = UNSET


Tool: TypeAlias = FunctionTool | McpTool


class ChosenFunction(WireObject, tag_field="type", tag="function", kw_only=True, frozen=True):
    """The model must call this function."""

    name: str


class ChosenMcp(WireObject, tag_field="type", tag="mcp", kw_only=True, frozen=True):
    """The model must use this MCP server."""

    server_label: str
    name: Nullable[str] = UNSET


ToolChoice: TypeAlias = Literal["none", "auto", "required"] | ChosenFunction | ChosenMcp


class Reasoning(WireObject, kw_only=True, frozen=True):
    """How long a gpt-realtime-2 model may think; older models refuse the field."""

    effort: Nullable[Effort] = UNSET


class TokenLimits(WireObject, kw_only=True, frozen=True):
    """A ceiling below the model's own."""

    post_instructions: Maybe[Annotated[int, Meta(ge=0)]] = UNSET


class RetentionRatio(
    WireObject, tag_field="type", tag="retention_ratio", kw_only=True, frozen=True
):
    """When the conversation is too long, keep this share of it (the cache stays warm)."""

    retention_ratio: Annotated[float, Meta(ge=0, le=1)]
    token_limits: Nullable[TokenLimits] = UNSET


Truncation: TypeAlias = Literal["auto", "disabled"] | RetentionRatio


class Tracing(WireObject, kw_only=True, frozen=True):
    """Tracing at OpenAI; cannot be changed once it is on."""

    workflow_name: Maybe[str] = UNSET
    group_id: Maybe[str] = UNSET
    metadata: Any = UNSET


class Session(WireObject, kw_only=True, frozen=True):
    """The whole configuration of one connection, or a part of it."""

    type: Literal["realtime", "transcription"] = "realtime"
    object: Maybe[str] = UNSET
    id: Maybe[str] = UNSET
    expires_at: Nullable[int] = UNSET
    """Seconds since 1970 by the *server's* clock."""
    model: Nullable[str] = UNSET
    output_modalities: Maybe[list[Modality]] = UNSET
    instructions: Nullable[str] = UNSET
    audio: Maybe[SessionAudio] = UNSET
    tools: Nullable[list[Tool]] = UNSET
    tool_choice: Nullable[ToolChoice] = UNSET
    parallel_tool_calls: Nullable[bool] = UNSET
    reasoning: Nullable[Reasoning] = UNSET
    max_output_tokens: Nullable[MaxOutputTokens] = UNSET
    truncation: Nullable[Truncation] = UNSET
    tracing: Nullable[Literal["auto"] | Tracing] = UNSET
    include: Nullable[list[str]] = UNSET
    prompt: Nullable[dict[str, Any]] = UNSET
