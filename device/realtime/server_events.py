"""The forty-six events that a server sends; those of transcription and MCP have files of their own.

Class name = wire type in CamelCase; ``error`` is :class:`ErrorEvent`. An ``event_id`` of
``""`` means that none came; :func:`device.realtime.codec.encode` writes a fresh one in
its place, so servers need not invent them.
"""

from __future__ import annotations

from typing import TypeAlias

from device.realtime.items import Item, Part
from device.realtime.mcp_events import (
    McpListToolsCompleted,
    McpListToolsFailed,
    McpListToolsInProgress,
    ResponseMcpCallArgumentsDelta,
    ResponseMcpCallArgumentsDone,
    ResponseMcpCallCompleted,
    ResponseMcpCallFailed,
    ResponseMcpCallInProgress,
)
from device.realtime.response_object import Response
from device.realtime.session_object import Session
from device.realtime.transcription_events import (
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    ConversationItemInputAudioTranscriptionSegment,
)
from device.realtime.wire_types import UNSET, Maybe, Nullable, ServerEventBase, WireObject

# --- errors, session, conversation ---------------------------------------------------


class ErrorDetails(WireObject, kw_only=True, frozen=True):
    """What went wrong. Compare ``code`` *or* ``type``: some servers fill only one."""

    type: str
    message: str
    code: Nullable[str] = UNSET
    param: Nullable[str] = UNSET
    event_id: Nullable[str] = UNSET
    """The client event that caused it, when the server can tell."""


class ErrorEvent(ServerEventBase, tag="error", kw_only=True, frozen=True):
    """Something failed; most errors leave the connection open."""

    error: ErrorDetails


class SessionCreated(ServerEventBase, tag="session.created", kw_only=True, frozen=True):
    """The first event of a connection, with the server's defaults."""

    session: Session


class SessionUpdated(ServerEventBase, tag="session.updated", kw_only=True, frozen=True):
    """The complete session as it now is."""

    session: Session


class Conversation(WireObject, kw_only=True, frozen=True):
    """The conversation itself."""

    id: Nullable[str] = UNSET
    object: Nullable[str] = UNSET


class ConversationCreated(ServerEventBase, tag="conversation.created", kw_only=True, frozen=True):
    """Rarely sent."""

    conversation: Conversation


class _WithItem(ServerEventBase, kw_only=True, frozen=True):
    item: Item
    previous_item_id: Nullable[str] = UNSET


class ConversationItemAdded(_WithItem, tag="conversation.item.added", kw_only=True, frozen=True):
    """An item is in the conversation, maybe still growing."""


class ConversationItemDone(_WithItem, tag="conversation.item.done", kw_only=True, frozen=True):
    """An item is complete."""


class ConversationItemCreated(
    _WithItem, tag="conversation.item.created", kw_only=True, frozen=True
):
    """The older name, which several servers send instead of added and done."""


class ConversationItemRetrieved(
    ServerEventBase, tag="conversation.item.retrieved", kw_only=True, frozen=True
):
    """The item that was asked for."""

    item: Item


class ConversationItemDeleted(
    ServerEventBase, tag="conversation.item.deleted", kw_only=True, frozen=True
):
    """The item is gone."""

    item_id: str


class ConversationItemTruncated(
    ServerEventBase, tag="conversation.item.truncated", kw_only=True, frozen=True
):
    """The item ends where the client said."""

    item_id: str
    content_index: int
    audio_end_ms: int


# --- what the user said ---------------------------------------------------------------


class InputAudioBufferCommitted(
    ServerEventBase, tag="input_audio_buffer.committed", kw_only=True, frozen=True
):
    """The turn is ended; ``item_id`` will be the user's item."""

    item_id: str
    previous_item_id: Nullable[str] = UNSET


class InputAudioBufferCleared(
    ServerEventBase, tag="input_audio_buffer.cleared", kw_only=True, frozen=True
):
    """The audio that was not committed is forgotten."""


class InputAudioBufferSpeechStarted(
    ServerEventBase, tag="input_audio_buffer.speech_started", kw_only=True, frozen=True
):
    """The endpoint hears speech. Times count audio appended in this session."""

    item_id: str
    audio_start_ms: int


class InputAudioBufferSpeechStopped(
    ServerEventBase, tag="input_audio_buffer.speech_stopped", kw_only=True, frozen=True
):
    """The endpoint hears that the user has finished."""

    item_id: str
    audio_end_ms: int


class InputAudioBufferTimeoutTriggered(
    ServerEventBase, tag="input_audio_buffer.timeout_triggered", kw_only=True, frozen=True
):
    """Nothing was said for ``idle_timeout_ms``; the endpoint goes on by itself."""

    item_id: str
    audio_start_ms: int
    audio_end_ms: int


class InputAudioBufferDtmfEventReceived(
    WireObject,
    tag_field="type",
    tag="input_audio_buffer.dtmf_event_received",
    kw_only=True,
    frozen=True,
):
    """A telephone key (SIP only). The one server event without ``event_id``."""

    event: str
    received_at: int


class _OfResponse(ServerEventBase, kw_only=True, frozen=True):
    response_id: str


class OutputAudioBufferStarted(
    _OfResponse, tag="output_audio_buffer.started", kw_only=True, frozen=True
):
    """WebRTC only: the server began to play."""


class OutputAudioBufferStopped(
    _OfResponse, tag="output_audio_buffer.stopped", kw_only=True, frozen=True
):
    """WebRTC only: the server played everything."""


class OutputAudioBufferCleared(
    _OfResponse, tag="output_audio_buffer.cleared", kw_only=True, frozen=True
):
    """WebRTC only: the server dropped what it had not played."""


# --- the answer -----------------------------------------------------------------------


class ResponseCreated(ServerEventBase, tag="response.created", kw_only=True, frozen=True):
    """A response has begun."""

    response: Response


class ResponseDone(ServerEventBase, tag="response.done", kw_only=True, frozen=True):
    """Generation has ended, well or not; playback ends seconds later."""

    response: Response


class _OutputItem(_OfResponse, kw_only=True, frozen=True):
    output_index: int
    item: Item


class ResponseOutputItemAdded(
    _OutputItem, tag="response.output_item.added", kw_only=True, frozen=True
):
    """The response has a new item. There may be several."""


class ResponseOutputItemDone(
    _OutputItem, tag="response.output_item.done", kw_only=True, frozen=True
):
    """An item of the response is complete."""


class _AtItem(_OfResponse, kw_only=True, frozen=True):
    item_id: str
    output_index: int


class _AtContent(_AtItem, kw_only=True, frozen=True):
    content_index: int


class ResponseContentPartAdded(
    _AtContent, tag="response.content_part.added", kw_only=True, frozen=True
):
    """An item has a new content part."""

    part: Part


class ResponseContentPartDone(
    _AtContent, tag="response.content_part.done", kw_only=True, frozen=True
):
    """A content part is complete."""

    part: Part


class ResponseOutputTextDelta(
    _AtContent, tag="response.output_text.delta", kw_only=True, frozen=True
):
    """A piece of a written answer."""

    delta: str


class ResponseOutputTextDone(
    _AtContent, tag="response.output_text.done", kw_only=True, frozen=True
):
    """A written answer."""

    text: str


class ResponseOutputAudioDelta(
    _AtContent, tag="response.output_audio.delta", kw_only=True, frozen=True
):
    """A piece of speech: base64 PCM16 of 24 kHz."""

    delta: str


class ResponseOutputAudioDone(
    _AtContent, tag="response.output_audio.done", kw_only=True, frozen=True
):
    """No more speech for this part."""


class ResponseOutputAudioTranscriptDelta(
    _AtContent, tag="response.output_audio_transcript.delta", kw_only=True, frozen=True
):
    """A piece of what is being said, in writing."""

    delta: str


class ResponseOutputAudioTranscriptDone(
    _AtContent, tag="response.output_audio_transcript.done", kw_only=True, frozen=True
):
    """What was said, in writing."""

    transcript: str


class ResponseFunctionCallArgumentsDelta(
    _AtItem, tag="response.function_call_arguments.delta", kw_only=True, frozen=True
):
    """A piece of a tool call's JSON."""

    call_id: str
    delta: str


class ResponseFunctionCallArgumentsDone(
    _AtItem, tag="response.function_call_arguments.done", kw_only=True, frozen=True
):
    """A tool call is complete. ``name`` may be ``""``: then the item has it."""

    call_id: str
    name: str
    arguments: str


class RateLimit(WireObject, kw_only=True, frozen=True):
    """One limit of the account. Not every endpoint sends every name."""

    name: Maybe[str] = UNSET
    limit: Maybe[int] = UNSET
    remaining: Maybe[int] = UNSET
    reset_seconds: Maybe[float] = UNSET


class RateLimitsUpdated(ServerEventBase, tag="rate_limits.updated", kw_only=True, frozen=True):
    """How much of the account's allowance is left."""

    rate_limits: list[RateLimit]


ServerEvent: TypeAlias = (
    ErrorEvent
    | SessionCreated
    | SessionUpdated
    | ConversationCreated
    | ConversationItemAdded
    | ConversationItemDone
    | ConversationItemCreated
    | ConversationItemRetrieved
    | ConversationItemDeleted
    | ConversationItemTruncated
    | ConversationItemInputAudioTranscriptionDelta
    | ConversationItemInputAudioTranscriptionCompleted
    | ConversationItemInputAudioTranscriptionFailed
    | ConversationItemInputAudioTranscriptionSegment
    | InputAudioBufferCommitted
    | InputAudioBufferCleared
    | InputAudioBufferSpeechStarted
    | InputAudioBufferSpeechStopped
    | InputAudioBufferTimeoutTriggered
    | InputAudioBufferDtmfEventReceived
    | OutputAudioBufferStarted
    | OutputAudioBufferStopped
    | OutputAudioBufferCleared
    | ResponseCreated
    | ResponseDone
    | ResponseOutputItemAdded
    | ResponseOutputItemDone
    | ResponseContentPartAdded
    | ResponseContentPartDone
    | ResponseOutputTextDelta
    | ResponseOutputTextDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseFunctionCallArgumentsDelta
    | ResponseFunctionCallArgumentsDone
    | ResponseMcpCallArgumentsDelta
    | ResponseMcpCallArgumentsDone
    | ResponseMcpCallInProgress
    | ResponseMcpCallCompleted
    | ResponseMcpCallFailed
    | McpListToolsInProgress
    | McpListToolsCompleted
    | McpListToolsFailed
    | RateLimitsUpdated
)
