"""What a client asks about the items of its conversation, and how many of them are kept."""

from __future__ import annotations

import msgspec

from device.brain.protocol.codec import decoded_base64
from device.brain.protocol.configuration import Configuration
from device.brain.protocol.limits import BrainLimits
from device.brain.protocol.shapes import RequestError
from device.brain.sessions.context import Context
from device.brain.sessions.conversation import Conversation
from device.brain.sessions.items import Item, Json, Sound
from device.brain.sessions.lengths import check_item
from device.brain.sessions.outbox import Outbox
from device.brain.sessions.responses import Responses
from device.brain.sessions.speech import Speech
from device.brain.sessions.words import Words


class ItemRequests:
    """Makes items, hands them out, cuts and drops them; raises `RequestError` where it may not."""

    def __init__(
        self,
        outbox: Outbox,
        configuration: Configuration,
        conversation: Conversation,
        context: Context,
        responses: Responses,
        words: Words,
        limits: BrainLimits,
    ) -> None:
        self._outbox = outbox
        self._configuration = configuration
        self._conversation = conversation
        self._context = context
        self._responses = responses
        self._words = words
        self._limits = limits

    def create(self, event: Json) -> Item:
        """Take what the client made; its sound, if it has any, is still to be put into words."""
        item = self.made_of(event["item"], "item")
        if item.kind == "function_call_output" and not self._conversation.has_call(
            item.fields["call_id"]
        ):
            message = f"Tool call ID '{item.fields['call_id'][:80]}' not found in conversation."
            # As the cloud answers (livekit/agents#3344): this code, and no parameter.
            raise RequestError("invalid_tool_call_id", message)
        if len(self._conversation) >= self._limits.items:
            message = f"A conversation may have {self._limits.items} items; delete some first."
            raise RequestError("invalid_value", message, "item")
        self._add(item, event.get("previous_item_id"))
        return item

    def retrieve(self, event: Json) -> None:
        """Send an item with its sound."""
        item = self._conversation.get(event["item_id"], "item_retrieve_invalid_item_id")
        self._outbox.emit("conversation.item.retrieved", item=item.wire(with_sound=True))

    def delete(self, event: Json) -> None:
        """Forget an item."""
        self._drop(self._conversation.get(event["item_id"], "item_delete_invalid_item_id"))

    def _drop(self, item: Item) -> None:
        self._conversation.remove(item)
        self._context.forget(item)
        if not self._responses.awaits(item):
            self._words.forget(item)
        self._outbox.emit("conversation.item.deleted", item_id=item.id)

    def truncate(self, event: Json) -> None:
        """Cut what the assistant said where the client stopped playing it."""
        item = self._conversation.get(event["item_id"], "item_truncate_invalid_item_id")
        speech = _speech_to_cut(item, event["content_index"])
        audio_end_ms = event["audio_end_ms"]
        if audio_end_ms > speech.duration_ms:
            message = (
                f"Audio content of {speech.duration_ms:.0f}ms is already shorter than "
                f"{audio_end_ms}ms"
            )
            raise RequestError("invalid_value", message, "audio_end_ms")
        speech.cut(audio_end_ms)
        item.is_whole = False
        self._outbox.emit(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=event["content_index"],
            audio_end_ms=audio_end_ms,
        )

    def add_spoken(self, item_id: str, sound: Sound) -> Item:
        """Make an item of what the user said into the input buffer."""
        fields: Json = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        item = Item(fields, sounds={0: sound})
        self._outbox.emit(
            "input_audio_buffer.committed",
            item_id=item_id,
            previous_item_id=self._conversation.last_id,
        )
        self._add(item, None)
        return item

    def made_of(self, given: Json, param: str) -> Item:
        """Make an item of what the client sent."""
        fields = {name: value for name, value in given.items() if value is not None}
        fields.setdefault("id", self._outbox.new_id("item"))
        if len(msgspec.json.encode(fields)) > self._limits.item_bytes:
            message = f"An item may have {self._limits.item_bytes} bytes."
            raise RequestError("invalid_value", message, param)
        check_item(fields, self._limits, param)
        if not fields["type"].startswith("mcp_"):
            fields["object"] = "realtime.item"
            fields["status"] = "completed"
        item = Item(fields)
        form = self._configuration.input_format if "content" in fields else None
        for index, part in enumerate(fields.get("content", ())):
            if part["type"] == "input_audio":
                assert form is not None
                at = f"{param}.content[{index}].audio"
                item.sounds[index] = Sound(decoded_base64(part.pop("audio"), at), form)
                part.setdefault("transcript", None)
        return item

    def answered_by(self, wanted: Json) -> list[Item]:
        """Return the items that a response answers to."""
        given = wanted.get("input")
        if given is None:
            return list(self._conversation)
        context = []
        for index, entry in enumerate(given):
            if entry["type"] == "item_reference":
                context.append(self._conversation.get(entry["id"], "invalid_value"))
            else:
                context.append(self.made_of(entry, f"response.input[{index}]"))
        return context

    def keep_within_limits(self) -> None:
        """Let the oldest go: their sound first, then they themselves."""
        kept_bytes = sum(item.sound_bytes for item in self._conversation)
        for item in self._conversation:
            if kept_bytes <= self._limits.kept_audio_bytes:
                break
            kept_bytes -= item.sound_bytes
            item.forget_sound()
        characters = sum(item.characters for item in self._conversation)
        while len(self._conversation) > self._limits.items or (
            characters > self._limits.kept_characters and len(self._conversation) > 1
        ):
            characters -= self._conversation.oldest.characters
            self._drop(self._conversation.oldest)

    def _add(self, item: Item, previous_id: str | None) -> None:
        self._conversation.insert(item, previous_id)
        previous = self._conversation.before(item)
        for stage in ("added", "done"):
            self._outbox.emit(
                f"conversation.item.{stage}", previous_item_id=previous, item=item.wire()
            )
        self.keep_within_limits()


def _speech_to_cut(item: Item, content_index: int) -> Speech:
    """Return the speech of an assistant's item; raise if there is none at that place."""
    if item.kind != "message" or item.fields["role"] != "assistant":
        message = "Only model output audio messages can be truncated."
        raise RequestError("invalid_value", message, "item_id")
    if item.speech is None or content_index != 0:
        message = f"The item has no audio at content_index {content_index}."
        raise RequestError("invalid_value", message, "content_index")
    return item.speech
