"""The items of a simulated conversation, with the refusals of the real one."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from device.realtime.events import (
    FunctionCallItem,
    FunctionCallOutputItem,
    Item,
    MessageItem,
    OutputAudio,
    UnknownItem,
    new_id,
)
from device.simulation.refusals import RefusedError

I = TypeVar("I", bound=Item)  # noqa: E741


class Conversation:
    """Items in their order. ``spoken_ms`` is how much audio each assistant item has had sent."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.spoken_ms: dict[str, float] = {}

    @property
    def last_id(self) -> str | None:
        """The id of the last item."""
        return _id(self.items[-1]) if self.items else None

    def create(self, item: Item, previous: object) -> tuple[Item, str | None]:
        """Add a client's item; return it with its id and the id of the one before it.

        ``previous`` is an item's id, ``"root"``, or anything else for the end.
        """
        if isinstance(item, UnknownItem):
            raise RefusedError("invalid_value", "Unknown item type.", "item.type")
        if _id(item) and any(_id(other) == _id(item) for other in self.items):
            raise RefusedError(
                "item_create_duplicate_item_id", f"Item '{_id(item)}' already exists.", "item.id"
            )
        self._check(item)
        item = _named(item)
        place = self._place(previous)
        self.items.insert(place, item)
        return item, _id(self.items[place - 1]) if place else None

    def _place(self, previous: object) -> int:
        if previous == "root":
            return 0
        return self._index(previous, "item_create") + 1 if previous else len(self.items)

    def _check(self, item: Item) -> None:
        content = item.content if isinstance(item, MessageItem) else []
        if any(isinstance(part, OutputAudio) for part in content):
            raise RefusedError(
                "invalid_value", "Assistant items are created with output_text.", "item.content"
            )
        if isinstance(item, FunctionCallOutputItem) and not self._knows_call(item.call_id):
            raise RefusedError(
                "invalid_tool_call_id", f"No tool call '{item.call_id}'.", "item.call_id"
            )

    def _knows_call(self, call_id: str) -> bool:
        return any(isinstance(i, FunctionCallItem) and i.call_id == call_id for i in self.items)

    def add(self, item: Item) -> None:
        """Add an item of the server's own, or its newer version."""
        for index, other in enumerate(self.items):
            if _id(other) == _id(item):
                self.items[index] = item
                return
        self.items.append(item)

    def get(self, item_id: str, doing: str) -> Item:
        """Return an item; ``doing`` names the event, for the error's code."""
        return self.items[self._index(item_id, doing)]

    def delete(self, item_id: str) -> None:
        """Take an item out."""
        del self.items[self._index(item_id, "item_delete")]

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Cut an assistant's audio item and forget its transcript."""
        index = self._index(item_id, "item_truncate")
        item = self.items[index]
        if not isinstance(item, MessageItem) or item_id not in self.spoken_ms:
            raise RefusedError(
                "invalid_value", "Only model output audio messages can be truncated.", "item_id"
            )
        length_ms = round(self.spoken_ms[item_id])
        if audio_end_ms > length_ms:
            raise RefusedError(
                "invalid_value",
                f"Audio content of {length_ms}ms is already shorter than {audio_end_ms}ms",
                "audio_end_ms",
            )
        self.spoken_ms[item_id] = audio_end_ms
        self.items[index] = msgspec.structs.replace(item, content=[OutputAudio()])

    def _index(self, item_id: object, doing: str) -> int:
        for index, item in enumerate(self.items):
            if _id(item) == item_id:
                return index
        raise RefusedError(
            f"{doing}_invalid_item_id", f"Item with item_id '{item_id}' does not exist.", "item_id"
        )


def _id(item: Item) -> str | None:
    return item.id or None


def _named(item: I) -> I:
    """Return the item as a server shows it: with an id and a status."""
    changes: dict[str, object] = {} if item.id else {"id": new_id("item")}
    if hasattr(item, "object"):
        changes |= {"object": "realtime.item", "status": "completed"}
    named: I = msgspec.structs.replace(item, **changes)
    return named
