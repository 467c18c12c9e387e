"""The server events that put what the user said in writing, and their parts."""

from __future__ import annotations

from device.realtime.wire_types import UNSET, Maybe, Nullable, ServerEventBase, WireObject


class LogProb(WireObject, kw_only=True, frozen=True):
    """How sure the transcription is of a token."""

    token: str
    logprob: float
    bytes: list[int]


class HeardLanguage(WireObject, kw_only=True, frozen=True):
    """A language that was heard."""

    code: str


class TranscriptionTokenDetails(WireObject, kw_only=True, frozen=True):
    """The input of a transcription by kind."""

    text_tokens: int = 0
    audio_tokens: int = 0


class TokenUsage(WireObject, tag_field="type", tag="tokens", kw_only=True, frozen=True):
    """A transcription billed by tokens."""

    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_token_details: Maybe[TranscriptionTokenDetails] = UNSET


class DurationUsage(WireObject, tag_field="type", tag="duration", kw_only=True, frozen=True):
    """A transcription billed by time."""

    seconds: float


class TranscriptionError(WireObject, kw_only=True, frozen=True):
    """Why a transcription failed."""

    type: Nullable[str] = UNSET
    code: Nullable[str] = UNSET
    message: Nullable[str] = UNSET
    param: Nullable[str] = UNSET


class ConversationItemInputAudioTranscriptionDelta(
    ServerEventBase,
    tag="conversation.item.input_audio_transcription.delta",
    kw_only=True,
    frozen=True,
):
    """A piece of what the user said, in writing."""

    item_id: str
    content_index: Maybe[int] = UNSET
    delta: Nullable[str] = UNSET
    logprobs: Nullable[list[LogProb]] = UNSET


class ConversationItemInputAudioTranscriptionCompleted(
    ServerEventBase,
    tag="conversation.item.input_audio_transcription.completed",
    kw_only=True,
    frozen=True,
):
    """All that the user said in this item; often after the answer began."""

    item_id: str
    content_index: int
    transcript: str
    usage: Nullable[TokenUsage | DurationUsage] = UNSET
    logprobs: Nullable[list[LogProb]] = UNSET
    languages: Nullable[list[HeardLanguage]] = UNSET


class ConversationItemInputAudioTranscriptionFailed(
    ServerEventBase,
    tag="conversation.item.input_audio_transcription.failed",
    kw_only=True,
    frozen=True,
):
    """The transcription failed; the answer may still be right."""

    item_id: str
    content_index: int
    error: TranscriptionError


class ConversationItemInputAudioTranscriptionSegment(
    ServerEventBase,
    tag="conversation.item.input_audio_transcription.segment",
    kw_only=True,
    frozen=True,
):
    """Who said what, from ``start`` to ``end`` in seconds."""

    item_id: str
    content_index: int
    id: str
    start: float
    end: float
    speaker: str
    text: str
