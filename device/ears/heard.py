"""What the listening thread tells: facts with their place in the captured sound.

Positions are on the capture clock (samples at the microphone's native rate).
"""

from __future__ import annotations

from dataclasses import dataclass

from device.audio.echo.monitor import Quality


@dataclass(frozen=True, slots=True)
class WakeWordHeard:
    """A wake word was heard."""

    word: str
    score: float
    """What crossed the threshold: a mean of probabilities, 0 to 1."""
    at_sample: int
    """Where in the sound the decision fell."""
    end_sample: int
    """Where the word ends, as far as is known at this moment: a quarter of a second early
    at worst when a pause follows. :class:`WakeWordEnded` tells it better, a little later."""


@dataclass(frozen=True, slots=True)
class WakeWordEnded:
    """Where the wake word ends, known for certain: follows each :class:`WakeWordHeard`.

    Comes 0.1 to 0.45 s after the end of the word, when the sound has shown whether a pause
    follows or the question in the same breath. What is sent should begin here.
    """

    word: str
    end_sample: int


@dataclass(frozen=True, slots=True)
class NearlyHeard:
    """Something resembled a wake word and was not taken for it; told only to who asked."""

    word: str
    score: float
    at_sample: int


@dataclass(frozen=True, slots=True)
class VoiceSuspected:
    """Somebody may have begun to speak here, over what is played; told only then.

    :class:`SpeechStarted` or :class:`VoiceDoubted` follows within a tenth of a second.
    """

    at_sample: int


@dataclass(frozen=True, slots=True)
class VoiceDoubted:
    """What was suspected was no voice, as is known here."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody speaks, since this sample."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Nobody has spoken since this sample, for as long as the settings ask."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class VoiceMeasured:
    """How loud somebody speaks: told for each half second of speech, and at each pause."""

    from_sample: int
    """Where that stretch of speech begins."""
    level_db: float
    """Its power in dB of full scale."""


@dataclass(frozen=True, slots=True)
class EchoChanged:
    """What is known about the echo of the speaker has changed."""

    quality: Quality


ListeningEvent = (
    WakeWordHeard
    | WakeWordEnded
    | NearlyHeard
    | VoiceSuspected
    | VoiceDoubted
    | SpeechStarted
    | SpeechEnded
    | VoiceMeasured
    | EchoChanged
)
