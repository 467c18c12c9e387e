"""The appliance's decisions: a state machine from inputs and time to effects.

Nothing here waits, opens or plays anything. :meth:`Assistant.handle` takes one fact and
the time and returns what is to be done about it; :attr:`Assistant.deadline_s` says when
to call again if nothing happens. So every race is a sequence that a test can write down.

Here is what holds for the appliance as a whole: whether it hears at all, what the panel
shows, who is told what. What is asked and answered is :mod:`~device.assistant.conversation`,
which does not know this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import assert_never

from device.assistant import effects as do
from device.assistant import inputs, news
from device.assistant.checks import Check
from device.assistant.conversation import Conversation
from device.assistant.failover import Chance, no_chance
from device.assistant.outbox import Outbox
from device.assistant.policy import EndpointPlan, Policy, Profile
from device.assistant.states import State
from device.assistant.status import Status
from device.assistant.turn import Turn


class Hears(Enum):
    """Whether the appliance has a microphone to hear with."""

    YES = "yes"
    MUTED = "muted"
    """Its owner closed it."""
    BROKEN = "broken"
    """Somebody is trying to mend it."""


class Assistant:
    """What the appliance decides. See the module's text for how it is used."""

    def __init__(
        self,
        policy: Policy,
        endpoints: Sequence[EndpointPlan],
        profiles: Mapping[str, Profile] | None = None,
        check: Check | None = None,
        chance: Chance = no_chance,
    ) -> None:
        """``chance`` scatters the rests of endpoints that failed; without one all is as planned.

        ``profiles``: wake word to who answers it; words without one get the default.

        ``check``: looks at questions and answers, and may hold back what is said or stop it.
        """
        self.policy = policy
        self._profiles = dict(profiles or {})
        self._out = Outbox()
        self._talk = Conversation(policy, endpoints, self._profiles, check, self._out, chance)
        self._hears = Hears.YES
        self._looks = False
        """The camera is open."""
        self._shown: do.Show | None = None

    # -- what the shells call ----------------------------------------------------------

    def handle(self, happened: inputs.Input, now_s: float) -> list[do.Effect]:
        """Take one input; return what is to be done about it, in order.

        What the shell owes for that:

        - One input at a time, in the order in which they happened, and all effects of one
          carried out, or begun, before the next is given.
        - ``now_s`` is the time of one clock in seconds. Time that goes back stands still.
        - No later than :attr:`deadline_s`, which changes with every call, comes another
          input: ``TimePassed`` when nothing else has happened. One that comes later is not
          lost, but what was due is then done late and before it.
        - What effects say they are answered by does come, once: every ``OpenLink`` gets one
          ``LinkReady`` or ``LinkLost``, an open link ends in one ``LinkLost`` unless it was
          closed, ``StopPlayback`` gets ``PlaybackStopped`` before any other input, a played
          or stopped item no more news. Where it does not, a deadline ends the wait.
        - Positions are of one capture clock that does not go back while the appliance runs.

        Nothing is owed about what the *world* sends: any input may come in any state, and any
        server may say anything. Raises ``AssertionError`` only where a promise of ours is
        broken, which is a bug and ends the appliance rather than a wrong word being sent.
        """
        self._out.open(now_s)
        while (timer := self._out.timers.pop_due(self._out.now_s)) is not None:
            self._talk.on_timer(timer)
        self._on_input(happened)
        self._show()
        return self._out.close()

    @property
    def deadline_s(self) -> float | None:
        """When ``TimePassed`` is due if nothing else happens; None when nothing is awaited."""
        return self._out.timers.next_s

    @property
    def state(self) -> State:
        """What the panel shows."""
        match self._hears:
            case Hears.YES:
                return self._talk.now.state
            case Hears.MUTED:
                return State.MUTED
            case Hears.BROKEN:
                return State.FAULTED
        assert_never(self._hears)

    @property
    def turn(self) -> Turn | None:
        """The turn that is going on."""
        return self._talk.now.turn

    @property
    def status(self) -> Status:
        """How everything is now."""
        link, turn = self._talk.exchange.link, self._talk.now.turn
        return Status(
            state=self.state,
            fault=self._fault,
            endpoint=link.plan.name if link is not None else None,
            is_local=link.plan.is_local if link is not None else None,
            is_fallback=self._talk.exchange.is_fallback,
            budget=self.policy.budget,
            budget_level=self._talk.exchange.level,
            turn=turn.number if turn is not None else None,
            phase=turn.phase if turn is not None else None,
            is_at_rest=self._talk.is_at_rest,
            last_answer=self._talk.chronicle.history.last_answer(),
        )

    @property
    def _fault(self) -> str:
        return "microphone" if self._hears is Hears.BROKEN else self._talk.now.fault

    def _show(self) -> None:
        """Tell the panel, but only what has changed."""
        show = do.Show(self.state, self._talk.exchange.is_fallback, self._fault, self._looks)
        if show != self._shown:
            self._shown = show
            self._out.emit(show)

    # -- dispatch ----------------------------------------------------------------------

    def _on_input(self, happened: inputs.Input) -> None:
        if isinstance(happened, inputs.FromPerson):
            self._on_person(happened)
        elif isinstance(happened, inputs.FromLink):
            self._talk.on_link(happened)
        elif isinstance(happened, inputs.FromSpeaker):
            self._on_speaker(happened)
        else:
            self._on_house(happened)

    def _on_person(self, happened: inputs.FromPerson) -> None:
        talk = self._talk
        match happened:
            case inputs.WakeWordHeard():
                if self._hears is Hears.YES:
                    talk.wake_word(happened)
            case inputs.WakeWordEnded(end_sample=end_sample):
                talk.asking.begin_is_known(end_sample)
            case inputs.VoiceSuspected():
                talk.interjection.suspected()
            case inputs.VoiceDoubted():
                talk.interjection.doubted()
            case inputs.SpeechStarted(at_sample=at_sample):
                talk.speech_started(at_sample)
            case inputs.SpeechEnded():
                talk.speech_ended(happened)
            case inputs.VoiceMeasured():
                talk.voice_measured(happened)
            case inputs.TalkPressed(at_sample=at_sample):
                if self._hears is Hears.YES:
                    talk.talk(at_sample)
                elif self._hears is Hears.BROKEN:
                    talk.delivery.say(talk.remarks.microphone_broken(), None)
            case inputs.Asked():
                if self._hears is Hears.YES:
                    talk.asked(happened)
            case inputs.StopRequested():
                talk.turns.stop()
            case inputs.MuteChanged():
                self._mute_changed(happened)
            case _:
                assert_never(happened)

    def _on_speaker(self, happened: inputs.FromSpeaker) -> None:
        match happened:
            case inputs.PlaybackStarted():
                self._talk.playback_started(happened)
            case inputs.PlaybackFinished(item=item, at_sample=at_sample):
                self._talk.delivery.played(item)
                self._talk.answer_may_be_over(at_sample)
            case inputs.PlaybackStopped(heard_ms=heard_ms):
                self._talk.answering.stopped(heard_ms, self._talk.exchange.link, self.turn)
            case inputs.SpeakerBusy(for_s=for_s):
                self._talk.delivery.speaker_busy(for_s)
            case inputs.SpeakerFree():
                self._talk.delivery.speaker_free()
            case inputs.EchoChanged(works=works):
                self._talk.echo_changed(works)
            case _:
                assert_never(happened)

    def _on_house(self, happened: inputs.FromHouse) -> None:
        match happened:
            case inputs.MicrophoneFailed():
                self._microphone_failed(happened)
            case inputs.MicrophoneRecovered():
                self._microphone_recovered()
            case inputs.Spent(month_usd=month_usd):
                self._talk.exchange.spent(month_usd, self._talk.turns.number)
            case inputs.ToolFinished():
                self._talk.tool_finished(happened)
            case inputs.CameraChanged(looks=looks):
                self._looks = looks
            case inputs.Ruled(turn=number, ruling=ruling):
                self._talk.ruled(number, ruling)
            case inputs.ToolsChanged():
                self._talk.exchange.tools_changed(is_asked=self.turn is not None)
            case inputs.TimePassed():
                pass  # the timers have been looked at already
            case _:
                assert_never(happened)

    # -- mute, and a broken microphone -------------------------------------------------

    def _mute_changed(self, changed: inputs.MuteChanged) -> None:
        if changed.muted and self._hears is not Hears.MUTED:
            self._talk.turns.end()
            self._out.emit(do.StopPlayback())
            if changed.is_told:
                self._out.emit(do.Chime("muted"))
            self._out.emit(do.CloseMicrophone())
            self._hears = Hears.MUTED
        elif not changed.muted and self._hears is Hears.MUTED:
            self._hears = Hears.YES
            self._out.emit(do.OpenMicrophone())
            if changed.is_told:
                self._out.emit(do.Chime("unmuted"))

    def _microphone_failed(self, failed: inputs.MicrophoneFailed) -> None:
        if self._hears is not Hears.YES:
            return
        talk = self._talk
        self._out.tell(news.MicrophoneBroke(talk.turns.number, failed.detail))
        talk.turns.end()
        self._hears = Hears.BROKEN
        if failed.is_certain:
            talk.delivery.say(talk.remarks.microphone_broken(), None)

    def _microphone_recovered(self) -> None:
        remark = self._talk.remarks.microphone_back()
        if self._hears is Hears.BROKEN:
            self._hears = Hears.YES
            self._out.tell(news.MicrophoneBack(self._talk.turns.number))
            self._talk.turns.rest()
            if remark:
                self._talk.delivery.say(remark, None)
