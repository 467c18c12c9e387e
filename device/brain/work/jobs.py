"""What a session asks to be done outside of it, and what it is told about it.

A session never waits and never computes anything heavy: it hands out these jobs, and
whoever runs it (``sessions/connection.py``, or a test) brings the results back in any order between
jobs, and in order within one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from device.brain.base.abilities import FunctionTool, Piece, Samples, ThinkRequest, Transcript
from device.brain.protocol.codec import WireFormat

# ------------------------------------------------------------------------------- jobs


@dataclass(frozen=True, slots=True)
class Hear:
    """Resample the next sound and look for a voice in it.

    One `passage` is sound without a gap; a new number means to forget what was before.
    ``is_last`` gives out what the resampler still holds.
    """

    passage: int
    data: bytes
    format: WireFormat
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class BeginTranscription:
    """Open a stream for an utterance."""

    stream: int
    language: str | None
    prompt: str


@dataclass(frozen=True, slots=True)
class FeedTranscription:
    """Give an utterance its next sound, 16 kHz."""

    stream: int
    samples: Samples
    voiced: bool


@dataclass(frozen=True, slots=True)
class SettleTranscription:
    """Transcribe what there is, because the speaker pauses; answered by `Settled`."""

    stream: int


@dataclass(frozen=True, slots=True)
class FinishTranscription:
    """The utterance is complete; answered by `Transcribed` or `TranscriptionFailed`."""

    stream: int


@dataclass(frozen=True, slots=True)
class DropTranscription:
    """Nobody wants the words any more; not answered."""

    stream: int


@dataclass(frozen=True, slots=True)
class TranscribeRecording:
    """Transcribe sound that came whole; answered by `Transcribed` or `TranscriptionFailed`."""

    stream: int
    data: bytes
    format: WireFormat
    language: str | None
    prompt: str


@dataclass(frozen=True, slots=True)
class LearnTools:
    """Have the thinker prepare for these tools. Nothing comes of it that is reported."""

    tools: Sequence[FunctionTool]


@dataclass(frozen=True, slots=True)
class Think:
    """Make an answer: `Thought` for each piece, then `ThoughtEnded` or `ThoughtFailed`."""

    job: int
    request: ThinkRequest


@dataclass(frozen=True, slots=True)
class Speak:
    """Say a sentence: `Spoken` for each bit of sound, then `SpeakingEnded` or `SpeakingFailed`."""

    job: int
    sentence: str
    voice: str
    speed: float
    format: WireFormat


@dataclass(frozen=True, slots=True)
class Stop:
    """Cancel a `Think` or a `Speak`; nothing that it still delivers is wanted."""

    job: int


Job: TypeAlias = (
    Hear
    | BeginTranscription
    | FeedTranscription
    | SettleTranscription
    | FinishTranscription
    | DropTranscription
    | TranscribeRecording
    | LearnTools
    | Think
    | Speak
    | Stop
)


@dataclass(frozen=True, slots=True)
class Send:
    """Send this server event (GA dialect) to the client."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection after everything that was sent before."""

    code: int
    reason: str


Effect: TypeAlias = Job | Send | Close


# ---------------------------------------------------------------------------- results


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a `Hear`: 16 kHz sound, and a probability for each 32 ms completed."""

    passage: int
    samples: Samples
    probabilities: list[float]
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class HearingFailed:
    """The ear is broken: nothing more will be heard in this session."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The words of an utterance up to a pause."""

    stream: int
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Transcribed:
    """All the words of an utterance or a recording."""

    stream: int
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:
    """There will be no words."""

    stream: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Thought:
    """The next piece of an answer."""

    job: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class ThoughtEnded:
    """The answer is complete."""

    job: int


@dataclass(frozen=True, slots=True)
class ThoughtFailed:
    """The answer cannot be made."""

    job: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """The next bit of speech, as bytes in the format that was asked for."""

    job: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SpeakingEnded:
    """The sentence has been said."""

    job: int


@dataclass(frozen=True, slots=True)
class SpeakingFailed:
    """The sentence cannot be said."""

    job: int
    code: str
    message: str


Result: TypeAlias = (
    Heard
    | HearingFailed
    | Settled
    | Transcribed
    | TranscriptionFailed
    | Thought
    | ThoughtEnded
    | ThoughtFailed
    | Spoken
    | SpeakingEnded
    | SpeakingFailed
)
