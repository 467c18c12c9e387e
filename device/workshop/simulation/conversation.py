"""The items of a simulated conversation, with the refusals of the real one."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from device.brain.protocol.shapes import RequestError
from device.realtime.events import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    Item,
    MessageItem,
    OutputAudio,
    new_id,
)

I = TypeVar("I", bound=Item)  # noqa: E741


class Conversation:
    """Items in their order, and the sound of those that have any.

    ``spoken_ms`` is how much audio each assistant item has had sent, ``heard_ms`` how much
    a user's was made of, and ``sounds`` the base64 of that.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.spoken_ms: dict[str, float] = {}
        self.sounds: dict[str, str] = {}
        self.heard_ms: dict[str, float] = {}

    @property
    def last_id(self) -> str | None:
        """The id of the last item."""
        return _id(self.items[-1]) if self.items else None

    def create(self, item: Item, previous: object) -> tuple[Item, str | None]:
        """Add a client's item; return it with its id and the id of the one before it.

        ``previous`` is an item's id, ``"root"``, or anything else for the end.
        """
        if _id(item) and any(_id(other) == _id(item) for other in self.items):
            raise RequestError(
                "item_create_duplicate_item_id", f"Item '{_id(item)}' already exists.", "item.id"
            )
        self._check(item)
        item = _named(item)
        place = self._place(previous)
        self.items.insert(place, item)
        return item, _id(self.items[place - 1]) if place else None

    def _place(self, previous: object) -> int:
        if not isinstance(previous, str):
            return len(self.items)
        if previous == "root":
            return 0
        for index, item in enumerate(self.items):
            if _id(item) == previous:
                return index + 1
        message = f"Previous item with id '{previous}' does not exist."
        raise RequestError("invalid_value", message, "previous_item_id")

    def _check(self, item: Item) -> None:
        if isinstance(item, FunctionCallOutputItem) and not self._knows_call(item.call_id):
            message = f"Tool call ID '{item.call_id}' not found in conversation."
            raise RequestError("invalid_tool_call_id", message)

    def _knows_call(self, call_id: str) -> bool:
        return any(isinstance(i, FunctionCallItem) and i.call_id == call_id for i in self.items)

    def add(self, item: Item) -> None:
        """Add an item of the server's own, or its newer version."""
        for index, other in enumerate(self.items):
            if _id(other) == _id(item):
                self.items[index] = item
                return
        self.items.append(item)

    def before(self, item: Item) -> str | None:
        """Return the id of the one before an item, or before the end where it is not in yet."""
        ids = [_id(other) for other in self.items]
        place = ids.index(_id(item)) if _id(item) in ids else len(ids)
        return ids[place - 1] if place else None

    def get(self, item_id: str, code: str) -> Item:
        """Return an item; refuse with this code when there is none of this id."""
        return self.items[self._index(item_id, code)]

    def with_sound(self, item: Item) -> Item:
        """Return a user's item with the audio that it was made of."""
        if not isinstance(item, MessageItem) or item.id not in self.sounds:
            return item
        content = [
            msgspec.structs.replace(part, audio=self.sounds[item.id])
            if isinstance(part, InputAudio)
            else part
            for part in item.content
        ]
        return msgspec.structs.replace(item, content=content)

    def put_into_words(self, item_id: str, words: str) -> None:
        """Write the transcript into a user's item."""
        for index, item in enumerate(self.items):
            if _id(item) == item_id and isinstance(item, MessageItem):
                content = [InputAudio(transcript=words)]
                self.items[index] = msgspec.structs.replace(item, content=[*content])

    def delete(self, item_id: str) -> None:
        """Take an item out."""
        del self.items[self._index(item_id, "item_delete_invalid_item_id")]
        self.sounds.pop(item_id, None)

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut an assistant's audio item and forget its transcript."""
        index = self._index(item_id, "item_truncate_invalid_item_id")
        item = self.items[index]
        if not isinstance(item, MessageItem) or item.role != "assistant":
            raise RequestError(
                "invalid_value", "Only model output audio messages can be truncated.", "item_id"
            )
        if item_id not in self.spoken_ms or content_index != 0:
            message = f"The item has no audio at content_index {content_index}."
            raise RequestError("invalid_value", message, "content_index")
        length_ms = round(self.spoken_ms[item_id])
        if audio_end_ms > length_ms:
            raise RequestError(
                "invalid_value",
                f"Audio content of {length_ms}ms is already shorter than {audio_end_ms}ms",
                "audio_end_ms",
            )
        self.spoken_ms[item_id] = audio_end_ms
        self.items[index] = msgspec.structs.replace(item, content=[OutputAudio()])

    def _index(self, item_id: object, code: str) -> int:
        for index, item in enumerate(self.items):
            if _id(item) == item_id:
                return index
        raise RequestError(code, f"Item with item_id '{item_id}' does not exist.", "item_id")


def _id(item: Item) -> str | None:
    return item.id or None


def _named(item: I) -> I:
    """Return the item as a server shows it: with an id and a status."""
    changes: dict[str, object] = {} if item.id else {"id": new_id("item")}
    if hasattr(item, "object"):
        changes |= {"object": "realtime.item", "status": "completed"}
    named: I = msgspec.structs.replace(item, **changes)
    return named
