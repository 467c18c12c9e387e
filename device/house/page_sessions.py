"""The browsers that were let in: what is kept of each is a hash, a name and two times."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from device.errors import BitternError
from device.plain_text import one_line
from device.settings.settings_file import replace_whole

log = logging.getLogger(__name__)

FILE = "page-sessions.json"
MOST_SESSIONS = 16
FORGOTTEN_AFTER_S = 90 * 86_400.0
"""Without a visit."""
WRITTEN_EVERY_S = 6 * 3_600.0
"""A visit is written down no more often: SD cards wear out."""
LONGEST_NAME = 40


class SessionError(BitternError):
    """This browser was not let in, or not any more."""


class PageSession(msgspec.Struct, frozen=True):
    """One browser that may use the page."""

    id: int
    hash: str
    """SHA-256 of its token, which nobody but the browser has."""
    name: str
    paired_unix_s: float
    seen_unix_s: float


class PageSessions:
    """Belongs to the event loop. ``now_s`` is Unix time.

    A file that cannot be read lets nobody in; one that cannot be written costs a warning, and
    its sessions end with the process.
    """

    def __init__(self, path: Path, now_s: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now_s = now_s
        self._sessions = {each.hash: each for each in _read(path)}
        self._writing = asyncio.Lock()

    async def open(self, name: str) -> str:
        """Let a browser in; return its token. The one that was away longest makes room."""
        self._forget_old()
        while len(self._sessions) >= MOST_SESSIONS:
            oldest = min(self._sessions.values(), key=lambda each: each.seen_unix_s)
            del self._sessions[oldest.hash]
        token = secrets.token_urlsafe(32)
        number = max((each.id for each in self._sessions.values()), default=0) + 1
        now_s = self._now_s()
        name = one_line(name).strip()[:LONGEST_NAME] or "a browser"
        session = PageSession(number, _hash(token), name, now_s, now_s)
        self._sessions[session.hash] = session
        await self._write()
        return token

    async def visit(self, token: str) -> PageSession:
        """Return whose token it is; raises :class:`SessionError` for nobody's."""
        self._forget_old()
        session = self._sessions.get(_hash(token))
        if session is None:
            raise SessionError("this browser is not paired", "Pair it with the appliance.")
        now_s = self._now_s()
        # A clock that was put back is written down as well: else the visit would never count.
        if not 0 <= now_s - session.seen_unix_s < WRITTEN_EVERY_S:
            session = msgspec.structs.replace(session, seen_unix_s=now_s)
            self._sessions[session.hash] = session
            await self._write()
        return session

    def all(self) -> list[PageSession]:
        """Return those that are let in, the newest first."""
        self._forget_old()
        return sorted(self._sessions.values(), key=lambda each: -each.paired_unix_s)

    async def revoke(self, number: int | None = None) -> int:
        """Let one of them in no more, or none of them (None); return how many went."""
        gone = [each for each in self._sessions.values() if number in (None, each.id)]
        for each in gone:
            del self._sessions[each.hash]
        if gone:
            await self._write()
        return len(gone)

    def _forget_old(self) -> None:
        since_s = self._now_s() - FORGOTTEN_AFTER_S
        self._sessions = {
            key: each for key, each in self._sessions.items() if each.seen_unix_s > since_s
        }

    async def _write(self) -> None:
        async with self._writing:
            content = msgspec.json.encode(list(self._sessions.values()))
            try:
                await asyncio.to_thread(_replace, self._path, content)
            except OSError as failure:
                log.warning("sessions are not kept in %s: %s", self._path, failure.strerror)


def _replace(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)  # what replaces a file has its mode
    replace_whole(path, content)


def _hash(token: str) -> str:
    # Not salted, not slow: what is hashed has 256 random bits, which no table holds.
    return hashlib.sha256(token.encode()).hexdigest()


def _read(path: Path) -> list[PageSession]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[PageSession])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as failure:
        log.warning("no browser is let in: %s cannot be read: %s", path, failure)
        return []
