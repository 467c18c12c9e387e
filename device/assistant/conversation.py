"""The conversation: questions, answers, and the link that they go by.

Three things are kept apart below: the *question* (what the microphone's audio is sent to,
and until when), the *answer* (what arrives, is played, is interrupted, calls tools), and the
*link* (which endpoint is asked, and who is asked when it fails). State lives where its rules
are: the sound of a question in :mod:`~device.assistant.spoken`, an answer in
:mod:`~device.assistant.answering`, whom to ask in :mod:`~device.assistant.exchange`, sentences
of our own in :mod:`~device.assistant.remarks`. None of them knows this module, and this one
does not know whether the appliance has a microphone: that is the assistant's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from device.assistant import downlink as facts
from device.assistant import effects as do
from device.assistant import inputs, news
from device.assistant.answering import Answering, Standing
from device.assistant.checks import Check, Ruling
from device.assistant.chronicle import Chronicle
from device.assistant.delivery import Arrival
from device.assistant.exchange import Exchange
from device.assistant.failover import Chance, no_chance
from device.assistant.follow_ups import FollowUps
from device.assistant.interjection import Interjection
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
    words_of,
)
from device.assistant.remarks import Remarks
from device.assistant.spoken import Sending, SpokenQuestion
from device.assistant.states import State
from device.assistant.stretch import Hearing, Stretch
from device.assistant.timers import Timer
from device.assistant.turn import Mark, Phase, Trigger, Turn
from device.realtime.events import LinkEvent
from device.realtime.failures import Failure, Reason

_TURN_TIMERS = tuple(timer for timer in Timer if timer not in (Timer.LINK, Timer.LINK_IDLE))
_ASKING = (State.CONNECTING, State.LISTENING)
_ANSWERING = (State.THINKING, State.SPEAKING)
SOUND_OUT_S = 0.8
"""An endpoint that lives answers a plain request within this time, on any network of use."""
ASK_AGAIN_S = 0.5
"""An endpoint that is busy with a response we know nothing of is asked again so much later."""


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
        self.state = State.IDLE
        """One of a conversation's: never muted, never faulted."""
        self.turn: Turn | None = None
        self.fault = ""
        """A short name of what is wrong; empty when nothing is."""
        self.remarks = Remarks()
        self.exchange = Exchange(endpoints, policy, self.remarks, out, chance)
        self.chronicle = Chronicle(policy.memory_s, out)
        self.answering = Answering(policy, check, self.chronicle, self.remarks, out)
        self.delivery = self.answering.delivery
        self._profiles = profiles
        self._out = out
        self._turns_begun = 0
        self._spoken: SpokenQuestion | None = None
        """The sound of the question under way, where it has any and its floor is known."""
        self._open_from_sample = 0
        """Where the answer that is given, or was given last, began to be heard: a question
        that nobody called for by name (a follow-up, a voice) begins there at the earliest."""
        self._follow_ups = FollowUps(policy)
        self._interjection = Interjection(self.delivery, out)
        self._echo_works = True
        self._awaits_calls = False
        """A link failed while tools ran: the next one is asked when their outcome is known."""

    # -- the state as a whole ----------------------------------------------------------

    @property
    def is_at_rest(self) -> bool:
        """No turn is in progress and no further one is expected without a wake."""
        return self.state is State.IDLE and self.delivery.interrupted is None

    def end(self) -> None:
        """Nothing can be heard any more: let go of everything, and of the link at once."""
        self._drop_turn()
        self.exchange.close()
        self._out.timers.disarm_all()
        self.fault = ""
        self._out.emit(do.ListenForSpeech(False))
        self.state = State.IDLE

    def stop(self) -> None:
        """Somebody wants quiet: whatever is asked or answered is over."""
        if self.state in (*_ASKING, *_ANSWERING, State.FOLLOW_UP):
            self._drop_turn()
            self.go_idle()

    def go_idle(self) -> None:
        """The conversation is over; the link is kept for a little while."""
        self._out.timers.disarm_all()
        self.fault = ""
        self._out.emit(do.ListenForSpeech(False))
        self.state = State.IDLE
        self.exchange.rest()

    @property
    def turn_number(self) -> int:
        """Of the turn that is going on, or of the last one."""
        return self.turn.number if self.turn is not None else self._turns_begun

    @property
    def _link(self) -> LinkInUse | None:
        """The link in use, or on its way."""
        return self.exchange.link

    @property
    def _listener(self) -> LinkInUse | None:
        """The link that listens to the question."""
        return self.exchange.link if self.state is State.LISTENING else None

    # -- what is told from outside -----------------------------------------------------

    def tool_finished(self, finished: inputs.ToolFinished) -> None:
        """A tool has an outcome, which somebody may be waiting for."""
        if self.turn is not None:
            self.answering.tool_finished(finished, self._link, self.turn)
            self._go_on_without_tools(self.turn)

    def _tools_late(self) -> None:
        """Nobody waits for them any longer."""
        if self.turn is not None:
            self.answering.tools_late(self._link, self.turn)
            self._go_on_without_tools(self.turn)

    def _go_on_without_tools(self, turn: Turn) -> None:
        """Another endpoint waits to be told what the tools that one had called have done."""
        if not self._awaits_calls or turn.calls.is_running:
            return
        self._awaits_calls = False
        self._out.disarm(Timer.TOOLS)
        link = self._link
        if link is None:
            self._nobody_answers(turn)
        elif link.is_ready:
            self._start_question(link, turn)

    def ruled(self, turn: int, ruling: Ruling) -> None:
        """A check that held an answer back has decided, about a turn of that number."""
        if self.turn is not None and self.turn.number == turn:
            self._go_on(self.answering.ruled(ruling, self.turn))

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
                self._roll_over()
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

    def on_timer(self, timer: Timer) -> None:
        """Take a deadline that was reached."""
        match timer:
            case Timer.LINK:
                self._fail_link(_timeout("the endpoint did not get ready in time"))
            case Timer.WORD_END:
                self.begin_is_known(None)
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
            case Timer.ANSWER_LIMIT:
                if self.turn is not None:
                    self._out.tell(news.AnswerStopped(self.turn.number, self.turn.endpoint))
                self.stop()
            case Timer.TOOLS:
                self._tools_late()
            case Timer.ASK_AGAIN:
                if self._link is not None:
                    self._link.ask_again()
            case Timer.PLAYBACK:
                self._playback_late()
            case Timer.INTERJECTION:
                self._interjection.over()
            case Timer.FOLLOW_UP:
                self.go_idle()
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
                self._user_ended(link)
            case facts.UserHeard(text=text):
                self._user_heard(link, text.strip())
            case facts.UserHeardSoFar(text=text):
                self._go_on(self.answering.question(text, self.turn, is_final=False))
            case _:
                assert_never(fact)

    def _on_endpoint(self, link: LinkInUse, fact: facts.OfEndpoint) -> None:
        match fact:
            case facts.EndpointFailed(failure=failure):
                self._fail_link(failure)
            case facts.Complaint(failure=failure):
                name = link.plan.name
                self._out.tell(news.EventRefused(self.turn_number, name, failure.detail))
                self._endpoint_lives(link)
            case facts.SoundForgotten():
                self._endpoint_lives(link)
            case facts.ResponseRefused():
                if link.downlink.sequencer.active_id is None:
                    # It will not tell when the one ends that only it knows of.
                    self._out.arm(Timer.ASK_AGAIN, ASK_AGAIN_S)
            case _:
                assert_never(fact)

    # -- the question ------------------------------------------------------------------

    def wake_word(self, heard: inputs.WakeWordHeard) -> None:
        """Somebody calls, and may interrupt by that."""
        if self.state is State.SPEAKING and self.policy.barge_in is BargeIn.OFF:
            return
        profile = self._profiles.get(heard.word, Profile())
        question = AwaitedQuestion(heard.end_sample)
        self._follow_ups.called()
        turn = self._begin_turn(Trigger.WAKE_WORD, question, profile, heard.end_sample)
        self._listen_to(turn)
        score = round(heard.score, 4)
        self._out.tell(news.WakeHeard(turn.number, heard.word, score, heard.at_s))

    def talk(self, at_sample: int) -> None:
        """The button calls, interrupts, or takes the call back."""
        if self.state in _ASKING:
            self._give_up_listening()
        else:
            self._follow_ups.called()
            self._begin_spoken(Trigger.BUTTON, self._stretch(at_sample), Profile())

    def asked(self, asked: inputs.Asked) -> None:
        """A question by keyboard: it is over as soon as it is there, and nothing is heard."""
        question: WrittenQuestion = TypedQuestion(asked.text)
        if asked.jpeg is not None:
            question = PictureQuestion(asked.jpeg, asked.text)
        turn = self._begin_turn(Trigger.TYPED, question, Profile(), None)
        turn.phase = Phase.AWAITED
        turn.mark(Mark.SPEECH_END, self._out.now_s)
        self._out.emit(do.ListenForSpeech(False))
        self.chronicle.typed(turn, asked.text)
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
        self.fault = ""
        self.remarks.new_turn()
        self.delivery.new_turn()
        self._turns_begun += 1
        self._spoken = None
        self._awaits_calls = False
        self.turn = turn = Turn(self._turns_begun, trigger, question, profile)
        turn.mark(Mark.WAKE, self._out.now_s)
        self._out.tell(news.TurnBegan(turn.number, trigger, at_sample))
        self._out.disarm(Timer.FOLLOW_UP, Timer.LINK_IDLE)
        self.exchange.prefer(profile)
        return turn

    def _listen_to(self, turn: Turn) -> None:
        """Find somebody for a spoken question, and have it listened to."""
        self._out.arm(Timer.NO_SPEECH, self.policy.no_speech_timeout_s)
        self._out.arm(Timer.TURN_LIMIT, self._follow_ups.limit_s)
        self._ask(turn)
        if self.state not in _ASKING:
            return  # there was nobody, and that is said instead
        if self._spoken is None:
            self._out.emit(do.ListenForSpeech(False))
            self._out.arm(Timer.WORD_END, self.policy.word_end_timeout_s)
        else:
            self._open_from_sample = self._spoken.stretch.floor_sample
            self._spoken.listen()

    def begin_is_known(self, end_sample: int | None) -> None:
        """Now the question can be told from the word; until now nothing was sent."""
        turn = self.turn
        if turn is None or not isinstance(turn.question, AwaitedQuestion):
            return
        floor_sample = turn.question.guess_sample if end_sample is None else end_sample
        stretch = self._stretch(floor_sample)
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
        link.hears_speech = link.is_sounded = False
        if not link.turns:
            self._tell_history(link, turn)
        link.turns += 1
        turn.endpoint = link.plan.name
        self.exchange.remark_on_budget(link.plan)
        if turn.calls:
            self._carry_over(link, turn)
            return
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

    def _tell_history(self, link: LinkInUse, turn: Turn) -> None:
        """A new session knows nothing of what was said, and heard, before."""
        history, now_s = self.chronicle.history, self._out.now_s
        as_items = link.plan.is_local  # ours speaks whatever it is given
        for event in history.replay(turn.number, now_s, link.profile.name, as_items=as_items):
            link.send(event)

    def _carry_over(self, link: LinkInUse, turn: Turn) -> None:
        """Something was done for this question already: tell what, and ask for the rest."""
        if turn.calls.is_running:
            self._awaits_calls = True
            self._out.arm(Timer.TOOLS, self.policy.tool_timeout_s)
            self.state = State.THINKING
            return
        asked = turn.question
        if isinstance(asked, WrittenQuestion):
            link.send(item_of(asked))
        else:
            link.send(words_of(self.chronicle.history.question(turn.number)))
        for event in turn.calls.events():
            link.send(event)
        if turn.phase is Phase.ASKED and isinstance(asked, SoundQuestion):
            self._send_spoken(link, turn)  # it is not over, and there may be more to be done
            return
        link.ask(by_commit=False)
        self.state = State.THINKING
        self._out.arm(Timer.ANSWER, link.plan.answer_timeout_s)

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

    def speech_started(self, at_sample: int) -> None:
        """Somebody speaks: in a question, into an answer, or after it."""
        turn, spoken = self.turn, self._spoken
        self._follow_ups.not_taken(None)
        if self._may_interject:
            self._interjection.began(at_sample)
        elif turn is None or spoken is None:
            return
        elif self.state in _ASKING:
            spoken.speech_began(at_sample, self._listener)
            self._sounded_out_in_vain(spoken)
        elif self.state is State.THINKING and turn.phase is Phase.AWAITED:
            self._continue_question(turn, spoken, at_sample)

    @property
    def _may_interject(self) -> bool:
        """Whether a voice may interrupt what is being said."""
        return self.state is State.SPEAKING and self.policy.barge_in is BargeIn.VOICE

    def voice_suspected(self) -> None:
        """Somebody may be speaking: over an answer that is reason enough to lower the voice."""
        if self._may_interject:
            self._interjection.suspected()

    def voice_doubted(self) -> None:
        """It was nothing."""
        self._interjection.doubted()

    def _sounded_out_in_vain(self, spoken: SpokenQuestion) -> None:
        """There is a question after all, and its beginning was to be forgotten: all of it anew."""
        link = self._listener
        if link is not None and link.is_sounded:
            link.is_sounded = False
            spoken.stream(link)

    def voice_measured(self, measured: inputs.VoiceMeasured) -> None:
        """It is known how loud somebody speaks: after an answer that tells who may ask on."""
        turn = self.turn
        if self._may_interject:
            self._interjected(measured)
        elif self.state is State.FOLLOW_UP:
            if self._follow_ups.is_asker(measured.level_db):
                begin_sample = self._follow_ups.begin_sample(measured.from_sample)
                self._speech_uncalled(Trigger.FOLLOW_UP, begin_sample)
            else:
                self._follow_ups.not_taken(measured.from_sample)
        elif turn is not None and turn.phase is not Phase.ANSWERED and not turn.is_written:
            self._follow_ups.asker_measured(measured.level_db)

    def _interjected(self, measured: inputs.VoiceMeasured) -> None:
        """Whoever speaks over an answer ends it if they may be whom it is given to."""
        from_sample = self._interjection.from_sample
        if from_sample is None:
            return
        if self._follow_ups.is_asker(measured.level_db):
            if not self._interjection.is_held:  # somebody else had been speaking before
                from_sample = measured.from_sample
            self._speech_uncalled(Trigger.VOICE, from_sample)
        else:
            self._interjection.rejected()

    def _speech_uncalled(self, trigger: Trigger, at_sample: int) -> None:
        """Somebody speaks who has called nobody: to whom was answered last."""
        self._follow_ups.taken()
        stretch = self._stretch(self._open_from_sample, at_sample, self.policy.lead_ms)
        self._begin_spoken(trigger, stretch, self.exchange.profile)

    def _stretch(
        self, floor_sample: int, begin_sample: int | None = None, lead_ms: int = 0
    ) -> Stretch:
        """A question's, of which no more may be sent than is allowed now."""
        most_ms = round(1000 * self._follow_ups.limit_s) - lead_ms
        return Stretch(floor_sample, begin_sample, lead_ms, most_ms=most_ms)

    def _continue_question(self, turn: Turn, spoken: SpokenQuestion, at_sample: int) -> None:
        """The user had only paused. An endpoint that hears for itself notices as well."""
        link = self._link
        if link is not None and not link.plan.detects_turns and spoken.sending is not Sending.CUT:
            self.answering.interrupt(turn, self._link)
            self._asked_on(turn)
            spoken.continued(at_sample, link)

    def _asked_on(self, turn: Turn) -> None:
        """The question was not over."""
        turn.phase = Phase.ASKED
        self.delivery.arrival = Arrival.OPEN
        if self._spoken is not None and self._spoken.sending is Sending.CUT and self._link:
            self._out.arm(Timer.TURN_LIMIT, self._link.plan.endpointing_timeout_s)
        self.state = State.LISTENING

    def speech_ended(self, ended: inputs.SpeechEnded) -> None:
        """Nobody speaks any more, perhaps only for a pause."""
        turn, spoken = self.turn, self._spoken
        self._interjection.over()
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
            Timer.NO_SPEECH, Timer.ENDPOINTING, Timer.CHIME, Timer.CHIME_OVER
        )  # not its limit: sound still leaves until the answer is heard, and may be added
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
        self.go_idle()
        if self.policy.chime:
            self._out.emit(do.Chime("done"))

    def _turn_too_long(self) -> None:
        """Somebody left the radio on: take what there is for the question."""
        turn, link, spoken = self.turn, self._link, self._spoken
        if turn is None or turn.phase is Phase.ANSWERED:
            return
        if self.state not in _ASKING:
            if spoken is not None and link is not None:
                spoken.close(link)
        elif turn.trigger is Trigger.FOLLOW_UP and spoken is not None and spoken.goes_on:
            self._out.tell(news.NobodySpoke(turn.number))
            self._give_up_listening()
        elif self.state is State.CONNECTING or link is None or spoken is None:
            self._drop_turn()
            self.go_idle()
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
        """Speech ended for the device; the endpoint has not said that it noticed.

        Perhaps it is well, and there was none: a cough, a door. Then it answers when spoken to.
        """
        link = self._link
        if link is not None and not link.hears_speech and not link.is_sounded:
            link.sound_out()
            self._out.arm(Timer.ENDPOINTING, SOUND_OUT_S)
            return
        self._fail_link(_timeout("the endpoint did not notice the end of the question"))

    def _endpoint_lives(self, link: LinkInUse) -> None:
        """It is well, and has heard nobody: no failure of anybody's."""
        if link.is_sounded and self.state is State.LISTENING:
            link.is_sounded = False
            self._nobody_spoke()

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
            self.answering.interrupt(turn, self._link)
        self._interjection.over()
        self.turn = self._spoken = None
        self._out.disarm(*_TURN_TIMERS)
        interrupted = self.delivery.interrupted
        if interrupted is None or interrupted.turn is not turn:
            self.chronicle.ended(turn)

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
        link.hears_speech = True
        if self.state is State.LISTENING:
            spoken.reported()
        elif spoken.is_replayed:
            self.answering.lives(link)
        elif self.state is State.THINKING and turn.phase is Phase.AWAITED:
            # The endpoint heard more of the question and has dropped its answer.
            link.downlink.disown()
            self.answering.drop_unplayed(self._link)
            self._out.disarm(Timer.ANSWER)
            self._asked_on(turn)
            spoken.resume(link)
        elif self.state is State.SPEAKING:
            self._late_speech(link)

    def _late_speech(self, link: LinkInUse) -> None:
        """Speech that was on its way when the answer began to play."""
        if link.cut_off_sample is not None and self.policy.barge_in is not BargeIn.OFF:
            self._follow_ups.taken()
            stretch = self._stretch(link.cut_off_sample)
            self._begin_spoken(Trigger.VOICE, stretch, self.exchange.profile)

    def _user_ended(self, link: LinkInUse) -> None:
        turn, spoken = self.turn, self._spoken
        if turn is None or spoken is None:
            return
        if self.state is State.LISTENING:
            self._question_over(turn)
        elif spoken.is_replayed:
            spoken.replay_heard()
            self.answering.lives(link)

    def _user_heard(self, link: LinkInUse, text: str) -> None:
        if text:
            self.chronicle.heard(self.turn_number, text, link.plan.name, link.profile.name)
            self._go_on(self.answering.question(text, self.turn, is_final=True))

    def _on_answer(self, link: LinkInUse, fact: facts.OfAnswer) -> None:
        turn = self.turn
        if turn is None or isinstance(turn.question, AwaitedQuestion):
            return  # of a question that is over for us, or has not begun
        if self.state is State.LISTENING and isinstance(fact, facts.ResponseBegan):
            self._question_over(turn)
        if self.state in _ANSWERING:
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
                self.stop()
            case _:
                assert_never(standing)

    def playback_started(self, started: inputs.PlaybackStarted) -> None:
        """An item began to be heard; with the first one the question is closed."""
        turn, link = self.turn, self._link
        if turn is None or self.state not in _ANSWERING or self.delivery.is_notice(started.item):
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
        self.exchange.answered()

    def echo_changed(self, works: bool) -> None:
        """Our own voice can be told from what people say, or it cannot any more."""
        if works is self._echo_works:
            return
        self._echo_works = works
        self._out.tell(news.EchoTold(self.turn_number, works))
        self._mention_echo()

    def _mention_echo(self) -> None:
        """Whoever could interrupt by voice, and cannot here, is told so, after an answer."""
        if self.state is not State.SPEAKING or self._echo_works:
            return
        if self.policy.barge_in is BargeIn.VOICE:
            self.remarks.half_duplex()

    def answer_may_be_over(self, at_sample: int | None = None) -> None:
        """Over means: nothing is generated, asked for, computed, queued or playing."""
        turn = self.turn
        if turn is None or not self.delivery.is_over:
            return
        if self.policy.say_notices and (remark := self.remarks.take()):
            self.delivery.say(remark, turn)
        else:
            self._answer_over(turn, at_sample)

    def _answer_over(self, turn: Turn, at_sample: int | None) -> None:
        texts = self.delivery.texts()
        said = texts[-1] if texts else ""
        self.chronicle.said(turn, texts)
        self.chronicle.ended(turn)
        self._interjection.over()
        self.turn = self._spoken = None
        self.delivery.forget()
        if self._link is not None:
            self._link.downlink.new_answer()
            self._link.stop_uplink()
        self._out.timers.disarm_all()
        # Who types has not asked for a microphone that listens for more.
        window_s = self._follow_ups.window_s(said, has_done=turn.calls.is_done)
        if window_s > 0 and not self.fault and not turn.is_written:
            self.state = State.FOLLOW_UP
            if at_sample is not None:
                at_sample = max(at_sample, self._open_from_sample)
            self._out.emit(do.ListenForSpeech(True, at_sample))
            self._out.arm(Timer.FOLLOW_UP, window_s)
        else:
            self.go_idle()
        self._roll_over()

    def _playback_late(self) -> None:
        """The speaker swallowed the answer: say so in the log, and be ready again."""
        unplayed = len(self.delivery.heard.unplayed)
        self._out.tell(news.PlaybackStalled(self.turn_number, unplayed))
        self._drop_turn()
        self.go_idle()

    # -- the link ----------------------------------------------------------------------

    def _roll_over(self) -> None:
        """Let go of a session that is about to end, in a silence; a turn may still fit into it.

        Whoever may ask on finds the next session open, and is known there.
        """
        link = self._link
        if link is None or not link.is_expiring or self.turn is not None:
            return
        if self.state is State.FOLLOW_UP:
            self.exchange.renew()
        else:
            self.exchange.close()

    def _ask(self, turn: Turn) -> None:
        """Bring the question to the link there is, or to the next endpoint."""
        link = self.exchange.reach(turn)
        if turn.calls.is_running and (link is None or not link.is_ready):
            self._awaits_calls = True
            self._out.arm(Timer.TOOLS, self.policy.tool_timeout_s)
            self.state = State.THINKING
        elif link is None:
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
        turn.mark(Mark.LINK_READY, self._out.now_s)
        self.exchange.remark_on_fallback(link, turn)
        self._start_question(link, turn)

    def tools_changed(self) -> None:
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
        name, number = link.plan.name, self.turn_number
        self._out.tell(news.LinkBroke(number, name, failure.reason, failure.detail))
        is_to_be_told = turn is not None and turn.calls.is_untold
        self.exchange.close(tools_go_on=is_to_be_told)
        if turn is None:
            return
        if turn.phase is not Phase.ANSWERED:
            self.answering.drop_unplayed(self._link)
        elif is_to_be_told:
            self.delivery.expect_more()
        else:
            self._answer_cut()
            return
        self.exchange.failed(link, failure, turn)
        self._ask(turn)

    def _answer_cut(self) -> None:
        """It broke off in the middle: play what came, then say that there is no more."""
        self.delivery.cut()
        self.remarks.answer_cut()
        self.answer_may_be_over()

    def _nobody_answers(self, turn: Turn) -> None:
        failure = self.exchange.last_failure
        reason = str(failure.reason) if failure else "no endpoint"
        is_barred = not turn.tried and self.exchange.first_choice_is_barred
        if is_barred:
            reason = "budget"
            self.remarks.budget_was_told()
        self._out.tell(news.Unanswered(turn.number, reason, tuple(turn.tried)))
        self._out.timers.disarm_all()
        self.fault = "no_answer"
        self.state = State.THINKING
        self.remarks.new_turn()
        self.delivery.arrival = Arrival.COMPLETE
        if self.policy.say_notices:
            self._apologize(turn, is_barred)
        else:
            self._out.emit(do.Chime("error"))
            self._answer_over(turn, None)

    def _apologize(self, turn: Turn, is_barred: bool) -> None:
        """Say why there is no answer, or what was done though there is none."""
        if turn.calls.is_done and (spoken := turn.calls.spoken()):
            self.delivery.speak(spoken)
        elif turn.calls.is_done:
            self.delivery.say("done_untold", turn)
        elif is_barred:
            self.delivery.say("budget_over", turn)
        else:
            self.delivery.say(self.remarks.no_answer(turn.failed_by), turn)


def _timeout(what: str) -> Failure:
    return Failure(Reason.TIMEOUT, what)
