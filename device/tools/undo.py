"""Takes back what tools did, the last thing first."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from device.phrases.book import Phrase, phrase
from device.tools.answers import Answer, ToolError
from device.tools.moments import Clock

_MOST_KEPT = 20
_REGRET_S = 30 * 60.0
"""What was done longer ago is not meant by "undo"."""

TakeBack = Callable[[], Awaitable[bool]]
"""Has everything as it was; False where that is not possible any more."""


@dataclass(frozen=True, slots=True)
class UndoableChange:
    """Something that a tool did."""

    what: Phrase
    """What was done, as it is named when it is undone."""
    take_back: TakeBack
    at_elapsed_s: float


class UndoLog:
    """The last changes, in memory only: after a restart nothing is left to undo."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._changes: deque[UndoableChange] = deque(maxlen=_MOST_KEPT)

    def note(self, what: Phrase, take_back: TakeBack) -> None:
        """Remember how to take back what was just done."""
        self._changes.append(UndoableChange(what, take_back, self._now_s()))

    def last(self) -> UndoableChange | None:
        """Return and forget the last change; None where there is none of late."""
        while self._changes:
            change = self._changes.pop()
            if self._now_s() - change.at_elapsed_s <= _REGRET_S:
                return change
        return None

    def _now_s(self) -> float:
        return self._clock.now().elapsed_s if self._clock else 0.0


class UndoTools:
    """``undo``."""

    def __init__(self, changes: UndoLog) -> None:
        self._changes = changes

    async def undo(self) -> Answer:
        """Take back the last change of a timer, alarm, reminder, list or the volume."""
        change = self._changes.last()
        if change is None:
            raise ToolError(
                "nothing was changed of late", spoken=phrase("nothing_to_undo"), try_again=False
            )
        if not await change.take_back():
            raise ToolError(
                "that cannot be undone any more",
                spoken=phrase("cannot_undo", what=change.what),
                try_again=False,
            )
        return Answer({"undone": True}, phrase("undone", what=change.what))
