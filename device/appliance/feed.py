"""What one watcher of the control socket is sent: a bounded queue, cut off when it overflows."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

LONGEST_QUEUE = 256
"""Events that may wait for one watcher, beside what the kernel holds for it."""


class Feed:
    """Events on their way to one watcher; used from the event loop's thread alone."""

    def __init__(self, on_close: Callable[[Feed], None]) -> None:
        """``on_close`` is called once, by whoever ends it."""
        self._on_close = on_close
        self._waiting: deque[Mapping[str, object]] = deque()
        self._woken = asyncio.Event()
        self._is_over = False

    def put(self, event: Mapping[str, object]) -> None:
        """Queue one event and return at once; who is too slow for that is cut off."""
        if len(self._waiting) >= LONGEST_QUEUE:
            self.close()
        if not self._is_over:
            self._waiting.append(event)
            self._woken.set()

    async def next(self) -> Mapping[str, object] | None:
        """Return the next event, or None when there will be none."""
        while not self._waiting and not self._is_over:
            self._woken.clear()
            await self._woken.wait()
        return None if self._is_over else self._waiting.popleft()

    def close(self) -> None:
        """End it; what still waits is dropped."""
        if not self._is_over:
            self._is_over = True
            self._waiting.clear()
            self._woken.set()
            self._on_close(self)
