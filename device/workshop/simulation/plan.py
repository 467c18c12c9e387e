"""A scripted answer, laid out as the events of one response. Pure.

The order is the one that OpenAI's server keeps (REALTIME, a normal turn): created, then
for each item: added, its content with words and sound side by side, done.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.brain.protocol.codec import PCM, WireFormat
from device.brain.work.ear import to_wire
from device.realtime.events import (
    UNSET,
    WIRE_RATE_HZ,
    AudioPart,
    Content,
    ConversationItemAdded,
    ConversationItemDone,
    FunctionCallItem,
    Item,
    ItemStatus,
    McpApprovalRequestItem,
    McpCallItem,
    MessageItem,
    Modality,
    OutputAudio,
    OutputText,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseMcpCallArgumentsDelta,
    ResponseMcpCallArgumentsDone,
    ResponseMcpCallCompleted,
    ResponseMcpCallInProgress,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
    TextPart,
)
from device.workshop.simulation.script import AnswerItem

Samples = NDArray[np.int16]


@dataclass(frozen=True)
class PlannedEvent:
    """One event, and how much audio it carries."""

    event: ServerEvent
    audio_ms: float = 0.0


@dataclass(frozen=True)
class Frame:
    """What all items of one response share.

    ``conversation`` is False for a response out of band, whose items are added nowhere.
    """

    response_id: str
    new_id: Callable[[str], str]
    modality: Modality
    chunk_ms: int
    is_in_conversation: bool = True
    format: WireFormat = PCM


def plan(
    frame: Frame, items: Sequence[tuple[AnswerItem, Samples]], first_index: int = 0
) -> list[PlannedEvent]:
    """Lay out the items of an answer, from the first ``output_item.added`` to the last done."""
    steps: list[PlannedEvent] = []
    for index, (item, sound) in enumerate(items, start=first_index):
        if item.call is None:
            steps += _message(frame, index, item, sound)
        elif item.mcp_server is None:
            steps += _function_call(frame, index, item)
        else:
            steps += _approval_request(frame, index, item)
    return steps


def plan_mcp_call(frame: Frame, request: McpApprovalRequestItem, output: str) -> list[PlannedEvent]:
    """Lay out the call that was approved, as item 0 of a response."""
    item_id = frame.new_id("mcp")
    call = McpCallItem(
        id=item_id,
        server_label=request.server_label,
        name=request.name,
        arguments=request.arguments,
        approval_request_id=request.id,
    )
    place: dict[str, Any] = {
        "response_id": frame.response_id,
        "item_id": item_id,
        "output_index": 0,
    }
    done = McpCallItem(
        **{**{f: getattr(call, f) for f in call.__struct_fields__}, "output": output}
    )
    inner: list[ServerEvent] = [
        ResponseMcpCallArgumentsDelta(**place, delta=request.arguments),
        ResponseMcpCallArgumentsDone(**place, arguments=request.arguments),
        ResponseMcpCallInProgress(item_id=item_id, output_index=0),
        ResponseMcpCallCompleted(item_id=item_id, output_index=0),
    ]
    return _framed(frame, 0, call, done, [PlannedEvent(event) for event in inner])


def _framed(
    frame: Frame, index: int, begun: Item, done: Item, inner: list[PlannedEvent]
) -> list[PlannedEvent]:
    """Put the events of an item between its added and its done."""
    place: dict[str, Any] = {"response_id": frame.response_id, "output_index": index}
    opening: list[ServerEvent] = [ResponseOutputItemAdded(**place, item=begun)]
    closing: list[ServerEvent] = [ResponseOutputItemDone(**place, item=done)]
    if frame.is_in_conversation:
        opening.append(ConversationItemAdded(item=begun))
        closing.insert(0, ConversationItemDone(item=done))
    return [*map(PlannedEvent, opening), *inner, *map(PlannedEvent, closing)]


def message(
    item_id: str, status: ItemStatus, content: list[Content], phase: str | None = None
) -> MessageItem:
    """Return an assistant's item."""
    return MessageItem(
        id=item_id,
        object="realtime.item",
        role="assistant",
        status=status,
        content=content,
        phase=phase if phase is not None else UNSET,
    )


def _message(frame: Frame, index: int, item: AnswerItem, sound: Samples) -> list[PlannedEvent]:
    item_id, words = frame.new_id("item"), item.say or ""
    place: dict[str, Any] = {
        "response_id": frame.response_id,
        "item_id": item_id,
        "output_index": index,
        "content_index": 0,
    }
    spoken = frame.modality == "audio"
    inner = _speech(place, words, sound, frame) if spoken else _text(place, words)
    content: Content = OutputAudio(transcript=words) if spoken else OutputText(text=words)
    begun = message(item_id, "in_progress", [], item.phase)
    done = message(item_id, "completed", [content], item.phase)
    return _framed(frame, index, begun, done, inner)


def _speech(place: dict[str, Any], words: str, sound: Samples, frame: Frame) -> list[PlannedEvent]:
    data, per_ms = to_wire(sound, WIRE_RATE_HZ, frame.format), frame.format.bytes_per_ms
    size = frame.chunk_ms * per_ms
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    steps = [PlannedEvent(ResponseContentPartAdded(**place, part=AudioPart(transcript="")))]
    for piece, chunk in itertools.zip_longest(_pieces(words, max(len(chunks), 1)), chunks):
        if piece:
            steps.append(PlannedEvent(ResponseOutputAudioTranscriptDelta(**place, delta=piece)))
        if chunk is not None:
            delta = ResponseOutputAudioDelta(**place, delta=base64.b64encode(chunk).decode())
            steps.append(PlannedEvent(delta, len(chunk) / per_ms))
    return [*steps, *map(PlannedEvent, _speech_ends(place, words))]


def _speech_ends(place: dict[str, Any], words: str) -> list[ServerEvent]:
    return [
        ResponseOutputAudioDone(**place),
        ResponseOutputAudioTranscriptDone(**place, transcript=words),
        ResponseContentPartDone(**place, part=AudioPart(transcript=words)),
    ]


def _text(place: dict[str, Any], words: str) -> list[PlannedEvent]:
    steps = [PlannedEvent(ResponseContentPartAdded(**place, part=TextPart(text="")))]
    steps += [
        PlannedEvent(ResponseOutputTextDelta(**place, delta=piece))
        for piece in _pieces(words, len(words.split()))
    ]
    return [*steps, *map(PlannedEvent, _text_ends(place, words))]


def _text_ends(place: dict[str, Any], words: str) -> list[ServerEvent]:
    return [
        ResponseOutputTextDone(**place, text=words),
        ResponseContentPartDone(**place, part=TextPart(text=words)),
    ]


def _pieces(words: str, count: int) -> Iterator[str]:
    """Cut text between words into at most ``count`` pieces that add up to it again."""
    parts = [part + " " for part in words.split(" ")]
    parts[-1] = parts[-1][:-1]
    share = max(1, -(-len(parts) // max(count, 1)))
    for start in range(0, len(parts), share):
        yield "".join(parts[start : start + share])


def _arguments(item: AnswerItem) -> str:
    return item.arguments if isinstance(item.arguments, str) else json.dumps(item.arguments)


def _function_call(frame: Frame, index: int, item: AnswerItem) -> list[PlannedEvent]:
    item_id, call_id, arguments = frame.new_id("item"), frame.new_id("call"), _arguments(item)
    name = item.call or ""
    begun = FunctionCallItem(
        id=item_id, object="realtime.item", status="in_progress", name=name, call_id=call_id,
        arguments="",
    )  # fmt: skip
    done = FunctionCallItem(
        id=item_id, object="realtime.item", status="completed", name=name, call_id=call_id,
        arguments=arguments,
    )  # fmt: skip
    place: dict[str, Any] = {
        "response_id": frame.response_id,
        "item_id": item_id,
        "output_index": index,
        "call_id": call_id,
    }
    half = len(arguments) // 2
    inner: list[ServerEvent] = [
        ResponseFunctionCallArgumentsDelta(**place, delta=piece)
        for piece in (arguments[:half], arguments[half:])
        if piece
    ]
    inner.append(ResponseFunctionCallArgumentsDone(**place, name=name, arguments=arguments))
    return _framed(frame, index, begun, done, [PlannedEvent(event) for event in inner])


def _approval_request(frame: Frame, index: int, item: AnswerItem) -> list[PlannedEvent]:
    request = McpApprovalRequestItem(
        id=frame.new_id("mcpr"),
        server_label=item.mcp_server or "",
        name=item.call or "",
        arguments=_arguments(item),
    )
    return _framed(frame, index, request, request, [])


def closing(sent: Sequence[PlannedEvent], *, is_in_conversation: bool) -> list[PlannedEvent]:
    """Lay out the end of the item that is open after these steps, if one is: cut short."""
    opened = [s.event for s in sent if isinstance(s.event, ResponseOutputItemAdded)]
    closed = sum(isinstance(s.event, ResponseOutputItemDone) for s in sent)
    if len(opened) <= closed:
        return []
    last = opened[-1]
    inner = [s.event for s in sent[[s.event for s in sent].index(last) :]]
    item, ends = _cut_short(last, inner)
    is_added = any(isinstance(event, ConversationItemAdded) for event in inner)
    if is_in_conversation and not is_added:
        ends.append(ConversationItemAdded(item=last.item))
    if is_in_conversation and not any(isinstance(e, ConversationItemDone) for e in inner):
        ends.append(ConversationItemDone(item=item))
    place: dict[str, Any] = {"response_id": last.response_id, "output_index": last.output_index}
    return [PlannedEvent(event) for event in (*ends, ResponseOutputItemDone(**place, item=item))]


def _cut_short(
    opened: ResponseOutputItemAdded, inner: Sequence[ServerEvent]
) -> tuple[Item, list[ServerEvent]]:
    """Return an item as far as it came, and the ends of the streams that were begun."""
    item = opened.item
    if isinstance(item, FunctionCallItem):
        pieces = [e.delta for e in inner if isinstance(e, ResponseFunctionCallArgumentsDelta)]
        cut = msgspec.structs.replace(item, status="incomplete", arguments="".join(pieces))
        return cut, []
    if not isinstance(item, MessageItem):
        return item, []
    whole = msgspec.structs.replace(item, status="incomplete")
    part = next((e for e in inner if isinstance(e, ResponseContentPartAdded)), None)
    if part is None:
        return whole, []
    place: dict[str, Any] = {
        name: getattr(part, name)
        for name in ("response_id", "item_id", "output_index", "content_index")
    }
    words = "".join(
        e.delta
        for e in inner
        if isinstance(e, ResponseOutputAudioTranscriptDelta | ResponseOutputTextDelta)
    )
    ends: list[ServerEvent]
    content: Content
    if isinstance(part.part, TextPart):
        ends, content = _text_ends(place, words), OutputText(text=words)
    else:
        ends, content = _speech_ends(place, words), OutputAudio(transcript=words)
    sent = {type(event) for event in inner}
    ends = [event for event in ends if type(event) not in sent]
    return msgspec.structs.replace(whole, content=[content]), ends


def shuffled(steps: list[PlannedEvent], seed: int) -> list[PlannedEvent]:
    """Return the steps in another order, the same for the same seed."""
    mixed = list(steps)
    random.Random(seed).shuffle(mixed)
    return mixed


def doubled(steps: list[PlannedEvent]) -> list[PlannedEvent]:
    """Return every step two times."""
    return [step for step in steps for _ in range(2)]
