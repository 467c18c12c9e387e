"""Turns begin, and are let go of; between them the appliance is idle."""

from __future__ import annotations

from device.assistant import effects as do
from device.assistant import news
from device.assistant.answering import Answering
from device.assistant.chronicle import Chronicle
from device.assistant.exchange import Exchange
from device.assistant.interjection import Interjection
from device.assistant.outbox import Outbox
from device.assistant.policy import Profile
from device.assistant.question import Question
from device.assistant.remarks import Remarks
from device.assistant.situation import Situation
from device.assistant.states import State
from device.assistant.timers import Timer
from device.assistant.turn import Mark, Trigger, Turn

_TURN_TIMERS = tuple(timer for timer in Timer if timer not in (Timer.LINK, Timer.LINK_IDLE))


class Turns:
    """Counts the turns of a conversation; at most one goes on, and it is the situation's."""

    def __init__(
        self,
        now: Situation,
        exchange: Exchange,
        answering: Answering,
        interjection: Interjection,
        chronicle: Chronicle,
        remarks: Remarks,
        out: Outbox,
    ) -> None:
        self._now = now
        self._exchange = exchange
        self._answering = answering
        self._interjection = interjection
        self._chronicle = chronicle
        self._remarks = remarks
        self._out = out
        self._begun = 0

    @property
    def number(self) -> int:
        """Of the turn that is going on, or of the last one."""
        return self._now.turn.number if self._now.turn is not None else self._begun

    def begin(
        self, trigger: Trigger, question: Question, profile: Profile, at_sample: int | None
    ) -> Turn:
        """A new one, whatever was going on; ``at_sample``: where its sound begins, if any."""
        self.drop()
        self._now.fault = ""
        self._remarks.new_turn()
        self._answering.delivery.new_turn()
        self._begun += 1
        self._now.spoken = None
        self._now.turn = turn = Turn(self._begun, trigger, question, profile)
        turn.mark(Mark.WAKE, self._out.now_s)
        self._out.tell(news.TurnBegan(turn.number, trigger, at_sample))
        self._out.disarm(Timer.FOLLOW_UP, Timer.LINK_IDLE)
        self._exchange.prefer(profile)
        return turn

    def drop(self) -> None:
        """Let go of the current one, asked or being answered."""
        turn, link = self._now.turn, self._exchange.link
        if turn is None:
            return
        if self._now.is_asking and link is not None and link.is_ready:
            link.forget_sound()
        if self._now.is_answering:
            if link is not None:
                link.stop_uplink()
            self._answering.interrupt(turn, link)
        self._interjection.over()
        self._now.turn = self._now.spoken = None
        self._out.disarm(*_TURN_TIMERS)
        interrupted = self._answering.delivery.interrupted
        if interrupted is None or interrupted.turn is not turn:
            self._chronicle.ended(turn)

    def stop(self) -> None:
        """Somebody wants quiet: whatever is asked or answered is over."""
        if self._now.state is not State.IDLE:
            self.drop_and_rest()

    def drop_and_rest(self) -> None:
        """Nothing comes of the current one, and the conversation is over."""
        self.drop()
        self.rest()

    def rest(self) -> None:
        """The conversation is over; the link is kept for a little while."""
        self._idle()
        self._exchange.rest()

    def end(self) -> None:
        """Nothing can be heard any more: let go of everything, and of the link at once."""
        self.drop()
        self._exchange.close()
        self._idle()

    def _idle(self) -> None:
        self._out.timers.disarm_all()
        self._now.fault = ""
        self._out.emit(do.ListenForSpeech(False))
        self._now.state = State.IDLE
