"""The question of a turn that is spoken: heard here and at the endpoint, until it is over.

Two of them listen, the device and the endpoint, and either may decide that the user has
finished; both may be wrong, and then the question goes on. What follows for the conversation
from a question that comes to nothing is :class:`Course`; nothing here drops a turn, closes a
link or begins an answer.
"""

from __future__ import annotations

from enum import Enum

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.answering import Answering
from device.assistant.delivery import Arrival
from device.assistant.exchange import Exchange
from device.assistant.follow_ups import FollowUps
from device.assistant.link import LinkInUse, Uplinking
from device.assistant.outbox import Outbox
from device.assistant.policy import Policy
from device.assistant.question import AwaitedQuestion, SoundQuestion
from device.assistant.situation import Situation
from device.assistant.spoken import Sending, SpokenQuestion
from device.assistant.states import State
from device.assistant.stretch import HearingPhase, Stretch
from device.assistant.timers import Timer
from device.assistant.turn import Mark, Trigger, Turn, TurnPhase

SOUND_OUT_S = 0.8
"""An endpoint that lives answers a plain request within this time, on any network of use."""


class Course(Enum):
    """What becomes of a question."""

    GOES_ON = "goes on"
    EMPTY = "empty"
    """Nobody spoke, or not to us."""
    LOST = "lost"
    """It was too long for a question that nobody could be asked."""
    UNNOTICED = "unnoticed"
    """It is over for the device, and the endpoint has not noticed."""


class Asking:
    """Listens to at most one question, in the situation that it shares with the conversation."""

    def __init__(
        self,
        now: Situation,
        follow_ups: FollowUps,
        exchange: Exchange,
        answering: Answering,
        policy: Policy,
        out: Outbox,
    ) -> None:
        self._now = now
        self._follow_ups = follow_ups
        self._exchange = exchange
        self._answering = answering
        self._policy = policy
        self._out = out

    @property
    def _listener(self) -> LinkInUse | None:
        """The link that listens to the question."""
        return self._exchange.link if self._now.state is State.LISTENING else None

    # -- the beginning -----------------------------------------------------------------

    def stretch(
        self, floor_sample: int, begin_sample: int | None = None, lead_ms: int = 0
    ) -> Stretch:
        """A question's, of which no more may be sent than is allowed now."""
        most_ms = round(1000 * self._follow_ups.limit_s) - lead_ms
        return Stretch(floor_sample, begin_sample, lead_ms, most_ms=most_ms)

    def begins(self, turn: Turn, stretch: Stretch) -> None:
        """The floor of a turn's question is known."""
        self._now.spoken = SpokenQuestion(turn, stretch, self._policy, self._out)

    def wait_for_it(self) -> None:
        """A spoken question may come, for so long."""
        self._out.arm(Timer.NO_SPEECH, self._policy.no_speech_timeout_s)
        self._out.arm(Timer.TURN_LIMIT, self._follow_ups.limit_s)

    def listen(self) -> None:
        """Somebody is there to be asked, or on the way: listen."""
        spoken = self._now.spoken
        if spoken is None:
            self._out.emit(do.ListenForSpeech(False))
            self._out.arm(Timer.WORD_END, self._policy.word_end_timeout_s)
        else:
            self._now.open_from_sample = spoken.stretch.floor_sample
            spoken.listen()

    def begin_is_known(self, end_sample: int | None) -> None:
        """Now the question can be told from the word; until now nothing was sent."""
        turn = self._now.turn
        if turn is None or not isinstance(turn.question, AwaitedQuestion):
            return
        floor_sample = turn.question.guess_sample if end_sample is None else end_sample
        stretch = self.stretch(floor_sample)
        turn.question = SoundQuestion(stretch)
        self.begins(turn, stretch)
        self._out.disarm(Timer.WORD_END)
        if not self._now.is_asking:
            return
        self.listen()
        if self._listener is not None and self._now.spoken is not None:
            self._now.spoken.stream(self._listener)

    def send(self, link: LinkInUse, turn: Turn) -> None:
        """The link is ready: send what was said so far, and what is being said."""
        spoken = self._now.spoken
        assert spoken is not None, "the sound of a question is known with its floor"
        if turn.phase is TurnPhase.ASKED:
            self._now.state = State.LISTENING
            spoken.stream(link)
            if spoken.stretch.hearing is HearingPhase.SPOKEN:
                self._may_be_over(turn, spoken)
        else:
            self._now.state = State.THINKING
            spoken.replay(link)
            wait_s = link.plan.answer_timeout_s + link.plan.endpointing_timeout_s
            self._out.arm(Timer.ANSWER, wait_s)

    # -- the chime ---------------------------------------------------------------------

    def chime_due(self) -> None:
        """Nobody spoke on at once."""
        if self._now.spoken is not None and self._now.is_asking:
            self._now.spoken.chime_due(self._exchange.link)

    def chime_over(self) -> None:
        """What is said from now on is without it."""
        if self._now.spoken is not None:
            self._now.spoken.resume(self._listener)

    # -- what the device hears ---------------------------------------------------------

    def speech_started(self, at_sample: int) -> None:
        """Somebody speaks: for the first time, again, or after the end that was thought to be."""
        turn, spoken = self._now.turn, self._now.spoken
        if turn is None or spoken is None:
            return
        if self._now.is_asking:
            spoken.speech_began(at_sample, self._listener)
            self._sounded_out_in_vain(spoken)
        elif self._now.state is State.THINKING and turn.phase is TurnPhase.AWAITED:
            self._continued(turn, spoken, at_sample)

    def _sounded_out_in_vain(self, spoken: SpokenQuestion) -> None:
        """There is a question after all, and its beginning was to be forgotten: all of it anew."""
        link = self._listener
        if link is not None and link.is_sounded:
            link.is_sounded = False
            spoken.stream(link)

    def _continued(self, turn: Turn, spoken: SpokenQuestion, at_sample: int) -> None:
        """The user had only paused. An endpoint that hears for itself notices as well."""
        link = self._exchange.link
        if link is not None and not link.plan.detects_turns and spoken.sending is not Sending.CUT:
            self._answering.interrupt(turn, link)
            self._asked_on(turn)
            spoken.continued(at_sample, link)

    def _asked_on(self, turn: Turn) -> None:
        """The question was not over."""
        turn.phase = TurnPhase.ASKED
        self._answering.delivery.arrival = Arrival.OPEN
        spoken, link = self._now.spoken, self._exchange.link
        if spoken is not None and spoken.sending is Sending.CUT and link is not None:
            self._out.arm(Timer.TURN_LIMIT, link.plan.endpointing_timeout_s)
        self._now.state = State.LISTENING

    def speech_ended(self, ended: inputs.SpeechEnded) -> None:
        """Nobody speaks any more, perhaps only for a pause."""
        turn, spoken = self._now.turn, self._now.spoken
        if turn is None or spoken is None or turn.phase is TurnPhase.ANSWERED:
            return
        spoken.speech_ended(ended.at_sample, ended.at_s)
        if self._now.state is State.LISTENING:
            self._may_be_over(turn, spoken)

    def _may_be_over(self, turn: Turn, spoken: SpokenQuestion) -> None:
        """The device thinks so; some endpoints want to decide for themselves."""
        link = self._exchange.link
        if link is None:
            return
        if not link.plan.detects_turns:
            spoken.end(link)
            self.over(turn)
        else:
            self._out.arm(Timer.ENDPOINTING, link.plan.endpointing_timeout_s)

    def over(self, turn: Turn) -> None:
        """Somebody decided that the user has finished: wait for the answer."""
        assert self._now.spoken is not None, "nobody can have heard a question that was not sent"
        turn.phase = TurnPhase.AWAITED
        turn.mark(Mark.SPEECH_END, self._out.now_s)
        self._out.disarm(
            Timer.NO_SPEECH, Timer.ENDPOINTING, Timer.CHIME, Timer.CHIME_OVER
        )  # not its limit: sound still leaves until the answer is heard, and may be added
        if self._exchange.link is not None:
            self._out.arm(Timer.ANSWER, self._exchange.link.plan.answer_timeout_s)
        self._now.state = State.THINKING

    def closed(self, at_sample: int) -> None:
        """The first of the answer is heard: no more of the question is sent."""
        link = self._exchange.link
        if link is not None and link.uplinking is Uplinking.STREAMING:
            link.cut_off_sample = at_sample
            link.stop_uplink()
        self._now.open_from_sample = at_sample

    def uplink_drained(self, link: LinkInUse) -> None:
        """Its last sample has left."""
        turn = self._now.turn
        if turn is None or not link.drained(turn.number):
            return
        if not link.plan.detects_turns and self._now.state is State.THINKING:
            link.ask(by_commit=True)

    # -- what the endpoint hears -------------------------------------------------------

    def user_began(self, link: LinkInUse) -> None:
        """It hears somebody speak, before the answer is heard."""
        turn, spoken = self._now.turn, self._now.spoken
        if turn is None or spoken is None:
            return  # of this turn it has got nothing to hear
        link.hears_speech = True
        if self._now.state is State.LISTENING:
            spoken.reported()
        elif spoken.is_replayed:
            self._answering.lives(link)
        elif self._now.state is State.THINKING and turn.phase is TurnPhase.AWAITED:
            # It heard more of the question and has dropped its answer.
            link.downlink.disown()
            self._answering.drop_unplayed(link)
            self._out.disarm(Timer.ANSWER)
            self._asked_on(turn)
            spoken.resume(link)

    def user_ended(self, link: LinkInUse) -> None:
        """It hears that the user has finished."""
        turn, spoken = self._now.turn, self._now.spoken
        if turn is None or spoken is None:
            return
        if self._now.state is State.LISTENING:
            self.over(turn)
        elif spoken.is_replayed:
            spoken.replay_heard()
            self._answering.lives(link)

    # -- questions that come to nothing ------------------------------------------------

    def too_long(self) -> Course:
        """Somebody left the radio on: take what there is for the question."""
        turn, link, spoken = self._now.turn, self._exchange.link, self._now.spoken
        if turn is None or turn.phase is TurnPhase.ANSWERED:
            return Course.GOES_ON
        if not self._now.is_asking:
            if spoken is not None and link is not None:
                spoken.close(link)
            return Course.GOES_ON
        if turn.trigger is Trigger.FOLLOW_UP and spoken is not None and spoken.goes_on:
            return Course.EMPTY
        if self._now.state is State.CONNECTING or link is None or spoken is None:
            return Course.LOST
        if spoken.sending is Sending.CUT:
            self._out.arm(Timer.TURN_LIMIT, self._policy.turn_limit_s)
            return self.not_noticed()
        spoken.cut(link)
        if link.plan.detects_turns:
            self._out.arm(Timer.TURN_LIMIT, link.plan.endpointing_timeout_s)
        else:
            self.over(turn)
        return Course.GOES_ON

    def not_noticed(self) -> Course:
        """Speech ended for the device; the endpoint has not said that it noticed.

        Perhaps it is well, and there was none: a cough, a door. Then it answers when spoken to.
        """
        link = self._exchange.link
        if link is not None and not link.hears_speech and not link.is_sounded:
            link.sound_out()
            self._out.arm(Timer.ENDPOINTING, SOUND_OUT_S)
            return Course.GOES_ON
        return Course.UNNOTICED

    def endpoint_lives(self, link: LinkInUse) -> Course:
        """It is well, and if it was sounded out it has heard nobody: no failure of anybody's."""
        if link.is_sounded and self._now.state is State.LISTENING:
            link.is_sounded = False
            return Course.EMPTY
        return Course.GOES_ON
