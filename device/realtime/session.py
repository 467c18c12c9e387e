"""From plain arguments to the complete session of one endpoint.

Everything is said, also what is a default today: the documents of OpenAI contradict each
other about the silence that ends a turn, and a default that changes overnight changes
how the appliance behaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from device.realtime.endpoint import Endpoint, Endpointing
from device.realtime.events import (
    UNSET,
    AudioInputSettings,
    AudioOutputSettings,
    AudioPcm,
    Eagerness,
    Effort,
    MaxOutputTokens,
    Modality,
    NoiseReduction,
    Reasoning,
    RetentionRatio,
    SemanticVad,
    ServerVad,
    Session,
    SessionAudio,
    TokenLimits,
    Tool,
    ToolChoice,
    Transcription,
    Truncation,
    TurnDetection,
)


@dataclass(frozen=True)
class EndpointingSettings:
    """How an endpoint decides that the user has finished.

    ``threshold`` (0 to 1), ``prefix_padding_ms``, ``silence_duration_ms`` are of
    server_vad, ``eagerness`` of semantic_vad. ``create_response`` and
    ``interrupt_response`` are of both.
    """

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    eagerness: Eagerness = "auto"
    create_response: bool = True
    interrupt_response: bool = True


def turn_detection_for(mode: Endpointing, how: EndpointingSettings) -> TurnDetection | None:
    """Return the ``turn_detection`` object; None when the device ends the turns itself."""
    match mode:
        case Endpointing.SERVER_VAD:
            return ServerVad(
                threshold=how.threshold,
                prefix_padding_ms=how.prefix_padding_ms,
                silence_duration_ms=how.silence_duration_ms,
                idle_timeout_ms=None,  # it makes the endpoint talk to an empty room, for money
                create_response=how.create_response,
                interrupt_response=how.interrupt_response,
            )
        case Endpointing.SEMANTIC_VAD:
            return SemanticVad(
                eagerness=how.eagerness,
                create_response=how.create_response,
                interrupt_response=how.interrupt_response,
            )
        case Endpointing.LOCAL:
            return None


def truncation_for(retention_ratio: float | None, max_tokens: int | None = None) -> Truncation:
    """Return how a long conversation is shortened; ``auto`` without a ratio (0 to 1).

    ``max_tokens`` is a ceiling for what follows the instructions, below the model's own.
    """
    if retention_ratio is None:
        return "auto"
    limits = TokenLimits(post_instructions=max_tokens) if max_tokens is not None else UNSET
    return RetentionRatio(retention_ratio=retention_ratio, token_limits=limits)


def session_for(
    endpoint: Endpoint,
    *,
    instructions: str,
    voice: str | None = None,
    speed: float | None = None,
    endpointing: EndpointingSettings = EndpointingSettings(),
    tools: Sequence[Tool] = (),
    tool_choice: ToolChoice = "auto",
    parallel_tool_calls: bool | None = None,
    transcription_model: str | None = None,
    transcription_language: str | None = None,
    noise_reduction: Literal["near_field", "far_field"] | None = "far_field",
    modality: Modality = "audio",
    max_output_tokens: MaxOutputTokens = "inf",
    truncation: Truncation = "auto",
    reasoning_effort: Effort | None = None,
) -> Session:
    """Build the session that ``WebSocketLink.open`` sends, in GA.

    ``voice`` and ``speed`` of None leave the endpoint's own. What the endpoint is known to
    refuse is left out later, by the link, as is the translation into its dialect.
    """
    heard = AudioInputSettings(
        format=AudioPcm(),
        noise_reduction=NoiseReduction(type=noise_reduction) if noise_reduction else None,
        transcription=_transcription(transcription_model, transcription_language),
        turn_detection=turn_detection_for(endpoint.turn_detection, endpointing),
    )
    spoken = AudioOutputSettings(
        format=AudioPcm(),
        voice=UNSET if voice is None else voice,
        speed=UNSET if speed is None else speed,
    )
    return Session(
        output_modalities=[modality],
        instructions=instructions,
        audio=SessionAudio(input=heard, output=spoken),
        tools=list(tools),
        tool_choice=tool_choice,
        parallel_tool_calls=UNSET if parallel_tool_calls is None else parallel_tool_calls,
        max_output_tokens=max_output_tokens,
        truncation=truncation,
        reasoning=Reasoning(effort=reasoning_effort) if reasoning_effort else UNSET,
    )


def _transcription(model: str | None, language: str | None) -> Transcription | None:
    if model is None:
        return None
    return Transcription(model=model, language=language if language else UNSET)
