"""Has the local brain ready before the first question that will need it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from device.appliance.network import has_way_out

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""Two small files of the kernel are read that often; the light of a lost network may wait."""
AGAIN_S = 240.0
"""A brain that nobody asks ends after five minutes (``brain.idle_exit_s``): less than that."""


class Standby:
    """Warms the brain when the network goes, and keeps it warm until the network is back."""

    def __init__(
        self, warm: Callable[[], Awaitable[None]], is_online: Callable[[], bool] = has_way_out
    ) -> None:
        """``warm`` must return, whatever happens; ``is_online`` is asked every `LOOK_S`."""
        self._warm = warm
        self._is_online = is_online
        self._due_s: float | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.look(time.monotonic())
            await asyncio.sleep(LOOK_S)

    async def look(self, now_s: float) -> None:
        """Warm the brain if it is time for that."""
        if self._is_online():
            if self._due_s is not None:
                log.info("the network is back")
            self._due_s = None
            return
        if self._due_s is None:
            log.warning("there is no network; the local brain gets ready")
        if self._due_s is None or now_s >= self._due_s:
            self._due_s = now_s + AGAIN_S
            await self._warm()
