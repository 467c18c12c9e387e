"""What an endpoint says it has used, sorted by what is billed differently."""

from __future__ import annotations

import dataclasses

from device.realtime.events import (
    ConversationItemInputAudioTranscriptionCompleted,
    DurationUsage,
    ResponseDone,
    ServerEvent,
    TokenUsage,
    UnknownEvent,
    Usage,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Tokens:
    """How much of each kind; what came from the cache is in no other count."""

    text_in: int = 0
    text_cached: int = 0
    text_out: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    audio_out: int = 0
    image_in: int = 0
    image_cached: int = 0
    seconds: float = 0.0
    """Sound that was written down by a model that is billed by time."""

    @property
    def total(self) -> int:
        """All tokens of every kind."""
        counts = (getattr(self, field.name) for field in dataclasses.fields(self))
        return sum(count for count in counts if isinstance(count, int))


def tokens_in(event: ServerEvent | UnknownEvent) -> Tokens | None:
    """What an event says was used; None when it speaks of no usage.

    ``response.done`` has the bill of a response, cancelled ones included;
    ``conversation.item.input_audio_transcription.completed`` that of a transcription.
    """
    match event:
        case ResponseDone() if event.response.usage:
            return _of_response(event.response.usage)
        case ConversationItemInputAudioTranscriptionCompleted(usage=DurationUsage(seconds=seconds)):
            return Tokens(seconds=seconds)
        case ConversationItemInputAudioTranscriptionCompleted(usage=TokenUsage() as usage):
            return _of_transcription(usage)
    return None


def _of_response(usage: Usage) -> Tokens:
    """Cached tokens are included in the counts of the wire, and taken out here.

    Where a server gives only sums, they are taken for sound, which is the dearest.
    """
    given, made = usage.input_token_details, usage.output_token_details
    text, audio, image = (
        (given.text_tokens, given.audio_tokens, given.image_tokens)
        if given
        else (0, usage.input_tokens, 0)
    )
    text_cached, audio_cached, image_cached = _cached(usage)
    text_out, audio_out = (
        (made.text_tokens, made.audio_tokens) if made else (0, usage.output_tokens)
    )
    return Tokens(
        text_in=max(text - text_cached, 0),
        text_cached=text_cached,
        text_out=text_out,
        audio_in=max(audio - audio_cached, 0),
        audio_cached=audio_cached,
        audio_out=audio_out,
        image_in=max(image - image_cached, 0),
        image_cached=image_cached,
    )


def _cached(usage: Usage) -> tuple[int, int, int]:
    """Text, audio and image tokens from the cache; text first where only the sum is told."""
    given = usage.input_token_details
    if not given:
        return 0, 0, 0
    if details := given.cached_tokens_details:
        told = details.text_tokens, details.audio_tokens, details.image_tokens
        if any(told):
            return told
    text = min(given.cached_tokens, given.text_tokens)
    return text, min(given.cached_tokens - text, given.audio_tokens), 0


def _of_transcription(usage: TokenUsage) -> Tokens:
    details = usage.input_token_details
    text, audio = (
        (details.text_tokens, details.audio_tokens) if details else (0, usage.input_tokens)
    )
    return Tokens(text_in=text, audio_in=audio, text_out=usage.output_tokens)


def is_transcription(event: ServerEvent | UnknownEvent) -> bool:
    """Whether the transcription's model is billed for it, and not that of the conversation."""
    return isinstance(event, ConversationItemInputAudioTranscriptionCompleted)
