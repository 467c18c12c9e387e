"""What somebody has stopped a moment ago, and may want back: "snooze", or "five more minutes"."""

from __future__ import annotations

from device.tools.alarms.entries import Ringing
from device.tools.moments import Moment


class RecentlyStopped:
    """Kept in memory only, on the elapsed clock: after a restart nobody means it any more."""

    def __init__(self, regret_s: float) -> None:
        self._regret_s = regret_s
        self._stopped: list[tuple[float, Ringing]] = []

    def add(self, ringing: Ringing, now: Moment) -> None:
        """Keep one that was just stopped, and let go of those it is too late for."""
        self._stopped = [(at_s, old) for at_s, old in self._stopped if self._is_recent(at_s, now)]
        self._stopped.append((now.elapsed_s, ringing))

    def at(self, now: Moment) -> tuple[Ringing, ...]:
        """Those it is not too late for, in the order in which they were stopped."""
        return tuple(ringing for at_s, ringing in self._stopped if self._is_recent(at_s, now))

    def find(self, number: int, now: Moment) -> Ringing | None:
        """The one of this id, if it is not too late for it."""
        return next((ringing for ringing in self.at(now) if ringing.id == number), None)

    def forget(self, number: int) -> None:
        """It runs again."""
        self._stopped = [(at_s, old) for at_s, old in self._stopped if old.id != number]

    def clear(self) -> None:
        """All of them ring again, or none is meant any more."""
        self._stopped.clear()

    def _is_recent(self, stopped_elapsed_s: float, now: Moment) -> bool:
        return now.elapsed_s - stopped_elapsed_s <= self._regret_s
