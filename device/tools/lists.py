"""Shopping, to-do and other lists, in the database of the house."""

from __future__ import annotations

from collections.abc import Sequence

from device.tools.database import Database
from device.tools.store import Store

MOST_ITEMS = 500


class ListFullError(Exception):
    """A list holds as much as it may."""


class Lists:
    """Every list by its name; raises ``StoreError`` where the disk fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def is_durable(self) -> bool:
        """Whether what is put on a list outlasts the process."""
        return self._store.is_durable

    async def items(self, name: str) -> list[str]:
        """Return what is on a list, in the order in which it was put there."""
        return await self._store.run(lambda database: _items(database, name))

    async def names(self) -> list[str]:
        """Return the lists that hold anything."""
        # Spoken names have no capitals; what has is kept here for others (device/tools/facts.py).
        query = "SELECT DISTINCT list FROM items WHERE list = lower(list) ORDER BY list"
        return await self._store.run(lambda db: [str(row[0]) for row in db.rows(query)])

    async def add(self, name: str, texts: Sequence[str]) -> list[str]:
        """Put items on a list; returns those that were not on it. All or, on failure, none.

        Raises :class:`ListFullError`.
        """

        def work(database: Database) -> list[str]:
            there = [text.casefold() for text in _items(database, name)]
            new = [text for text in dict.fromkeys(texts) if text.casefold() not in there]
            if len(there) + len(new) > MOST_ITEMS:
                raise ListFullError(f"the {name} list holds {MOST_ITEMS} items at most")
            with database.transaction() as run:
                for text in new:
                    run("INSERT INTO items (list, text) VALUES (?, ?)", (name, text))
            return new

        return await self._store.run(work)

    async def remove(self, name: str, texts: Sequence[str]) -> list[str]:
        """Take items off a list; returns those that were on it."""

        def work(database: Database) -> list[str]:
            wanted = {text.casefold() for text in texts}
            rows = database.rows("SELECT id, text FROM items WHERE list = ? ORDER BY id", (name,))
            gone = [row for row in rows if str(row[1]).casefold() in wanted]
            with database.transaction() as run:
                for number, _ in gone:
                    run("DELETE FROM items WHERE id = ?", (number,))
            database.tidy(is_wanted_gone=bool(gone))
            return [str(text) for _, text in gone]

        return await self._store.run(work)

    async def clear(self, name: str) -> int:
        """Empty a list; returns how many items were on it."""

        def work(database: Database) -> int:
            with database.transaction() as run:
                count = run("DELETE FROM items WHERE list = ?", (name,)).rowcount
            database.tidy(is_wanted_gone=True)
            return count

        return await self._store.run(work)


def _items(database: Database, name: str) -> list[str]:
    rows = database.rows("SELECT text FROM items WHERE list = ? ORDER BY id", (name,))
    return [str(row[0]) for row in rows]
