"""From what the ears heard to what the conversation is told."""

from __future__ import annotations

from collections.abc import Callable

from device.assistant import inputs
from device.audio.capture import Capture
from device.audio.echo.monitor import Quality
from device.clocks import SessionClock
from device.ears.heard import (
    EchoChanged,
    ListeningEvent,
    NearlyHeard,
    SpeechEnded,
    SpeechStarted,
    VoiceDoubted,
    VoiceMeasured,
    VoiceSuspected,
    WakeWordEnded,
    WakeWordHeard,
)
from device.nearmisses.folder import Kind
from device.nearmisses.keeper import Keeper


class Hearing:
    """Takes the events of the listening thread, on the thread of the event loop.

    ``quieten`` is called when somebody says the wake word: what rings has done its duty.
    ``keeper`` keeps the sound of triggers where the owner wants that.
    """

    def __init__(
        self,
        capture: Capture,
        clock: SessionClock,
        feed: Callable[[inputs.Input], None],
        quieten: Callable[[], bool],
        keeper: Keeper | None,
        tells_of_echo: bool,
    ) -> None:
        self._capture = capture
        self._clock = clock
        self._feed = feed
        self._quieten = quieten
        self._keeper = keeper
        self._tells_of_echo = tells_of_echo

    def take(self, event: ListeningEvent) -> None:
        """Tell of one event, and keep what is to be kept."""
        moment_s = self._moment_s
        match event:
            case WakeWordHeard(word=word, score=score, end_sample=end_sample, at_sample=at_sample):
                self._quieten()
                at_s = round(moment_s(at_sample), 3)
                self._feed(inputs.WakeWordHeard(word, score, end_sample, at_s))
                self._keep("trigger", word, score, at_sample)
            case NearlyHeard(word=word, score=score, at_sample=at_sample):
                self._keep("near_miss", word, score, at_sample)
            case WakeWordEnded(end_sample=end_sample):
                self._feed(inputs.WakeWordEnded(end_sample))
            case VoiceSuspected():
                self._feed(inputs.VoiceSuspected())
            case VoiceDoubted():
                self._feed(inputs.VoiceDoubted())
            case SpeechStarted(at_sample=at_sample):
                self._feed(inputs.SpeechStarted(at_sample, moment_s(at_sample)))
            case SpeechEnded(at_sample=at_sample):
                self._feed(inputs.SpeechEnded(at_sample, moment_s(at_sample)))
            case VoiceMeasured(from_sample=from_sample, level_db=level_db):
                self._feed(inputs.VoiceMeasured(from_sample, level_db))
            case EchoChanged(quality=quality):
                if self._tells_of_echo:
                    self._feed(inputs.EchoChanged(quality is not Quality.NOT_WORKING))

    def _moment_s(self, at_sample: int) -> float:
        """When a place in the captured sound was heard, on the session's clock."""
        ring = self._capture.ring
        return self._clock.now_s() - (ring.end_sample - at_sample) / ring.rate_hz

    def _keep(self, kind: Kind, word: str, score: float, at_sample: int) -> None:
        if self._keeper is not None:
            self._keeper.keep(kind, word, score, at_sample)
