"""A question that is spoken: what is listened for, and how its sound gets to an endpoint."""

from __future__ import annotations

from enum import Enum

from device.assistant import effects as do
from device.assistant.link import LinkInUse, Uplinking
from device.assistant.outbox import Outbox
from device.assistant.policy import Policy
from device.assistant.stretch import HearingPhase, Stretch
from device.assistant.timers import Timer
from device.assistant.turn import Mark, Trigger, Turn

CHIME_LENGTH_S = 0.35
"""The wake chime and the room's echo of it: what must not be in the question."""

_CHIMED_AT = (Trigger.WAKE_WORD, Trigger.BUTTON)


class Sending(Enum):
    """How the sound of the question gets to the endpoint."""

    LIVE = "live"
    """As it comes."""
    PAUSED = "paused"
    """Not while a chime sounds that is not to be in it."""
    CUT = "cut"
    """It was too long; nothing more of it is sent."""
    REPLAYED = "replayed"
    """All at once, and the endpoint hears its beginning late."""


class SpokenQuestion:
    """The sound of the question of one turn; made when its floor is known.

    Where a link is asked for below, it is the one that listens to the question; None where
    there is none yet: the one that gets ready is sent it all.
    """

    def __init__(self, turn: Turn, stretch: Stretch, policy: Policy, out: Outbox) -> None:
        self.stretch = stretch
        self.sending = Sending.LIVE
        self._turn = turn
        self._policy = policy
        self._out = out

    def listen(self) -> None:
        """Have the voice detector listen, and chime at who does not speak on."""
        self._out.emit(do.ListenForSpeech(True, self.stretch.begin_sample))
        if self.stretch.hearing is not HearingPhase.QUIET:
            self._out.disarm(Timer.NO_SPEECH)
        elif self._policy.chime and self._turn.trigger in _CHIMED_AT:
            self._out.arm(Timer.CHIME, self._policy.chime_delay_s)

    # -- what is heard -----------------------------------------------------------------

    def speech_began(self, at_sample: int, link: LinkInUse | None) -> None:
        """Somebody speaks, for the first time or again."""
        self._goes_on(at_sample)
        if self.sending is Sending.PAUSED:
            self._end_pause()
            if link is not None:
                link.uplink(self.stretch.since(at_sample, self._policy.lead_ms), is_more=True)

    def continued(self, at_sample: int, link: LinkInUse) -> None:
        """The user had only paused, and an uplink that had ended goes on."""
        self._goes_on(at_sample)
        link.uplink(self.stretch.since(at_sample, self._policy.lead_ms), is_more=True)

    def _goes_on(self, at_sample: int) -> None:
        self.stretch.speech_began(at_sample, self._policy.lead_ms)
        self._turn.marks.pop(Mark.SPEECH_END, None)
        self._out.disarm(Timer.NO_SPEECH, Timer.CHIME, Timer.ENDPOINTING)

    def speech_ended(self, at_sample: int, at_s: float) -> None:
        """Nobody speaks any more, perhaps only for a pause."""
        self.stretch.speech_ended(at_sample)
        self._turn.marks[Mark.SPEECH_END] = at_s

    def reported(self) -> None:
        """The endpoint hears somebody speak."""
        self.stretch.speech_reported()
        self._out.disarm(Timer.NO_SPEECH, Timer.CHIME, Timer.ENDPOINTING)

    # -- the chime ---------------------------------------------------------------------

    def chime_due(self, link: LinkInUse | None) -> None:
        """Where nobody spoke on: chime, and keep the chime out of what is sent."""
        if self.stretch.hearing is not HearingPhase.QUIET:
            return
        self.stretch.chimed()
        self.sending = Sending.PAUSED
        if link is not None:
            link.stop_uplink()
        self._out.emit(do.Chime("wake"))
        # Whoever speaks into it is heard by the detector a moment later, and sent from there.
        self._out.arm(Timer.CHIME_OVER, CHIME_LENGTH_S + self._policy.lead_ms / 1000)

    def resume(self, link: LinkInUse | None) -> None:
        """The chime is over: send what is said from now on."""
        if self.sending is Sending.PAUSED:
            self._end_pause()
            if link is not None:
                link.uplink(self.stretch.from_now(self._policy.lead_ms))

    def _end_pause(self) -> None:
        if self.sending is Sending.PAUSED:
            self.sending = Sending.LIVE
            self._out.disarm(Timer.CHIME_OVER)

    # -- the way to an endpoint --------------------------------------------------------

    def stream(self, link: LinkInUse) -> None:
        """A link is ready: send what was said so far, and what is being said."""
        if self.stretch.hearing is not HearingPhase.CHIMED:
            self._end_pause()
            link.uplink(self.stretch.live())
        elif self.sending is not Sending.PAUSED:
            link.uplink(self.stretch.from_now(self._policy.lead_ms))

    def replay(self, link: LinkInUse) -> None:
        """The whole question is in the ring already: send it, and how it ends."""
        if link.plan.detects_turns:
            link.uplink(self.stretch.whole(), tail_silence_ms=link.plan.tail_silence_ms)
        else:
            link.uplink(self.stretch.live())
            self.end(link)
        self.sending = Sending.REPLAYED

    def end(self, link: LinkInUse) -> None:
        """The device has decided that it is over: send the rest."""
        link.end_uplink(self._turn.number, self.stretch.until_sample)

    def cut(self, link: LinkInUse) -> None:
        """It is too long: take what there is for the question."""
        self._end_pause()
        self.sending = Sending.CUT
        until_sample = self.stretch.until_sample
        link.end_uplink(self._turn.number, until_sample, link.plan.tail_silence_ms)

    def close(self, link: LinkInUse) -> None:
        """Its answer is awaited, and no more of it may be sent."""
        if link.uplinking is Uplinking.STREAMING:
            self.cut(link)
        elif self.sending is Sending.LIVE:
            self.sending = Sending.CUT

    @property
    def goes_on(self) -> bool:
        """Whether somebody is still speaking."""
        return self.stretch.hearing is HearingPhase.SPEECH

    @property
    def is_replayed(self) -> bool:
        """Whether the endpoint is being sent it once more, and hears its beginning late."""
        return self.sending is Sending.REPLAYED

    def replay_heard(self) -> None:
        """The endpoint has heard the end of it."""
        self.sending = Sending.LIVE
