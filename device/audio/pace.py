"""How fast a file plays: with the clock on the wall, or as fast as everybody keeps up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Pace(Protocol):
    """Time as a file microphone and a file speaker see it.

    Both may share one pace; then a sample of the one and a sample of the other with
    the same time belong to the same moment.
    """

    @property
    def is_live(self) -> bool:
        """Whether this time passes whether or not anybody keeps up."""

    def now_s(self) -> float:
        """Return the present time."""

    def lead(self, until_s: float, closing: threading.Event) -> None:
        """Return when ``until_s`` has come; said by a source that has given all before it."""

    def follow(self, until_s: float, closing: threading.Event) -> None:
        """Return when ``until_s`` has come; said by a sink that has taken all before it."""

    def leave(self, closing: threading.Event) -> None:
        """Let go of a source or sink that has set ``closing``, and wake it if it waits."""


class RealTime:
    """The clock on the wall; a thread that was late catches up, so nothing drifts."""

    is_live = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._origin_s = clock()

    def now_s(self) -> float:
        """Return the seconds since this pace was made."""
        return self._clock() - self._origin_s

    def lead(self, until_s: float, closing: threading.Event) -> None:
        """Sleep until that time, or until ``closing``."""
        closing.wait(max(0.0, until_s - self.now_s()))

    def follow(self, until_s: float, closing: threading.Event) -> None:
        """Sleep until that time, or until ``closing``."""
        closing.wait(max(0.0, until_s - self.now_s()))

    def leave(self, closing: threading.Event) -> None:
        """Nothing to let go of: ``closing`` itself wakes the sleeper."""


class Simulated:
    """As fast as possible: the source moves the time on, and waits until each sink is there.

    One source leads. Sinks are known from their first ``follow`` to their ``leave``.
    """

    is_live = False

    def __init__(self) -> None:
        self._now_s = 0.0
        self._changed = threading.Condition()
        self._waiting_for: dict[threading.Event, float] = {}

    def now_s(self) -> float:
        """Return the time the source has reached."""
        with self._changed:
            return self._now_s

    def lead(self, until_s: float, closing: threading.Event) -> None:
        """Move the time on; return when every sink has taken all before it."""
        with self._changed:
            self._now_s = max(self._now_s, until_s)
            self._changed.notify_all()
            while not closing.is_set() and self._is_anybody_behind():
                self._changed.wait()

    def _is_anybody_behind(self) -> bool:
        return any(until_s <= self._now_s for until_s in self._waiting_for.values())

    def follow(self, until_s: float, closing: threading.Event) -> None:
        """Wait until the source has moved the time to ``until_s``."""
        with self._changed:
            if closing.is_set():
                return
            self._waiting_for[closing] = until_s
            self._changed.notify_all()
            while not closing.is_set() and self._now_s < until_s:
                self._changed.wait()

    def leave(self, closing: threading.Event) -> None:
        """Forget the sink that is known by ``closing``, wake everybody."""
        with self._changed:
            self._waiting_for.pop(closing, None)
            self._changed.notify_all()
