"""From the wire's many events to the few facts the core decides by.

One :class:`Downlink` belongs to one link. It knows which responses are stale, owns the
sequencer and the account of what was received, and forgets all of it with the link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from device.assistant.heard import HeardAudio
from device.assistant.items import ItemKey
from device.assistant.sequencer import ResponseSequencer
from device.realtime import events as wire
from device.realtime.failures import (
    Failure,
    ends_connection,
    failure_of_error,
    failure_of_response,
)
from device.realtime.items import (
    FunctionCallItem,
    Item,
    McpApprovalRequestItem,
    McpCallItem,
    MessageItem,
    OutputAudio,
    OutputText,
)


class ResponseOutcome(StrEnum):
    """How a response ended."""

    COMPLETED = "completed"
    LIMITED = "limited"
    """The endpoint's limit for the length of an answer ended it."""
    FILTERED = "filtered"
    """A filter for content of the endpoint's ended it."""
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class UserBegan:
    """The endpoint hears the user speak."""


@dataclass(frozen=True, slots=True)
class UserEnded:
    """The endpoint has decided that the user has finished."""


@dataclass(frozen=True, slots=True)
class UserHeard:
    """The endpoint's transcript of what the user said."""

    text: str


@dataclass(frozen=True, slots=True)
class UserHeardSoFar:
    """The endpoint's transcript of what the user has said until now."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerWorded:
    """The words of an item of the answer, as far as they are known."""

    item: ItemKey
    text: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class ResponseBegan:
    """The endpoint works on an answer."""


@dataclass(frozen=True, slots=True)
class AudioArrived:
    """A piece of the answer's audio."""

    item: ItemKey
    pcm: bytes
    """PCM16 mono at 24 kHz."""
    length_s: float


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """All the audio of an item has arrived."""

    item: ItemKey


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model wants a tool to be run."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class EndpointActed:
    """The endpoint has run a tool of its own (MCP)."""

    called: ToolCalled
    output: str


@dataclass(frozen=True, slots=True)
class ApprovalWanted:
    """The endpoint asks whether it may run a tool of its own (MCP)."""

    request: str
    """The id of what asks."""


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """A response is over, well or badly."""

    outcome: ResponseOutcome
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class EndpointFailed:
    """The endpoint says that it cannot go on."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Complaint:
    """The endpoint refused one event of ours, and goes on."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class ResponseRefused:
    """The endpoint is busy with another response, and begins none for us."""


@dataclass(frozen=True, slots=True)
class SoundForgotten:
    """The endpoint has forgotten what sound it was sent, as it was asked to."""


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """Something belonging to the running answer arrived that needs no decision."""


OfQuestion = UserBegan | UserEnded | UserHeard | UserHeardSoFar
OfAnswer = (
    ResponseBegan
    | AudioArrived
    | AnswerWorded
    | ItemEnded
    | ToolCalled
    | EndpointActed
    | ApprovalWanted
    | ResponseEnded
    | SignOfLife
)
OfEndpoint = EndpointFailed | Complaint | ResponseRefused | SoundForgotten

Fact = OfQuestion | OfAnswer | OfEndpoint


_OfUser = (
    wire.InputAudioBufferSpeechStarted
    | wire.InputAudioBufferSpeechStopped
    | wire.InputAudioBufferCommitted
    | wire.InputAudioBufferCleared
    | wire.ConversationItemInputAudioTranscriptionCompleted
    | wire.ConversationItemInputAudioTranscriptionDelta
)
_OfNoConcern = (
    wire.SessionCreated
    | wire.SessionUpdated
    | wire.ConversationCreated
    | wire.ConversationItemAdded
    | wire.ConversationItemDone
    | wire.ConversationItemCreated
    | wire.ConversationItemRetrieved
    | wire.ConversationItemDeleted
    | wire.ConversationItemTruncated
    | wire.ConversationItemInputAudioTranscriptionFailed
    | wire.ConversationItemInputAudioTranscriptionSegment
    | wire.InputAudioBufferTimeoutTriggered
    | wire.InputAudioBufferDtmfEventReceived
    | wire.OutputAudioBufferStarted
    | wire.OutputAudioBufferStopped
    | wire.OutputAudioBufferCleared
    | wire.ResponseContentPartDone
    | wire.ResponseOutputTextDone
    | wire.ResponseOutputAudioDelta
    | wire.ResponseMcpCallArgumentsDone
    | wire.ResponseMcpCallFailed
    | wire.McpListToolsInProgress
    | wire.McpListToolsCompleted
    | wire.McpListToolsFailed
    | wire.RateLimitsUpdated
    | wire.UnknownEvent
)
"""Nothing is decided by these. Sound comes as an :class:`device.realtime.sound.AudioDelta`."""


class Downlink:
    """What one link has told us so far."""

    def __init__(self) -> None:
        self.sequencer = ResponseSequencer()
        self.heard = HeardAudio()
        self._to_send: list[wire.ClientEvent] = []
        self._stale: set[str] = set()
        self._begun: set[str] = set()
        self._next_is_stale = False
        self._call_names: dict[str, str] = {}
        self._calls_seen: set[str] = set()
        self._heard_so_far: dict[str, str] = {}

    def new_answer(self) -> HeardAudio:
        """Begin a new account; return that of the last answer, for its corrections."""
        last, self.heard = self.heard, HeardAudio()
        return last

    def disown(self) -> None:
        """The running response is nobody's any more: its late audio is stale.

        One that was asked for and has not begun will be cancelled when it does.
        """
        if self.sequencer.active_id is not None:
            self._stale.add(self.sequencer.active_id)
        elif self.sequencer.is_requested:
            self._next_is_stale = True
        self.sequencer.forget_wishes()

    def released(self) -> list[wire.ClientEvent]:
        """Events that may be sent now because of what was taken in; each is given once."""
        released, self._to_send = self._to_send, []
        return released

    def take(self, event: wire.LinkEvent) -> list[Fact]:
        """Account for one event; return what it means."""
        if isinstance(event, _OfUser):
            return self._of_user(event)
        if isinstance(event, _OfNoConcern):
            return []
        match event:
            case wire.AudioDelta():
                return self._audio(event)
            case wire.ResponseOutputAudioTranscriptDelta() | wire.ResponseOutputTextDelta():
                return self._words(event)
            case wire.ResponseOutputAudioTranscriptDone():
                return self._transcript_done(event)
            case wire.ResponseOutputAudioDone():
                return self._audio_done(event)
            case wire.ResponseCreated():
                return self._response_created(event)
            case wire.ResponseDone():
                return self._response_done(event)
            case wire.ResponseOutputItemAdded():
                return self._item_added(event)
            case wire.ResponseOutputItemDone():
                return self._item_done(event)
            case wire.ResponseFunctionCallArgumentsDone():
                return self._arguments_done(event)
            case (
                wire.ResponseFunctionCallArgumentsDelta()
                | wire.ResponseContentPartAdded()
                | wire.ResponseMcpCallArgumentsDelta()
            ):
                return self._alive(event.response_id)
            case wire.ResponseMcpCallInProgress() | wire.ResponseMcpCallCompleted():
                return [SignOfLife()]
            case wire.ErrorEvent():
                return self._error(event)
            case _:
                assert_never(event)

    def _of_user(self, event: _OfUser) -> list[Fact]:
        match event:
            case wire.InputAudioBufferSpeechStarted():
                return [UserBegan()]
            case wire.InputAudioBufferSpeechStopped() | wire.InputAudioBufferCommitted():
                return [UserEnded()]
            case wire.InputAudioBufferCleared():
                return [SoundForgotten()]
            case wire.ConversationItemInputAudioTranscriptionCompleted():
                return self._transcribed(event)
            case wire.ConversationItemInputAudioTranscriptionDelta():
                return self._transcribing(event)
            case _:
                assert_never(event)

    def _is_stale(self, response_id: object) -> bool:
        return response_id in self._stale

    def _response_created(self, event: wire.ResponseCreated) -> list[Fact]:
        self._begun.add(event.response.id)
        self.sequencer.created(event.response.id)
        if self._next_is_stale:
            self._next_is_stale = False
            self._stale.add(event.response.id)
            self._to_send.append(wire.ResponseCancel(response_id=event.response.id))
            return []
        return [ResponseBegan()]

    def _response_done(self, event: wire.ResponseDone) -> list[Fact]:
        response = event.response
        released = self.sequencer.done(response.id)
        if released is not None:
            self._to_send.append(released)
        is_known = response.id in self._begun or response.status == "failed"
        if self._is_stale(response.id) or not is_known:
            return []
        ended: list[Fact] = [ItemEnded(k) for k in self.heard.incomplete if self.heard.completed(k)]
        if response.status == "failed":
            return [*ended, ResponseEnded(ResponseOutcome.FAILED, failure_of_response(response))]
        if response.status == "cancelled":
            return [*ended, ResponseEnded(ResponseOutcome.CANCELLED)]
        self._words_in(response.output or (), response.id)
        outcome = _outcome_of(response)
        return [*ended, *self._calls_in(response.output or ()), ResponseEnded(outcome)]

    def _words_in(self, output: Iterable[Item], response_id: str) -> None:
        """Words that were not announced by events of their own."""
        for index, item in enumerate(output):
            if not isinstance(item, MessageItem):
                continue
            for place, part in enumerate(item.content):
                key = ItemKey(item.id or f"{response_id}-{index}", place)
                words = (
                    part.text
                    if isinstance(part, OutputText)
                    else part.transcript
                    if isinstance(part, OutputAudio)
                    else ""
                )
                if words and not self.heard.text(key):
                    self.heard.said(key, words)

    def _calls_in(self, output: Iterable[Item]) -> list[Fact]:
        """Calls that were not announced by events of their own (some compatibles do that)."""
        return [fact for item in output for fact in self._call_item(item)]

    def _call_item(self, item: Item) -> list[Fact]:
        if not isinstance(item, FunctionCallItem) or item.status == "incomplete":
            return []
        return self._call(item.call_id or "", item.name, item.arguments)

    def _audio(self, event: wire.AudioDelta) -> list[Fact]:
        if self._is_stale(event.response_id):
            return []
        key = ItemKey(event.item_id, event.content_index)
        length_s = self.heard.received(key, event.samples)
        return [AudioArrived(key, event.pcm, length_s)] if length_s else [SignOfLife()]

    def _audio_done(self, event: wire.ResponseOutputAudioDone) -> list[Fact]:
        key = ItemKey(event.item_id, event.content_index)
        if self._is_stale(event.response_id) or not self.heard.completed(key):
            return []
        return [ItemEnded(key)]

    def _words(
        self, event: wire.ResponseOutputAudioTranscriptDelta | wire.ResponseOutputTextDelta
    ) -> list[Fact]:
        if self._is_stale(event.response_id):
            return []
        key = ItemKey(event.item_id, event.content_index)
        self.heard.said(key, event.delta)
        return [AnswerWorded(key, self.heard.text(key), is_final=False)]

    def _transcript_done(self, event: wire.ResponseOutputAudioTranscriptDone) -> list[Fact]:
        if self._is_stale(event.response_id):
            return []
        key = ItemKey(event.item_id, event.content_index)
        self.heard.corrected(key, event.transcript)
        return [AnswerWorded(key, event.transcript, is_final=True)]

    def _item_added(self, event: wire.ResponseOutputItemAdded) -> list[Fact]:
        if isinstance(event.item, FunctionCallItem) and event.item.call_id:
            self._call_names[event.item.call_id] = event.item.name
        return self._alive(event.response_id)

    def _item_done(self, event: wire.ResponseOutputItemDone) -> list[Fact]:
        if self._is_stale(event.response_id):
            return []
        if isinstance(event.item, McpCallItem) and not event.item.error:
            return self._acted(event.item)
        if isinstance(event.item, McpApprovalRequestItem):
            return [ApprovalWanted(event.item.id)]
        return self._call_item(event.item) or [SignOfLife()]

    def _acted(self, item: McpCallItem) -> list[Fact]:
        if item.id in self._calls_seen:
            return [SignOfLife()]
        self._calls_seen.add(item.id)
        called = ToolCalled(item.id, item.name, item.arguments)
        return [EndpointActed(called, item.output or "{}")]

    def _arguments_done(self, event: wire.ResponseFunctionCallArgumentsDone) -> list[Fact]:
        if self._is_stale(event.response_id):
            return []
        return self._call(event.call_id, event.name, event.arguments)

    def _call(self, call_id: str, name: str, arguments: str) -> list[Fact]:
        named = name or self._call_names.get(call_id, "")
        if not call_id or not named or call_id in self._calls_seen:
            return [SignOfLife()]
        self._calls_seen.add(call_id)
        return [ToolCalled(call_id, named, arguments)]

    def _transcribed(
        self, event: wire.ConversationItemInputAudioTranscriptionCompleted
    ) -> list[Fact]:
        self._heard_so_far.pop(event.item_id, None)
        return [UserHeard(event.transcript)]

    def _transcribing(self, event: wire.ConversationItemInputAudioTranscriptionDelta) -> list[Fact]:
        text = self._heard_so_far.get(event.item_id, "") + (event.delta or "")
        # One item is transcribed at a time; what was begun and never completed is forgotten.
        self._heard_so_far = {event.item_id: text}
        return [UserHeardSoFar(text)]

    def _error(self, event: wire.ErrorEvent) -> list[Fact]:
        code = event.error.code or event.error.type
        if code == "conversation_already_has_active_response":
            self.sequencer.refused()
            return [ResponseRefused()]
        if code == "response_cancel_not_active":
            released = self.sequencer.nothing_active()
            if released is not None:
                self._to_send.append(released)
            return []
        failure = failure_of_error(event.error)
        if failure is None:
            return []
        if ends_connection(failure) or self.sequencer.is_requested:
            # Nobody will answer: better to ask elsewhere now than after a time-out.
            return [EndpointFailed(failure)]
        return [Complaint(failure)]

    def _alive(self, response_id: str) -> list[Fact]:
        return [] if self._is_stale(response_id) else [SignOfLife()]


def _outcome_of(response: wire.Response) -> ResponseOutcome:
    """How a response ended that neither failed nor was cancelled."""
    if response.status != "incomplete":
        return ResponseOutcome.COMPLETED
    match response.status_details and response.status_details.reason:
        case "content_filter":
            return ResponseOutcome.FILTERED
        case "max_output_tokens":
            return ResponseOutcome.LIMITED
    return ResponseOutcome.COMPLETED
