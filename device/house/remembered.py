"""What was found out about the endpoints, kept over a restart."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from device.house.kept_file import KeptFile, read_kept
from device.realtime.endpoint import Endpoint
from device.realtime.manners import Manners, manners_of
from device.settings import tree
from device.settings.tree import Settings

FILE = "endpoints.json"
WHAT = "what was found out about the endpoints"
GOOD_FOR_S = 30 * 86_400.0
"""Then all is found out anew: a gateway that has learned a field is not to go without for ever."""


class RememberedManners(msgspec.Struct, frozen=True):
    """What was found out, and when (seconds since 1970)."""

    learned_at_s: float
    manners: Manners


class EndpointMemory:
    """Remembers what asking each endpoint has taught, as long as its settings are what they were.

    Belongs to the event loop; a file that cannot be used costs a warning, and time.
    """

    def __init__(
        self, path: Path, settings: Settings, now_s: Callable[[], float] = time.time
    ) -> None:
        self._now_s = now_s
        self._known = read_kept(path, WHAT, dict[str, RememberedManners]) or {}
        self._file = KeptFile(path, WHAT, lambda: msgspec.json.encode(self._known))
        self.adopt(settings)

    def adopt(self, settings: Settings) -> None:
        """Forget what was learned under other settings, or too long ago."""
        names = {_name_of(settings, each) for each in settings.endpoints()}
        left = {name: self._known[name] for name in names if self.known_of(name) is not None}
        if left != self._known:
            self._known = left
            self._file.touch()

    def of(self, settings: Settings, chosen: tree.Endpoint) -> MemoryOfOne:
        """Return the memory of one endpoint of these settings."""
        return MemoryOfOne(self, _name_of(settings, chosen))

    async def close(self) -> None:
        """Write what is not written yet."""
        await self._file.close()

    def known_of(self, name: str) -> Manners | None:
        """What is known, and not too old."""
        known = self._known.get(name)
        if known is None:
            return None
        # A Pi without a battery begins in the past: what it learns then is not from the future.
        age_s = max(self._now_s() - known.learned_at_s, 0.0)
        return known.manners if age_s < GOOD_FOR_S else None

    def learn(self, name: str, manners: Manners | None) -> None:
        """Keep what was found out; None: what the settings say was right."""
        if manners == self.known_of(name):
            return
        if manners is None:
            del self._known[name]
        else:
            self._known[name] = RememberedManners(self._now_s(), manners)
        self._file.touch()


@dataclass(frozen=True, slots=True)
class MemoryOfOne:
    """The memory of one endpoint (a :class:`~device.room.links.RemembersManners`)."""

    _memory: EndpointMemory
    _name: str

    def recall(self, asked: Endpoint) -> Endpoint:
        """Return the endpoint as it was found last; as it is where nothing is known of it."""
        known = self._memory.known_of(self._name)
        return asked if known is None else known.applied_to(asked)

    def keep(self, asked: Endpoint, found: Endpoint) -> None:
        """``asked`` turned out to be ``found``."""
        manners = manners_of(found)
        self._memory.learn(self._name, None if manners == manners_of(asked) else manners)


def _name_of(settings: Settings, chosen: tree.Endpoint) -> str:
    """Name an endpoint by all settings that a server may have refused, whatever they hold.

    A hash: a url may hold in its query what nobody is to see.
    """
    text = repr((chosen, settings.assistant, settings.profile))
    return hashlib.sha256(text.encode()).hexdigest()
