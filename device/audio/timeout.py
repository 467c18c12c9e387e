"""Calls into drivers, which may never come back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


class HangsError(Exception):
    """A call did not come back in time; it may still do so, or never."""


class GuardedCall(Generic[T]):
    """One call on a thread of its own, which its caller may give up.

    ``too_late`` gets the result of a call that comes back after that, to undo it.
    """

    def __init__(
        self, name: str, action: Callable[[], T], too_late: Callable[[T], object] = lambda _: None
    ) -> None:
        self._action = action
        self._too_late = too_late
        self._lock = threading.Lock()
        self._is_given_up = False
        self._results: list[T] = []
        self._failures: list[Exception] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def wait(self, seconds: float) -> T:
        """Make the call; return what it returns, or raise what it raises.

        Raises ``HangsError`` when it takes longer than that.
        """
        self._thread.start()
        self._thread.join(seconds)
        with self._lock:
            if self._failures:
                raise self._failures[0]
            if self._results:
                return self._results[0]
            self._is_given_up = True
        raise HangsError(f"{self._thread.name} takes longer than {seconds:g} s")

    @property
    def is_running(self) -> bool:
        """Whether it has not come back yet."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            result = self._action()
        except Exception as failure:  # the boundary of this thread: the caller raises it
            with self._lock:
                self._failures.append(failure)
            return
        with self._lock:
            self._results.append(result)
            is_too_late = self._is_given_up
        if is_too_late:
            log.warning("%s has come back after all", self._thread.name)
            self._too_late(result)
