"""A contact that chatters, seen as one that does not. No I/O."""

from __future__ import annotations


class Debouncer:
    """Believes the first edge at once, and none for a moment after it.

    So a press is known without delay, and chatter of either kind is not a second one:
    when the moment is over, the level that the contact has come to rest at counts.
    """

    def __init__(self, bounce_s: float, *, is_on: bool = False) -> None:
        self.is_on = is_on
        """The level without the chatter."""
        self._level = is_on
        self._bounce_s = bounce_s
        self._quiet_from_s = float("-inf")

    def edge(self, is_on: bool, at_s: float) -> bool:
        """Take an edge as the pin reported it; say whether :attr:`is_on` has changed."""
        self._level = is_on
        return self.passed(at_s)

    def passed(self, at_s: float) -> bool:
        """Take note of the time; say whether :attr:`is_on` has changed."""
        if self._level == self.is_on or at_s < self._quiet_from_s:
            return False
        self.is_on = self._level
        self._quiet_from_s = at_s + self._bounce_s
        return True

    @property
    def deadline_s(self) -> float | None:
        """When the level will be believed although no edge comes; None when it is."""
        return None if self._level == self.is_on else self._quiet_from_s
