"""Links, opened and read by one task each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from device.assistant import inputs
from device.errors import BitternError
from device.realtime.endpoint import Endpoint
from device.realtime.events import (
    AudioDelta,
    ClientEvent,
    ServerEvent,
    Session,
    SessionUpdate,
    UnknownEvent,
)
from device.realtime.failures import Failure, LinkFailed, Reason
from device.realtime.link import Link, Opener

log = logging.getLogger(__name__)

RENEW_BEFORE_S = 60.0
"""A session this close to its end is not begun a question in."""

Feed = Callable[[inputs.Input], None]
Prepare = Callable[[], Awaitable[None]]
Meter = Callable[[ServerEvent | UnknownEvent], None]


class SessionMaker(Protocol):
    """Makes the session that an endpoint is asked for."""

    def __call__(self, endpoint: Endpoint, profile: str = "") -> Session:
        """``profile``: whose voice and instructions it gets; empty is the usual one."""


class RemembersManners(Protocol):
    """Keeps what was found out about an endpoint, which the settings have as ``asked``."""

    def recall(self, asked: Endpoint) -> Endpoint:
        """Return it as it was found last."""

    def keep(self, asked: Endpoint, found: Endpoint) -> None:
        """``asked`` turned out to be ``found``."""


_OTHER_MANNERS = frozenset(
    {
        Reason.PROTOCOL,
        Reason.MODEL_UNAVAILABLE,
        Reason.BAD_ENDPOINT,
        Reason.POLICY,
        Reason.CLOSED,
        Reason.REFUSED_KEY,
    }
)
"""How an endpoint fails that is not asked any more as it wants to be."""


@dataclass(slots=True)
class EndpointEntry:
    """An endpoint, the session to ask it for, and how it is reached."""

    endpoint: Endpoint
    """As it was found; at first as it is remembered, or as the settings have it."""
    session: SessionMaker
    opener: Opener
    """The transport to it."""
    prepare: Prepare | None = None
    """Raises a ``BitternError`` when it cannot be prepared."""
    is_missing_key: bool = False
    meter: Meter | None = None
    """Is shown every event but sound, to count what it costs: late ones and those of nobody too."""

    memory: RemembersManners | None = None
    asked: Endpoint = field(init=False)
    """As the settings have it."""

    def __post_init__(self) -> None:
        self.asked = self.endpoint
        if self.memory is not None:
            self.endpoint = self.memory.recall(self.asked)

    async def open(self, profile: str = "") -> Link:
        """Prepare and open a link to it; what was learned about it on the way is kept.

        Raises ``LinkFailed``, or the ``BitternError`` of ``prepare``.
        """
        if self.is_missing_key:
            raise LinkFailed(Failure(Reason.NO_KEY, "no key was found"), self.endpoint.name)
        if self.prepare is not None:
            await self.prepare()
        try:
            link = await self.opener(self.endpoint, self.session(self.endpoint, profile))
        except LinkFailed as failed:
            reason = failed.failure.reason
            if self.endpoint == self.asked or reason not in _OTHER_MANNERS:
                raise
            log.info("%s: %s; finding out anew how to ask it", self.asked.name, reason)
            self.endpoint = self.asked
            link = await self.opener(self.asked, self.session(self.asked, profile))
        self.endpoint = link.endpoint
        if self.memory is not None:
            self.memory.keep(self.asked, self.endpoint)
        return link


class Links:
    """Opens and closes links as the core asks, and feeds it what they bring."""

    def __init__(self, entries: Mapping[str, EndpointEntry], feed: Feed) -> None:
        self._entries = dict(entries)
        self._feed = feed
        self._links: dict[int, Link] = {}
        self._asked: dict[int, tuple[EndpointEntry, str]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._goodbyes: set[asyncio.Task[None]] = set()

    def open(self, number: int, name: str, profile: str = "") -> None:
        """Begin to open a link; ``LinkReady`` or ``LinkLost`` will follow."""
        self._asked[number] = self._entries[name], profile
        living = self._live(number, name, profile)
        task = asyncio.create_task(living, name=f"link {number} to {name}")
        self._tasks[number] = task

    def get(self, number: int) -> Link | None:
        """The link of that number, while it is open."""
        return self._links.get(number)

    def send(self, number: int, event: ClientEvent) -> None:
        """Send an event; a link that is broken says so by ``LinkLost``."""
        link = self._links.get(number)
        if link is None:
            return
        try:
            link.send(event)
        except LinkFailed as failed:
            log.debug("link %d: %s not sent: %s", number, type(event).__name__, failed)

    def update_tools(self, number: int) -> None:
        """Send the list of tools that the link's session is to have now."""
        if number in self._links:
            entry, profile = self._asked[number]
            wanted = entry.session(entry.endpoint, profile)
            self.send(number, SessionUpdate(session=Session(tools=wanted.tools)))

    def drop_unplayed(self) -> None:
        """An answer was interrupted: nothing of it is to come out of a transport any more."""
        for link in self._links.values():
            link.drop_unplayed()

    def close(self, number: int) -> None:
        """Let go of a link at once; saying goodbye takes its time in the background."""
        task, link = self._tasks.pop(number, None), self._links.pop(number, None)
        self._asked.pop(number, None)
        if task is not None:
            task.cancel()
        if link is not None:
            goodbye = asyncio.create_task(link.close(), name=f"link {number} goodbye")
            self._goodbyes.add(goodbye)
            goodbye.add_done_callback(self._goodbyes.discard)

    async def close_all(self) -> None:
        """Close every link and wait for the goodbyes, which are bounded."""
        for number in list(self._tasks):
            self.close(number)
        if self._goodbyes:
            await asyncio.wait(self._goodbyes, timeout=1.5)

    async def _live(self, number: int, name: str, profile: str) -> None:
        """Open a link, then read it until it ends; what goes wrong is one ``LinkLost``."""
        try:
            await self._open_and_read(number, self._entries[name], profile)
        except LinkFailed as failed:
            self._lost(number, failed.failure)
        except BitternError as failed:
            self._lost(number, Failure(Reason.UNREACHABLE, str(failed)))
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("link %d to %s failed in a way nobody foresaw", number, name)
            self._lost(number, Failure(Reason.PROTOCOL, "an error of our own; see the log"))

    async def _open_and_read(self, number: int, entry: EndpointEntry, profile: str) -> None:
        link = await entry.open(profile)
        self._links[number] = link
        self._feed(inputs.LinkReady(number))
        renewal = asyncio.get_running_loop().call_later(
            max(link.expires_in_s - RENEW_BEFORE_S, 1.0), self._renew, number
        )
        try:
            async for event in link.events():
                if entry.meter is not None and not isinstance(event, AudioDelta):
                    entry.meter(event)
                self._feed(inputs.ServerSaid(number, event))
        finally:
            renewal.cancel()

    def _renew(self, number: int) -> None:
        if number in self._links:
            log.info("link %d: its session is about to expire", number)
            self._feed(inputs.LinkExpiring(number))

    def _lost(self, number: int, failure: Failure) -> None:
        self._tasks.pop(number, None)
        self._asked.pop(number, None)
        link = self._links.pop(number, None)
        if link is not None:
            goodbye = asyncio.create_task(link.close(), name=f"link {number} goodbye")
            self._goodbyes.add(goodbye)
            goodbye.add_done_callback(self._goodbyes.discard)
        self._feed(inputs.LinkLost(number, failure))
