"""What the core asks of the world. The shells around it carry each out, and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.assistant.items import ItemKey
from device.assistant.news import News
from device.assistant.states import State
from device.assistant.stretch import Bound
from device.realtime.events import ClientEvent


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Open a link to an endpoint; answered by ``LinkReady`` or ``LinkLost``."""

    link: int
    endpoint: str
    profile: str = ""
    """Whose voice and instructions the session gets; empty is the usual ones."""


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Close a link; no answer is expected, and late events of it are ignored."""

    link: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send one event that carries no microphone audio."""

    link: int
    event: ClientEvent


@dataclass(frozen=True, slots=True)
class UpdateTools:
    """Send a link the list of tools that its session is to have now."""

    link: int


@dataclass(frozen=True, slots=True)
class StartUplink:
    """Stream microphone audio to a link: the past at once, the present as it comes.

    An uplink that is running on the same link is replaced.
    """

    link: int
    from_sample: int | None
    """None: from now on."""
    lead_ms: int = 0
    """Begin this much earlier, for the soft onset that a detector misses."""
    until_sample: int | None = None
    """Where the utterance ends, when that is known already (a replay); None streams on."""
    tail_silence_ms: int = 0
    """After ``until_sample``, this much silence, so that a server's detector hears the end."""
    is_more: bool = False
    """It goes on with what this link has got: nothing is sent twice."""
    floor_sample: int = field(kw_only=True)
    """Nothing before it is sent, whatever the other fields say: it is nobody's business."""
    bound: Bound | None = field(default=None, kw_only=True)
    """Nothing behind it is sent either, whenever the uplink is ended."""


@dataclass(frozen=True, slots=True)
class EndUplink:
    """Send what is missing up to a position, then stop; answered by ``UplinkDrained``."""

    link: int
    until_sample: int | None
    """None: up to now."""
    tail_silence_ms: int = 0


@dataclass(frozen=True, slots=True)
class StopUplink:
    """Stop streaming at once; nothing more of the microphone leaves on this link."""

    link: int


@dataclass(frozen=True, slots=True)
class Play:
    """Queue sound of an item: PCM16 mono at 24 kHz, the lower byte first, whole samples."""

    item: ItemKey
    pcm: bytes

    @property
    def samples(self) -> int:
        """How many samples it holds."""
        return len(self.pcm) // 2


@dataclass(frozen=True, slots=True)
class FinishItem:
    """No more audio will come for an item; answered by ``PlaybackFinished``."""

    item: ItemKey


@dataclass(frozen=True, slots=True)
class StopPlayback:
    """Silence the speaker now; answered by ``PlaybackStopped``."""


@dataclass(frozen=True, slots=True)
class DuckAnswer:
    """Go on with the answer, but softly: somebody may be speaking."""


@dataclass(frozen=True, slots=True)
class HoldAnswer:
    """Keep the answer where it is, silent: somebody speaks, and it is not known who."""


@dataclass(frozen=True, slots=True)
class ResumeAnswer:
    """Go on as loud as before; after :class:`HoldAnswer` from where it was ducked."""


@dataclass(frozen=True, slots=True)
class Chime:
    """Play a short sound of our own, mixed in at once, not accounted for."""

    name: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Say a sentence of our own after what is queued; answered by ``PlaybackFinished``."""

    name: str
    item: ItemKey
    turn: int = 0
    """The number of the turn it is said in; 0 outside of turns."""


@dataclass(frozen=True, slots=True)
class SayText:
    """Say an answer that came in writing, by the voice of the house, after what is queued.

    Answered by ``PlaybackStarted`` and ``PlaybackFinished``; by the latter alone where there
    is no voice.
    """

    text: str
    item: ItemKey


@dataclass(frozen=True, slots=True)
class ListenForSpeech:
    """Switch the local voice detector on, from a position, or off."""

    on: bool
    from_sample: int | None = None


@dataclass(frozen=True, slots=True)
class OpenMicrophone:
    """Open the capture stream again."""


@dataclass(frozen=True, slots=True)
class CloseMicrophone:
    """Close the capture stream and forget what was in its ring."""


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool; answered by ``ToolFinished``."""

    call_id: str
    name: str
    arguments: str
    """JSON as the model wrote it: not validated yet."""


@dataclass(frozen=True, slots=True)
class CancelTools:
    """Nobody waits for the tools that are still running."""


@dataclass(frozen=True, slots=True)
class Show:
    """What the panel is to show."""

    state: State
    is_local: bool = False
    """The local brain answers, not a cloud."""
    fault: str = ""
    """A short name of what is wrong, empty when nothing is."""
    looks: bool = False
    """The camera is open."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell whoever wants to know what happened."""

    news: News


AUDIO_EFFECTS = (StartUplink, EndUplink, Play, FinishItem, Chime, Notice, SayText)
"""Effects that move sound in either direction; none may come while muted."""

ToLink = OpenLink | CloseLink | Send | UpdateTools | StartUplink | EndUplink | StopUplink
ToSpeaker = (
    Play
    | FinishItem
    | StopPlayback
    | DuckAnswer
    | HoldAnswer
    | ResumeAnswer
    | Chime
    | Notice
    | SayText
)
ToHouse = ListenForSpeech | OpenMicrophone | CloseMicrophone | RunTool | CancelTools | Show | Tell

Effect = ToLink | ToSpeaker | ToHouse
