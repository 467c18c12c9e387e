"""The conversation: questions, answers, and the link that they go by.

Here is where turns begin, go on and end: who may begin one, what a question that comes to
nothing, a broken link or a complete answer means. The rest is done by parts that own their
rules and say what became of it: the question while it is spoken
(:mod:`~device.assistant.asking`), its way to an endpoint (:mod:`~device.assistant.handover`),
the answer (:mod:`~device.assistant.answering`), whom to ask (:mod:`~device.assistant.exchange`),
sentences of our own (:mod:`~device.assistant.remarks`). What they share is a
:class:`~device.assistant.situation.Situation`. None of them knows this module, and this one does
not know whether the appliance has a microphone: that is the assistant's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from device.assistant import downlink as facts
from device.assistant import effects as do
from device.assistant import inputs, news
from device.assistant.answering import Answering, Standing
from device.assistant.asking import Asking, Course
from device.assistant.checks import Check, Ruling
from device.assistant.chronicle import Chronicle
from device.assistant.delivery import Arrival
from device.assistant.exchange import Exchange
from device.assistant.failover import Chance, no_chance
from device.assistant.follow_ups import FollowUps
from device.assistant.handover import Handover
from device.assistant.interjection import Interjection
from device.assistant.link import LinkInUse
from device.assistant.outbox import Outbox
from device.assistant.policy import BargeIn, EndpointPlan, Policy, Profile
from device.assistant.question import (
    AwaitedQuestion,
    PictureQuestion,
    SoundQuestion,
    TypedQuestion,
    WrittenQuestion,
)
from device.assistant.remarks import Remarks
from device.assistant.situation import Situation
from device.assistant.states import State
from device.assistant.stretch import Stretch
from device.assistant.timers import Timer
from device.assistant.turn import Mark, Trigger, Turn, TurnPhase
from device.assistant.turns import Turns
from device.realtime.events import LinkEvent
from device.realtime.failures import Failure, Reason


class Conversation:
    """What happens between a wake word and the silence after an answer."""

    def __init__(
        self,
        policy: Policy,
        endpoints: Sequence[EndpointPlan],
        profiles: Mapping[str, Profile],
        check: Check | None,
        out: Outbox,
        chance: Chance = no_chance,
    ) -> None:
        """As :class:`device.assistant.assistant.Assistant`, with the ``out`` that they share."""
        self.policy = policy
        self.now = Situation()
        self.remarks = Remarks()
        self.exchange = Exchange(endpoints, policy, self.remarks, out, chance)
        self.chronicle = Chronicle(policy.memory_s, out)
        self.answering = Answering(policy, check, self.chronicle, self.remarks, out)
        self.delivery = self.answering.delivery
        self._profiles = profiles
        self._out = out
        self._echo_works = True
        self._follow_ups = FollowUps(policy)
        self.interjection = Interjection(self.now, self._follow_ups, self.delivery, policy, out)
        self.turns = Turns(
            self.now,
            self.exchange,
            self.answering,
            self.interjection,
            self.chronicle,
            self.remarks,
            out,
        )
        self.asking = Asking(self.now, self._follow_ups, self.exchange, self.answering, policy, out)
        self._handover = Handover(self.now, self.asking, self.exchange, self.chronicle, policy, out)

    # -- the state as a whole ----------------------------------------------------------

    @property
    def is_at_rest(self) -> bool:
        """No turn is in progress and no further one is expected without a wake."""
        return self.now.state is State.IDLE and self.delivery.interrupted is None

    @property
    def _link(self) -> LinkInUse | None:
        """The link in use, or on its way."""
        return self.exchange.link

    # -- what is told from outside -----------------------------------------------------

    def tool_finished(self, finished: inputs.ToolFinished) -> None:
        """A tool has an outcome, which somebody may be waiting for."""
        if self.now.turn is not None:
            self.answering.tool_finished(finished, self._link, self.now.turn)
            self._calls_may_be_over(self.now.turn)

    def _tools_late(self) -> None:
        """Nobody waits for them any longer."""
        if self.now.turn is not None:
            self.answering.tools_late(self._link, self.now.turn)
            self._calls_may_be_over(self.now.turn)

    def _calls_may_be_over(self, turn: Turn) -> None:
        if not self._handover.calls_are_over(turn):
            self._nobody_answers(turn)

    def ruled(self, turn: int, ruling: Ruling) -> None:
        """A check that held an answer back has decided, about a turn of that number."""
        if self.now.turn is not None and self.now.turn.number == turn:
            self._go_on(self.answering.ruled(ruling, self.now.turn))

    # -- dispatch ----------------------------------------------------------------------

    def on_link(self, happened: inputs.FromLink) -> None:
        """Take what a link brings."""
        link = self._link
        if link is None or link.number != happened.link:
            if isinstance(happened, inputs.LinkReady):
                # It was closed while it was being opened: nobody else would close it now.
                self._out.emit(do.CloseLink(happened.link))
            return
        match happened:
            case inputs.LinkReady():
                self._link_ready(link)
            case inputs.LinkLost(failure=failure):
                self._fail_link(failure)
            case inputs.LinkExpiring():
                link.is_expiring = True
                self.exchange.roll_over(self.now)
            case inputs.ServerSaid(event=event):
                if link.is_ready:
                    self._server_said(link, event)
            case inputs.UplinkBegan():
                if self.now.turn is not None:
                    self.now.turn.mark(Mark.FIRST_AUDIO_SENT, self._out.now_s)
            case inputs.UplinkDrained():
                self.asking.uplink_drained(link)
            case _:
                assert_never(happened)

    def on_timer(self, timer: Timer) -> None:
        """Take a deadline that was reached."""
        match timer:
            case Timer.LINK:
                self._fail_link(_timeout("the endpoint did not get ready in time"))
            case Timer.WORD_END:
                self.asking.begin_is_known(None)
            case Timer.CHIME:
                self.asking.chime_due()
            case Timer.CHIME_OVER:
                self.asking.chime_over()
            case Timer.NO_SPEECH:
                self._question_takes(Course.EMPTY)
            case Timer.TURN_LIMIT:
                self._question_takes(self.asking.too_long())
            case Timer.ENDPOINTING:
                self._question_takes(self.asking.not_noticed())
            case Timer.ANSWER:
                self._fail_link(_timeout("the endpoint stopped answering"))
            case Timer.ANSWER_LIMIT:
                if self.now.turn is not None:
                    self._out.tell(news.AnswerStopped(self.now.turn.number, self.now.turn.endpoint))
                self.turns.stop()
            case Timer.TOOLS:
                self._tools_late()
            case Timer.ASK_AGAIN:
                if self._link is not None:
                    self._link.ask_again()
            case Timer.PLAYBACK:
                self._playback_late()
            case Timer.INTERJECTION:
                self.interjection.over()
            case Timer.FOLLOW_UP:
                self.turns.rest()
            case Timer.LINK_IDLE:
                self.exchange.close()
            case _:
                assert_never(timer)

    def _on_fact(self, link: LinkInUse, fact: facts.Fact) -> None:
        if isinstance(fact, facts.OfQuestion):
            self._on_question(link, fact)
        elif isinstance(fact, facts.OfAnswer):
            self._on_answer(link, fact)
        else:
            self._on_endpoint(link, fact)

    def _on_question(self, link: LinkInUse, fact: facts.OfQuestion) -> None:
        match fact:
            case facts.UserBegan():
                self._user_began(link)
            case facts.UserEnded():
                self.asking.user_ended(link)
            case facts.UserHeard(text=text):
                self._user_heard(link, text.strip())
            case facts.UserHeardSoFar(text=text):
                self._go_on(self.answering.question(text, self.now.turn, is_final=False))
            case _:
                assert_never(fact)

    def _on_endpoint(self, link: LinkInUse, fact: facts.OfEndpoint) -> None:
        match fact:
            case facts.EndpointFailed(failure=failure):
                self._fail_link(failure)
            case facts.Complaint(failure=failure):
                name = link.plan.name
                self._out.tell(news.EventRefused(self.turns.number, name, failure.detail))
                self._question_takes(self.asking.endpoint_lives(link))
            case facts.SoundForgotten():
                self._question_takes(self.asking.endpoint_lives(link))
            case facts.ResponseRefused():
                link.response_refused()
            case _:
                assert_never(fact)

    # -- the question ------------------------------------------------------------------

    def wake_word(self, heard: inputs.WakeWordHeard) -> None:
        """Somebody calls, and may interrupt by that."""
        if self.now.state is State.SPEAKING and self.policy.barge_in is BargeIn.OFF:
            return
        profile = self._profiles.get(heard.word, Profile())
        question = AwaitedQuestion(heard.end_sample)
        self._follow_ups.called()
        turn = self.turns.begin(Trigger.WAKE_WORD, question, profile, heard.end_sample)
        self._listen_in(turn)
        score = round(heard.score, 4)
        self._out.tell(news.WakeHeard(turn.number, heard.word, score, heard.at_s))

    def talk(self, at_sample: int) -> None:
        """The button calls, interrupts, or takes the call back."""
        if self.now.is_asking:
            self._give_up_listening()
        else:
            self._follow_ups.called()
            self._begin_spoken(Trigger.BUTTON, self.asking.stretch(at_sample), Profile())

    def asked(self, asked: inputs.Asked) -> None:
        """A question by keyboard: it is over as soon as it is there, and nothing is heard."""
        question: WrittenQuestion = TypedQuestion(asked.text)
        if asked.jpeg is not None:
            question = PictureQuestion(asked.jpeg, asked.text)
        turn = self.turns.begin(Trigger.TYPED, question, Profile(), None)
        turn.phase = TurnPhase.AWAITED
        turn.mark(Mark.SPEECH_END, self._out.now_s)
        self._out.emit(do.ListenForSpeech(False))
        self.chronicle.typed(turn, asked.text)
        self._bring(turn)

    def _begin_spoken(self, trigger: Trigger, stretch: Stretch, profile: Profile) -> None:
        """Listen to a question whose floor is known, whatever was going on."""
        begin_sample = stretch.begin_sample
        turn = self.turns.begin(trigger, SoundQuestion(stretch), profile, begin_sample)
        self.asking.begins(turn, stretch)
        self._listen_in(turn)

    def _listen_in(self, turn: Turn) -> None:
        """Find somebody for a spoken question, and have it listened to."""
        self.asking.wait_for_it()
        self._bring(turn)
        if self.now.is_asking:  # else there was nobody, and that is said instead
            self.asking.listen()

    def speech_started(self, at_sample: int) -> None:
        """Somebody speaks: in a question, into an answer, or after it."""
        self._follow_ups.not_taken(None)
        if self.interjection.is_possible:
            self.interjection.began(at_sample)
        else:
            self.asking.speech_started(at_sample)

    def speech_ended(self, ended: inputs.SpeechEnded) -> None:
        """Nobody speaks any more, perhaps only for a pause."""
        self.interjection.over()
        self.asking.speech_ended(ended)

    def voice_measured(self, measured: inputs.VoiceMeasured) -> None:
        """It is known how loud somebody speaks: after an answer that tells who may ask on."""
        turn = self.now.turn
        if self.interjection.is_possible:
            from_sample = self.interjection.measured(measured)
            if from_sample is not None:
                self._speech_uncalled(Trigger.VOICE, from_sample)
        elif self.now.state is State.FOLLOW_UP:
            if self._follow_ups.is_asker(measured.level_db):
                begin_sample = self._follow_ups.begin_sample(measured.from_sample)
                self._speech_uncalled(Trigger.FOLLOW_UP, begin_sample)
            else:
                self._follow_ups.not_taken(measured.from_sample)
        elif turn is not None and turn.phase is not TurnPhase.ANSWERED and not turn.is_written:
            self._follow_ups.asker_measured(measured.level_db)

    def _speech_uncalled(self, trigger: Trigger, at_sample: int) -> None:
        """Somebody speaks who has called nobody: to whom was answered last."""
        self._follow_ups.taken()
        stretch = self.asking.stretch(self.now.open_from_sample, at_sample, self.policy.lead_ms)
        self._begin_spoken(trigger, stretch, self.exchange.profile)

    # -- questions that come to nothing ------------------------------------------------

    def _question_takes(self, course: Course) -> None:
        """What follows from how it goes with the question under way."""
        match course:
            case Course.GOES_ON:
                pass
            case Course.EMPTY:
                # A false wake, or a change of mind: no light may stay on for that.
                if self.now.turn is not None and self.now.is_asking:
                    self._out.tell(news.NobodySpoke(self.now.turn.number))
                    self._give_up_listening()
            case Course.LOST:
                self.turns.drop_and_rest()
            case Course.UNNOTICED:
                self._fail_link(_timeout("the endpoint did not notice the end of the question"))
            case _:
                assert_never(course)

    def _give_up_listening(self) -> None:
        """No question came of it: who does not see the light hears that it is over."""
        self.turns.drop_and_rest()
        if self.policy.chime:
            self._out.emit(do.Chime("done"))

    # -- the answer --------------------------------------------------------------------

    def _server_said(self, link: LinkInUse, event: LinkEvent) -> None:
        for fact in link.downlink.take(event):
            if self._link is link:
                self._on_fact(link, fact)
        for released in link.downlink.released():
            if self._link is link:
                link.send(released)
                self._out.arm(Timer.ANSWER, link.plan.answer_timeout_s)

    def _user_began(self, link: LinkInUse) -> None:
        """Of the question it may hear more; into an answer it hears what was on its way."""
        spoken = self.now.spoken
        self.asking.user_began(link)
        if self.now.state is not State.SPEAKING or spoken is None or spoken.is_replayed:
            return
        if link.cut_off_sample is not None and self.policy.barge_in is not BargeIn.OFF:
            self._follow_ups.taken()
            stretch = self.asking.stretch(link.cut_off_sample)
            self._begin_spoken(Trigger.VOICE, stretch, self.exchange.profile)

    def _user_heard(self, link: LinkInUse, text: str) -> None:
        if text:
            self.chronicle.heard(self.turns.number, text, link.plan.name, link.profile.name)
            self._go_on(self.answering.question(text, self.now.turn, is_final=True))

    def _on_answer(self, link: LinkInUse, fact: facts.OfAnswer) -> None:
        turn = self.now.turn
        if turn is None or isinstance(turn.question, AwaitedQuestion):
            return  # of a question that is over for us, or has not begun
        if self.now.state is State.LISTENING and isinstance(fact, facts.ResponseBegan):
            self.asking.over(turn)
        if self.now.is_answering:
            self._go_on(self.answering.take(fact, link, turn))

    def _go_on(self, standing: Standing | Failure) -> None:
        if isinstance(standing, Failure):
            self._fail_link(standing)
            return
        match standing:
            case Standing.GOES_ON:
                pass
            case Standing.COMPLETE:
                self.answer_may_be_over()
            case Standing.STOPPED:
                self.turns.stop()
            case _:
                assert_never(standing)

    def playback_started(self, started: inputs.PlaybackStarted) -> None:
        """An item began to be heard; with the first one the question is closed."""
        turn = self.now.turn
        if turn is None or not self.now.is_answering or self.delivery.is_notice(started.item):
            return
        turn.phase = TurnPhase.ANSWERED
        turn.mark(Mark.FIRST_AUDIO_PLAYED, self._out.now_s)
        if self.now.state is State.THINKING:
            self.asking.closed(started.at_sample)
            self._out.emit(do.ListenForSpeech(self.policy.barge_in is BargeIn.VOICE))
            self.now.state = State.SPEAKING
            self._may_be_half_duplex()
        self.exchange.answered()

    def echo_changed(self, works: bool) -> None:
        """Our own voice can be told from what people say, or it cannot any more."""
        if works is not self._echo_works:
            self._echo_works = works
            self._out.tell(news.EchoTold(self.turns.number, works))
            self._may_be_half_duplex()

    def _may_be_half_duplex(self) -> None:
        """Whoever could interrupt by voice, and cannot here, is told so, after an answer."""
        if self.interjection.is_possible and not self._echo_works:
            self.remarks.half_duplex()

    def answer_may_be_over(self, at_sample: int | None = None) -> None:
        """Over means: nothing is generated, asked for, computed, queued or playing."""
        turn = self.now.turn
        if turn is None or not self.delivery.is_over:
            return
        if self.policy.say_notices and (remark := self.remarks.take()):
            self.delivery.say(remark, turn)
        else:
            self._answer_over(turn, at_sample)

    def _answer_over(self, turn: Turn, at_sample: int | None) -> None:
        said = self.answering.over(turn, self._link)
        self.interjection.over()
        self.now.turn = self.now.spoken = None
        self._out.timers.disarm_all()
        # Who types has not asked for a microphone that listens for more.
        window_s = self._follow_ups.window_s(said, has_done=turn.calls.is_done)
        if window_s > 0 and not self.now.fault and not turn.is_written:
            self.now.state = State.FOLLOW_UP
            if at_sample is not None:
                at_sample = max(at_sample, self.now.open_from_sample)
            self._out.emit(do.ListenForSpeech(True, at_sample))
            self._out.arm(Timer.FOLLOW_UP, window_s)
        else:
            self.turns.rest()
        self.exchange.roll_over(self.now)

    def _playback_late(self) -> None:
        """The speaker swallowed the answer: say so in the log, and be ready again."""
        unplayed = len(self.delivery.heard.unplayed)
        self._out.tell(news.PlaybackStalled(self.turns.number, unplayed))
        self.turns.drop_and_rest()

    # -- the link ----------------------------------------------------------------------

    def _bring(self, turn: Turn) -> None:
        """Bring the question to the link there is, or to the next endpoint."""
        if not self._handover.ask(turn):
            self._nobody_answers(turn)

    def _link_ready(self, link: LinkInUse) -> None:
        turn = self.now.turn
        self.exchange.ready(link, turn)
        if turn is not None:
            self._handover.start(link, turn)

    def _fail_link(self, failure: Failure) -> None:
        """The link in use is of no use: close it, and bring its question to the next."""
        link, turn = self._link, self.now.turn
        if link is None:
            return
        name, number = link.plan.name, self.turns.number
        self._out.tell(news.LinkBroke(number, name, failure.reason, failure.detail))
        is_to_be_told = turn is not None and turn.calls.is_untold
        self.exchange.close(tools_go_on=is_to_be_told)
        if turn is None:
            return
        if turn.phase is not TurnPhase.ANSWERED:
            self.answering.drop_unplayed(self._link)
        elif is_to_be_told:
            self.delivery.expect_more()
        else:
            self.answering.cut()
            self.answer_may_be_over()
            return
        self.exchange.failed(link, failure, turn)
        self._bring(turn)

    def _nobody_answers(self, turn: Turn) -> None:
        is_barred = self.exchange.nobody_left(turn)
        self._out.timers.disarm_all()
        self.now.fault = "no_answer"
        self.now.state = State.THINKING
        self.remarks.new_turn()
        self.delivery.arrival = Arrival.COMPLETE
        if self.policy.say_notices:
            self.answering.apologize(turn, is_barred=is_barred)
        else:
            self._out.emit(do.Chime("error"))
            self._answer_over(turn, None)


def _timeout(what: str) -> Failure:
    return Failure(Reason.TIMEOUT, what)
