"""Tools for lists."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from device.phrases.book import phrase
from device.tools.alarms.sentences import NOT_KEPT
from device.tools.answers import Answer, ToolError
from device.tools.lists import ListFullError, Lists
from device.tools.undo import UndoLog

Item = Annotated[str, Meta(min_length=1, max_length=200)]
Items = Annotated[list[Item], Meta(min_length=1, max_length=50)]
ListName = Annotated[str, Meta(min_length=1, max_length=40)]

_SHOPPING = "shopping"
_SAME = {"todo": "to-do", "to do": "to-do", "task": "to-do", "tasks": "to-do", "grocery": _SHOPPING}
_READ_ALOUD = 10


class ListTools:
    """``add_to_list``, ``read_list``, ``remove_from_list``, ``clear_list`` and ``list_lists``."""

    def __init__(self, lists: Lists, changes: UndoLog | None = None) -> None:
        self._lists = lists
        self._changes = changes or UndoLog()

    async def add_to_list(self, items: Items, list_name: ListName = _SHOPPING) -> Answer:
        """Put one or more things on the shopping list, the to-do list or another list.

        Args:
            items: The things, each as the user named it, such as two litres of milk.
            list_name: shopping, to-do, or the name of another list.
        """
        name, wanted = _list_name(list_name), _clean(items)
        try:
            new = await self._lists.add(name, wanted)
        except ListFullError as full:
            raise ToolError(
                str(full), spoken=phrase("list_full", name=name), try_again=False
            ) from full
        facts: dict[str, object] = {
            "list": name,
            "added": new,
            "items": await self._lists.items(name),
        }
        if not new:
            count = len(wanted)
            return Answer(facts, phrase("list_has_already", items=wanted, count=count, name=name))
        caveat = [] if self._lists.is_durable else [NOT_KEPT]
        facts["is_kept"] = self._lists.is_durable
        did = phrase("did_add", items=new, name=name)
        self._changes.note(did, lambda: self._take_off(name, new))
        return Answer(facts, [phrase("list_added", items=new, name=name), *caveat])

    async def _take_off(self, name: str, items: list[str]) -> bool:
        await self._lists.remove(name, items)
        return True

    async def _put_back(self, name: str, items: list[str]) -> bool:
        try:
            await self._lists.add(name, items)
        except ListFullError:
            return False
        return True

    async def list_lists(self) -> Answer:
        """Tell which lists there are."""
        names = await self._lists.names()
        if not names:
            return Answer({"lists": []}, phrase("lists_empty"))
        return Answer({"lists": names}, phrase("lists_are", count=len(names), names=names))

    async def read_list(self, list_name: ListName = _SHOPPING) -> Answer:
        """Tell what is on a list.

        Args:
            list_name: shopping, to-do, or the name of another list.
        """
        name = _list_name(list_name)
        items = await self._lists.items(name)
        facts = {"list": name, "items": items, "lists": await self._lists.names()}
        if not items:
            return Answer(facts, phrase("list_empty", name=name))
        count, more = len(items), len(items) - _READ_ALOUD
        if more <= 0:
            return Answer(facts, phrase("list_read", count=count, name=name, items=items))
        first = items[:_READ_ALOUD]
        said = phrase("list_read_some", count=count, name=name, items=first, more=more)
        return Answer(facts, said)

    async def remove_from_list(self, items: Items, list_name: ListName = _SHOPPING) -> Answer:
        """Take one or more things off a list, because they are done or not wanted.

        Args:
            items: The things, each as it is on the list.
            list_name: shopping, to-do, or the name of another list.
        """
        name, wanted = _list_name(list_name), _clean(items)
        gone = await self._lists.remove(name, wanted)
        left = await self._lists.items(name)
        if not gone:
            raise ToolError(
                f"none of these is on the {name} list",
                spoken=phrase("list_has_not", items=wanted, count=len(wanted), name=name),
                facts={"list": name, "items": left},
            )
        did = phrase("did_remove", items=gone, name=name)
        self._changes.note(did, lambda: self._put_back(name, gone))
        facts = {"list": name, "removed": gone, "items": left}
        return Answer(facts, phrase("list_removed", items=gone, name=name))

    async def clear_list(self, list_name: ListName = _SHOPPING) -> Answer:
        """Take everything off a list.

        Args:
            list_name: shopping, to-do, or the name of another list.
        """
        name = _list_name(list_name)
        gone = await self._lists.items(name)
        count = await self._lists.clear(name)
        if gone:
            did = phrase("did_clear", name=name)
            self._changes.note(did, lambda: self._put_back(name, gone))
        said = phrase("list_cleared", name=name) if count else phrase("list_was_empty", name=name)
        return Answer({"list": name, "removed_count": count}, said)


def _list_name(text: str) -> str:
    """Bring the ways to name a list to one: ``my To Do list`` is ``to-do``."""
    words = text.casefold().split()
    while words and words[0] in ("the", "my", "our"):
        words = words[1:]
    if words and words[-1] == "list":
        words = words[:-1]
    name = " ".join(words) or _SHOPPING
    return _SAME.get(name, name)


def _clean(items: list[str]) -> list[str]:
    cleaned = [" ".join(item.split()) for item in items]
    if not all(cleaned):
        raise ToolError("an item is empty", question=phrase("list_what"))
    return cleaned
