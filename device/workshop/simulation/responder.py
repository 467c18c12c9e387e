"""Answers, one at a time, as the script says, and as interruptions allow."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from websockets.exceptions import ConnectionClosed

from device.brain.protocol.codec import PCM
from device.brain.protocol.configuration import ResponseSettings
from device.brain.protocol.rates import TokenRate
from device.brain.protocol.shapes import RequestError
from device.realtime.events import (
    AudioOutputSettings,
    CachedTokenDetails,
    ConversationItemAdded,
    ConversationItemDone,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputTokenDetails,
    Item,
    McpApprovalRequestItem,
    MessageItem,
    OutputTokenDetails,
    RateLimit,
    RateLimitsUpdated,
    Response,
    ResponseAudio,
    ResponseCreated,
    ResponseDone,
    ResponseError,
    ResponseOutputAudioDelta,
    ResponseOutputItemDone,
    ResponseParameters,
    ServerEvent,
    StatusDetails,
    Usage,
    new_id,
)
from device.workshop.simulation.answers import sound_of
from device.workshop.simulation.conversation import Conversation
from device.workshop.simulation.faults import Wire
from device.workshop.simulation.plan import (
    Frame,
    PlannedEvent,
    closing,
    doubled,
    plan,
    plan_mcp_call,
    shuffled,
)
from device.workshop.simulation.script import Fault, Script, ScriptedAnswer

log = logging.getLogger(__name__)

Choose = Callable[[Sequence[Item]], ScriptedAnswer]
"""A model: the conversation so far, to what it says next."""
CancelReason = Literal["turn_detected", "client_cancelled"]

AUDIO_MS_PER_INPUT_TOKEN = 100
AUDIO_MS_PER_OUTPUT_TOKEN = 50
"""OpenAI's rates for audio: 10 tokens a second in, 20 out (its pricing pages, 2026)."""
_LETTERS_PER_TOKEN = 4
_TOKENS_PER_MINUTE = 40_000
"""What one account was measured to have (REALTIME 1.5)."""


class Approved:
    """An MCP call that the client has allowed."""

    def __init__(self, request: McpApprovalRequestItem, output: str) -> None:
        self.request = request
        self.output = output


class Responder:
    """Owns the one response that may run in the conversation, and counts the answers given."""

    def __init__(
        self,
        script: Script,
        wire: Wire,
        conversation: Conversation,
        choose: Choose | None = None,
    ) -> None:
        """``choose`` answers by what was said, in the place of the script's answers."""
        self.has_spoken = False
        self.has_read: list[str] = []
        """What the last response was made from, in its order."""
        self._script = script
        self._wire = wire
        self._conversation = conversation
        self._choose = choose
        self._given = 0
        self._run: _Run | None = None
        self._task: asyncio.Task[None] | None = None
        self._beside: dict[asyncio.Task[None], _Run] = {}
        self._rate = TokenRate(_TOKENS_PER_MINUTE, time.monotonic())
        self._random = random.Random(script.server.seed)
        self._repeating: itertools.count[int] | None = None

    @property
    def next_answer(self) -> ScriptedAnswer:
        """What the next response will say."""
        if self._choose is not None:
            return self._choose(self._conversation.items)
        answers = self._script.answers
        return answers[min(self._given, len(answers) - 1)] if answers else ScriptedAnswer()

    @property
    def is_active(self) -> bool:
        """Whether a response runs in the conversation."""
        return self._task is not None and not self._task.done()

    def start(
        self,
        parameters: ResponseParameters,
        settings: ResponseSettings,
        approved: Approved | None = None,
    ) -> None:
        """Begin a response; raise :class:`RequestError` while another one runs."""
        is_beside = parameters.conversation == "none"
        if self.is_active and not is_beside:
            raise RequestError(
                "conversation_already_has_active_response",
                "Conversation already has an active response in progress.",
            )
        answer = self.next_answer
        self._given += 1
        run = _Run(self, answer, is_beside, settings, approved)
        task = asyncio.create_task(run.run(), name="simulated response")
        if is_beside:
            self._beside[task] = run
            task.add_done_callback(lambda task: self._beside.pop(task, None))
        else:
            self._run, self._task = run, task

    async def cancel(self, reason: CancelReason, response_id: str | None = None) -> bool:
        """Stop a response and wait until it is over; False when there is none.

        Without an id it is the one of the conversation; those beside it need theirs.
        """
        running = dict(self._beside)
        if self._task is not None and self._run is not None:
            running[self._task] = self._run
        for task, run in running.items():
            is_meant = task is self._task if response_id is None else run.id == response_id
            if is_meant and not task.done():
                run.cancel_reason = reason
                await asyncio.sleep(0)  # so that even the newest has begun
                task.cancel()
                await asyncio.wait({task})
                return True
        return False

    async def close(self) -> None:
        """Stop everything, for the connection is over."""
        self._wire.is_silent = True
        tasks = {*self._beside, *([self._task] if self._task else [])}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def new_id(self, prefix: str) -> str:
        """Return a fresh id; the ids of the answer before when the script says so."""
        return new_id(prefix) if self._repeating is None else f"{prefix}_{next(self._repeating)}"

    def delay_s(self, answer: ScriptedAnswer) -> float:
        """Return how long this answer takes to begin."""
        server = self._script.server
        base_ms = server.first_delta_ms if answer.first_delta_ms is None else answer.first_delta_ms
        return (base_ms + self._random.uniform(0, server.jitter_ms)) / 1_000


class _Run:
    """One response from created to done."""

    def __init__(
        self,
        owner: Responder,
        answer: ScriptedAnswer,
        is_beside: bool,
        settings: ResponseSettings,
        approved: Approved | None,
    ) -> None:
        self.id = owner.new_id("resp")
        self.cancel_reason: CancelReason = "client_cancelled"
        self._owner = owner
        self._answer = answer
        self._is_beside = is_beside
        self._settings = settings
        self._approved = approved
        self._sent_ms = 0.0
        self._steps_sent: list[PlannedEvent] = []
        self._output: list[Item] = []

    async def run(self) -> None:
        """Say it all; a cancellation ends it properly, a lost connection quietly."""
        wire = self._owner._wire
        try:
            if await wire.at("answer"):
                return
            await self._answer_it()
        except asyncio.CancelledError:
            if wire.is_silent:
                raise
            await self._cancelled()
        except ConnectionClosed:
            return
        except Exception:
            log.exception("the simulated response failed")

    async def _answer_it(self) -> None:
        wire = self._owner._wire
        failing = wire.faults.shaping("fail")
        if wire.faults.shaping("same_ids"):
            self._owner._repeating = itertools.count(1)
        await wire.emit(ResponseCreated(response=self._response("in_progress")))
        await asyncio.sleep(self._owner.delay_s(self._answer))
        if failing is None:
            for step in self._bent(self._steps()):
                await self._send(step)
                if self._is_at_the_limit():
                    await self._break_off()
                    return
        await self._done(failing)

    def _is_at_the_limit(self) -> bool:
        limit = self._settings.max_output_tokens
        return limit is not None and self._output_tokens() >= limit and self._is_open()

    def _is_open(self) -> bool:
        last = self._steps_sent[-1].event
        return not isinstance(last, ResponseOutputItemDone)

    async def _break_off(self) -> None:
        """End at the client's limit."""
        await self._close_what_is_open()
        details = StatusDetails(type="incomplete", reason="max_output_tokens")
        await self._finish(self._response("incomplete", details, self._usage()))

    def _steps(self) -> list[PlannedEvent]:
        script = self._owner._script
        frame = Frame(
            response_id=self.id,
            new_id=self._owner.new_id,
            modality="text" if self._answer.in_writing else self._settings.modality,
            chunk_ms=script.server.chunk_ms,
            is_in_conversation=not self._is_beside,
            format=self._settings.output_format,
        )
        items = [
            (item, sound_of(item, script.folder, script.server.voice))
            for item in self._answer.items
        ]
        if self._approved is None:
            return plan(frame, items)
        called = plan_mcp_call(frame, self._approved.request, self._approved.output)
        return called + plan(frame, items, first_index=1)

    def _bent(self, steps: list[PlannedEvent]) -> list[PlannedEvent]:
        faults = self._owner._wire.faults
        reorder = faults.shaping("reorder")
        if reorder is not None:
            steps = shuffled(steps, reorder.seed)
        return doubled(steps) if faults.shaping("twice") else steps

    async def _send(self, step: PlannedEvent) -> None:
        await self._owner._wire.emit(self._remembered(step))
        self._sent_ms += step.audio_ms
        await self._owner._wire.at("answer", self._sent_ms or -1.0)
        pace = self._owner._script.server.pace
        if pace and step.audio_ms:
            await asyncio.sleep(step.audio_ms / 1_000 / pace)

    def _remembered(self, step: PlannedEvent) -> ServerEvent:
        """Take note of what is sent; return it, with its place in the conversation."""
        conversation, event = self._owner._conversation, step.event
        self._steps_sent.append(step)
        match event:
            case ResponseOutputItemDone():
                self._output.append(event.item)
            case ConversationItemAdded() | ConversationItemDone():
                previous = conversation.before(event.item)
                conversation.add(event.item)
                return msgspec.structs.replace(event, previous_item_id=previous)
            case ResponseOutputAudioDelta():
                self._owner.has_spoken = True
                spoken = conversation.spoken_ms.get(event.item_id, 0.0)
                conversation.spoken_ms[event.item_id] = spoken + step.audio_ms
        return event

    async def _cancelled(self) -> None:
        """Say that the response was cancelled."""
        await self._close_what_is_open()
        details = StatusDetails(type="cancelled", reason=self.cancel_reason)
        await self._finish(self._response("cancelled", details, self._usage()))

    async def _close_what_is_open(self) -> None:
        """End the item that is being said, as far as it came."""
        for step in closing(self._steps_sent, is_in_conversation=not self._is_beside):
            await self._owner._wire.emit(self._remembered(step))

    async def _done(self, failing: Fault | None) -> None:
        answer = self._answer
        status = "failed" if failing else answer.status
        details: StatusDetails | None = None
        if status == "failed":
            code = (failing.error_code if failing else answer.error_code) or "server_error"
            kind = failing.error_type if failing and failing.error_code is None else code
            text = failing.message if failing else "The script says that this response fails."
            error = ResponseError(type=kind, code=code, message=text)
            details = StatusDetails(type="failed", error=error)
        elif status == "incomplete":
            details = StatusDetails(type="incomplete", reason=answer.reason or "max_output_tokens")
        await self._finish(self._response(status, details, self._usage()))

    async def _finish(self, response: Response) -> None:
        wire, rate, now_s = self._owner._wire, self._owner._rate, time.monotonic()
        await wire.emit(ResponseDone(response=response))
        rate.use(response.usage.total_tokens if response.usage else 0, now_s)
        left = msgspec.convert(rate.wire(now_s), list[RateLimit])
        await wire.emit(RateLimitsUpdated(rate_limits=left))

    def _response(
        self, status: str, details: StatusDetails | None = None, usage: Usage | None = None
    ) -> Response:
        settings = self._settings
        form = settings.output_format
        format_ = {"type": form.name, **({"rate": form.rate_hz} if form is PCM else {})}
        sound = msgspec.convert({"format": format_, "voice": settings.voice}, AudioOutputSettings)
        return Response(
            id=self.id,
            object="realtime.response",
            status=status,  # type: ignore[arg-type]
            status_details=details,
            output=list(self._output),
            conversation_id=None if self._is_beside else "conv_simulated",
            output_modalities=[settings.modality],
            audio=ResponseAudio(output=sound),
            max_output_tokens=settings.max_output_tokens or "inf",
            metadata=settings.metadata,
            usage=usage,
        )

    def _output_tokens(self) -> int:
        """How much has been said so far: words and sound."""
        pieces = [
            getattr(step.event, "delta", "")
            for step in self._steps_sent
            if not isinstance(step.event, ResponseOutputAudioDelta)
        ]
        written = -(-sum(map(len, pieces)) // _LETTERS_PER_TOKEN)
        return written + round(self._sent_ms / AUDIO_MS_PER_OUTPUT_TOKEN)

    def _usage(self) -> Usage:
        """Count what the conversation holds, and what was said."""
        conversation = self._owner._conversation
        heard = round(sum(conversation.heard_ms.values()) / AUDIO_MS_PER_INPUT_TOKEN)
        read = len(self._settings.instructions) + _letters(conversation.items)
        asked = read // _LETTERS_PER_TOKEN
        spoken = round(self._sent_ms / AUDIO_MS_PER_OUTPUT_TOKEN)
        written = self._output_tokens() - spoken
        cached = self._cached(asked)
        return Usage(
            total_tokens=asked + heard + spoken + written,
            input_tokens=asked + heard,
            output_tokens=spoken + written,
            input_token_details=InputTokenDetails(
                text_tokens=asked,
                audio_tokens=heard,
                cached_tokens=cached.text_tokens + cached.audio_tokens,
                cached_tokens_details=cached,
            ),
            output_token_details=OutputTokenDetails(text_tokens=written, audio_tokens=spoken),
        )

    def _cached(self, asked: int) -> CachedTokenDetails:
        """Count what the last response of the session has read already: a prefix that is the same.

        Whatever is changed, taken out or put in between makes all that follows it dear again.
        """
        conversation, heard = self._owner._conversation, self._owner._conversation.heard_ms
        spoken = conversation.spoken_ms
        names = [str(getattr(item, "id", "")) for item in conversation.items]
        # An answer that was truncated is another one; a transcript that comes late is not read.
        read = [self._settings.instructions, *(f"{it} {spoken.get(it)}" for it in names)]
        pairs = zip(read, self._owner.has_read, strict=False)
        known = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        self._owner.has_read = read
        if not known:
            return CachedTokenDetails()
        items = conversation.items[: known - 1]
        text = (len(self._settings.instructions) + _letters(items)) // _LETTERS_PER_TOKEN
        heard_ms = sum(heard.get(name, 0.0) for name in names[: known - 1])
        audio = round(heard_ms / AUDIO_MS_PER_INPUT_TOKEN)
        return CachedTokenDetails(text_tokens=min(text, asked), audio_tokens=audio)


def _letters(items: Sequence[Item]) -> int:
    parts = [part for item in items if isinstance(item, MessageItem) for part in item.content]
    texts = [getattr(part, "transcript", None) or getattr(part, "text", None) for part in parts]
    texts += [item.arguments for item in items if isinstance(item, FunctionCallItem)]
    texts += [item.output for item in items if isinstance(item, FunctionCallOutputItem)]
    return sum(len(text) for text in texts if text)
