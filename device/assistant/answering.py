"""The answer that is being given: what arrives of it, the tools it calls, how it ends.

Nothing here knows what follows from that for the conversation: :meth:`Answering.take` says
how the answer stands, and the state machine goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import assert_never

from device.assistant import downlink as facts
from device.assistant import inputs, news
from device.assistant.checks import Check, Ruling
from device.assistant.chronicle import Chronicle
from device.assistant.delivery import NOTHING_HEARD, Arrival, Delivery
from device.assistant.items import ItemKey
from device.assistant.link import LinkInUse
from device.assistant.outbox import Outbox
from device.assistant.policy import Policy
from device.assistant.remarks import Remarks
from device.assistant.timers import Timer
from device.assistant.turn import Mark, Turn, TurnPhase
from device.realtime.failures import Failure, Reason


class Standing(Enum):
    """How an answer stands."""

    GOES_ON = "goes on"
    COMPLETE = "complete"
    """No more of it will come."""
    STOPPED = "stopped"
    """A check lets no more of it be heard."""


class Answering:
    """Takes in an answer, and accounts for it."""

    def __init__(
        self,
        policy: Policy,
        check: Check | None,
        chronicle: Chronicle,
        remarks: Remarks,
        out: Outbox,
    ) -> None:
        self.delivery = Delivery(policy.playback_slack_s, out)
        self._policy = policy
        self._check = check
        self._chronicle = chronicle
        self._remarks = remarks
        self._is_silent = True
        """Nothing of the response that runs, or ran last, has any sound."""
        self._out = out

    # -- what arrives ------------------------------------------------------------------

    def take(self, fact: facts.OfAnswer, link: LinkInUse, turn: Turn) -> Standing | Failure:
        """One fact of the answer to a turn; a failure is the link's, and the turn is unanswered."""
        self.lives(link)
        if turn.answer_began_s is None:
            turn.answer_began_s = self._out.now_s
            self._out.arm(Timer.ANSWER_LIMIT, self._policy.answer_limit_s)
        match fact:
            case facts.ResponseBegan():
                turn.calls.response_began()
                self._is_silent = True
                self.delivery.arrival = Arrival.OPEN
            case facts.AudioArrived():
                turn.mark(Mark.FIRST_AUDIO_RECEIVED, self._out.now_s)
                turn.calls.answered()
                self._remarks.answer_found()
                self._is_silent = False
                self.delivery.arrived(link.downlink.heard, fact)
            case facts.AnswerWorded(item=item, text=text, is_final=is_final):
                if self._check is not None:
                    return self.ruled(self._check.answer(item, text, is_final=is_final), turn)
            case facts.ItemEnded(item=item):
                self.delivery.finish(item)
            case facts.ToolCalled():
                self._tool_called(fact, link, turn)
            case facts.EndpointActed(called=called, output=output):
                turn.calls.ran_there(called, output, link.number)
            case facts.ApprovalWanted(request=request):
                self._remarks.approval_refused()
                link.refuse_approval(request)
            case facts.ResponseEnded():
                return self._ended(fact, link, turn)
            case facts.SignOfLife():
                pass  # it lives: that is all
            case _:
                assert_never(fact)
        return Standing.GOES_ON

    def lives(self, link: LinkInUse) -> None:
        """Whoever answers has been heard of: the next event may take its time again."""
        self._out.arm(Timer.ANSWER, link.plan.answer_timeout_s)

    def _ended(self, ended: facts.ResponseEnded, link: LinkInUse, turn: Turn) -> Standing | Failure:
        if ended.outcome is facts.ResponseOutcome.FAILED and ended.failure is not None:
            return ended.failure
        if (
            ended.outcome is facts.ResponseOutcome.CANCELLED
            and turn.phase is not TurnPhase.ANSWERED
        ):
            # Some servers cancel before they say that they heard the user go on.
            return Standing.GOES_ON
        self._out.disarm(Timer.ANSWER)
        if ended.outcome is facts.ResponseOutcome.LIMITED:
            self._remarks.answer_limited()
        elif ended.outcome is facts.ResponseOutcome.FILTERED:
            self._remarks.answer_filtered()
        if link.downlink.sequencer.is_busy:
            self.delivery.arrival = Arrival.OPEN
            return Standing.GOES_ON
        if self._is_silent and (failure := self._unheard(link, turn)) is not None:
            return failure
        self.delivery.arrival = Arrival.COMPLETE
        return Standing.COMPLETE

    def _unheard(self, link: LinkInUse, turn: Turn) -> Failure | None:
        """The last response had no sound: whoever asked is to hear something all the same."""
        if text := link.downlink.heard.unspoken():
            self.delivery.speak(text)
            turn.calls.answered()
        elif turn.calls.is_untold:
            self._tell_outcome(turn)
        elif turn.phase is not TurnPhase.ANSWERED and not self._remarks.is_pending_about_answer:
            return Failure(Reason.EMPTY, "a response without sound, words or calls")
        return None

    def _tell_outcome(self, turn: Turn) -> None:
        """Say what the tools said themselves; an empty sentence of theirs means silence."""
        spoken = turn.calls.spoken()
        if spoken:
            self.delivery.speak(spoken)
        elif spoken is None:
            self._remarks.done_without_words(is_done=turn.calls.is_done)

    def cut(self) -> None:
        """It broke off in the middle: play what came, then say that there is no more."""
        self.delivery.cut()
        self._remarks.answer_cut()

    def over(self, turn: Turn, link: LinkInUse | None) -> str:
        """All of it was heard: remember it; its last sentences, empty where it had no words."""
        texts = self.delivery.texts()
        self._chronicle.said(turn, texts)
        self._chronicle.ended(turn)
        self.delivery.forget()
        if link is not None:
            link.forget_pictures()
            link.downlink.new_answer()
            link.stop_uplink()
        return texts[-1] if texts else ""

    def apologize(self, turn: Turn, *, is_barred: bool) -> None:
        """Say why there is no answer, or what was done though there is none.

        ``is_barred``: whom the owner wants costs more than the month allows.
        """
        if turn.calls.is_done and (spoken := turn.calls.spoken()):
            self.delivery.speak(spoken)
        elif turn.calls.is_done:
            self.delivery.say("done_untold", turn)
        elif is_barred:
            self.delivery.say("budget_over", turn)
        else:
            self.delivery.say(self._remarks.no_answer(turn.failed_by), turn)

    # -- checks ------------------------------------------------------------------------

    def question(self, text: str, turn: Turn | None, *, is_final: bool) -> Standing:
        """What the endpoint understood of the question, so far or whole."""
        if self._check is None or turn is None:
            return Standing.GOES_ON
        return self.ruled(self._check.question(text, is_final=is_final), turn)

    def ruled(self, ruling: Ruling, turn: Turn) -> Standing:
        """A check has decided what may be heard of the answer."""
        match ruling:
            case Ruling.PASS:
                self.delivery.release()
            case Ruling.HOLD:
                self.delivery.hold()
            case Ruling.STOP:
                self._out.tell(news.AnswerStopped(turn.number, turn.endpoint))
                return Standing.STOPPED
            case _:
                assert_never(ruling)
        return Standing.GOES_ON

    # -- tools -------------------------------------------------------------------------

    def _tool_called(self, called: facts.ToolCalled, link: LinkInUse, turn: Turn) -> None:
        rounds = turn.calls.round_of_call()
        if rounds > self._policy.tool_rounds:
            self._remarks.gave_up_tools()
            link.refuse_tool(called, "too many calls: tell the user what you have found so far")
            if rounds == self._policy.tool_rounds + 1:
                link.ask(by_commit=False)
        elif (output := turn.calls.earlier(called, link.number)) is not None:
            link.answer_tool(called, output)
            link.ask(by_commit=False)
        else:
            turn.calls.begun(called, link.number)
            link.run_tool(called, self._policy.tool_timeout_s)

    def tool_finished(
        self, finished: inputs.ToolFinished, link: LinkInUse | None, turn: Turn
    ) -> None:
        """A tool has an outcome; when none is missing, the endpoint is awaited again."""
        record = turn.calls.finished(finished.call_id, finished.output, finished.jpegs)
        if record is None:
            return
        called = record.called
        self._out.tell(news.ToolRan(turn.number, called.name, called.arguments, finished.output))
        if link is not None and link.number == record.link:
            was_awaited = link.awaits_tools
            link.tool_finished(finished.call_id, finished.output, finished.jpegs)
            if was_awaited and not link.awaits_tools:
                self.lives(link)

    def tools_late(self, link: LinkInUse | None, turn: Turn) -> None:
        """Those that still run are told to the model as failed."""
        turn.calls.give_up()
        if link is not None and link.awaits_tools:
            link.give_up_tools("the tool did not finish in time")
            self.lives(link)

    # -- what is not heard -------------------------------------------------------------

    def interrupt(self, turn: Turn, link: LinkInUse | None) -> None:
        """Silence the answer here and at the endpoint; account for it when it is known."""
        if self.delivery.interrupted is not None:
            # The last one was never answered: as if nothing of it had been heard.
            self.stopped(NOTHING_HEARD, link, turn)
        self._out.disarm(Timer.ANSWER, Timer.TOOLS)
        if link is not None:
            link.interrupt()
        self.delivery.interrupt(turn, link.number if link is not None else None)

    def drop_unplayed(self, link: LinkInUse | None) -> None:
        """The endpoint dropped it before anything was played."""
        self.delivery.drop_unplayed()
        if link is not None:
            link.downlink.new_answer()

    def stopped(
        self, heard_ms: Mapping[ItemKey, int], link: LinkInUse | None, current: Turn | None
    ) -> None:
        """Now it is known what was heard: tell the server, and remember no more than that.

        ``current``: the turn that goes on, which may be the interrupted one.
        """
        interrupted = self.delivery.stopped()
        if interrupted is None:
            return
        if link is not None and link.number == interrupted.link and link.is_ready:
            for event in interrupted.heard.corrections(heard_ms):
                link.send(event)
        if interrupted.turn.phase is TurnPhase.ANSWERED:
            texts = interrupted.heard.heard_texts(heard_ms)
            self._chronicle.said(interrupted.turn, texts, is_interrupted=True)
        if interrupted.turn is not current:
            self._chronicle.ended(interrupted.turn)
