"""A question on its way to an endpoint: what is told to it, and what it is asked.

An endpoint that takes over from another one, or from an older session, is told what was said
and heard before, and what was done for this question already: nothing is done twice.
"""

from __future__ import annotations

from typing import assert_never

from device.assistant.asking import Asking
from device.assistant.chronicle import Chronicle
from device.assistant.exchange import Exchange
from device.assistant.link import LinkInUse
from device.assistant.outbox import Outbox
from device.assistant.policy import Policy
from device.assistant.question import (
    AwaitedQuestion,
    PictureQuestion,
    SoundQuestion,
    TypedQuestion,
    WrittenQuestion,
    words_of,
)
from device.assistant.situation import Situation
from device.assistant.states import State
from device.assistant.timers import Timer
from device.assistant.turn import Turn, TurnPhase


class Handover:
    """Brings the question of a turn to the link there is, or to the next endpoint."""

    def __init__(
        self,
        now: Situation,
        asking: Asking,
        exchange: Exchange,
        chronicle: Chronicle,
        policy: Policy,
        out: Outbox,
    ) -> None:
        self._now = now
        self._asking = asking
        self._exchange = exchange
        self._chronicle = chronicle
        self._policy = policy
        self._out = out
        self._held_up: Turn | None = None
        """Its link failed while tools ran: the next one is asked when their outcome is known."""

    def ask(self, turn: Turn) -> bool:
        """Ask somebody, or have a link opened to somebody; False: nobody is left."""
        link = self._exchange.reach(turn)
        if turn.calls.is_running and (link is None or not link.is_ready):
            self._wait_for_calls(turn)
        elif link is None:
            return False
        elif link.is_ready:
            self.start(link, turn)
        else:
            is_asked = turn.phase is TurnPhase.ASKED
            self._now.state = State.CONNECTING if is_asked else State.THINKING
        return True

    def calls_are_over(self, turn: Turn) -> bool:
        """Whoever waits to be told what the tools have done is told; False: there is nobody."""
        if self._held_up is not turn or turn.calls.is_running:
            return True
        self._held_up = None
        self._out.disarm(Timer.TOOLS)
        link = self._exchange.link
        if link is not None and link.is_ready:
            self.start(link, turn)
        return link is not None

    def start(self, link: LinkInUse, turn: Turn) -> None:
        """The link is ready: send what was said so far, and what is being said."""
        link.update_tools()
        link.hears_speech = link.is_sounded = False
        if not link.turns:
            self._tell_history(link, turn)
        link.turns += 1
        turn.endpoint = link.plan.name
        self._exchange.remark_on_budget(link.plan)
        if turn.calls:
            self._carry_over(link, turn)
            return
        match turn.question:
            case TypedQuestion() | PictureQuestion():
                link.write(turn.question)
                self._ask_for_answer(link)
            case AwaitedQuestion():
                self._now.state = State.LISTENING
            case SoundQuestion():
                self._asking.send(link, turn)
            case _:
                assert_never(turn.question)

    def _tell_history(self, link: LinkInUse, turn: Turn) -> None:
        """A new session knows nothing of what was said, and heard, before."""
        history, now_s = self._chronicle.history, self._out.now_s
        as_items = link.plan.is_local  # ours speaks whatever it is given
        for event in history.replay(turn.number, now_s, link.profile.name, as_items=as_items):
            link.send(event)

    def _carry_over(self, link: LinkInUse, turn: Turn) -> None:
        """Something was done for this question already: tell what, and ask for the rest."""
        if turn.calls.is_running:
            self._wait_for_calls(turn)
            return
        asked = turn.question
        if isinstance(asked, WrittenQuestion):
            link.write(asked)
        else:
            link.send(words_of(self._chronicle.history.question(turn.number)))
        if link.plan.sees:
            link.show(turn.calls.jpegs())
        for event in turn.calls.events(sees=link.plan.sees):
            link.send(event)
        if turn.phase is TurnPhase.ASKED and isinstance(asked, SoundQuestion):
            self._asking.send(link, turn)  # it is not over, and there may be more to be done
        else:
            self._ask_for_answer(link)

    def _ask_for_answer(self, link: LinkInUse) -> None:
        link.ask(by_commit=False)
        self._now.state = State.THINKING
        self._out.arm(Timer.ANSWER, link.plan.answer_timeout_s)

    def _wait_for_calls(self, turn: Turn) -> None:
        self._held_up = turn
        self._out.arm(Timer.TOOLS, self._policy.tool_timeout_s)
        self._now.state = State.THINKING
