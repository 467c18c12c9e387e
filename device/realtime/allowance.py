"""How much of something may come: some at once, and so many a second after that."""

from __future__ import annotations


class Allowance:
    """A token bucket (RFC 2697 calls it a meter); full at the beginning."""

    def __init__(self, most: float, per_s: float) -> None:
        self._most = most
        self._per_s = per_s
        self._left = most
        self._since_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Use one; False when there is none left. ``now_s`` is on a clock that never goes back."""
        if self._since_s is not None:
            gained = (now_s - self._since_s) * self._per_s
            self._left = min(self._most, self._left + gained)
        self._since_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
