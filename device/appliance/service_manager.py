"""What the service manager is told: ready, what is being done, still alive.

Speaks systemd's notification protocol through systemd-python, where a service manager
listens (``NOTIFY_SOCKET``); elsewhere it does nothing. The watchdog is fed only while the
ears work, so that a process which has gone deaf is restarted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

log = logging.getLogger(__name__)

DEFAULT_LOOK_S = 0.5
"""How often to look for readiness, and the ears' progress, without a watchdog."""
GOES_ON_WITHIN_S = 60.0
"""From one attempt to the next, at most: pauses grow to 30 s, and drivers are given seconds."""


@dataclass(frozen=True, slots=True)
class EarsProgress:
    """How far the ears have come; all three only ever grow while they work."""

    blocks_captured: int
    blocks_heard: int
    seconds_scored: float
    """What the wake model itself looked at; in silence the gate spares it."""
    is_excused: bool = False
    """The microphone is closed on purpose (mute), or broken and being mended."""
    is_muted: bool = False
    """It is closed on purpose: an appliance that starts with its switch off is ready, too."""


class Efforts:
    """Attempts to mend or to find a microphone: whether somebody still makes them.

    They come at no steady pace, so what counts is how long ago the last one began.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last_s = monotonic()

    def made(self) -> None:
        """One more begins, or is over."""
        self._last_s = self._monotonic()

    @property
    def go_on(self) -> bool:
        """Whether the last one is not too long ago."""
        return self._monotonic() - self._last_s < GOES_ON_WITHIN_S


class ServiceManager:
    """Tells systemd how the appliance is."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._is_listening = bool(environ.get("NOTIFY_SOCKET"))
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(watchdog_us) / 1e6 if watchdog_us.isdigit() else None
        self._is_ready = False

    def ready(self) -> None:
        """The microphone delivers and the wake model has scored, or somebody has muted it."""
        if not self._is_ready:
            self._is_ready = True
            self._tell("READY=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._tell(f"STATUS={text}")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._tell("WATCHDOG=1")

    async def watch(self, progress: Callable[[], EarsProgress]) -> None:
        """Say when the ears are ready, then feed the watchdog while they go on; until cancelled.

        Looks three times in a watchdog's period, and feeds it when the ears have moved since
        the last look: two looks in a row without any progress starve it.
        """
        look_s = self.watchdog_s / 3 if self.watchdog_s else DEFAULT_LOOK_S
        before = progress()
        while True:
            await asyncio.sleep(min(look_s, DEFAULT_LOOK_S) if not self._is_ready else look_s)
            now = progress()
            if now.is_muted or (now.blocks_captured > 0 and now.seconds_scored > 0):
                self.ready()
            has_moved = (
                now.blocks_captured > before.blocks_captured
                and now.blocks_heard > before.blocks_heard
            )
            if has_moved or now.is_excused:
                self.alive()
            else:
                log.warning("the ears have not moved for %.1f s: %s", look_s, now)
            before = now

    def _tell(self, message: str) -> None:
        if not self._is_listening:
            return
        from systemd import daemon  # type: ignore[attr-defined, unused-ignore]

        daemon.notify(message)
