"""The conversation: a state machine from inputs and time to effects.

Nothing here waits, opens or plays anything. :meth:`Assistant.handle` takes one fact and
the time and returns what is to be done about it; :attr:`Assistant.deadline_s` says when
to call again if nothing happens. So every race is a sequence that a test can write down.

Three things are kept apart below: the *question* (what the microphone's audio is sent
to, and until when), the *answer* (what arrives, is played, is interrupted, calls tools),
and the *link* (which endpoint is asked, and who is asked when it fails).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from device.assistant import downlink as facts
from device.assistant import effects as do
from device.assistant import inputs, news
from device.assistant.budget import Level
from device.assistant.downlink import Downlink, Outcome
from device.assistant.failover import Failover
from device.assistant.heard import HeardAudio
from device.assistant.history import History
from device.assistant.items import ItemKey
from device.assistant.news import News
from device.assistant.policy import BargeIn, EndpointPlan, Policy, Profile
from device.assistant.states import State
from device.assistant.timers import Timer, Timers
from device.assistant.turn import Mark, Trigger, Turn
from device.realtime.events import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseCancel,
)
from device.realtime.failures import Failure, Reason
from device.realtime.items import FunctionCallOutputItem, InputText, MessageItem

CHIME_LENGTH_S = 0.35
"""The wake chime and the room's echo of it: what must not be in the question."""
NOTICE_LIMIT_S = 15.0
"""No sentence of our own is longer."""

_NOTICES = {
    Reason.NO_KEY: "no_key",
    Reason.REFUSED_KEY: "key_refused",
    Reason.QUOTA: "quota",
}
_TURN_TIMERS = tuple(timer for timer in Timer if timer not in (Timer.LINK, Timer.LINK_IDLE))
_ASKING = (State.CONNECTING, State.LISTENING)
_ANSWERING = (State.THINKING, State.SPEAKING)


@dataclass(slots=True)
class _Link:
    """The link in use, or on its way."""

    number: int
    plan: EndpointPlan
    profile: Profile
    downlink: Downlink = field(default_factory=Downlink)
    is_ready: bool = False
    has_old_tools: bool = False
    """Others are on offer than those its session was asked for with."""
    turns: int = 0
    is_uplinking: bool = False
    drains_for_turn: int | None = None
    calls: dict[str, facts.ToolCalled] = field(default_factory=dict)


@dataclass(slots=True)
class _Interrupted:
    """An answer that was stopped, until it is known how much of it was heard."""

    heard: HeardAudio
    link: int
    turn: Turn


class Assistant:
    """What the appliance decides. See the module's text for how it is used."""

    def __init__(
        self,
        policy: Policy,
        endpoints: Sequence[EndpointPlan],
        profiles: Mapping[str, Profile] | None = None,
    ) -> None:
        """``profiles``: wake word to who answers it; words without one get the default."""
        self.policy = policy
        self._profiles = dict(profiles or {})
        self._profile = Profile()
        self.state = State.IDLE
        self.turn: Turn | None = None
        self.history = History(policy.memory_s)
        self._failover = Failover(endpoints)
        self._timers = Timers()
        self._out: list[do.Effect] = []
        self._now_s = float("-inf")
        self._link: _Link | None = None
        self._links_opened = 0
        self._turns_begun = 0
        self._notices: set[ItemKey] = set()
        self._notices_said = 0
        self._interrupted: _Interrupted | None = None
        self._heard = HeardAudio()
        self._play_until_s = float("-inf")
        self._busy_until_s = float("-inf")
        self._uplink_stopped_sample: int | None = None
        self._last_failure: Failure | None = None
        self._local_was_announced = False
        self._budget_level = Level.FINE
        self._budget_was_said = False
        self._echo_works = True
        self._half_duplex_was_said = False
        self._broken_was_said = False
        self._shown: do.Show | None = None
        self._fault = ""

    # -- what the shells call ----------------------------------------------------------

    def handle(self, happened: inputs.Input, now_s: float) -> list[do.Effect]:
        """Take one input at a time; return what is to be done, in order.

        Time that goes back is taken to stand still.
        """
        self._now_s = max(self._now_s, now_s)
        self._out = []
        while (timer := self._timers.pop_due(self._now_s)) is not None:
            _ON_TIMER[timer](self)
        _ON_INPUT[type(happened)](self, happened)
        self._show()
        return self._out

    @property
    def deadline_s(self) -> float | None:
        """When ``TimePassed`` is due if nothing else happens; None when nothing is awaited."""
        return self._timers.next_s

    @property
    def is_at_rest(self) -> bool:
        """No turn is in progress and no further one is expected without a wake."""
        return self.state in (State.IDLE, State.MUTED, State.FAULTED) and self._interrupted is None

    @property
    def fault(self) -> str:
        """A short name of what is wrong; empty when nothing is."""
        return self._fault

    @property
    def budget_level(self) -> Level:
        """How far the budget of the month is used up."""
        return self._budget_level

    @property
    def endpoint(self) -> EndpointPlan | None:
        """The endpoint of the link in use, if there is one."""
        return self._link.plan if self._link is not None else None

    # -- the question ------------------------------------------------------------------

    def _wake_word(self, heard: inputs.WakeWordHeard) -> None:
        if self.state in (State.MUTED, State.FAULTED):
            return
        if self.state is State.SPEAKING and self.policy.barge_in is BargeIn.OFF:
            return
        profile = self._profiles.get(heard.word, Profile())
        self._begin_turn(Trigger.WAKE_WORD, heard.end_sample, is_begin_known=False, profile=profile)
        score = round(heard.score, 4)
        self._tell(news.WakeHeard(self._turn_number, heard.word, score, heard.at_s))

    def _talk(self, pressed: inputs.TalkPressed) -> None:
        if self.state is State.FAULTED:
            self._say_broken()
        elif self.state in _ASKING:
            self._give_up_listening()
        elif self.state is not State.MUTED:
            self._begin_turn(Trigger.BUTTON, pressed.at_sample, profile=Profile())

    def _asked(self, asked: inputs.Asked) -> None:
        """A question by keyboard: it is over as soon as it is there, and nothing is heard."""
        if self.state in (State.MUTED, State.FAULTED):
            return
        self._drop_turn()
        self._fault = ""
        self._turns_begun += 1
        self._profile = Profile()
        self.turn = turn = Turn(self._turns_begun, Trigger.TYPED, from_sample=0, text=asked.text)
        turn.is_begin_known = turn.question_over = True
        turn.mark(Mark.WAKE, self._now_s)
        turn.mark(Mark.SPEECH_END, self._now_s)
        self._timers.disarm(Timer.FOLLOW_UP, Timer.LINK_IDLE)
        self._emit(do.ListenForSpeech(False))
        self._tell(news.TurnBegan(turn.number, turn.trigger))
        self.history.add(turn.number, "user", asked.text, self._now_s, turn.profile.name)
        self._prefer_better_endpoint()
        self._ask()

    def _wake_word_ended(self, ended: inputs.WakeWordEnded) -> None:
        """Now the question can be told from the word; until now nothing was sent."""
        turn = self.turn
        if turn is not None and not turn.is_begin_known:
            turn.from_sample = ended.end_sample
            self._begin_is_known()

    def _begin_is_known(self) -> None:
        turn, link = self.turn, self._link
        if turn is None:
            return
        turn.is_begin_known = True
        self._timers.disarm(Timer.WORD_END)
        self._emit(do.ListenForSpeech(True, turn.from_sample))
        if self.policy.chime and turn.trigger in (Trigger.WAKE_WORD, Trigger.BUTTON):
            self._arm(Timer.CHIME, self.policy.chime_delay_s)
        if self.state is State.LISTENING and link is not None and link.is_ready:
            self._uplink(turn.from_sample, turn.lead_ms)

    def _begin_turn(
        self,
        trigger: Trigger,
        from_sample: int,
        lead_ms: int = 0,
        *,
        is_begin_known: bool = True,
        profile: Profile | None = None,
    ) -> None:
        """Listen to a new question, whatever was going on.

        ``profile``: who answers; None is who answered before (a follow-up, a barge-in).
        """
        self._drop_turn()
        self._fault = ""
        self._turns_begun += 1
        self._profile = self._profile if profile is None else profile
        self.turn = Turn(self._turns_begun, trigger, from_sample, lead_ms, profile=self._profile)
        self.turn.mark(Mark.WAKE, self._now_s)
        self._tell(news.TurnBegan(self.turn.number, trigger, from_sample))
        self._timers.disarm(Timer.FOLLOW_UP, Timer.LINK_IDLE)
        self._arm(Timer.NO_SPEECH, self.policy.no_speech_timeout_s)
        self._prefer_better_endpoint()
        self._ask()
        if is_begin_known:
            self._begin_is_known()
        elif self.turn is not None:
            self._emit(do.ListenForSpeech(False))
            self._arm(Timer.WORD_END, self.policy.word_end_timeout_s)

    def _start_question(self, link: _Link, turn: Turn) -> None:
        """The link is ready: send what was said so far, and what is being said."""
        self._update_tools(link)
        link.turns += 1
        turn.endpoint = link.plan.name
        self._mention_budget(link.plan, turn)
        if turn.text:
            self._send_typed(link, turn)
            return
        if turn.question_over:
            self._replay_question(link, turn)
            return
        self._become(State.LISTENING)
        if not turn.is_begin_known:
            return
        if not turn.is_chimed or turn.speech_began:
            self._uplink(turn.from_sample, turn.lead_ms)
        elif Timer.CHIME_OVER not in self._timers:
            self._uplink(None, self.policy.lead_ms)
        if turn.until_sample is not None:
            self._question_may_be_over(turn)

    def _replay_question(self, link: _Link, turn: Turn) -> None:
        """The whole question is in the ring already: send it, and how it ends."""
        if not link.plan.detects_turns:
            self._uplink(turn.from_sample, turn.lead_ms)
            self._end_uplink(link, turn)
        else:
            self._uplink(
                turn.from_sample, turn.lead_ms, turn.until_sample, link.plan.tail_silence_ms
            )
        turn.is_replayed = True
        self._become(State.THINKING)
        self._arm(Timer.ANSWER, link.plan.answer_timeout_s + link.plan.endpointing_timeout_s)

    def _send_typed(self, link: _Link, turn: Turn) -> None:
        self._send(
            ConversationItemCreate(
                item=MessageItem(role="user", content=[InputText(text=turn.text)])
            )
        )
        self._send_if_any(link.downlink.sequencer.want())
        self._become(State.THINKING)
        self._arm(Timer.ANSWER, link.plan.answer_timeout_s)

    def _speech_started(self, started: inputs.SpeechStarted) -> None:
        turn = self.turn
        if self.state is State.FOLLOW_UP:
            self._begin_turn(Trigger.FOLLOW_UP, started.at_sample, self.policy.lead_ms)
            self._speech_goes_on(self.turn)
        elif self.state is State.SPEAKING and self.policy.barge_in is BargeIn.VOICE:
            self._begin_turn(Trigger.VOICE, started.at_sample, self.policy.lead_ms)
            self._speech_goes_on(self.turn)
        elif turn is not None and self.state in _ASKING and turn.is_begin_known:
            if turn.is_chimed and not turn.speech_began:
                # Chimed at, and nothing was said before: the question begins here.
                turn.from_sample, turn.lead_ms = started.at_sample, self.policy.lead_ms
                if self.state is State.LISTENING and Timer.CHIME_OVER in self._timers:
                    self._uplink(turn.from_sample, turn.lead_ms, is_more=True)
            self._speech_goes_on(turn)
        elif (
            turn is not None
            and self.state is State.THINKING
            and not turn.answered
            and not turn.text
        ):
            self._continue_question(turn, started.at_sample)

    def _speech_goes_on(self, turn: Turn | None) -> None:
        if turn is not None:
            turn.speech_began = True
            turn.until_sample = None
            turn.marks.pop(Mark.SPEECH_END, None)
        self._timers.disarm(Timer.NO_SPEECH, Timer.CHIME, Timer.CHIME_OVER, Timer.ENDPOINTING)

    def _continue_question(self, turn: Turn, at_sample: int) -> None:
        """The user had only paused. An endpoint that hears for itself notices as well."""
        link = self._link
        if link is None or link.plan.detects_turns:
            return
        self._interrupt()
        turn.question_over = turn.is_complete = False
        self._speech_goes_on(turn)
        self._become(State.LISTENING)
        self._uplink(at_sample, self.policy.lead_ms, is_more=True)

    def _speech_ended(self, ended: inputs.SpeechEnded) -> None:
        turn = self.turn
        if turn is None or turn.answered or self.state not in (*_ASKING, State.THINKING):
            return
        turn.until_sample = ended.at_sample
        turn.marks[Mark.SPEECH_END] = ended.at_s
        if self.state is State.LISTENING:
            self._question_may_be_over(turn)

    def _question_may_be_over(self, turn: Turn) -> None:
        """The device thinks so; some endpoints want to decide for themselves."""
        link = self._link
        if link is None:
            return
        if not link.plan.detects_turns:
            self._end_uplink(link, turn)
            self._question_over(turn)
        else:
            self._arm(Timer.ENDPOINTING, link.plan.endpointing_timeout_s)

    def _end_uplink(self, link: _Link, turn: Turn, tail_silence_ms: int = 0) -> None:
        link.is_uplinking = False
        link.drains_for_turn = turn.number
        self._emit(do.EndUplink(link.number, turn.until_sample, tail_silence_ms))

    def _question_over(self, turn: Turn) -> None:
        """Somebody decided that the user has finished: wait for the answer."""
        turn.question_over = True
        turn.mark(Mark.SPEECH_END, self._now_s)
        self._timers.disarm(
            Timer.NO_SPEECH, Timer.TURN_LIMIT, Timer.ENDPOINTING, Timer.CHIME, Timer.CHIME_OVER
        )
        if self._link is not None:
            self._arm(Timer.ANSWER, self._link.plan.answer_timeout_s)
        self._become(State.THINKING)

    def _uplink_drained(self, drained: inputs.UplinkDrained) -> None:
        link = self._is_current(drained.link)
        if link is None or self.turn is None or link.drains_for_turn != self.turn.number:
            return
        link.drains_for_turn = None
        if not link.plan.detects_turns and self.state is State.THINKING:
            self._send(InputAudioBufferCommit())
            self._send_if_any(link.downlink.sequencer.want())

    def _uplink_began(self, began: inputs.UplinkBegan) -> None:
        if self.turn is not None and self._is_current(began.link):
            self.turn.mark(Mark.FIRST_AUDIO_SENT, self._now_s)

    def _chime_due(self) -> None:
        """Nobody spoke on: chime, and keep the chime out of what is sent."""
        if self.turn is None or self.state not in _ASKING or self.turn.speech_began:
            return
        self.turn.is_chimed = True
        self._stop_uplink()
        self._emit(do.Chime("wake"))
        # Whoever speaks into it is heard by the detector a moment later, and sent from there.
        self._arm(Timer.CHIME_OVER, CHIME_LENGTH_S + self.policy.lead_ms / 1000)

    def _chime_over(self) -> None:
        if self.turn is not None and self.state is State.LISTENING:
            self._uplink(None, self.policy.lead_ms)

    def _nobody_spoke(self) -> None:
        """A false wake, or a change of mind: no light may stay on for that."""
        if self.turn is not None and self.state in _ASKING:
            self._tell(news.NobodySpoke(self.turn.number))
            self._give_up_listening()

    def _give_up_listening(self) -> None:
        """No question came of it: who does not see the light hears that it is over."""
        self._drop_turn()
        self._go_idle()
        if self.policy.chime:
            self._emit(do.Chime("done"))

    def _turn_too_long(self) -> None:
        """Somebody left the radio on: take what there is for the question."""
        turn, link = self.turn, self._link
        if turn is None or self.state not in _ASKING:
            return
        if self.state is State.CONNECTING or link is None:
            self._drop_turn()
            self._go_idle()
        elif turn.is_cut:
            self._endpoint_deaf()
        else:
            turn.is_cut = True
            self._end_uplink(link, turn, link.plan.tail_silence_ms)
            if link.plan.detects_turns:
                self._arm(Timer.TURN_LIMIT, link.plan.endpointing_timeout_s)
            else:
                self._question_over(turn)

    def _endpoint_deaf(self) -> None:
        """Speech ended for the device; the endpoint has not said that it noticed."""
        self._fail_link(
            Failure(Reason.TIMEOUT, "the endpoint did not notice the end of the question")
        )

    def _drop_turn(self) -> None:
        """Let go of the current turn, asked or being answered."""
        turn, link = self.turn, self._link
        if turn is None:
            return
        if self.state in _ASKING and link is not None and link.is_ready:
            self._stop_uplink()
            self._send(InputAudioBufferClear())
        if self.state in _ANSWERING:
            self._stop_uplink()
            self._interrupt()
        self.turn = None
        self._timers.disarm(*_TURN_TIMERS)
        if self._interrupted is None or self._interrupted.turn is not turn:
            self._report_turn(turn)

    # -- the answer --------------------------------------------------------------------

    def _server_said(self, said: inputs.ServerSaid) -> None:
        link = self._is_current(said.link)
        if link is None or not link.is_ready:
            return
        for fact in link.downlink.take(said.event):
            if self._link is link:
                _ON_FACT[type(fact)](self, link, fact)
        for event in link.downlink.released():
            if self._link is link:
                self._send(event)
                self._arm(Timer.ANSWER, link.plan.answer_timeout_s)

    def _user_began(self, link: _Link, _: facts.UserBegan) -> None:
        turn = self.turn
        if turn is None:
            return
        if self.state is State.LISTENING:
            turn.speech_began = True
            self._timers.disarm(Timer.NO_SPEECH, Timer.CHIME, Timer.ENDPOINTING)
        elif turn.is_replayed:
            self._answer_lives(link)
        elif self.state is State.THINKING and not turn.answered and not turn.text:
            # The endpoint heard more of the question and has dropped its answer.
            link.downlink.disown()
            self._stop_unplayed_answer()
            turn.question_over = turn.is_complete = False
            self._timers.disarm(Timer.ANSWER)
            self._become(State.LISTENING)
        elif self.state is State.SPEAKING and self._uplink_stopped_sample is not None:
            # Speech that was on its way when the answer began to play.
            self._voice_barged_in(self._uplink_stopped_sample)

    def _voice_barged_in(self, from_sample: int) -> None:
        if self.policy.barge_in is not BargeIn.OFF:
            self._begin_turn(Trigger.VOICE, from_sample)

    def _user_ended(self, link: _Link, _: facts.UserEnded) -> None:
        if self.turn is not None and self.state is State.LISTENING:
            self._question_over(self.turn)
        elif self.turn is not None and self.turn.is_replayed:
            self.turn.is_replayed = False
            self._answer_lives(link)

    def _user_heard(self, link: _Link, heard: facts.UserHeard) -> None:
        if not heard.text.strip():
            return
        turn = self._turn_number
        self.history.add(turn, "user", heard.text, self._now_s, link.profile.name)
        self._tell(news.QuestionHeard(turn, heard.text.strip(), link.plan.name))

    def _response_began(self, link: _Link, _: facts.ResponseBegan) -> None:
        if self.turn is None:
            return
        if self.state is State.LISTENING:
            self._question_over(self.turn)
        self.turn.is_complete = False
        self._answer_lives(link)

    def _answer_lives(self, link: _Link, _: object = None) -> None:
        if self.turn is not None and self.state in _ANSWERING:
            self._arm(Timer.ANSWER, link.plan.answer_timeout_s)

    def _audio_arrived(self, link: _Link, arrived: facts.AudioArrived) -> None:
        turn = self.turn
        if turn is None or self.state not in _ANSWERING:
            return
        turn.mark(Mark.FIRST_AUDIO_RECEIVED, self._now_s)
        self._heard = link.downlink.heard
        self._emit(do.Play(arrived.item, arrived.pcm))
        self._expect_playback(arrived.length_s)
        self._answer_lives(link)

    def _expect_playback(self, length_s: float) -> None:
        begins_s = max(self._play_until_s, self._busy_until_s, self._now_s)
        self._play_until_s = begins_s + length_s
        self._timers.arm(Timer.PLAYBACK, self._play_until_s + self.policy.playback_slack_s)

    def _speaker_busy(self, busy: inputs.SpeakerBusy) -> None:
        """What is to be played waits for another voice: it has not stalled."""
        if Timer.PLAYBACK in self._timers:
            self._expect_playback(busy.for_s)
        self._busy_until_s = max(self._busy_until_s, self._now_s) + busy.for_s

    def _speaker_free(self, _: inputs.SpeakerFree) -> None:
        self._busy_until_s = min(self._busy_until_s, self._now_s)

    def _item_ended(self, link: _Link, ended: facts.ItemEnded) -> None:
        if self.turn is not None and self.state in _ANSWERING:
            self._emit(do.FinishItem(ended.item))
            self._answer_lives(link)

    def _tool_called(self, link: _Link, called: facts.ToolCalled) -> None:
        turn = self.turn
        if turn is None or self.state not in _ANSWERING:
            return
        turn.tool_rounds += 1
        sequencer = link.downlink.sequencer
        sequencer.call_begun(called.call_id)
        if turn.tool_rounds > self.policy.tool_rounds:
            self._send_output(link, called.call_id, _error_output("too many tool calls"))
            return
        link.calls[called.call_id] = called
        self._emit(do.RunTool(called.call_id, called.name, called.arguments))
        self._send_if_any(sequencer.want())
        self._arm(Timer.TOOLS, self.policy.tool_timeout_s)

    def _tool_finished(self, finished: inputs.ToolFinished) -> None:
        link = self._link
        if link is None or finished.call_id not in link.downlink.sequencer.tools:
            return
        called = link.calls[finished.call_id]
        self._tell(news.ToolRan(self._turn_number, called.name, called.arguments, finished.output))
        self._send_output(link, finished.call_id, finished.output)

    def _send_output(self, link: _Link, call_id: str, output: str) -> None:
        """One output; the sequencer knows whether it was the last that was awaited."""
        self._send(
            ConversationItemCreate(item=FunctionCallOutputItem(call_id=call_id, output=output))
        )
        self._send_if_any(link.downlink.sequencer.call_ended(call_id))
        if not link.downlink.sequencer.tools:
            self._timers.disarm(Timer.TOOLS)
            self._answer_lives(link)

    def _tools_late(self) -> None:
        link = self._link
        if link is None:
            return
        self._emit(do.CancelTools())
        for call_id in sorted(link.downlink.sequencer.tools):
            self._send_output(link, call_id, _error_output("the tool did not finish in time"))

    def _response_ended(self, link: _Link, ended: facts.ResponseEnded) -> None:
        if self.turn is None or self.state not in _ANSWERING:
            return
        if ended.outcome is Outcome.FAILED and ended.failure is not None:
            self._fail_link(ended.failure)
            return
        if ended.outcome is Outcome.CANCELLED and not self.turn.answered:
            # Some servers cancel before they say that they heard the user go on.
            self._answer_lives(link)
            return
        self._timers.disarm(Timer.ANSWER)
        self.turn.is_complete = not link.downlink.sequencer.is_busy
        self._answer_may_be_over()

    def _endpoint_complained(self, link: _Link, complaint: facts.Complaint) -> None:
        detail = complaint.failure.detail
        self._tell(news.EventRefused(self._turn_number, link.plan.name, detail))

    def _endpoint_failed(self, _: _Link, failed: facts.EndpointFailed) -> None:
        self._fail_link(failed.failure)

    def _endpoint_silent(self) -> None:
        self._fail_link(Failure(Reason.TIMEOUT, "the endpoint stopped answering"))

    def _playback_started(self, started: inputs.PlaybackStarted) -> None:
        turn = self.turn
        if turn is None or self.state not in _ANSWERING or started.item in self._notices:
            return
        turn.answered = True
        turn.mark(Mark.FIRST_AUDIO_PLAYED, self._now_s)
        if self.state is State.THINKING:
            if self._link is not None and self._link.is_uplinking:
                self._uplink_stopped_sample = started.at_sample
            self._stop_uplink()
            self._emit(do.ListenForSpeech(self.policy.barge_in is BargeIn.VOICE))
            self._become(State.SPEAKING)
            self._mention_echo()
        if self._link is not None:
            self._endpoint_answered(self._link.plan)

    def _echo_changed(self, changed: inputs.EchoChanged) -> None:
        if changed.works is self._echo_works:
            return
        self._echo_works = changed.works
        self._tell(news.EchoTold(self._turn_number, changed.works))
        if self.state is State.SPEAKING:
            self._mention_echo()

    def _mention_echo(self) -> None:
        """Whoever could interrupt by voice, and cannot here, is told so: once, after an answer."""
        turn = self.turn
        if self._echo_works or self._half_duplex_was_said or turn is None or turn.notice:
            return
        if self.policy.barge_in is BargeIn.VOICE:
            self._half_duplex_was_said = True
            turn.notice = "half_duplex"

    def _endpoint_answered(self, plan: EndpointPlan) -> None:
        self._failover.succeeded(plan)
        if not plan.is_local:
            self._local_was_announced = False

    def _playback_finished(self, finished: inputs.PlaybackFinished) -> None:
        self._notices.discard(finished.item)
        self._heard.played(finished.item)
        self._answer_may_be_over(finished.at_sample)

    def _answer_may_be_over(self, at_sample: int | None = None) -> None:
        """Over means: nothing is generated, asked for, computed, queued or playing."""
        turn = self.turn
        if turn is None or not turn.is_complete or self._notices or self._heard.unplayed:
            return
        if turn.notice and self.policy.say_notices:
            notice, turn.notice = turn.notice, ""
            self._say(notice)
            return
        self._answer_over(turn, at_sample)

    def _answer_over(self, turn: Turn, at_sample: int | None) -> None:
        self._report_said(turn, self._heard.texts())
        self._report_turn(turn)
        self.turn = None
        self._heard = HeardAudio()
        if self._link is not None:
            self._link.downlink.new_answer()
        self._timers.disarm_all()
        self._stop_uplink()
        # Who types has not asked for a microphone that listens for more.
        if self.policy.follow_up_s > 0 and not self._fault and not turn.text:
            self._become(State.FOLLOW_UP)
            self._emit(do.ListenForSpeech(True, at_sample))
            self._arm(Timer.FOLLOW_UP, self.policy.follow_up_s)
        else:
            self._go_idle()

    def _interrupt(self) -> None:
        """Silence the answer here and at the endpoint; account for it when it is known."""
        turn, link = self.turn, self._link
        if self._interrupted is not None:
            # The last one was never answered: as if nothing of it had been heard.
            self._playback_stopped(inputs.PlaybackStopped({}))
        self._notices.clear()
        self._timers.disarm(Timer.ANSWER, Timer.TOOLS, Timer.PLAYBACK)
        if link is not None:
            sequencer = link.downlink.sequencer
            if sequencer.tools:
                self._emit(do.CancelTools())
            was_generating, response_id = sequencer.is_generating, sequencer.active_id
            link.downlink.disown()
            if was_generating and response_id is not None:
                self._send(ResponseCancel(response_id=response_id))
            link.downlink.new_answer()
        heard, self._heard = self._heard, HeardAudio()
        if heard.has_audio and turn is not None:
            self._interrupted = _Interrupted(heard, link.number if link is not None else -1, turn)
        self._play_until_s = self._now_s
        self._emit(do.StopPlayback())

    def _stop_unplayed_answer(self) -> None:
        """The endpoint dropped an answer of which nothing was played."""
        if self._heard.has_audio:
            self._emit(do.StopPlayback())
        self._heard = HeardAudio()
        if self._link is not None:
            self._link.downlink.new_answer()
        self._timers.disarm(Timer.PLAYBACK)

    def _playback_stopped(self, stopped: inputs.PlaybackStopped) -> None:
        """Now it is known what was heard: tell the server, and remember no more than that."""
        interrupted, self._interrupted = self._interrupted, None
        if interrupted is None:
            return
        link = self._link
        if link is not None and link.number == interrupted.link and link.is_ready:
            for event in interrupted.heard.corrections(stopped.heard_ms):
                self._send(event)
        if interrupted.turn.answered:
            texts = interrupted.heard.heard_texts(stopped.heard_ms)
            self._report_said(interrupted.turn, texts, interrupted=True)
        if interrupted.turn is not self.turn:
            self._report_turn(interrupted.turn)

    def _playback_late(self) -> None:
        """The speaker swallowed the answer: say so in the log, and be ready again."""
        self._tell(news.PlaybackStalled(self._turn_number, len(self._heard.unplayed)))
        self._notices.clear()
        self._drop_turn()
        self._go_idle()

    def _say(self, notice: str) -> None:
        """A sentence of our own, after what is queued."""
        if self.state is State.MUTED:
            return
        self._notices_said += 1
        key = ItemKey(f"notice-{notice}-{self._notices_said}")
        self._emit(do.Notice(notice, key, self.turn.number if self.turn is not None else 0))
        if self.turn is not None:
            self._notices.add(key)
            self._expect_playback(NOTICE_LIMIT_S)

    # -- the link ----------------------------------------------------------------------

    def _ask(self) -> None:
        """Bring the question to the link there is, or to the next endpoint."""
        turn = self.turn
        if turn is None:
            return
        if self._link is None:
            plan = self._failover.next(self._now_s, turn.tried, turn.profile.endpoints)
            if plan is None:
                self._nobody_answers(turn)
                return
            self._open_link(plan, turn.profile)
        if self._link is not None and self._link.is_ready:
            self._start_question(self._link, turn)
        else:
            self._become(State.CONNECTING if not turn.question_over else State.THINKING)

    def _open_link(self, plan: EndpointPlan, profile: Profile) -> None:
        self._links_opened += 1
        self._link = _Link(self._links_opened, plan, profile)
        self._emit(do.OpenLink(self._links_opened, plan.name, profile.name))
        self._arm(Timer.LINK, plan.link_timeout_s)

    def _prefer_better_endpoint(self) -> None:
        """A link to the fallback is not used once the first choice may be tried again.

        Nor is one whose session was begun for another profile.
        """
        link = self._link
        best = self._failover.next(self._now_s, (), self._profile.endpoints)
        is_other = best is not None and link is not None and best.name != link.plan.name
        if link is not None and (is_other or link.profile != self._profile):
            self._close_link()

    def _link_ready(self, ready: inputs.LinkReady) -> None:
        link = self._is_current(ready.link)
        if link is None:
            self._emit(do.CloseLink(ready.link))
            return
        link.is_ready = True
        self._timers.disarm(Timer.LINK)
        turn = self.turn
        if turn is None:
            self._update_tools(link)
            self._arm(Timer.LINK_IDLE, self.policy.link_idle_s)
            return
        turn.mark(Mark.LINK_READY, self._now_s)
        for event in self.history.replay(turn.number, self._now_s, link.profile.name):
            self._send(event)
        self._announce_local(link.plan, turn)
        self._start_question(link, turn)

    def _announce_local(self, plan: EndpointPlan, turn: Turn) -> None:
        """Say once, after the answer, that it is not the endpoint the owner chose."""
        fell_back = bool(turn.tried) or self._first_choice_rests()
        if plan.is_local and fell_back and not self._local_was_announced:
            self._local_was_announced = True
            reason = self._last_failure.reason if self._last_failure else None
            turn.notice = _NOTICES.get(reason, "local_brain") if reason else "local_brain"

    def _tools_changed(self, _: inputs.ToolsChanged) -> None:
        """A model that is answering keeps the list it has; the next question finds the new one."""
        link = self._link
        if link is None:
            return
        link.has_old_tools = True
        if self.turn is None:
            self._update_tools(link)

    def _update_tools(self, link: _Link) -> None:
        if link.is_ready and link.has_old_tools:
            link.has_old_tools = False
            self._emit(do.UpdateTools(link.number))

    def _link_lost(self, lost: inputs.LinkLost) -> None:
        if self._is_current(lost.link):
            self._fail_link(lost.failure)

    def _link_expiring(self, expiring: inputs.LinkExpiring) -> None:
        """Between conversations is the time to let go; a turn in progress may still fit."""
        if self._is_current(expiring.link) and self.turn is None:
            self._close_link()

    def _link_late(self) -> None:
        self._fail_link(Failure(Reason.TIMEOUT, "the endpoint did not get ready in time"))

    def _fail_link(self, failure: Failure) -> None:
        """The link in use is of no use: close it, and bring its question to the next."""
        link, turn = self._link, self.turn
        if link is None:
            return
        self._tell(
            news.LinkBroke(self._turn_number, link.plan.name, failure.reason, failure.detail)
        )
        self._close_link()
        if turn is None:
            return
        if turn.answered:
            self._answer_cut(turn)
            return
        self._last_failure = failure
        self._stop_unplayed_answer()
        if link.turns <= 1 or failure.is_fatal or f"{link.plan.name} anew" in turn.tried:
            turn.tried.append(link.plan.name)
            self._failover.failed(link.plan, failure, self._now_s)
        else:
            # A link that had served before may just have been old: once more, afresh.
            turn.tried.append(f"{link.plan.name} anew")
        self._ask()

    def _answer_cut(self, turn: Turn) -> None:
        """It broke off in the middle: play what came, then say that there is no more."""
        for key in self._heard.incomplete:
            if self._heard.completed(key):
                self._emit(do.FinishItem(key))
        turn.notice = "answer_cut"
        turn.is_complete = True
        self._answer_may_be_over()

    def _nobody_answers(self, turn: Turn) -> None:
        reason = str(self._last_failure.reason) if self._last_failure else "no endpoint"
        is_barred = not turn.tried and self._first_choice_is_barred()
        if is_barred:
            reason = "budget"
            self._budget_was_said = True
        self._tell(news.Unanswered(turn.number, reason, tuple(turn.tried)))
        self._timers.disarm_all()
        self._fault = "no_answer"
        self._become(State.THINKING)
        turn.notice = ""
        turn.is_complete = True
        if self.policy.say_notices:
            self._say("budget_over" if is_barred else "no_answer")
        else:
            self._emit(do.Chime("error"))
            self._answer_over(turn, None)

    def _close_link(self) -> None:
        link = self._link
        if link is None:
            return
        self._stop_uplink()
        if link.downlink.sequencer.tools:
            self._emit(do.CancelTools())
        self._emit(do.CloseLink(link.number))
        self._link = None
        self._timers.disarm(
            Timer.LINK, Timer.LINK_IDLE, Timer.ANSWER, Timer.TOOLS, Timer.ENDPOINTING
        )

    def _is_current(self, number: int) -> _Link | None:
        return self._link if self._link is not None and self._link.number == number else None

    # -- the budget --------------------------------------------------------------------

    def _spent(self, spent: inputs.Spent) -> None:
        """What the month has cost by now; a question under way is answered by whom it was asked."""
        budget = self.policy.budget
        level = budget.level(spent.month_usd)
        self._failover.may_spend = budget.may_spend(spent.month_usd)
        if level is self._budget_level:
            return
        self._budget_level = level
        if level is not Level.SPENT:
            self._budget_was_said = False
        spent_usd = round(spent.month_usd, 4)
        self._tell(news.BudgetChanged(self._turn_number, level, spent_usd, budget.month_usd))

    def _mention_budget(self, plan: EndpointPlan, turn: Turn) -> None:
        """Say once, after the answer, that the budget is used up, and who answers for that."""
        if self._budget_level is not Level.SPENT or self._budget_was_said:
            return
        if self._first_choice_is_barred():
            self._budget_was_said = True
            turn.notice = "budget_spent" if plan.is_local else "budget_over"
        elif plan.is_charged:
            self._budget_was_said = True
            turn.notice = "budget_over"

    def _first_choice_is_barred(self) -> bool:
        return self._failover.first_choice_is_barred(self._profile.endpoints)

    # -- quiet, mute, faults -----------------------------------------------------------

    def _stop(self, _: inputs.StopRequested) -> None:
        if self.state in (*_ASKING, *_ANSWERING, State.FOLLOW_UP):
            self._drop_turn()
            self._go_idle()

    def _mute_changed(self, changed: inputs.MuteChanged) -> None:
        if changed.muted and self.state is not State.MUTED:
            self._drop_turn()
            self._close_link()
            self._timers.disarm_all()
            self._fault = ""
            self._emit(do.ListenForSpeech(False))
            self._emit(do.StopPlayback())
            if changed.is_told:
                self._emit(do.Chime("muted"))
            self._emit(do.CloseMicrophone())
            self._become(State.MUTED)
        elif not changed.muted and self.state is State.MUTED:
            self._become(State.IDLE)
            self._emit(do.OpenMicrophone())
            if changed.is_told:
                self._emit(do.Chime("unmuted"))

    def _microphone_failed(self, failed: inputs.MicrophoneFailed) -> None:
        if self.state in (State.MUTED, State.FAULTED):
            return
        self._tell(news.MicrophoneBroke(self._turn_number, failed.detail))
        self._drop_turn()
        self._close_link()
        self._timers.disarm_all()
        self._emit(do.ListenForSpeech(False))
        self._fault = "microphone"
        self._become(State.FAULTED)
        if failed.is_certain:
            self._say_broken()

    def _say_broken(self) -> None:
        self._broken_was_said = True
        self._say("microphone_broken")

    def _microphone_recovered(self, _: inputs.MicrophoneRecovered) -> None:
        if self.state is State.FAULTED:
            self._tell(news.MicrophoneBack(self._turn_number))
            self._fault = ""
            self._go_idle()
            if self._broken_was_said:
                self._say("microphone_back")
        self._broken_was_said = False

    def _go_idle(self) -> None:
        self._timers.disarm_all()
        self._fault = ""
        self._stop_uplink()
        self._emit(do.ListenForSpeech(False))
        self._become(State.IDLE)
        link = self._link
        if link is not None and link.is_ready:
            self._arm(Timer.LINK_IDLE, self.policy.link_idle_s)
        elif link is not None:
            self._close_link()

    def _time_passed(self, _: inputs.TimePassed) -> None:
        """The timers have been looked at already."""

    # -- small change ------------------------------------------------------------------

    def _emit(self, effect: do.Effect) -> None:
        self._out.append(effect)

    def _arm(self, timer: Timer, in_s: float) -> None:
        self._timers.arm(timer, self._now_s + in_s)

    def _become(self, state: State) -> None:
        self.state = state
        if state in _ASKING and Timer.TURN_LIMIT not in self._timers:
            # Whatever led here: nobody is listened to without end.
            self._arm(Timer.TURN_LIMIT, self.policy.turn_limit_s)

    def _show(self) -> None:
        """Tell the panel, but only what has changed."""
        link_is_local = self._link is not None and self._link.plan.is_local
        is_local = link_is_local or self._first_choice_rests() or self._first_choice_is_barred()
        show = do.Show(self.state, is_local, self._fault)
        if show != self._shown:
            self._shown = show
            self._emit(show)

    def _first_choice_rests(self) -> bool:
        return self._failover.first_choice_rests(self._now_s, self._profile.endpoints)

    def _send(self, event: ClientEvent) -> None:
        if self._link is not None:
            self._emit(do.Send(self._link.number, event))

    def _send_if_any(self, event: ClientEvent | None) -> None:
        if event is not None:
            self._send(event)

    def _uplink(
        self,
        from_sample: int | None,
        lead_ms: int = 0,
        until_sample: int | None = None,
        tail_silence_ms: int = 0,
        is_more: bool = False,
    ) -> None:
        link = self._link
        if link is None:
            return
        link.is_uplinking = until_sample is None
        self._uplink_stopped_sample = None
        self._emit(
            do.StartUplink(
                link.number, from_sample, lead_ms, until_sample, tail_silence_ms, is_more
            )
        )

    def _stop_uplink(self) -> None:
        if self._link is not None and self._link.is_uplinking:
            self._link.is_uplinking = False
            self._emit(do.StopUplink(self._link.number))

    @property
    def _turn_number(self) -> int:
        """Of the turn that is going on, or of the last one."""
        return self.turn.number if self.turn is not None else self._turns_begun

    def _tell(self, what: News) -> None:
        self._emit(do.Tell(what))

    def _report_said(self, turn: Turn, texts: list[str], interrupted: bool = False) -> None:
        text = " ".join(texts).strip()
        self.history.add(turn.number, "assistant", text, self._now_s, turn.profile.name)
        if text or interrupted:
            self._tell(news.AnswerSaid(turn.number, text, turn.endpoint, interrupted))

    def _report_turn(self, turn: Turn) -> None:
        turn.mark(Mark.DONE, self._now_s)
        self._tell(news.TurnEnded(turn.number, turn.figures()))


def _error_output(what: str) -> str:
    return json.dumps({"error": what})


_ON_INPUT: dict[type, Callable[[Assistant, Any], None]] = {
    inputs.WakeWordHeard: Assistant._wake_word,
    inputs.WakeWordEnded: Assistant._wake_word_ended,
    inputs.SpeechStarted: Assistant._speech_started,
    inputs.SpeechEnded: Assistant._speech_ended,
    inputs.TalkPressed: Assistant._talk,
    inputs.Asked: Assistant._asked,
    inputs.StopRequested: Assistant._stop,
    inputs.MuteChanged: Assistant._mute_changed,
    inputs.MicrophoneFailed: Assistant._microphone_failed,
    inputs.MicrophoneRecovered: Assistant._microphone_recovered,
    inputs.LinkReady: Assistant._link_ready,
    inputs.LinkLost: Assistant._link_lost,
    inputs.LinkExpiring: Assistant._link_expiring,
    inputs.ServerSaid: Assistant._server_said,
    inputs.UplinkBegan: Assistant._uplink_began,
    inputs.UplinkDrained: Assistant._uplink_drained,
    inputs.PlaybackStarted: Assistant._playback_started,
    inputs.PlaybackFinished: Assistant._playback_finished,
    inputs.PlaybackStopped: Assistant._playback_stopped,
    inputs.SpeakerBusy: Assistant._speaker_busy,
    inputs.SpeakerFree: Assistant._speaker_free,
    inputs.EchoChanged: Assistant._echo_changed,
    inputs.Spent: Assistant._spent,
    inputs.ToolFinished: Assistant._tool_finished,
    inputs.ToolsChanged: Assistant._tools_changed,
    inputs.TimePassed: Assistant._time_passed,
}

_ON_FACT: dict[type, Callable[[Assistant, _Link, Any], None]] = {
    facts.UserBegan: Assistant._user_began,
    facts.UserEnded: Assistant._user_ended,
    facts.UserHeard: Assistant._user_heard,
    facts.ResponseBegan: Assistant._response_began,
    facts.AudioArrived: Assistant._audio_arrived,
    facts.ItemEnded: Assistant._item_ended,
    facts.ToolCalled: Assistant._tool_called,
    facts.ResponseEnded: Assistant._response_ended,
    facts.EndpointFailed: Assistant._endpoint_failed,
    facts.Complaint: Assistant._endpoint_complained,
    facts.SignOfLife: Assistant._answer_lives,
}

_ON_TIMER: dict[Timer, Callable[[Assistant], None]] = {
    Timer.LINK: Assistant._link_late,
    Timer.WORD_END: Assistant._begin_is_known,
    Timer.CHIME: Assistant._chime_due,
    Timer.CHIME_OVER: Assistant._chime_over,
    Timer.NO_SPEECH: Assistant._nobody_spoke,
    Timer.TURN_LIMIT: Assistant._turn_too_long,
    Timer.ENDPOINTING: Assistant._endpoint_deaf,
    Timer.ANSWER: Assistant._endpoint_silent,
    Timer.TOOLS: Assistant._tools_late,
    Timer.PLAYBACK: Assistant._playback_late,
    Timer.FOLLOW_UP: Assistant._go_idle,
    Timer.LINK_IDLE: Assistant._close_link,
}
