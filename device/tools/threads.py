"""Runs synchronous tools off the event loop, so that a slow one delays nobody."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_log = logging.getLogger(__name__)

T = TypeVar("T")


class BusyError(Exception):
    """As many threads as allowed are still in calls that do not return."""


class ToolThreads:
    """A thread per call of a synchronous tool, a bounded number at once.

    No pool: Python joins the threads of a pool when it exits, so that one tool which
    never returns would keep the process from ending. These are daemons, joined for a
    bounded time by :meth:`close`.
    """

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._alive: set[threading.Thread] = set()

    async def run(self, call: Callable[[], T], name: str) -> T:
        """Call in a thread of its own and wait; raises what the call raises, or BusyError."""
        self._alive = {thread for thread in self._alive if thread.is_alive()}
        if len(self._alive) >= self._most:
            raise BusyError(f"{len(self._alive)} earlier calls have not returned")
        future: Future[T] = Future()
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=_fulfil, args=(future, lambda: context.run(call)), name=name, daemon=True
        )
        self._alive.add(thread)
        thread.start()
        return await asyncio.wrap_future(future)

    def close(self, patience_s: float = 1.0) -> None:
        """Join the threads that end in time, and name those that do not."""
        for thread in self._alive:
            thread.join(patience_s)
            if thread.is_alive():
                _log.warning("thread %s does not return; left behind", thread.name)
        self._alive.clear()


def _fulfil(future: Future[T], call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # the boundary of the thread: whoever waits raises it
        future.set_exception(error)
    else:
        future.set_result(result)
