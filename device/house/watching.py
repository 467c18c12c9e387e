"""Tells those who watch over the control socket what happens; nothing is done while nobody does."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from device.appliance.feed import Feed
from device.assistant.news import News
from device.errors import BitternError
from device.reports import as_told, shown_record
from device.room.loudness import loudness

if TYPE_CHECKING:
    from device.house.appliance import Appliance

MOST_WATCHERS = 4
"""Fewer than the control socket has places: orders get through whoever watches."""
EVERY_S = 0.25
"""Between two looks at the level and the state."""


class WatchError(BitternError):
    """Nobody else may watch at the moment."""


class Watchers:
    """All feeds of one appliance."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._feeds: set[Feed] = set()
        self._looking: asyncio.Task[None] | None = None

    def open(self) -> Feed:
        """Begin one more feed, which whoever reads it closes; raises :class:`WatchError`."""
        if len(self._feeds) >= MOST_WATCHERS:
            raise WatchError(f"{MOST_WATCHERS} others are watching", "Close one of them.")
        feed = Feed(self._closed)
        self._feeds.add(feed)
        if self._looking is None:
            self._appliance.house.listeners.add(self._take)
            self._looking = asyncio.create_task(self._look(), name="watchers")
        return feed

    def _closed(self, feed: Feed) -> None:
        self._feeds.discard(feed)
        if not self._feeds and self._looking is not None:
            self._appliance.house.listeners.discard(self._take)
            self._looking.cancel()
            self._looking = None

    def _take(self, what: News) -> None:
        line = shown_record(what, with_transcripts=self._appliance.loaded.settings.log.transcripts)
        if line is not None:
            self._tell({**as_told(line), "at_unix_s": round(time.time(), 3)})

    async def _look(self) -> None:
        while True:
            if (status := self._status()) is not None:
                self._tell(status)
            await asyncio.sleep(EVERY_S)

    def _status(self) -> dict[str, object] | None:
        """How it is now; None while the room is built anew."""
        appliance = self._appliance
        room = next(iter(appliance.house.rooms.values()), None)
        if room is None:
            return None
        core, services = room.conductor.core.status, appliance.house.services
        return {
            "event": "status",
            "at_unix_s": round(time.time(), 3),
            "state": str(core.state),
            "fault": core.fault,
            "is_muted": core.is_muted,
            "is_muted_by_switch": appliance.controls.is_switched_off,
            "is_ringing": services.rings.is_ringing,
            "volume_percent": round(room.mouth.volume_percent),
            "endpoint": core.endpoint,
            "level": round(loudness(room, core.state), 2),
            "spent_usd": round(services.spending.month_usd, 6),
        }

    def _tell(self, event: dict[str, object]) -> None:
        for feed in tuple(self._feeds):
            feed.put(event)
