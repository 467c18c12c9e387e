"""A small file of the state folder that is written a moment after what it holds has changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from device.settings.settings_file import replace_whole

log = logging.getLogger(__name__)

T = TypeVar("T")

WAIT_S = 1.0
"""What changes often is written once: the last of it."""


class KeptFile:
    """Writes a file whole or not at all, in the background.

    Belongs to the event loop. A file that cannot be written costs a warning.
    """

    def __init__(self, path: Path, what: str, content: Callable[[], bytes]) -> None:
        """``what`` is in it, for the log; ``content`` gives what it is to hold at that moment."""
        self._path, self._what, self._content = path, what, content
        self._writing: asyncio.Task[None] | None = None
        self._is_dirty = False

    def touch(self) -> None:
        """What it holds has changed; it is on the disk a second later."""
        self._is_dirty = True
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon(), name=f"keep {self._path.name}")

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._writing is not None:
            self._writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writing
        if self._is_dirty:
            await self._write()

    async def _write_soon(self) -> None:
        while self._is_dirty:
            await asyncio.sleep(WAIT_S)
            await self._write()

    async def _write(self) -> None:
        content = self._content()
        self._is_dirty = False
        try:
            await asyncio.to_thread(replace_whole, self._path, content)
        except OSError as failure:
            log.warning("%s is not kept in %s: %s", self._what, self._path, failure.strerror)


def read_kept(path: Path, what: str, kind: type[T]) -> T | None:
    """Return what a file holds; None where there is none, or, with a warning, no such thing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as failure:
        log.warning("%s: %s cannot be read: %s", what, path, failure)
        return None
