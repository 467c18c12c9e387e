"""What the brain can do, as the sessions see it: hear, understand, think, speak.

The protocol side (sessions, responses, the server) is written against these
protocols alone; the models behind them live in ``hearing/``, ``answering/`` and
``speaking/``. Every method that may take more than a millisecond is called on a worker
thread, never on the event loop, and one object is shared by all sessions, so it has to
be safe to call from several threads at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]
"""Mono sound, one dimension, ``int16``; the rate stands where it is used."""

HEARING_RATE_HZ = 16_000
"""What the voice detector and the transcriber take."""
SPEAKING_RATE_HZ = 24_000
"""What the voice gives."""


class CancelledWorkError(Exception):
    """The work is not wanted any more; an ability may raise it instead of returning early."""


class AbilityFailedError(Exception):
    """An ability could not do its work: the response fails with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Cancellation:
    """Tells running work that nobody waits for it.

    Work looks at it at least every 50 ms (between tokens, between chunks of sound) and
    then returns or raises `CancelledWorkError`. Safe from any thread; cancelling is for ever.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._stops: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._event.set()
        with self._lock:
            for stop in self._stops:
                stop()

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call ``stop`` when the work is cancelled while the block runs, or has been before.

        For work that cannot look here itself, such as a library's. ``stop`` is called on
        the thread that cancels; it must not wait, nor raise.
        """
        with self._lock:
            self._stops.append(stop)
        if self.is_cancelled:
            stop()
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)

    @property
    def is_cancelled(self) -> bool:
        """Whether the work should stop now."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `CancelledWorkError` if the work should stop now."""
        if self._event.is_set():
            raise CancelledWorkError

    def wait(self, seconds: float) -> bool:
        """Sleep at most this long; true if cancelled meanwhile."""
        return self._event.wait(seconds)


# ---------------------------------------------------------------------------- hearing


@dataclass(frozen=True, slots=True)
class Word:
    """One word and where it lies in the sound, in seconds from its start."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. ``text`` is empty where there were no words (noise, silence)."""

    text: str
    seconds: float
    """Length of the sound that was transcribed."""
    words: tuple[Word, ...] = ()
    language: str | None = None
    """ISO 639-1, where the transcriber knows it."""


class TranscriptionStream(Protocol):
    """One utterance that is transcribed while it is spoken.

    The session calls these methods from worker threads, never two at once. `feed` may
    run a model when it thinks it worth while, but is expected to return within the
    length of what it was fed. `settle` is called when the speaker pauses, long before
    the end of the turn is certain: it transcribes what is there, so that `finish` has
    nothing left to do when only unvoiced sound came after it.
    """

    def feed(self, samples: Samples, voiced: bool) -> None:
        """Take the next sound, 16 kHz; ``voiced`` tells whether the detector heard a voice."""

    def settle(self, cancellation: Cancellation) -> Transcript:
        """Transcribe everything so far; cheap when nothing voiced came since the last time."""

    def partial(self) -> str:
        """Return the words that are known by now; runs nothing."""

    def finish(self, cancellation: Cancellation) -> Transcript:
        """Return the transcript of everything that was fed; the stream ends with it."""

    def cancel(self) -> None:
        """Forget the utterance; nothing is called afterwards."""


class Transcriber(Protocol):
    """Speech to text."""

    def start(self, language: str | None = None, prompt: str = "") -> TranscriptionStream:
        """Begin an utterance. ``prompt`` holds words to expect; a hint, not a promise."""

    def transcribe(
        self, samples: Samples, language: str | None, cancellation: Cancellation
    ) -> Transcript:
        """Transcribe a whole recording, 16 kHz."""


class VoiceDetector(Protocol):
    """Says how likely a voice is, every 32 ms. One object per session; keeps state."""

    def process(self, samples: Samples) -> list[float]:
        """Take 16 kHz sound of any length; one probability for each 512 samples completed."""

    def reset(self) -> None:
        """Forget everything heard."""


# --------------------------------------------------------------------------- thinking


@dataclass(frozen=True, slots=True)
class TextPart:
    """Written words."""

    text: str


@dataclass(frozen=True, slots=True)
class AudioPart:
    """Spoken words; the transcript is what a model of text works with."""

    transcript: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture, as the data URI that the client sent."""

    image_url: str
    detail: str


Part: TypeAlias = TextPart | AudioPart | ImagePart


@dataclass(frozen=True, slots=True)
class Message:
    """Something said or shown by the system, the user or the assistant."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]
    interrupted: bool = False
    """An assistant message that the user did not hear to its end (the words heard remain)."""

    @property
    def text(self) -> str:
        """All the words of the message; pictures are left out."""
        words = [
            part.text if isinstance(part, TextPart) else part.transcript
            for part in self.parts
            if not isinstance(part, ImagePart)
        ]
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the assistant made; ``arguments`` is JSON text as it went over the wire."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the client answered to a call (free text, usually JSON)."""

    call_id: str
    output: str


ContextItem: TypeAlias = Message | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A tool that the session declares; its JSON Schema is all the brain knows of it."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The client insists on this tool."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class ThinkRequest:
    """Everything an answer is made from."""

    items: Sequence[ContextItem]
    """The conversation, oldest first, already shortened to what the model can take."""
    instructions: str
    tools: Sequence[FunctionTool] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: int | None = None
    is_spoken: bool = True
    """Whether the answer will be spoken (short sentences, no markup)."""
    own_instructions: str = ""
    """What this one answer is told to be, beside the session's instructions."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """The next characters of the answer; white space included, as they are to be joined."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallPiece:
    """A whole call. ``arguments`` is a JSON object as text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class StopPiece:
    """The answer ends here although the model had more to say."""

    reason: Literal["max_output_tokens", "content_filter"]


Piece: TypeAlias = TextPiece | ToolCallPiece | StopPiece


class Thinker(Protocol):
    """Intents, tool caller and language model in one: from a conversation to an answer."""

    context_tokens: int
    """How many tokens of conversation, instructions and tools fit, the answer not counted."""

    def prepare(self, tools: Sequence[FunctionTool]) -> None:
        """Learn which tools there are, ahead of the first question; returns at once."""

    def answer(self, request: ThinkRequest, cancellation: Cancellation) -> Iterator[Piece]:
        """Yield the answer as it is made; raise `AbilityFailedError` where there is none."""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the text has; quick, called on the event loop."""


# --------------------------------------------------------------------------- speaking


class Voice(Protocol):
    """Text to speech."""

    def speak(
        self, sentence: str, voice: str, speed: float, cancellation: Cancellation
    ) -> Iterator[Samples]:
        """Speak one sentence: chunks of 24 kHz sound, pause at its end included.

        The text is as written; numbers and units are said as people say them. ``voice``
        is the name that the client asked for: a voice that has only one ignores it.
        ``speed`` is 0.25 to 1.5.
        """


@dataclass(frozen=True, slots=True)
class Abilities:
    """The models of one brain, loaded once and shared by all its sessions."""

    transcriber: Transcriber
    thinker: Thinker
    voice: Voice
    new_voice_detector: Callable[[], VoiceDetector]
