"""The link in use, or on its way: what goes up on it, and the tools it has called."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import Enum

from device.assistant import effects as do
from device.assistant.downlink import Downlink, ToolCalled
from device.assistant.outbox import Outbox
from device.assistant.policy import EndpointPlan, Profile
from device.assistant.question import PictureQuestion, WrittenQuestion, item_of, picture_item
from device.assistant.stretch import Span
from device.assistant.timers import Timer
from device.realtime.events import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseCancel,
)
from device.realtime.items import FunctionCallOutputItem, McpApprovalResponseItem

ASK_AGAIN_S = 0.5
"""An endpoint that is busy with a response we know nothing of is asked again so much later."""


class LinkPhase(Enum):
    """How far a link has come; it does not go back."""

    OPENING = "opening"
    READY = "ready"


class Uplinking(Enum):
    """What of the microphone goes up on a link."""

    NOTHING = "nothing"
    STREAMING = "streaming"
    DRAINING = "draining"
    """What was said up to a place; then it is over, and ``UplinkDrained`` says so."""


class LinkInUse:
    """One link from the wish to open it until it is let go."""

    def __init__(self, number: int, plan: EndpointPlan, profile: Profile, out: Outbox) -> None:
        """Asks for it to be opened."""
        self.number = number
        self.plan = plan
        self.profile = profile
        self.phase = LinkPhase.OPENING
        self.uplinking = Uplinking.NOTHING
        self.downlink = Downlink()
        self.turns = 0
        """Questions it was given."""
        self.cut_off_sample: int | None = None
        """Where an answer began to play while the question was still being sent."""
        self.hears_speech = False
        """The endpoint has told that it hears somebody, in the question that it was given last."""
        self.is_sounded = False
        """It is asked whether it lives: it has told nothing of a question that seems to be over."""
        self.is_expiring = False
        """Its session ends before long: no further question is begun in it."""
        self._drains_for_turn: int | None = None
        self._has_old_tools = False
        """Others are on offer than those its session was asked for with."""
        self._calls: dict[str, ToolCalled] = {}
        self._pictures: list[str] = []
        """Ids of the items that hold pictures, of which nothing is to be kept."""
        self._pictures_shown = 0
        self._out = out
        out.emit(do.OpenLink(number, plan.name, profile.name))
        out.arm(Timer.LINK, plan.link_timeout_s)

    @property
    def is_ready(self) -> bool:
        """Whether its session has the settings we asked for."""
        return self.phase is LinkPhase.READY

    def ready(self) -> None:
        """It can be used."""
        self.phase = LinkPhase.READY
        self._out.disarm(Timer.LINK)

    def close(self, *, tools_go_on: bool = False) -> None:
        """Let go of it, and of everything that only it was waiting for.

        ``tools_go_on``: somebody else wants to know what comes of the tools that run.
        """
        self.stop_uplink()
        if self.downlink.sequencer.tools and not tools_go_on:
            self._out.emit(do.CancelTools())
        self._out.emit(do.CloseLink(self.number))
        self._out.disarm(
            Timer.LINK,
            Timer.LINK_IDLE,
            Timer.ANSWER,
            Timer.TOOLS,
            Timer.ENDPOINTING,
            Timer.ASK_AGAIN,
        )

    # -- up ----------------------------------------------------------------------------

    def send(self, event: ClientEvent | None) -> None:
        """Send an event, if there is one."""
        if event is not None:
            self._out.emit(do.Send(self.number, event))

    def uplink(self, span: Span, *, tail_silence_ms: int = 0, is_more: bool = False) -> None:
        """Send a span of sound; without an end it streams on."""
        is_open = span.until_sample is None
        self.uplinking = Uplinking.STREAMING if is_open else Uplinking.NOTHING
        self.cut_off_sample = None
        self._out.emit(
            do.StartUplink(
                self.number,
                span.from_sample,
                span.lead_ms,
                span.until_sample,
                tail_silence_ms,
                is_more,
                floor_sample=span.floor_sample,
                bound=span.bound,
            )
        )

    def end_uplink(self, turn: int, until_sample: int | None, tail_silence_ms: int = 0) -> None:
        """Send what is missing up to a place (None: up to now), and no more for this turn."""
        self.uplinking = Uplinking.DRAINING
        self._drains_for_turn = turn
        self._out.emit(do.EndUplink(self.number, until_sample, tail_silence_ms))

    def stop_uplink(self) -> None:
        """Nothing more of the microphone leaves."""
        if self.uplinking is Uplinking.STREAMING:
            self.uplinking = Uplinking.NOTHING
            self._out.emit(do.StopUplink(self.number))

    def drained(self, turn: int) -> bool:
        """Everything of a question is out; False where nobody waits for that any more."""
        is_awaited = self._drains_for_turn == turn
        if is_awaited:
            self._drains_for_turn = None
            self.uplinking = Uplinking.NOTHING
        return is_awaited

    def forget_sound(self) -> None:
        """What was sent of a question that nobody wants to be answered."""
        self.stop_uplink()
        self.send(InputAudioBufferClear())

    def sound_out(self) -> None:
        """Have it show that it lives, by forgetting what it makes nothing of."""
        self.is_sounded = True
        self.forget_sound()

    def ask(self, *, by_commit: bool) -> None:
        """Want an answer to what was sent; ``by_commit``: to the sound."""
        if by_commit:
            self.send(InputAudioBufferCommit())
        self.send(self.downlink.sequencer.want())

    def response_refused(self) -> None:
        """It is busy with another one."""
        if self.downlink.sequencer.active_id is None:
            # It will not tell when the one ends that only it knows of.
            self._out.arm(Timer.ASK_AGAIN, ASK_AGAIN_S)

    def ask_again(self) -> None:
        """It refused because it was busy; perhaps it is not any more."""
        self.send(self.downlink.sequencer.again())

    def interrupt(self) -> None:
        """Nobody wants to hear the running answer any more, nor what its tools find out."""
        sequencer = self.downlink.sequencer
        if sequencer.tools:
            self._out.emit(do.CancelTools())
        was_generating, response_id = sequencer.is_generating, sequencer.active_id
        self.downlink.disown()
        if was_generating and response_id is not None:
            self.send(ResponseCancel(response_id=response_id))
        self.forget_pictures()
        self.downlink.new_answer()

    def tools_changed(self) -> None:
        """Its session is to have another list, as soon as nobody is being answered with it."""
        self._has_old_tools = True

    def update_tools(self) -> None:
        """Between two answers: have the list sent, if it is another."""
        if self.is_ready and self._has_old_tools:
            self._has_old_tools = False
            self._out.emit(do.UpdateTools(self.number))

    # -- what is written and shown -----------------------------------------------------

    def write(self, question: WrittenQuestion) -> None:
        """Send a question that needs no microphone."""
        if isinstance(question, PictureQuestion):
            self.show([question.jpeg], question.text)
        else:
            self.send(item_of(question))

    def show(self, jpegs: Iterable[bytes], text: str = "") -> None:
        """Lay pictures before whoever answers, until :meth:`forget_pictures`."""
        for jpeg in jpegs:
            self._pictures_shown += 1
            item_id = f"picture_{self.number}_{self._pictures_shown}"
            self._pictures.append(item_id)
            self.send(picture_item(item_id, jpeg, text))

    def forget_pictures(self) -> None:
        """The answer about them is over: the endpoint is to keep none, nor be paid for it again."""
        for item_id in self._pictures:
            self.send(ConversationItemDelete(item_id=item_id))
        self._pictures.clear()

    # -- tools -------------------------------------------------------------------------

    def run_tool(self, called: ToolCalled, timeout_s: float) -> None:
        """Have a tool run; its output and all others go up before the next response."""
        sequencer = self.downlink.sequencer
        sequencer.call_begun(called.call_id)
        self._calls[called.call_id] = called
        self._out.emit(do.RunTool(called.call_id, called.name, called.arguments))
        self.send(sequencer.want())
        self._out.arm(Timer.TOOLS, timeout_s)

    def refuse_tool(self, called: ToolCalled, why: str) -> None:
        """Tell the model instead that it was not run."""
        self.answer_tool(called, _error(why))

    def answer_tool(self, called: ToolCalled, output: str) -> None:
        """Give the model an output without running anything."""
        self.downlink.sequencer.call_begun(called.call_id)
        self._output(called.call_id, output)

    def tool_finished(self, call_id: str, output: str, jpegs: Iterable[bytes] = ()) -> None:
        """Send the output of a tool that was called here, behind the pictures it speaks of.

        A response that is nobody's any more has called it, perhaps: the session is to know
        what was done all the same.
        """
        if self._calls.pop(call_id, None) is not None:
            self.show(jpegs)
            self._output(call_id, output)

    def refuse_approval(self, request: str) -> None:
        """Nobody here may allow an endpoint's own tools by voice: say no, and ask for the rest."""
        refusal = McpApprovalResponseItem(
            id=f"no_{request}"[:32], approval_request_id=request, approve=False
        )
        self.send(ConversationItemCreate(item=refusal))
        self.send(self.downlink.sequencer.want())

    def give_up_tools(self, why: str) -> None:
        """Wait no longer for those that still run."""
        self._out.emit(do.CancelTools())
        for call_id in sorted(self.downlink.sequencer.tools):
            self._calls.pop(call_id, None)
            self._output(call_id, _error(why))

    @property
    def awaits_tools(self) -> bool:
        """Whether outputs are missing."""
        return bool(self.downlink.sequencer.tools)

    def _output(self, call_id: str, output: str) -> None:
        """One output; the sequencer knows whether it was the last that was awaited."""
        self.send(
            ConversationItemCreate(item=FunctionCallOutputItem(call_id=call_id, output=output))
        )
        self.send(self.downlink.sequencer.call_ended(call_id))
        if not self.awaits_tools:
            self._out.disarm(Timer.TOOLS)


def _error(what: str) -> str:
    return json.dumps({"error": what})
