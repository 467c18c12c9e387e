"""The conversation: a state machine from inputs and time to effects.

Nothing here waits, opens or plays anything. :meth:`Assistant.handle` takes one fact and
the time and returns what is to be done about it; :attr:`Assistant.deadline_s` says when
to call again if nothing happens. So every race is a sequence that a test can write down.

State lives where its rules are: the sound of a question in :mod:`~device.assistant.stretch`,
a turn's way in :mod:`~device.assistant.turn`, the link in :mod:`~device.assistant.link`, what
the speaker has been given in :mod:`~device.assistant.delivery`, sentences of our own in
:mod:`~device.assistant.remarks`. None of them knows this module; here they are brought together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from device.assistant import downlink as facts
from device.assistant import effects as do
from device.assistant import inputs, news
from device.assistant.answering import Answering, Standing
from device.assistant.checks import Check
from device.assistant.chronicle import Chronicle
from device.assistant.delivery import Arrival
from device.assistant.exchange import Exchange
from device.assistant.link import LinkInUse, Uplinking
from device.assistant.outbox import Outbox
from device.assistant.policy import BargeIn, EndpointPlan, Policy, Profile
from device.assistant.question import (
    AwaitedQuestion,
    PictureQuestion,
    Question,
    SoundQuestion,
    TypedQuestion,
    WrittenQuestion,
    item_of,
)
from device.assistant.remarks import Remarks
from device.assistant.spoken import Sending, SpokenQuestion
from device.assistant.states import State
from device.assistant.status import Status
from device.assistant.stretch import Hearing, Stretch
from device.assistant.timers import Timer
from device.assistant.turn import Mark, Phase, Trigger, Turn
from device.realtime.events import LinkEvent
from device.realtime.failures import Failure, Reason

_TURN_TIMERS = tuple(timer for timer in Timer if timer not in (Timer.LINK, Timer.LINK_IDLE))
_ASKING = (State.CONNECTING, State.LISTENING)
_ANSWERING = (State.THINKING, State.SPEAKING)


class Assistant:
    """What the appliance decides. See the module's text for how it is used."""

    def __init__(
        self,
        policy: Policy,
        endpoints: Sequence[EndpointPlan],
        profiles: Mapping[str, Profile] | None = None,
        check: Check | None = None,
    ) -> None:
        """``profiles``: wake word to who answers it; words without one get the default.

        ``check``: looks at questions and answers, and may hold back what is said or stop it.
        """
        self.policy = policy
        self._profiles = dict(profiles or {})
        self.state = State.IDLE
        self.turn: Turn | None = None
        self._out = Outbox()
        self._turns_begun = 0
        self._remarks = Remarks()
        self._exchange = Exchange(endpoints, policy, self._remarks, self._out)
        self._chronicle = Chronicle(policy.memory_s, self._out)
        self._answering = Answering(policy, check, self._chronicle, self._out)
        self._delivery = self._answering.delivery
        self._spoken: SpokenQuestion | None = None
        """The sound of the question under way, where it has any and its floor is known."""
        self._open_from_sample = 0
        """Where the answer that is given, or was given last, began to be heard: a question
        that nobody called for by name (a follow-up, a voice) begins there at the earliest."""
        self._echo_works = True
        self._shown: do.Show | None = None
        self._fault = ""

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
            self._on_timer(timer)
        self._on_input(happened)
        self._show()
        return self._out.close()

    @property
    def deadline_s(self) -> float | None:
        """When ``TimePassed`` is due if nothing else happens; None when nothing is awaited."""
        return self._out.timers.next_s

    @property
    def status(self) -> Status:
        """How everything is now."""
        link, turn = self._link, self.turn
        is_resting = self.state in (State.IDLE, State.MUTED, State.FAULTED)
        return Status(
            state=self.state,
            fault=self._fault,
            endpoint=link.plan.name if link is not None else None,
            is_local=link.plan.is_local if link is not None else None,
            is_fallback=self._exchange.is_fallback,
            budget=self.policy.budget,
            budget_level=self._exchange.level,
            turn=turn.number if turn is not None else None,
            phase=turn.phase if turn is not None else None,
            is_at_rest=is_resting and self._delivery.interrupted is None,
            last_answer=self._chronicle.history.last_answer(),
        )

    # -- dispatch ----------------------------------------------------------------------

    def _on_input(self, happened: inputs.Input) -> None:
        if isinstance(happened, inputs.FromPerson):
            self._on_person(happened)
        elif isinstance(happened, inputs.FromLink):
            self._on_link(happened)
        elif isinstance(happened, inputs.FromSpeaker):
            self._on_speaker(happened)
        else:
            self._on_house(happened)

    def _on_person(self, happened: inputs.FromPerson) -> None:
        match happened:
            case inputs.WakeWordHeard():
                self._wake_word(happened)
            case inputs.WakeWordEnded(end_sample=end_sample):
                self._begin_is_known(end_sample)
            case inputs.SpeechStarted(at_sample=at_sample):
                self._speech_started(at_sample)
            case inputs.SpeechEnded():
                self._speech_ended(happened)
            case inputs.TalkPressed(at_sample=at_sample):
                self._talk(at_sample)
            case inputs.Asked():
                self._asked(happened)
            case inputs.StopRequested():
                self._stop()
            case inputs.MuteChanged():
                self._mute_changed(happened)
            case _:
                assert_never(happened)

    def _on_link(self, happened: inputs.FromLink) -> None:
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
                # Between conversations is the time to let go; a turn in progress may still fit.
                if self.turn is None:
                    self._exchange.close()
            case inputs.ServerSaid(event=event):
                if link.is_ready:
                    self._server_said(link, event)
            case inputs.UplinkBegan():
                if self.turn is not None:
                    self.turn.mark(Mark.FIRST_AUDIO_SENT, self._out.now_s)
            case inputs.UplinkDrained():
                self._uplink_drained(link)
            case _:
                assert_never(happened)

    def _on_speaker(self, happened: inputs.FromSpeaker) -> None:
        match happened:
            case inputs.PlaybackStarted():
                self._playback_started(happened)
            case inputs.PlaybackFinished(item=item, at_sample=at_sample):
                self._delivery.played(item)
                self._answer_may_be_over(at_sample)
            case inputs.PlaybackStopped(heard_ms=heard_ms):
                self._answering.stopped(heard_ms, self._link, self.turn)
            case inputs.SpeakerBusy(for_s=for_s):
                self._delivery.speaker_busy(for_s)
            case inputs.SpeakerFree():
                self._delivery.speaker_free()
            case inputs.EchoChanged(works=works):
                self._echo_changed(works)
            case _:
                assert_never(happened)

    def _on_house(self, happened: inputs.FromHouse) -> None:
        match happened:
            case inputs.MicrophoneFailed():
                self._microphone_failed(happened)
            case inputs.MicrophoneRecovered():
                self._microphone_recovered()
            case inputs.Spent(month_usd=month_usd):
                self._exchange.spent(month_usd, self._turn_number)
            case inputs.ToolFinished():
                if self._link is not None:
                    self._answering.tool_finished(happened, self._link, self._turn_number)
            case inputs.Ruled(turn=number, ruling=ruling):
                if self.turn is not None and self.turn.number == number:
                    self._go_on(self._answering.ruled(ruling, self.turn))
            case inputs.ToolsChanged():
                self._tools_changed()
            case inputs.TimePassed():
                pass  # the timers have been looked at already
            case _:
                assert_never(happened)

    def _on_timer(self, timer: Timer) -> None:
        match timer:
            case Timer.LINK:
                self._fail_link(_timeout("the endpoint did not get ready in time"))
            case Timer.WORD_END:
                self._begin_is_known(None)
            case Timer.CHIME:
                if self._spoken is not None and self.state in _ASKING:
                    self._spoken.chime_due(self._link)
            case Timer.CHIME_OVER:
                if self._spoken is not None:
                    self._spoken.resume(self._listener)
            case Timer.NO_SPEECH:
                self._nobody_spoke()
            case Timer.TURN_LIMIT:
                self._turn_too_long()
            case Timer.ENDPOINTING:
                self._endpoint_deaf()
            case Timer.ANSWER:
                self._fail_link(_timeout("the endpoint stopped answering"))
            case Timer.TOOLS:
                if self._link is not None:
                    self._answering.tools_late(self._link)
            case Timer.PLAYBACK:
                self._playback_late()
            case Timer.FOLLOW_UP:
                self._go_idle()
            case Timer.LINK_IDLE:
                self._exchange.close()
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
                self._user_ended(link)
            case facts.UserHeard(text=text):
                self._user_heard(link, text.strip())
            case facts.UserHeardSoFar(text=text):
                self._go_on(self._answering.question(text, self.turn, is_final=False))
            case _:
                assert_never(fact)

    def _on_endpoint(self, link: LinkInUse, fact: facts.OfEndpoint) -> None:
        match fact:
            case facts.EndpointFailed(failure=failure):
                self._fail_link(failure)
            case facts.Complaint(failure=failure):
                name = link.plan.name
                self._out.tell(news.EventRefused(self._turn_number, name, failure.detail))
            case _:
                assert_never(fact)

    # -- the question ------------------------------------------------------------------

    def _wake_word(self, heard: inputs.WakeWordHeard) -> None:
        if self.state in (State.MUTED, State.FAULTED):
            return
        if self.state is State.SPEAKING and self.policy.barge_in is BargeIn.OFF:
            return
        profile = self._profiles.get(heard.word, Profile())
        question = AwaitedQuestion(heard.end_sample)
        turn = self._begin_turn(Trigger.WAKE_WORD, question, profile, heard.end_sample)
        self._listen_to(turn)
        score = round(heard.score, 4)
        self._out.tell(news.WakeHeard(turn.number, heard.word, score, heard.at_s))

    def _talk(self, at_sample: int) -> None:
        if self.state is State.FAULTED:
            self._say(self._remarks.microphone_broken())
        elif self.state in _ASKING:
            self._give_up_listening()
        elif self.state is not State.MUTED:
            self._begin_spoken(Trigger.BUTTON, Stretch(at_sample), Profile())

    def _asked(self, asked: inputs.Asked) -> None:
        """A question by keyboard: it is over as soon as it is there, and nothing is heard."""
        if self.state in (State.MUTED, State.FAULTED):
            return
        question: WrittenQuestion = TypedQuestion(asked.text)
        if asked.jpeg is not None:
            question = PictureQuestion(asked.jpeg, asked.text)
        turn = self._begin_turn(Trigger.TYPED, question, Profile(), None)
        turn.phase = Phase.AWAITED
        turn.mark(Mark.SPEECH_END, self._out.now_s)
        self._out.emit(do.ListenForSpeech(False))
        self._chronicle.typed(turn, asked.text)
        self._ask(turn)

    def _begin_spoken(self, trigger: Trigger, stretch: Stretch, profile: Profile) -> None:
        """Listen to a question whose floor is known, whatever was going on."""
        begin_sample = stretch.begin_sample
        turn = self._begin_turn(trigger, SoundQuestion(stretch), profile, begin_sample)
        self._spoken = SpokenQuestion(turn, stretch, self.policy, self._out)
        self._listen_to(turn)

    def _begin_turn(
        self, trigger: Trigger, question: Question, profile: Profile, at_sample: int | None
    ) -> Turn:
        self._drop_turn()
        self._fault = ""
        self._remarks.new_turn()
        self._delivery.new_turn()
        self._turns_begun += 1
        self._spoken = None
        self.turn = turn = Turn(self._turns_begun, trigger, question, profile)
        turn.mark(Mark.WAKE, self._out.now_s)
        self._out.tell(news.TurnBegan(turn.number, trigger, at_sample))
        self._out.disarm(Timer.FOLLOW_UP, Timer.LINK_IDLE)
        self._exchange.prefer(profile)
        return turn

    def _listen_to(self, turn: Turn) -> None:
        """Find somebody for a spoken question, and have it listened to."""
        self._out.arm(Timer.NO_SPEECH, self.policy.no_speech_timeout_s)
        self._out.arm(Timer.TURN_LIMIT, self.policy.turn_limit_s)
        self._ask(turn)
        if self.state not in _ASKING:
            return  # there was nobody, and that is said instead
        if self._spoken is None:
            self._out.emit(do.ListenForSpeech(False))
            self._out.arm(Timer.WORD_END, self.policy.word_end_timeout_s)
        else:
            self._open_from_sample = self._spoken.stretch.floor_sample
            self._spoken.listen()

    def _begin_is_known(self, end_sample: int | None) -> None:
        """Now the question can be told from the word; until now nothing was sent."""
        turn = self.turn
        if turn is None or not isinstance(turn.question, AwaitedQuestion):
            return
        floor_sample = turn.question.guess_sample if end_sample is None else end_sample
        stretch = Stretch(floor_sample)
        turn.question = SoundQuestion(stretch)
        self._spoken = spoken = SpokenQuestion(turn, stretch, self.policy, self._out)
        self._out.disarm(Timer.WORD_END)
        if self.state not in _ASKING:
            return
        self._open_from_sample = floor_sample
        spoken.listen()
        if self._listener is not None:
            spoken.stream(self._listener)

    def _start_question(self, link: LinkInUse, turn: Turn) -> None:
        """The link is ready: send what was said so far, and what is being said."""
        link.update_tools()
        link.turns += 1
        turn.endpoint = link.plan.name
        self._exchange.remark_on_budget(link.plan)
        match turn.question:
            case TypedQuestion() | PictureQuestion():
                link.send(item_of(turn.question))
                link.ask(by_commit=False)
                self.state = State.THINKING
                self._out.arm(Timer.ANSWER, link.plan.answer_timeout_s)
            case AwaitedQuestion():
                self.state = State.LISTENING
            case SoundQuestion():
                self._send_spoken(link, turn)
            case _:
                assert_never(turn.question)

    def _send_spoken(self, link: LinkInUse, turn: Turn) -> None:
        spoken = self._spoken
        assert spoken is not None, "the sound of a question is known with its floor"
        if turn.phase is Phase.ASKED:
            self.state = State.LISTENING
            spoken.stream(link)
            if spoken.stretch.hearing is Hearing.SPOKEN:
                self._question_may_be_over(turn, spoken)
        else:
            self.state = State.THINKING
            spoken.replay(link)
            wait_s = link.plan.answer_timeout_s + link.plan.endpointing_timeout_s
            self._out.arm(Timer.ANSWER, wait_s)

    def _speech_started(self, at_sample: int) -> None:
        turn, spoken = self.turn, self._spoken
        if self.state is State.FOLLOW_UP:
            self._speech_uncalled(Trigger.FOLLOW_UP, at_sample)
        elif self.state is State.SPEAKING and self.policy.barge_in is BargeIn.VOICE:
            self._speech_uncalled(Trigger.VOICE, at_sample)
        elif turn is None or spoken is None:
            return
        elif self.state in _ASKING:
            spoken.speech_began(at_sample, self._listener)
        elif self.state is State.THINKING and turn.phase is Phase.AWAITED:
            self._continue_question(turn, spoken, at_sample)

    def _speech_uncalled(self, trigger: Trigger, at_sample: int) -> None:
        """Somebody speaks who has called nobody: to whom was answered last."""
        stretch = Stretch(self._open_from_sample, at_sample, self.policy.lead_ms)
        self._begin_spoken(trigger, stretch, self._exchange.profile)

    def _continue_question(self, turn: Turn, spoken: SpokenQuestion, at_sample: int) -> None:
        """The user had only paused. An endpoint that hears for itself notices as well."""
        link = self._link
        if link is not None and not link.plan.detects_turns:
            self._answering.interrupt(turn, self._link)
            self._asked_on(turn)
            spoken.continued(at_sample, link)

    def _asked_on(self, turn: Turn) -> None:
        """The question was not over."""
        turn.phase = Phase.ASKED
        self._delivery.arrival = Arrival.OPEN
        self._out.arm(Timer.TURN_LIMIT, self.policy.turn_limit_s)
        self.state = State.LISTENING

    def _speech_ended(self, ended: inputs.SpeechEnded) -> None:
        turn, spoken = self.turn, self._spoken
        if turn is None or spoken is None or turn.phase is Phase.ANSWERED:
            return
        spoken.speech_ended(ended.at_sample, ended.at_s)
        if self.state is State.LISTENING:
            self._question_may_be_over(turn, spoken)

    def _question_may_be_over(self, turn: Turn, spoken: SpokenQuestion) -> None:
        """The device thinks so; some endpoints want to decide for themselves."""
        link = self._link
        if link is None:
            return
        if not link.plan.detects_turns:
            spoken.end(link)
            self._question_over(turn)
        else:
            self._out.arm(Timer.ENDPOINTING, link.plan.endpointing_timeout_s)

    def _question_over(self, turn: Turn) -> None:
        """Somebody decided that the user has finished: wait for the answer."""
        assert self._spoken is not None, "nobody can have heard a question that was not sent"
        turn.phase = Phase.AWAITED
        turn.mark(Mark.SPEECH_END, self._out.now_s)
        self._out.disarm(
            Timer.NO_SPEECH, Timer.TURN_LIMIT, Timer.ENDPOINTING, Timer.CHIME, Timer.CHIME_OVER
        )
        if self._link is not None:
            self._out.arm(Timer.ANSWER, self._link.plan.answer_timeout_s)
        self.state = State.THINKING

    def _uplink_drained(self, link: LinkInUse) -> None:
        if self.turn is None or not link.drained(self.turn.number):
            return
        if not link.plan.detects_turns and self.state is State.THINKING:
            link.ask(by_commit=True)

    # -- questions that come to nothing ------------------------------------------------

    def _nobody_spoke(self) -> None:
        """A false wake, or a change of mind: no light may stay on for that."""
        if self.turn is not None and self.state in _ASKING:
            self._out.tell(news.NobodySpoke(self.turn.number))
            self._give_up_listening()

    def _give_up_listening(self) -> None:
        """No question came of it: who does not see the light hears that it is over."""
        self._drop_turn()
        self._go_idle()
        if self.policy.chime:
            self._out.emit(do.Chime("done"))

    def _turn_too_long(self) -> None:
        """Somebody left the radio on: take what there is for the question."""
        turn, link, spoken = self.turn, self._link, self._spoken
        if turn is None or self.state not in _ASKING:
            return
        if self.state is State.CONNECTING or link is None or spoken is None:
            self._drop_turn()
            self._go_idle()
        elif spoken.sending is Sending.CUT:
            self._out.arm(Timer.TURN_LIMIT, self.policy.turn_limit_s)
            self._endpoint_deaf()
        else:
            spoken.cut(link)
            if link.plan.detects_turns:
                self._out.arm(Timer.TURN_LIMIT, link.plan.endpointing_timeout_s)
            else:
                self._question_over(turn)

    def _endpoint_deaf(self) -> None:
        """Speech ended for the device; the endpoint has not said that it noticed."""
        self._fail_link(_timeout("the endpoint did not notice the end of the question"))

    def _drop_turn(self) -> None:
        """Let go of the current turn, asked or being answered."""
        turn, link = self.turn, self._link
        if turn is None:
            return
        if self.state in _ASKING and link is not None and link.is_ready:
            link.forget_sound()
        if self.state in _ANSWERING:
            if link is not None:
                link.stop_uplink()
            self._answering.interrupt(turn, self._link)
        self.turn = self._spoken = None
        self._out.disarm(*_TURN_TIMERS)
        interrupted = self._delivery.interrupted
        if interrupted is None or interrupted.turn is not turn:
            self._chronicle.ended(turn)

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
        turn, spoken = self.turn, self._spoken
        if turn is None or spoken is None:
            return  # of this turn it has got nothing to hear
        if self.state is State.LISTENING:
            spoken.reported()
        elif spoken.is_replayed:
            self._answering.lives(link)
        elif self.state is State.THINKING and turn.phase is Phase.AWAITED:
            # The endpoint heard more of the question and has dropped its answer.
            link.downlink.disown()
            self._answering.drop_unplayed(self._link)
            self._out.disarm(Timer.ANSWER)
            self._asked_on(turn)
            spoken.resume(link)
        elif self.state is State.SPEAKING:
            self._late_speech(link)

    def _late_speech(self, link: LinkInUse) -> None:
        """Speech that was on its way when the answer began to play."""
        if link.cut_off_sample is not None and self.policy.barge_in is not BargeIn.OFF:
            self._begin_spoken(Trigger.VOICE, Stretch(link.cut_off_sample), self._exchange.profile)

    def _user_ended(self, link: LinkInUse) -> None:
        turn, spoken = self.turn, self._spoken
        if turn is None or spoken is None:
            return
        if self.state is State.LISTENING:
            self._question_over(turn)
        elif spoken.is_replayed:
            spoken.replay_heard()
            self._answering.lives(link)

    def _user_heard(self, link: LinkInUse, text: str) -> None:
        if text:
            self._chronicle.heard(self._turn_number, text, link.plan.name, link.profile.name)
            self._go_on(self._answering.question(text, self.turn, is_final=True))

    def _on_answer(self, link: LinkInUse, fact: facts.OfAnswer) -> None:
        turn = self.turn
        if turn is None or isinstance(turn.question, AwaitedQuestion):
            return  # of a question that is over for us, or has not begun
        if self.state is State.LISTENING and isinstance(fact, facts.ResponseBegan):
            self._question_over(turn)
        if self.state in _ANSWERING:
            self._go_on(self._answering.take(fact, link, turn))

    def _go_on(self, standing: Standing | Failure) -> None:
        if isinstance(standing, Failure):
            self._fail_link(standing)
            return
        match standing:
            case Standing.GOES_ON:
                pass
            case Standing.COMPLETE:
                self._answer_may_be_over()
            case Standing.STOPPED:
                self._stop()
            case _:
                assert_never(standing)

    def _playback_started(self, started: inputs.PlaybackStarted) -> None:
        turn, link = self.turn, self._link
        if turn is None or self.state not in _ANSWERING or self._delivery.is_notice(started.item):
            return
        turn.phase = Phase.ANSWERED
        turn.mark(Mark.FIRST_AUDIO_PLAYED, self._out.now_s)
        if self.state is State.THINKING:
            if link is not None and link.uplinking is Uplinking.STREAMING:
                link.cut_off_sample = started.at_sample
                link.stop_uplink()
            self._open_from_sample = started.at_sample
            self._out.emit(do.ListenForSpeech(self.policy.barge_in is BargeIn.VOICE))
            self.state = State.SPEAKING
            self._mention_echo()
        self._exchange.answered()

    def _echo_changed(self, works: bool) -> None:
        if works is self._echo_works:
            return
        self._echo_works = works
        self._out.tell(news.EchoTold(self._turn_number, works))
        self._mention_echo()

    def _mention_echo(self) -> None:
        """Whoever could interrupt by voice, and cannot here, is told so, after an answer."""
        if self.state is not State.SPEAKING or self._echo_works:
            return
        if self.policy.barge_in is BargeIn.VOICE:
            self._remarks.half_duplex()

    def _answer_may_be_over(self, at_sample: int | None = None) -> None:
        """Over means: nothing is generated, asked for, computed, queued or playing."""
        turn = self.turn
        if turn is None or not self._delivery.is_over:
            return
        if self.policy.say_notices and (remark := self._remarks.take()):
            self._say(remark)
        else:
            self._answer_over(turn, at_sample)

    def _answer_over(self, turn: Turn, at_sample: int | None) -> None:
        self._chronicle.said(turn, self._delivery.heard.texts())
        self._chronicle.ended(turn)
        self.turn = self._spoken = None
        self._delivery.forget()
        if self._link is not None:
            self._link.downlink.new_answer()
            self._link.stop_uplink()
        self._out.timers.disarm_all()
        # Who types has not asked for a microphone that listens for more.
        if self.policy.follow_up_s > 0 and not self._fault and not turn.is_written:
            self.state = State.FOLLOW_UP
            if at_sample is not None:
                at_sample = max(at_sample, self._open_from_sample)
            self._out.emit(do.ListenForSpeech(True, at_sample))
            self._out.arm(Timer.FOLLOW_UP, self.policy.follow_up_s)
        else:
            self._go_idle()

    def _playback_late(self) -> None:
        """The speaker swallowed the answer: say so in the log, and be ready again."""
        unplayed = len(self._delivery.heard.unplayed)
        self._out.tell(news.PlaybackStalled(self._turn_number, unplayed))
        self._drop_turn()
        self._go_idle()

    def _say(self, notice: str) -> None:
        """A sentence of our own, after what is queued."""
        if self.state is not State.MUTED:
            self._delivery.say(notice, self.turn)

    # -- the link ----------------------------------------------------------------------

    def _ask(self, turn: Turn) -> None:
        """Bring the question to the link there is, or to the next endpoint."""
        link = self._exchange.reach(turn)
        if link is None:
            self._nobody_answers(turn)
        elif link.is_ready:
            self._start_question(link, turn)
        else:
            is_asked = turn.phase is Phase.ASKED
            self.state = State.CONNECTING if is_asked else State.THINKING

    def _link_ready(self, link: LinkInUse) -> None:
        link.ready()
        turn = self.turn
        if turn is None:
            link.update_tools()
            self._out.arm(Timer.LINK_IDLE, self.policy.link_idle_s)
            return
        now_s = self._out.now_s
        turn.mark(Mark.LINK_READY, now_s)
        for event in self._chronicle.history.replay(turn.number, now_s, link.profile.name):
            link.send(event)
        self._exchange.remark_on_fallback(link, turn)
        self._start_question(link, turn)

    def _tools_changed(self) -> None:
        """A model that is answering keeps the list it has; the next question finds the new one."""
        if self._link is not None:
            self._link.tools_changed()
            if self.turn is None:
                self._link.update_tools()

    def _fail_link(self, failure: Failure) -> None:
        """The link in use is of no use: close it, and bring its question to the next."""
        link, turn = self._link, self.turn
        if link is None:
            return
        name, number = link.plan.name, self._turn_number
        self._out.tell(news.LinkBroke(number, name, failure.reason, failure.detail))
        self._exchange.close()
        if turn is None:
            return
        if turn.phase is Phase.ANSWERED:
            self._answer_cut()
            return
        self._answering.drop_unplayed(self._link)
        self._exchange.failed(link, failure, turn)
        self._ask(turn)

    def _answer_cut(self) -> None:
        """It broke off in the middle: play what came, then say that there is no more."""
        self._delivery.cut()
        self._remarks.answer_cut()
        self._answer_may_be_over()

    def _nobody_answers(self, turn: Turn) -> None:
        failure = self._exchange.last_failure
        reason = str(failure.reason) if failure else "no endpoint"
        is_barred = not turn.tried and self._exchange.first_choice_is_barred
        if is_barred:
            reason = "budget"
            self._remarks.budget_was_told()
        self._out.tell(news.Unanswered(turn.number, reason, tuple(turn.tried)))
        self._out.timers.disarm_all()
        self._fault = "no_answer"
        self.state = State.THINKING
        self._remarks.new_turn()
        self._delivery.arrival = Arrival.COMPLETE
        if self.policy.say_notices:
            self._say("budget_over" if is_barred else "no_answer")
        else:
            self._out.emit(do.Chime("error"))
            self._answer_over(turn, None)

    # -- quiet, mute, faults -----------------------------------------------------------

    def _stop(self) -> None:
        if self.state in (*_ASKING, *_ANSWERING, State.FOLLOW_UP):
            self._drop_turn()
            self._go_idle()

    def _mute_changed(self, changed: inputs.MuteChanged) -> None:
        if changed.muted and self.state is not State.MUTED:
            self._drop_turn()
            self._exchange.close()
            self._out.timers.disarm_all()
            self._fault = ""
            self._out.emit(do.ListenForSpeech(False))
            self._out.emit(do.StopPlayback())
            if changed.is_told:
                self._out.emit(do.Chime("muted"))
            self._out.emit(do.CloseMicrophone())
            self.state = State.MUTED
        elif not changed.muted and self.state is State.MUTED:
            self.state = State.IDLE
            self._out.emit(do.OpenMicrophone())
            if changed.is_told:
                self._out.emit(do.Chime("unmuted"))

    def _microphone_failed(self, failed: inputs.MicrophoneFailed) -> None:
        if self.state in (State.MUTED, State.FAULTED):
            return
        self._out.tell(news.MicrophoneBroke(self._turn_number, failed.detail))
        self._drop_turn()
        self._exchange.close()
        self._out.timers.disarm_all()
        self._out.emit(do.ListenForSpeech(False))
        self._fault = "microphone"
        self.state = State.FAULTED
        if failed.is_certain:
            self._say(self._remarks.microphone_broken())

    def _microphone_recovered(self) -> None:
        remark = self._remarks.microphone_back()
        if self.state is State.FAULTED:
            self._out.tell(news.MicrophoneBack(self._turn_number))
            self._go_idle()
            if remark:
                self._say(remark)

    def _go_idle(self) -> None:
        self._out.timers.disarm_all()
        self._fault = ""
        self._out.emit(do.ListenForSpeech(False))
        self.state = State.IDLE
        self._exchange.rest()

    # -- small change ------------------------------------------------------------------

    def _show(self) -> None:
        """Tell the panel, but only what has changed."""
        show = do.Show(self.state, self._exchange.is_fallback, self._fault)
        if show != self._shown:
            self._shown = show
            self._out.emit(show)

    @property
    def _link(self) -> LinkInUse | None:
        """The link in use, or on its way."""
        return self._exchange.link

    @property
    def _listener(self) -> LinkInUse | None:
        """The link that listens to the question."""
        return self._exchange.link if self.state is State.LISTENING else None

    @property
    def _turn_number(self) -> int:
        """Of the turn that is going on, or of the last one."""
        return self.turn.number if self.turn is not None else self._turns_begun


def _timeout(what: str) -> Failure:
    return Failure(Reason.TIMEOUT, what)
