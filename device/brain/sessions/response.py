"""One response: pieces of thought and bits of speech in, the documented events out.

The order is that of the protocol: items one after the other, and within a spoken item
sentence by sentence: the words of one, then its sound as it is made, while the thinker
goes on with the next. A tool call that follows speech waits until the speech has been sent.
"""

from __future__ import annotations

import base64
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from device.brain.base.abilities import Piece, StopPiece, TextPiece, ThinkRequest, ToolCallPiece
from device.brain.base.sentences import SentenceSplitter
from device.brain.protocol.configuration import ResponseSettings
from device.brain.sessions.items import ASSISTANT_MS_PER_TOKEN, Item, ItemTokens
from device.brain.sessions.speech import Speech
from device.brain.work.jobs import Job, Speak, Stop, Think

Json: TypeAlias = dict[str, Any]
Status: TypeAlias = Literal["in_progress", "completed", "cancelled", "incomplete", "failed"]


class ResponseHost(Protocol):
    """What a response needs of its session."""

    @property
    def is_writable(self) -> bool:
        """Whether the client reads what it gets."""

    def emit(self, kind: str, **fields: Any) -> None:
        """Send an event."""

    def start(self, job: Job) -> None:
        """Have something done."""

    def new_id(self, prefix: str) -> str:
        """Return a fresh id."""

    def new_job(self) -> int:
        """Return a fresh job number."""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has."""

    def item_begun(self, response: Response, item: Item) -> None:
        """Take a new item into the conversation, if the response belongs to one."""

    def item_ended(self, response: Response, item: Item) -> None:
        """Say that the item will not change any more."""

    def response_ended(self, response: Response) -> None:
        """Say that ``response.done`` has been sent."""


@dataclass(slots=True)
class _OpenMessage:
    """The message item that is being written."""

    item: Item
    index: int
    splitter: SentenceSplitter = field(default_factory=SentenceSplitter)
    waiting: deque[str] = field(default_factory=deque)
    job: int | None = None
    text: str = ""
    """What has been written, or has begun to be spoken."""


class Response:
    """An answer in the making."""

    def __init__(
        self,
        host: ResponseHost,
        settings: ResponseSettings,
        conversation_id: str | None,
        context: list[Item],
    ) -> None:
        self.id = host.new_id("resp")
        self.settings = settings
        self.conversation_id = conversation_id
        self.context = context
        """What it is an answer to, as it was when the response was created."""
        self.status: Status = "in_progress"
        self.input_tokens = ItemTokens()
        self.spoken_ms = 0.0
        self._host = host
        self._items: list[Item] = []
        self._details: Json | None = None
        self._text_tokens = 0
        self._pieces: deque[Piece] = deque()
        self._think_job: int | None = None
        self._thought_ended = False
        self._message: _OpenMessage | None = None

    # -------------------------------------------------------------------------- outside

    @property
    def is_active(self) -> bool:
        """Whether it goes on."""
        return self.status == "in_progress"

    @property
    def is_thinking(self) -> bool:
        """Whether the thinker has been asked."""
        return self._think_job is not None

    @property
    def jobs(self) -> set[int]:
        """The jobs whose results belong to this response."""
        speaking = self._message.job if self._message else None
        return {job for job in (self._think_job, speaking) if job is not None}

    def announce(self) -> None:
        """Send ``response.created``."""
        self._host.emit("response.created", response=self.wire())

    def think(self, request: ThinkRequest) -> None:
        """Ask for the answer."""
        self._think_job = self._host.new_job()
        self._host.start(Think(self._think_job, request))

    def cancel(self, reason: Literal["turn_detected", "client_cancelled"]) -> None:
        """End it now, with what has been said so far."""
        self._finish("cancelled", {"type": "cancelled", "reason": reason})

    def fail(self, code: str, message: str, kind: str = "server_error") -> None:
        """End it because it cannot be made."""
        error = {"type": kind, "code": code, "message": message}
        self._finish("failed", {"type": "failed", "error": error})

    def go_on(self) -> None:
        """Speak the next sentence, if nothing is in the way (the client reads again)."""
        if self.is_active and self._message is not None:
            self._speak_next(self._message)

    def wire(self) -> Json:
        """Return the response object of ``response.created`` and ``response.done``."""
        limit = self.settings.max_output_tokens
        output = {
            "format": {"type": self.settings.output_format.name},
            "voice": self.settings.voice_name,
        }
        if self.settings.output_format.name == "audio/pcm":
            output["format"] = {"type": "audio/pcm", "rate": 24_000}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self._details,
            "output": [item.wire() for item in self._items],
            "conversation_id": self.conversation_id,
            "output_modalities": [self.settings.modality],
            "max_output_tokens": "inf" if limit is None else limit,
            "audio": {"output": output},
            "usage": None if self.is_active else self._usage(),
            "metadata": self.settings.metadata,
        }

    # -------------------------------------------------------------------------- results

    def thought(self, piece: Piece) -> None:
        """Take the next piece of the answer."""
        self._pieces.append(piece)
        self._proceed()

    def thought_ended(self) -> None:
        """Take note that the answer is complete."""
        self._thought_ended = True
        self._proceed()

    def spoken(self, data: bytes) -> None:
        """Take the next bit of the current sentence's sound."""
        message = self._message
        if message is None:
            return
        kept = self._within_budget(data)
        if kept:
            self.spoken_ms += len(kept) / self.settings.output_format.bytes_per_ms
            if message.item.speech is not None:
                message.item.speech.sound(kept)
            self._emit_part(
                "response.output_audio.delta", message, delta=base64.b64encode(kept).decode()
            )
        if len(kept) < len(data):
            self._run_out()

    def speaking_ended(self) -> None:
        """Take note that the current sentence has been said."""
        if self._message is not None:
            self._message.job = None
            self._speak_next(self._message)
            self._proceed()

    # ------------------------------------------------------------------------ the pieces

    def _proceed(self) -> None:
        """Work off the pieces as far as the order of events allows."""
        while self._pieces and self.is_active:
            piece = self._pieces[0]
            if not isinstance(piece, TextPiece) and not self._message_is_closed():
                return
            self._pieces.popleft()
            self._take(piece)
        if self._thought_ended and self.is_active and self._message_is_closed():
            self._finish("completed", None)

    def _take(self, piece: Piece) -> None:
        if isinstance(piece, TextPiece):
            self._write(piece.text)
        elif isinstance(piece, ToolCallPiece):
            self._call(piece)
        elif isinstance(piece, StopPiece):
            self._finish("incomplete", {"type": "incomplete", "reason": piece.reason})

    def _write(self, text: str) -> None:
        if self._message is None:
            if not text.strip():
                return
            self._message = self._open_message()
        message = self._message
        self._text_tokens += self._host.count_tokens(text)
        if self.settings.modality == "text":
            message.text += text
            self._emit_part("response.output_text.delta", message, delta=text)
        else:
            message.waiting.extend(message.splitter.feed(text))
            self._speak_next(message)
        if self._is_over_budget():
            self._run_out()

    def _call(self, piece: ToolCallPiece) -> None:
        call_id = self._host.new_id("call")
        fields: Json = {
            "id": self._host.new_id("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": piece.name,
            "call_id": call_id,
            "arguments": "",
        }
        item = Item(fields)
        index = self._add(item)
        at = {"response_id": self.id, "item_id": item.id, "output_index": index}
        kind = "response.function_call_arguments"
        self._host.emit(f"{kind}.delta", **at, call_id=call_id, delta=piece.arguments)
        self._host.emit(
            f"{kind}.done", **at, call_id=call_id, name=piece.name, arguments=piece.arguments
        )
        fields["arguments"] = piece.arguments
        self._text_tokens += self._host.count_tokens(piece.name + piece.arguments)
        self._end_item(item, index, "completed")
        if self._is_over_budget():
            self._run_out()

    # ----------------------------------------------------------------------- the message

    def _open_message(self) -> _OpenMessage:
        spoken = self.settings.modality == "audio"
        fields: Json = {
            "id": self._host.new_id("item"),
            "object": "realtime.item",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        speech = Speech(self.settings.output_format) if spoken else None
        item = Item(fields, speech=speech)
        message = _OpenMessage(item, self._add(item))
        part = {"type": "audio", "transcript": ""} if spoken else {"type": "text", "text": ""}
        self._emit_part("response.content_part.added", message, part=part)
        empty = {"type": "output_audio"} if spoken else {"type": "output_text", "text": ""}
        fields["content"] = [empty]
        return message

    def _speak_next(self, message: _OpenMessage) -> None:
        if message.job is not None or not message.waiting or not self._host.is_writable:
            return
        sentence = message.waiting.popleft()
        message.text += sentence
        if message.item.speech is not None:
            message.item.speech.begin_sentence(sentence)
        # Not before: an answer that is cancelled has said no more than was begun.
        self._emit_part("response.output_audio_transcript.delta", message, delta=sentence)
        message.job = self._host.new_job()
        settings = self.settings
        self._host.start(
            Speak(
                message.job,
                sentence,
                settings.voice_name,
                settings.speed,
                settings.output_format,
            )
        )

    def _message_is_closed(self) -> bool:
        """Close the open message if everything in it has been said; true if none is open."""
        message = self._message
        if message is None:
            return True
        if self.settings.modality == "audio":
            message.waiting.extend(message.splitter.finish())
            self._speak_next(message)
            if message.job is not None or message.waiting:
                return False
        self._close_message("completed")
        return True

    def _close_message(self, status: Literal["completed", "incomplete"]) -> None:
        message = self._message
        if message is None:
            return
        if message.job is not None:
            self._host.start(Stop(message.job))
        if self.settings.modality == "audio":
            self._emit_part("response.output_audio.done", message)
            self._emit_part(
                "response.output_audio_transcript.done", message, transcript=message.text
            )
            part = {"type": "audio", "transcript": message.text}
        else:
            message.item.fields["content"][0]["text"] = message.text
            self._emit_part("response.output_text.done", message, text=message.text)
            part = {"type": "text", "text": message.text}
        self._emit_part("response.content_part.done", message, part=part)
        self._message = None
        message.item.is_whole = message.item.is_whole and status == "completed"
        self._end_item(message.item, message.index, status)

    def _emit_part(self, kind: str, message: _OpenMessage, **fields: Any) -> None:
        self._host.emit(
            kind,
            response_id=self.id,
            item_id=message.item.id,
            output_index=message.index,
            content_index=0,
            **fields,
        )

    # ------------------------------------------------------------------------- the items

    def _add(self, item: Item) -> int:
        index = len(self._items)
        self._items.append(item)
        self._host.emit(
            "response.output_item.added",
            response_id=self.id,
            output_index=index,
            item=item.wire(),
        )
        self._host.item_begun(self, item)
        return index

    def _end_item(self, item: Item, index: int, status: str) -> None:
        item.fields["status"] = status
        self._host.item_ended(self, item)
        self._host.emit(
            "response.output_item.done",
            response_id=self.id,
            output_index=index,
            item=item.wire(),
        )

    # --------------------------------------------------------------------------- the end

    def _finish(self, status: Status, details: Json | None) -> None:
        if not self.is_active:
            return
        if self._think_job is not None and not self._thought_ended:
            self._host.start(Stop(self._think_job))
        self._pieces.clear()
        self._close_message("completed" if status == "completed" else "incomplete")
        self.status = status
        self._details = details
        self._host.emit("response.done", response=self.wire())
        self._host.response_ended(self)

    def _run_out(self) -> None:
        self._finish("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})

    @property
    def output_tokens(self) -> ItemTokens:
        """What it has cost so far."""
        return ItemTokens(self._text_tokens, math.ceil(self.spoken_ms / ASSISTANT_MS_PER_TOKEN))

    def _is_over_budget(self) -> bool:
        limit = self.settings.max_output_tokens
        return limit is not None and self.output_tokens.total > limit

    def _within_budget(self, data: bytes) -> bytes:
        """Return the beginning of the sound that the token limit still allows."""
        limit = self.settings.max_output_tokens
        if limit is None:
            return data
        form = self.settings.output_format
        left_ms = (limit - self._text_tokens) * ASSISTANT_MS_PER_TOKEN - self.spoken_ms
        samples = max(0, round(left_ms * form.rate_hz / 1000))
        return data[: samples * form.bytes_per_sample]

    def _usage(self) -> Json:
        given, made = self.input_tokens, self.output_tokens
        return {
            "total_tokens": given.total + made.total,
            "input_tokens": given.total,
            "output_tokens": made.total,
            "input_token_details": {
                "text_tokens": given.text,
                "audio_tokens": given.audio,
                "image_tokens": given.image,
                "cached_tokens": 0,
                "cached_tokens_details": {
                    "text_tokens": 0,
                    "audio_tokens": 0,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": made.text, "audio_tokens": made.audio},
        }
