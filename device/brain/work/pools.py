"""Threads for the models: bounded in number, and fair between the clients.

Nothing that takes longer than a millisecond runs on the event loop. Each kind of work
has its own pool, so that a long answer never delays the ear of another client, and each
pool serves its owners in turn.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import TypeAlias

_log = logging.getLogger(__name__)
_JOIN_S = 10.0

Work: TypeAlias = Callable[[], None]


class FairPool:
    """A few threads that take work from whoever has had the least of it.

    The next piece of work is the oldest of the owner with the fewest running; among
    equals, of the one that has waited longest. With more than one thread no owner holds
    all of them, so a newcomer finds one free.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._condition = threading.Condition()
        self._waiting: dict[Hashable, deque[Work]] = {}
        self._running: Counter[Hashable] = Counter()
        self._most_per_owner = max(1, threads - 1)
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, owner: Hashable, work: Work) -> None:
        """Queue a piece of work; it must not raise. Ignored after `close`."""
        with self._condition:
            if self._closed:
                return
            self._waiting.setdefault(owner, deque()).append(work)
            self._condition.notify()

    def close(self) -> None:
        """Drop what waits, and join the threads when they are done with what they do."""
        with self._condition:
            self._closed = True
            self._waiting.clear()
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_S)
            if thread.is_alive():
                _log.warning("%s is still busy after %.0f s; left behind", thread.name, _JOIN_S)

    def _serve(self) -> None:
        while (taken := self._take()) is not None:
            owner, work = taken
            try:
                work()
            except Exception:
                # The last boundary of a thread that must live on for other clients.
                _log.exception("work for %s failed", owner)
            finally:
                with self._condition:
                    self._running[owner] -= 1
                    if not self._running[owner]:
                        del self._running[owner]
                    self._condition.notify_all()

    def _take(self) -> tuple[Hashable, Work] | None:
        with self._condition:
            while True:
                if self._closed:
                    return None
                owner = self._next_owner()
                if owner is not None:
                    return owner, self._take_from(owner)
                self._condition.wait()

    def _next_owner(self) -> Hashable | None:
        free = [o for o in self._waiting if self._running[o] < self._most_per_owner]
        return min(free, key=lambda owner: self._running[owner], default=None)

    def _take_from(self, owner: Hashable) -> Work:
        queue = self._waiting.pop(owner)
        work = queue.popleft()
        if queue:
            self._waiting[owner] = queue  # behind all others
        self._running[owner] += 1
        return work


class Lane:
    """Work that must be done in order, one piece after the other, on a pool."""

    def __init__(self, pool: FairPool, owner: Hashable) -> None:
        self._pool = pool
        self._owner = owner
        self._lock = threading.Lock()
        self._queue: deque[Work] = deque()
        self._is_scheduled = False

    def put(self, work: Work) -> None:
        """Queue a piece of work; it must not raise."""
        with self._lock:
            self._queue.append(work)
            if self._is_scheduled:
                return
            self._is_scheduled = True
        self._pool.submit(self._owner, self._run_next)

    def _run_next(self) -> None:
        with self._lock:
            work = self._queue.popleft()
        try:
            work()
        finally:
            with self._lock:
                self._is_scheduled = bool(self._queue)
            if self._is_scheduled:
                self._pool.submit(self._owner, self._run_next)


class Pools:
    """The pools of one brain."""

    def __init__(self, responses: int = 4, transcriptions: int = 2) -> None:
        self.hearing = FairPool("brain-hearing", 1)
        self.transcribing = FairPool("brain-transcribing", transcriptions)
        self.thinking = FairPool("brain-thinking", responses)
        self.speaking = FairPool("brain-speaking", 2)

    def close(self) -> None:
        """End all threads."""
        for pool in (self.hearing, self.transcribing, self.thinking, self.speaking):
            pool.close()
