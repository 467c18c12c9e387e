"""Gives the database a thread of its own, and everybody else a future.

A write to a worn SD card can take seconds, and the event loop carries sound: so every
access runs on one thread, in the order in which it was asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from device.phrases.book import Phrase
from device.tools.database import Database

_log = logging.getLogger(__name__)

T = TypeVar("T")

_CLOSE_PATIENCE_S = 5.0


class Store:
    """One database file, used from one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: Database | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bittern-store")

    async def open(self) -> list[Phrase]:
        """Open or create the file; returns what a person should be told about that.

        Raises :class:`~device.tools.database.StoreBusyError` when another process has it.
        """
        loop = asyncio.get_running_loop()
        self._database = await loop.run_in_executor(self._thread, Database.open, self._path)
        return self._database.troubles

    @property
    def troubles(self) -> list[Phrase]:
        """What a person should be told about the opening."""
        return [] if self._database is None else self._database.troubles

    def run(self, work: Callable[[Database], T]) -> asyncio.Future[T]:
        """Hand work to the thread at once, after all that was handed to it before.

        The future may be dropped: the work is done all the same.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._thread, self._work, work)
        future.add_done_callback(_note)
        return future

    @property
    def is_durable(self) -> bool:
        """Whether what is written is on the disk; False while memory has to do."""
        return self._database is not None and self._database.is_durable

    def _work(self, work: Callable[[Database], T]) -> T:
        if self._database is None:
            raise RuntimeError("the store is used before it is open")
        try:
            return work(self._database)
        finally:
            # After what waits already: nobody waits for a second copy.
            with contextlib.suppress(RuntimeError):  # the last work of all is to close
                self._thread.submit(self._database.tidy)

    async def close(self) -> None:
        """Finish what was asked for, and close the file; gives up on a disk that hangs."""
        if self._database is not None:
            try:
                async with asyncio.timeout(_CLOSE_PATIENCE_S):
                    await self.run(Database.close)
            except TimeoutError:
                _log.error("%s does not close; the disk hangs", self._path)
        self._thread.shutdown(wait=False)


def _note(future: asyncio.Future[T]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not future.cancelled() and future.exception() is not None:
        _log.debug("store: %s", future.exception())
