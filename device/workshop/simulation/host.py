"""One client of the simulated cloud: hears it, keeps its conversation, answers it."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Coroutine
from typing import Any

import msgspec
import numpy as np
from websockets.asyncio.server import ServerConnection

from device.brain.protocol.codec import PCM
from device.brain.protocol.requests import parsed
from device.brain.protocol.shapes import RequestError
from device.realtime import events as ev
from device.realtime.events import ProtocolError, new_id
from device.workshop.simulation.conversation import Conversation
from device.workshop.simulation.faults import Faults, Wire
from device.workshop.simulation.hearing import EnergyVad, SpeechEdge
from device.workshop.simulation.refusals import refusal
from device.workshop.simulation.responder import Approved, Choose, Responder
from device.workshop.simulation.script import Script
from device.workshop.simulation.sessions import SessionHolder
from device.workshop.simulation.visit import Visit

log = logging.getLogger(__name__)

LEAST_COMMIT_MS = 100
_SEMANTIC_SILENCE_MS = {"high": 300, "medium": 500, "auto": 500, "low": 1_000}
"""How long the simulation's "semantic" ear waits; the real one guesses at the meaning."""


class Host:
    """Serves one connection until it ends."""

    def __init__(
        self,
        script: Script,
        websocket: ServerConnection,
        visit: Visit,
        model: str,
        *,
        is_transcription: bool = False,
        choose: Choose | None = None,
    ) -> None:
        self._script = script
        self._websocket = websocket
        self._visit = visit
        self._wire = Wire(
            websocket, visit, Faults(script.faults, visit.number),
            beta=script.server.dialect == "beta",
        )  # fmt: skip
        self._holder = SessionHolder(script.server, model, is_transcription=is_transcription)
        self._conversation = Conversation()
        self._responder = Responder(script, self._wire, self._conversation, choose)
        self._vad: EnergyVad | None = None
        self._pending = bytearray()
        self._stray = b""
        self._turn_item = ""
        self._speech_start_ms = 0
        self._timers: set[asyncio.Task[None]] = set()
        self._tune_ear()

    async def run(self) -> None:
        """Greet, then serve until the client or a fault ends it."""
        try:
            if not self._script.server.greets_late:
                await self._greet()
            self._later(self._expire())
            for fault in self._wire.faults.idle():
                self._later(self._strike_after(fault.after_s, fault))
            is_first = self._script.server.greets_late
            async for text in self._websocket:
                if is_first:
                    await self._greet()
                is_first = False
                await self._receive(text)
        finally:
            for timer in self._timers:
                timer.cancel()
            await self._responder.close()

    async def _greet(self) -> None:
        if not await self._wire.at("created"):
            await self._wire.emit(ev.SessionCreated(session=self._holder.session))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        timer = asyncio.create_task(work, name="simulated fault")
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    async def _strike_after(self, seconds: float, fault: Any) -> None:
        await asyncio.sleep(seconds)
        await self._wire.strike(fault)

    async def _expire(self) -> None:
        await asyncio.sleep(self._script.server.session_s)
        await self._wire.expire()

    # --- events of the client ----------------------------------------------------------

    async def _receive(self, text: str | bytes) -> None:
        raw: dict[str, Any] = {}
        try:
            raw = parsed(text)
            await self._handle(raw)
        except RequestError as error:
            await self._wire.emit(refusal(error, raw.get("event_id")))
        except ProtocolError as error:
            refused = RequestError("invalid_event", error.what, error.param)
            await self._wire.emit(refusal(refused, raw.get("event_id")))

    async def _handle(self, raw: dict[str, Any]) -> None:
        if raw.get("type") != "input_audio_buffer.append":
            self._visit.note_received(raw)
        for advice in self._holder.advice(raw):
            await self._wire.emit(refusal(advice, None))
        clean = self._holder.clean(raw)
        match clean["type"]:
            case "input_audio_buffer.append":
                await self._append(raw, clean["audio"])
                return
            case "session.update":
                await self._update_session(clean["session"])
                return
        event = ev.client_event(clean)
        match event:
            case ev.InputAudioBufferCommit():
                await self._commit_by_hand()
            case ev.InputAudioBufferClear():
                await self._clear()
            case ev.ResponseCreate():
                if self._holder.is_transcription:
                    message = "A transcription session gives no responses."
                    raise RequestError("invalid_value", message, "type")
                wanted = clean.get("response") or {}
                self._respond(event.response or ev.ResponseParameters(), wanted)
            case ev.ResponseCancel():
                if not await self._responder.cancel("client_cancelled", event.response_id or None):
                    raise RequestError(
                        "response_cancel_not_active", "Cancellation failed: no active response."
                    )
            case ev.OutputAudioBufferClear():
                message = "There is no output buffer on a WebSocket."
                raise RequestError("invalid_event", message, "type")
            case _:
                await self._change_item(event)

    async def _update_session(self, changes: dict[str, Any]) -> None:
        if await self._wire.at("updated"):
            return
        self._holder.update(
            changes,
            has_spoken=self._responder.has_spoken,
            is_responding=self._responder.is_active,
        )
        self._tune_ear()
        await self._wire.emit(ev.SessionUpdated(session=self._holder.session))
        for tool in changes.get("tools") or ():
            if tool["type"] == "mcp":
                await self._list_mcp(tool["server_label"])

    def _tune_ear(self) -> None:
        detection = self._holder.turn_detection
        if detection is None:
            self._vad = None
            return
        eagerness = detection.get("eagerness") or "auto"
        silence_ms = detection.get("silence_duration_ms") or _SEMANTIC_SILENCE_MS[eagerness]
        if self._vad is None:
            self._vad = EnergyVad(self._script.server.loudness_dbfs, silence_ms)
        self._vad.silence_ms = silence_ms

    async def _change_item(self, event: Any) -> None:
        match event:
            case ev.ConversationItemCreate():
                item, previous = self._conversation.create(event.item, event.previous_item_id)
                item = self._without_sound(item)
                await self._wire.emit(
                    ev.ConversationItemAdded(item=item, previous_item_id=previous)
                )
                await self._wire.emit(ev.ConversationItemDone(item=item, previous_item_id=previous))
                if isinstance(item, ev.McpApprovalResponseItem):
                    self._decide(item)
            case ev.ConversationItemRetrieve():
                item = self._conversation.get(event.item_id, "item_retrieve_invalid_item_id")
                whole = self._conversation.with_sound(item)
                await self._wire.emit(ev.ConversationItemRetrieved(item=whole))
            case ev.ConversationItemDelete():
                self._conversation.delete(event.item_id)
                await self._wire.emit(ev.ConversationItemDeleted(item_id=event.item_id))
            case ev.ConversationItemTruncate():
                self._conversation.truncate(event.item_id, event.content_index, event.audio_end_ms)
                await self._wire.emit(
                    ev.ConversationItemTruncated(
                        item_id=event.item_id,
                        content_index=event.content_index,
                        audio_end_ms=event.audio_end_ms,
                    )
                )

    def _without_sound(self, item: ev.Item) -> ev.Item:
        """Keep the sound of a user's item apart: only a retrieval shows it."""
        if not isinstance(item, ev.MessageItem):
            return item
        content: list[ev.Content] = []
        for part in item.content:
            if isinstance(part, ev.InputAudio):
                self._conversation.sounds[item.id or ""] = part.audio or ""
                part = ev.InputAudio(transcript=part.transcript or None)
            content.append(part)
        bare = msgspec.structs.replace(item, content=content)
        self._conversation.add(bare)
        return bare

    # --- audio and turns --------------------------------------------------------------

    async def _append(self, raw: dict[str, Any], audio: str) -> None:
        data = self._stray + _decoded(audio)
        form = self._holder.input_format
        whole = len(data) - len(data) % form.bytes_per_sample
        self._stray = data[whole:]
        samples = np.repeat(form.decode(data[:whole]), PCM.rate_hz // form.rate_hz)
        self._visit.note_received(raw, PCM.encode(samples))
        self._pending += data[:whole]
        await self._wire.at("question", self._visit.audio_ms)
        if self._vad is None:
            return
        for heard in self._vad.hear(samples):
            await (self._began if heard.what == "started" else self._ended)(heard)

    async def _began(self, heard: SpeechEdge) -> None:
        detection = self._holder.turn_detection or {}
        self._turn_item = new_id("item")
        self._speech_start_ms = max(0, heard.at_ms - (detection.get("prefix_padding_ms") or 0))
        await self._wire.emit(
            ev.InputAudioBufferSpeechStarted(
                item_id=self._turn_item, audio_start_ms=self._speech_start_ms
            )
        )
        if detection.get("interrupt_response", True):
            await self._responder.cancel("turn_detected")

    async def _ended(self, heard: SpeechEdge) -> None:
        await self._wire.emit(
            ev.InputAudioBufferSpeechStopped(item_id=self._turn_item, audio_end_ms=heard.at_ms)
        )
        await self._commit(self._turn_item, heard.at_ms - self._speech_start_ms)
        detection = self._holder.turn_detection or {}
        answers = detection.get("create_response", True) and not self._holder.is_transcription
        if answers and not self._responder.is_active:
            self._respond(ev.ResponseParameters())

    async def _clear(self) -> None:
        self._pending.clear()
        self._stray = b""
        if self._vad is not None:
            self._vad.forget()
        await self._wire.emit(ev.InputAudioBufferCleared())

    async def _commit_by_hand(self) -> None:
        """Commit what is there; where the server ends the turns, only one that is going on."""
        listens = self._vad is None or self._vad.is_speech
        length_ms = len(self._pending) / self._holder.input_format.bytes_per_ms if listens else 0.0
        if length_ms < LEAST_COMMIT_MS:
            raise RequestError(
                "input_audio_buffer_commit_empty",
                f"Expected at least {LEAST_COMMIT_MS}ms of audio, got {length_ms:.2f}ms.",
            )
        await self._commit(new_id("item") if self._vad is None else self._turn_item, length_ms)

    async def _commit(self, item_id: str, length_ms: float) -> None:
        """Make an item of the last ``length_ms`` of the buffer."""
        kept = round(length_ms) * self._holder.input_format.bytes_per_ms
        sound = bytes(self._pending[-kept:])
        self._pending.clear()
        if self._vad is not None:
            self._vad.forget()
        previous = self._conversation.last_id
        self._conversation.sounds[item_id] = base64.b64encode(sound).decode()
        self._conversation.heard_ms[item_id] = length_ms
        item = ev.MessageItem(
            id=item_id, object="realtime.item", status="completed", role="user",
            content=[ev.InputAudio(transcript=None)],
        )  # fmt: skip
        self._conversation.add(item)
        for event in (
            ev.InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous),
            ev.ConversationItemAdded(item=item, previous_item_id=previous),
            ev.ConversationItemDone(item=item, previous_item_id=previous),
        ):
            await self._wire.emit(event)
        if self._holder.transcribes:
            await self._transcribe(item_id, length_ms)

    async def _transcribe(self, item_id: str, length_ms: float) -> None:
        heard = self._responder.next_answer.heard
        usage = ev.DurationUsage(seconds=length_ms / 1_000)
        self._conversation.put_into_words(item_id, heard)
        await self._wire.emit(
            ev.ConversationItemInputAudioTranscriptionDelta(
                item_id=item_id, content_index=0, delta=heard
            )
        )
        await self._wire.emit(
            ev.ConversationItemInputAudioTranscriptionCompleted(
                item_id=item_id, content_index=0, transcript=heard, usage=usage
            )
        )

    def _respond(
        self,
        parameters: ev.ResponseParameters,
        wanted: dict[str, Any] | None = None,
        approved: Approved | None = None,
    ) -> None:
        """Begin a response; ``wanted`` is the clean form of ``parameters``."""
        settings = self._holder.response_settings(
            wanted or {}, has_spoken=self._responder.has_spoken
        )
        for entry in parameters.input or []:
            if isinstance(entry, ev.ItemReference):
                self._conversation.get(entry.id, "invalid_value")
        self._responder.start(parameters, settings, approved)

    # --- MCP ----------------------------------------------------------------------------

    async def _list_mcp(self, label: str) -> None:
        item_id = new_id("mcpl")
        known = {server.label: server for server in self._script.mcp}
        server = known.get(label)
        await self._wire.emit(ev.McpListToolsInProgress(item_id=item_id))
        if server is None or not server.is_reachable:
            await self._wire.emit(ev.McpListToolsFailed(item_id=item_id))
            return
        offered = [
            ev.McpToolDescription(name=name, input_schema={"type": "object"})
            for name in server.tools
        ]
        item = ev.McpListToolsItem(id=item_id, server_label=server.label, tools=offered)
        self._conversation.add(item)
        await self._wire.emit(ev.ConversationItemAdded(item=item))
        await self._wire.emit(ev.ConversationItemDone(item=item))
        await self._wire.emit(ev.McpListToolsCompleted(item_id=item_id))

    def _decide(self, answer: ev.McpApprovalResponseItem) -> None:
        """Make the call that was approved, and answer; after a no the client goes on."""
        request = self._conversation.get(answer.approval_request_id, "invalid_value")
        if isinstance(request, ev.McpApprovalRequestItem) and answer.approve:
            outputs = [
                item.output
                for given in self._script.answers
                for item in given.items
                if item.mcp_server == request.server_label and item.call == request.name
            ]
            approved = Approved(request, outputs[0] if outputs else "")
            self._respond(ev.ResponseParameters(), approved=approved)


def _decoded(audio: str) -> bytes:
    try:
        return msgspec.convert(audio, bytes)
    except msgspec.ValidationError:
        message = "Invalid 'audio': expected base64-encoded audio bytes."
        raise RequestError("invalid_value", message, "audio") from None
