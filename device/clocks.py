"""The appliance's clock, and the way from places in the sound to moments on it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable


def is_between(now: dt.time, begin: dt.time | None, end: dt.time | None) -> bool:
    """Whether it is within daily hours, which may pass midnight; never without both ends.

    The beginning belongs to them, the end does not.
    """
    if begin is None or end is None:
        return False
    if begin <= end:
        return begin <= now < end
    return now >= begin or now < end


class SessionClock:
    """Seconds since the microphone was first opened."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.began_s = monotonic()
        """Zero, on the clock below."""

    def restart(self) -> None:
        """Zero is now."""
        self.began_s = self._monotonic()

    def now_s(self) -> float:
        """Seconds since zero; never goes back."""
        return self._monotonic() - self.began_s
