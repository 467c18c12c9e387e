"""What can happen to the appliance, as far as its decisions are concerned.

Every input is a fact with the place it happened: positions called ``*_sample`` count
samples at the microphone's native rate since it was first opened (the capture clock);
times called ``*_s`` are on the clock whose value is passed to
:meth:`device.assistant.assistant.Assistant.handle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device.assistant.checks import Ruling
from device.assistant.items import ItemKey
from device.realtime.events import LinkEvent
from device.realtime.failures import Failure


@dataclass(frozen=True, slots=True)
class WakeWordHeard:
    """The wake word was heard."""

    word: str
    score: float
    """Peak probability of the detector, 0 to 1."""
    end_sample: int
    """Where the word ends: the question begins here at the earliest."""
    at_s: float


@dataclass(frozen=True, slots=True)
class WakeWordEnded:
    """Where the wake word really ended, known a moment after it was heard."""

    end_sample: int


@dataclass(frozen=True, slots=True)
class VoiceSuspected:
    """Somebody may have begun to speak over what is played: the first hop of a voice."""


@dataclass(frozen=True, slots=True)
class VoiceDoubted:
    """It was no voice, or too short for one."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The local voice detector heard somebody begin to speak."""

    at_sample: int
    at_s: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The local endpointer decided that the speaker has finished."""

    at_sample: int
    """The last sample of speech, not the moment of the decision."""
    at_s: float


@dataclass(frozen=True, slots=True)
class VoiceMeasured:
    """How loud somebody speaks, for each half second of speech and at each pause."""

    from_sample: int
    """Where that stretch of speech begins."""
    level_db: float
    """Its power in dB of full scale."""


@dataclass(frozen=True, slots=True)
class TalkPressed:
    """The talk button was pressed, or its command given: wake, or interrupt."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was typed, not spoken; no microphone has a part in it."""

    text: str
    jpeg: bytes | None = None
    """A picture that it is about."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Somebody wants quiet: a command, a button, the ``stop`` tool."""


@dataclass(frozen=True, slots=True)
class MuteChanged:
    """The microphone is to be closed, or opened again."""

    muted: bool
    is_told: bool = True
    """By a chime; False where nobody has just asked for it."""


@dataclass(frozen=True, slots=True)
class MicrophoneFailed:
    """The microphone delivers nothing, or nothing but a constant."""

    detail: str
    is_certain: bool = True
    """False where somebody may have meant it: a switch on the microphone gives zeros too."""


@dataclass(frozen=True, slots=True)
class MicrophoneRecovered:
    """The microphone delivers sound again."""


@dataclass(frozen=True, slots=True)
class LinkReady:
    """A link is open, and its session has the settings we asked for."""

    link: int


@dataclass(frozen=True, slots=True)
class LinkLost:
    """A link could not be opened, or has ended."""

    link: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class LinkExpiring:
    """The session of a link will be ended by its endpoint before long."""

    link: int


@dataclass(frozen=True, slots=True)
class ServerSaid:
    """An event arrived on a link."""

    link: int
    event: LinkEvent


@dataclass(frozen=True, slots=True)
class UplinkBegan:
    """The first audio of an uplink was handed to the socket."""

    link: int


@dataclass(frozen=True, slots=True)
class UplinkDrained:
    """All the audio an ended uplink had to send was handed to the socket."""

    link: int


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    """The first sample of an item left for the speaker."""

    item: ItemKey
    at_sample: int
    """The capture clock at that moment."""


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """The last sample of a finished item left the speaker."""

    item: ItemKey
    at_sample: int
    """The capture clock at that moment: what is heard later is not the answer's echo."""


@dataclass(frozen=True, slots=True)
class PlaybackStopped:
    """Playback was stopped as asked; how much of each unfinished item had been heard."""

    heard_ms: Mapping[ItemKey, int]


@dataclass(frozen=True, slots=True)
class SpeakerBusy:
    """Another voice was given the speaker, an alarm's for instance: what follows comes later."""

    for_s: float
    """How long it speaks at most; the times of several add up."""


@dataclass(frozen=True, slots=True)
class SpeakerFree:
    """Nothing but the conversation waits for the speaker any more."""


@dataclass(frozen=True, slots=True)
class EchoChanged:
    """What the speaker plays can be told from what people say, or it cannot any more."""

    works: bool


@dataclass(frozen=True, slots=True)
class Spent:
    """What the endpoints have cost in this month, which may be a new one."""

    month_usd: float


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool that the assistant asked for has an outcome, good or bad."""

    call_id: str
    output: str
    """JSON for the model."""
    is_error: bool = False
    jpegs: tuple[bytes, ...] = ()
    """Pictures that belong to it, for a model that sees."""


@dataclass(frozen=True, slots=True)
class CameraChanged:
    """The camera is about to look, or looks no longer."""

    looks: bool


@dataclass(frozen=True, slots=True)
class Ruled:
    """A check that had held the answer back has come to its ruling."""

    turn: int
    """The turn it is about."""
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class ToolsChanged:
    """Other tools than before are on offer: the sessions agreed so far have the old list."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened but that the deadline was reached."""


FromPerson = (
    WakeWordHeard
    | WakeWordEnded
    | VoiceSuspected
    | VoiceDoubted
    | SpeechStarted
    | SpeechEnded
    | VoiceMeasured
    | TalkPressed
    | Asked
    | StopRequested
    | MuteChanged
)
FromLink = LinkReady | LinkLost | LinkExpiring | ServerSaid | UplinkBegan | UplinkDrained
FromSpeaker = (
    PlaybackStarted | PlaybackFinished | PlaybackStopped | SpeakerBusy | SpeakerFree | EchoChanged
)
FromHouse = (
    MicrophoneFailed
    | MicrophoneRecovered
    | Spent
    | ToolFinished
    | CameraChanged
    | Ruled
    | ToolsChanged
    | TimePassed
)

Input = FromPerson | FromLink | FromSpeaker | FromHouse
