"""Answers, one at a time, as the script says, and as interruptions allow."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Sequence
from typing import Literal

from websockets.exceptions import ConnectionClosed

from device.realtime.events import (
    UNSET,
    CachedTokenDetails,
    ConversationItemAdded,
    ConversationItemDone,
    InputTokenDetails,
    Item,
    McpApprovalRequestItem,
    MessageItem,
    Modality,
    OutputAudio,
    OutputTokenDetails,
    RateLimit,
    RateLimitsUpdated,
    Response,
    ResponseCreated,
    ResponseDone,
    ResponseError,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseParameters,
    StatusDetails,
    Usage,
    new_id,
)
from device.simulation.answers import sound_of
from device.simulation.conversation import Conversation
from device.simulation.faults import Wire
from device.simulation.plan import Frame, Step, doubled, message, plan, plan_mcp_call, shuffled
from device.simulation.refusals import RefusedError
from device.simulation.script import Answer, Fault, Script

log = logging.getLogger(__name__)

CancelReason = Literal["turn_detected", "client_cancelled"]

AUDIO_MS_PER_INPUT_TOKEN = 100
AUDIO_MS_PER_OUTPUT_TOKEN = 50
"""OpenAI's rates for audio: 10 tokens a second in, 20 out (its pricing pages, 2026)."""
_LETTERS_PER_TOKEN = 4


class Approved:
    """An MCP call that the client has allowed."""

    def __init__(self, request: McpApprovalRequestItem, output: str) -> None:
        self.request = request
        self.output = output


class Responder:
    """Owns the one response that may run in the conversation, and counts the answers given."""

    def __init__(self, script: Script, wire: Wire, conversation: Conversation) -> None:
        self.has_spoken = False
        self._script = script
        self._wire = wire
        self._conversation = conversation
        self._given = 0
        self._task: asyncio.Task[None] | None = None
        self._beside: set[asyncio.Task[None]] = set()
        self._cancel_reason: CancelReason = "client_cancelled"
        self._random = random.Random(script.server.seed)
        self._repeating: itertools.count[int] | None = None

    @property
    def next_answer(self) -> Answer:
        """What the next response will say."""
        answers = self._script.answers
        return answers[min(self._given, len(answers) - 1)] if answers else Answer()

    @property
    def is_active(self) -> bool:
        """Whether a response runs in the conversation."""
        return self._task is not None and not self._task.done()

    def start(
        self,
        parameters: ResponseParameters,
        modality: Modality,
        heard_ms: float,
        approved: Approved | None = None,
    ) -> None:
        """Begin a response; raise :class:`RefusedError` while another one runs."""
        is_beside = parameters.conversation == "none"
        if self.is_active and not is_beside:
            raise RefusedError(
                "conversation_already_has_active_response",
                "Conversation already has an active response in progress.",
            )
        answer = self.next_answer
        self._given += 1
        run = _Run(self, answer, parameters, modality, heard_ms, approved)
        task = asyncio.create_task(run.run(), name="simulated response")
        if is_beside:
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)
        else:
            self._task = task

    async def cancel(self, reason: CancelReason) -> bool:
        """Stop the running response and wait until it is over; False when there is none."""
        task = self._task
        if task is None or task.done():
            return False
        self._cancel_reason = reason
        task.cancel()
        await asyncio.wait({task})
        return True

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

    def delay_s(self, answer: Answer) -> float:
        """Return how long this answer takes to begin."""
        server = self._script.server
        base_ms = server.first_delta_ms if answer.first_delta_ms is None else answer.first_delta_ms
        return (base_ms + self._random.uniform(0, server.jitter_ms)) / 1_000


class _Run:
    """One response from created to done."""

    def __init__(
        self,
        owner: Responder,
        answer: Answer,
        parameters: ResponseParameters,
        modality: Modality,
        heard_ms: float,
        approved: Approved | None,
    ) -> None:
        self._owner = owner
        self._answer = answer
        self._parameters = parameters
        self._modality = modality
        self._heard_ms = heard_ms
        self._approved = approved
        self._sent_ms = 0.0
        self._words = ""
        self._open: MessageItem | None = None
        self._output: list[Item] = []
        self._id = ""

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
        self._id = self._owner.new_id("resp")
        await wire.emit(ResponseCreated(response=self._response("in_progress")))
        await asyncio.sleep(self._owner.delay_s(self._answer))
        if failing is None:
            for step in self._bent(self._steps()):
                await self._send(step)
        await self._done(failing)

    def _steps(self) -> list[Step]:
        script = self._owner._script
        frame = Frame(
            response_id=self._id,
            new_id=self._owner.new_id,
            modality=self._modality,
            chunk_ms=script.server.chunk_ms,
            is_in_conversation=self._parameters.conversation != "none",
        )
        items = [
            (item, sound_of(item, script.folder, script.server.voice))
            for item in self._answer.items
        ]
        if self._approved is None:
            return plan(frame, items)
        called = plan_mcp_call(frame, self._approved.request, self._approved.output)
        return called + plan(frame, items, first_index=1)

    def _bent(self, steps: list[Step]) -> list[Step]:
        faults = self._owner._wire.faults
        reorder = faults.shaping("reorder")
        if reorder is not None:
            steps = shuffled(steps, reorder.seed)
        return doubled(steps) if faults.shaping("twice") else steps

    async def _send(self, step: Step) -> None:
        self._remember(step)
        await self._owner._wire.emit(step.event)
        self._sent_ms += step.audio_ms
        await self._owner._wire.at("answer", self._sent_ms or -1.0)
        pace = self._owner._script.server.pace
        if pace and step.audio_ms:
            await asyncio.sleep(step.audio_ms / 1_000 / pace)

    def _remember(self, step: Step) -> None:
        conversation, event = self._owner._conversation, step.event
        match event:
            case ResponseOutputItemAdded(item=MessageItem() as item):
                self._open, self._words = item, ""
            case ResponseOutputItemDone():
                self._open = None
                self._output.append(event.item)
            case ConversationItemAdded() | ConversationItemDone():
                conversation.add(event.item)
            case ResponseOutputAudioTranscriptDelta():
                self._words += event.delta
            case ResponseOutputAudioDelta():
                self._owner.has_spoken = True
                spoken = conversation.spoken_ms.get(event.item_id, 0.0)
                conversation.spoken_ms[event.item_id] = spoken + step.audio_ms

    async def _cancelled(self) -> None:
        reason = self._owner._cancel_reason
        if self._open is not None:
            content = [OutputAudio(transcript=self._words)]
            cut = message(self._open.id or "", "incomplete", [*content], self._open.phase or None)
            self._owner._conversation.add(cut)
            self._output.append(cut)
        details = StatusDetails(type="cancelled", reason=reason)
        await self._finish(self._response("cancelled", details, self._usage()))

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
        wire = self._owner._wire
        await wire.emit(ResponseDone(response=response))
        limit = RateLimit(name="tokens", limit=40_000, remaining=39_000, reset_seconds=1.5)
        await wire.emit(RateLimitsUpdated(rate_limits=[limit]))

    def _response(
        self, status: str, details: StatusDetails | None = None, usage: Usage | None = None
    ) -> Response:
        is_beside = self._parameters.conversation == "none"
        return Response(
            id=self._id,
            object="realtime.response",
            status=status,  # type: ignore[arg-type]
            status_details=details,
            output=list(self._output),
            conversation_id=None if is_beside else "conv_simulated",
            output_modalities=[self._modality],
            metadata=self._parameters.metadata if self._parameters.metadata is not UNSET else None,
            usage=usage,
        )

    def _usage(self) -> Usage:
        heard = round(self._heard_ms / AUDIO_MS_PER_INPUT_TOKEN)
        spoken = round(self._sent_ms / AUDIO_MS_PER_OUTPUT_TOKEN)
        written = _letters(self._output) // _LETTERS_PER_TOKEN
        return Usage(
            total_tokens=heard + spoken + written,
            input_tokens=heard,
            output_tokens=spoken + written,
            input_token_details=InputTokenDetails(
                audio_tokens=heard, cached_tokens_details=CachedTokenDetails()
            ),
            output_token_details=OutputTokenDetails(text_tokens=written, audio_tokens=spoken),
        )


def _letters(items: Sequence[Item]) -> int:
    parts = [part for item in items if isinstance(item, MessageItem) for part in item.content]
    return sum(len(getattr(part, "transcript", "") or getattr(part, "text", "")) for part in parts)
