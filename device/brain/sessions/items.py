"""One item of a conversation: as the wire shows it, and what the brain knows besides."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from device.brain.base.abilities import (
    AudioPart,
    ContextItem,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCall,
    ToolResult,
)
from device.brain.protocol.codec import WireFormat
from device.brain.sessions.lengths import characters_of
from device.brain.sessions.speech import Speech

Json: TypeAlias = dict[str, Any]
CountTokens: TypeAlias = Callable[[str], int]

USER_MS_PER_TOKEN = 100
ASSISTANT_MS_PER_TOKEN = 50
"""Documented: user audio is 1 token per 100 ms, assistant audio 1 token per 50 ms."""
IMAGE_TOKENS = 194
"""What one small image was billed (litellm PR#39850); the formula is not published."""


@dataclass(slots=True)
class Sound:
    """What a user said, as it came."""

    data: bytes
    format: WireFormat
    words: str | None = None
    """What was understood; None while that is being found out."""

    @property
    def duration_ms(self) -> float:
        """How long it is."""
        return len(self.data) / self.format.bytes_per_ms


@dataclass(frozen=True, slots=True)
class ItemTokens:
    """How much something weighs, by kind."""

    text: int = 0
    audio: int = 0
    image: int = 0

    def __add__(self, other: ItemTokens) -> ItemTokens:
        return ItemTokens(
            self.text + other.text, self.audio + other.audio, self.image + other.image
        )

    @property
    def total(self) -> int:
        """All kinds together."""
        return self.text + self.audio + self.image


@dataclass(slots=True, eq=False)
class Item:
    """An item. ``fields`` is its wire form without any sound."""

    fields: Json
    sounds: dict[int, Sound] = field(default_factory=dict)
    """The user's sound, by content index."""
    speech: Speech | None = None
    """What the assistant said in this item, with its timing."""
    is_whole: bool = True
    """False where the user interrupted, or the client cut it."""

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.fields["id"])

    @property
    def kind(self) -> str:
        """The item's type."""
        return str(self.fields["type"])

    @property
    def is_understood(self) -> bool:
        """Whether all its sound has been put into words."""
        return all(sound.words is not None for sound in self.sounds.values())

    @property
    def sound_bytes(self) -> int:
        """How much sound it keeps."""
        kept = sum(len(sound.data) for sound in self.sounds.values())
        return kept + (len(self.speech.data) if self.speech else 0)

    def wire(self, with_sound: bool = False) -> Json:
        """Return the item as an event shows it; with its sound only when asked for."""
        fields = dict(self.fields)
        if "content" in fields:
            fields["content"] = [
                self._part(index, part, with_sound) for index, part in enumerate(fields["content"])
            ]
        return fields

    def _part(self, index: int, part: Json, with_sound: bool) -> Json:
        shown = dict(part)
        if index in self.sounds and with_sound:
            shown["audio"] = base64.b64encode(self.sounds[index].data).decode()
        if self.speech is not None and part["type"] == "output_audio":
            shown["transcript"] = self.speech.text
            if with_sound:
                shown["audio"] = base64.b64encode(self.speech.data).decode()
        return shown

    def forget_sound(self) -> None:
        """Give the memory of the sound back; the words stay."""
        for sound in self.sounds.values():
            sound.data = b""
        if self.speech is not None:
            self.speech.data.clear()

    @property
    def characters(self) -> int:
        """How much text it holds, said or written."""
        said = sum(len(sound.words or "") for sound in self.sounds.values())
        spoken = len(self.speech.text) if self.speech is not None else 0
        return characters_of(self.fields) + said + spoken

    # ---------------------------------------------------------------- for the thinker

    def in_context(self) -> ContextItem | None:
        """Return the item as the thinker sees it; None for what it cannot see (MCP)."""
        if self.kind == "message":
            parts = tuple(
                self._context_part(index, part) for index, part in enumerate(self.fields["content"])
            )
            return Message(self.fields["role"], parts, interrupted=not self.is_whole)
        if self.kind == "function_call":
            fields = self.fields
            return ToolCall(fields.get("call_id") or "", fields["name"], fields["arguments"])
        if self.kind == "function_call_output":
            return ToolResult(self.fields["call_id"], self.fields["output"])
        return None

    def _context_part(self, index: int, part: Json) -> Part:
        if part["type"] == "input_image":
            return ImagePart(part["image_url"], part.get("detail") or "auto")
        if index in self.sounds:
            return AudioPart(self.sounds[index].words or "")
        if part["type"] == "output_audio":
            return AudioPart(self.speech.text if self.speech else "")
        return TextPart(part.get("text") or "")

    # ----------------------------------------------------------------------- weighing

    def tokens(self, count: CountTokens) -> ItemTokens:
        """Weigh the item by the documented rates."""
        if self.kind != "message":
            fields = self.fields
            said = [str(fields.get(name) or "") for name in ("name", "arguments", "output")]
            return ItemTokens(text=count(" ".join(part for part in said if part)))
        parts = enumerate(self.fields["content"])
        return sum((self._part_tokens(index, part, count) for index, part in parts), ItemTokens())

    def _part_tokens(self, index: int, part: Json, count: CountTokens) -> ItemTokens:
        if part["type"] == "input_image":
            return ItemTokens(image=IMAGE_TOKENS)
        if index in self.sounds:
            return ItemTokens(audio=math.ceil(self.sounds[index].duration_ms / USER_MS_PER_TOKEN))
        if part["type"] == "output_audio" and self.speech is not None:
            spoken = math.ceil(self.speech.duration_ms / ASSISTANT_MS_PER_TOKEN)
            return ItemTokens(text=count(self.speech.text), audio=spoken)
        return ItemTokens(text=count(part.get("text") or ""))

    def words_tokens(self, count: CountTokens) -> int:
        """Weigh the item as a model of text takes it: the words only."""
        seen = self.in_context()
        if isinstance(seen, Message):
            return count(seen.text) + 4
        if isinstance(seen, ToolCall):
            return count(seen.name + seen.arguments) + 4
        return count(seen.output) + 4 if isinstance(seen, ToolResult) else 0
