"""The items of a session in their order."""

from __future__ import annotations

from collections.abc import Iterator

from device.brain.protocol.shapes import RequestError
from device.brain.sessions.items import Item


class Conversation:
    """An ordered collection of items with unique ids."""

    def __init__(self, conversation_id: str) -> None:
        self.id = conversation_id
        self._items: list[Item] = []
        self._by_id: dict[str, Item] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._by_id

    def get(self, item_id: str, code: str) -> Item:
        """Return an item; raise `RequestError` with this code if there is none of this id."""
        item = self._by_id.get(item_id)
        if item is None:
            message = f"Item with item_id '{item_id[:80]}' does not exist in the conversation."
            raise RequestError(code, message, "item_id")
        return item

    @property
    def last_id(self) -> str | None:
        """The id of the newest item."""
        return self._items[-1].id if self._items else None

    @property
    def oldest(self) -> Item:
        """The item at the root; there must be one."""
        return self._items[0]

    def before(self, item: Item) -> str | None:
        """Return the id of the item before this one; None at the root, or if it is gone."""
        previous = None
        for other in self._items:
            if other is item:
                return previous
            previous = other.id
        return None

    def insert(self, item: Item, previous_id: str | None = None) -> None:
        """Put an item behind another, at the ``root``, or (None) at the end.

        Raises `RequestError` when the id is taken or the other item unknown.
        """
        if item.id in self._by_id:
            message = f"An item with the id '{item.id[:80]}' already exists in the conversation."
            raise RequestError("item_create_duplicate_item_id", message, "item.id")
        self._items.insert(self._place_behind(previous_id), item)
        self._by_id[item.id] = item

    def _place_behind(self, previous_id: str | None) -> int:
        if previous_id is None:
            return len(self._items)
        if previous_id == "root":
            return 0
        if previous_id not in self._by_id:
            message = f"Previous item with id '{previous_id[:80]}' does not exist."
            raise RequestError("invalid_value", message, "previous_item_id")
        return self._items.index(self._by_id[previous_id]) + 1

    def remove(self, item: Item) -> None:
        """Take an item out."""
        del self._by_id[item.id]
        self._items.remove(item)

    def has_call(self, call_id: str) -> bool:
        """Whether the assistant made a call with this id."""
        return any(
            item.kind == "function_call" and item.fields.get("call_id") == call_id
            for item in self._items
        )
