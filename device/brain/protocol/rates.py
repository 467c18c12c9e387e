"""How many tokens a session may still use, as ``rate_limits.updated`` tells it."""

from __future__ import annotations

from typing import Any

_WINDOW_S = 60.0


class TokenRate:
    """A bucket that fills up again within a minute."""

    def __init__(self, limit: int, now_s: float) -> None:
        self.limit = limit
        self._used = 0.0
        self._at_s = now_s

    def use(self, tokens: int, now_s: float) -> None:
        """Take note of tokens that were used."""
        self._refill(now_s)
        self._used += tokens

    def is_exhausted(self, now_s: float) -> bool:
        """Whether nothing is left."""
        self._refill(now_s)
        return self._used >= self.limit

    def wire(self, now_s: float) -> list[dict[str, Any]]:
        """Return the ``rate_limits`` of the event."""
        self._refill(now_s)
        return [
            {
                "name": "tokens",
                "limit": self.limit,
                "remaining": max(0, round(self.limit - self._used)),
                "reset_seconds": round(self._used / self.limit * _WINDOW_S, 3),
            }
        ]

    def _refill(self, now_s: float) -> None:
        refilled = (now_s - self._at_s) / _WINDOW_S * self.limit
        self._used = max(0.0, self._used - refilled)
        self._at_s = now_s
