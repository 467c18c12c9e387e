"""The response object of ``response.created`` and ``response.done``, and its bill."""

from __future__ import annotations

from typing import Literal, TypeAlias

from device.realtime.items import InputItem, Item
from device.realtime.session_object import (
    AudioOutputSettings,
    MaxOutputTokens,
    Modality,
    Reasoning,
    Tool,
    ToolChoice,
)
from device.realtime.wire_types import UNSET, Maybe, Nullable, WireObject

ResponseStatus: TypeAlias = Literal["in_progress", "completed", "cancelled", "incomplete", "failed"]


class ResponseError(WireObject, kw_only=True, frozen=True):
    """Why a response failed. Quota exhaustion may show nowhere else."""

    type: Nullable[str] = UNSET
    code: Nullable[str] = UNSET
    message: Nullable[str] = UNSET


class StatusDetails(WireObject, kw_only=True, frozen=True):
    """Why a response was cancelled, is incomplete, or failed."""

    type: Nullable[str] = UNSET
    reason: Nullable[str] = UNSET
    """turn_detected, client_cancelled, max_output_tokens, content_filter."""
    error: Nullable[ResponseError] = UNSET


class CachedTokenDetails(WireObject, kw_only=True, frozen=True):
    """The cheap part of the input."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0


class InputTokenDetails(WireObject, kw_only=True, frozen=True):
    """The input by kind; cached tokens are included in the other figures."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    cached_tokens: int = 0
    cached_tokens_details: Maybe[CachedTokenDetails] = UNSET


class OutputTokenDetails(WireObject, kw_only=True, frozen=True):
    """The output by kind; reasoning tokens are text tokens."""

    text_tokens: int = 0
    audio_tokens: int = 0


class Usage(WireObject, kw_only=True, frozen=True):
    """What one response is billed for."""

    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: Maybe[InputTokenDetails] = UNSET
    output_token_details: Maybe[OutputTokenDetails] = UNSET


class ResponseAudio(WireObject, kw_only=True, frozen=True):
    """``response.audio``."""

    output: Maybe[AudioOutputSettings] = UNSET


class Response(WireObject, kw_only=True, frozen=True):
    """One response. ``usage`` is only in ``response.done``."""

    id: str
    status: Maybe[ResponseStatus] = UNSET
    object: Maybe[str] = UNSET
    status_details: Nullable[StatusDetails] = UNSET
    output: Maybe[list[Item]] = UNSET
    conversation_id: Nullable[str] = UNSET
    """None for an out-of-band response."""
    output_modalities: Maybe[list[Modality]] = UNSET
    audio: Maybe[ResponseAudio] = UNSET
    max_output_tokens: Nullable[MaxOutputTokens] = UNSET
    metadata: Nullable[dict[str, str]] = UNSET
    usage: Nullable[Usage] = UNSET


class ResponseParameters(WireObject, kw_only=True, frozen=True):
    """What ``response.create`` may override for one response.

    ``instructions`` *replace* the session's. ``input`` of ``[]`` gives an empty context.
    """

    conversation: Maybe[Literal["auto", "none"]] = UNSET
    output_modalities: Maybe[list[Modality]] = UNSET
    instructions: Nullable[str] = UNSET
    input: Maybe[list[InputItem]] = UNSET
    audio: Maybe[ResponseAudio] = UNSET
    tools: Maybe[list[Tool]] = UNSET
    tool_choice: Maybe[ToolChoice] = UNSET
    parallel_tool_calls: Maybe[bool] = UNSET
    reasoning: Maybe[Reasoning] = UNSET
    max_output_tokens: Maybe[MaxOutputTokens] = UNSET
    metadata: Nullable[dict[str, str]] = UNSET
