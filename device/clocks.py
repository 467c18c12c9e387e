"""The appliance's clock, and the way from places in the sound to moments on it."""

from __future__ import annotations

import time
from collections.abc import Callable


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
