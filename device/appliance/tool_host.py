"""The host of other people's tools: the way to its socket, and its process where it is ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from device.appliance.children import end
from device.appliance.secrecy import for_children
from device.errors import BitternError

log = logging.getLogger(__name__)

LISTENS_WITHIN_S = 15.0
"""An interpreter starts, and reads the settings; the servers come later."""
TRIED_EVERY_S = 0.1


class ToolHostError(BitternError):
    """The host of tools could not be started, or ended at once."""


class ToolHostProcess:
    """Connects to the host; where nobody listens, starts one and ends it with us.

    One that systemd starts on demand is left to systemd.
    """

    def __init__(
        self,
        socket_path: Path,
        arguments: Sequence[str],
        line_bytes: int,
        *,
        is_quiet: bool = False,
    ) -> None:
        """``line_bytes``: how long a line may be that is read from it; ``is_quiet``: no log."""
        self._path = socket_path
        self._arguments = tuple(arguments)
        self._line_bytes = line_bytes
        self._is_quiet = is_quiet
        self._process: asyncio.subprocess.Process | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection; raises ``OSError`` or :class:`ToolHostError`."""
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return await self._open()
        process = await self._start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LISTENS_WITHIN_S):
                while process.returncode is None:
                    with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                        return await self._open()
                    await asyncio.sleep(TRIED_EVERY_S)
        await self.stop()
        raise ToolHostError(
            "the host of other people's tools did not start",
            "Run `bittern tools host` to see why.",
        )

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self._path, limit=self._line_bytes)

    async def _start(self) -> asyncio.subprocess.Process:
        await self.stop()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "device.toolhost", "--listen", str(self._path),
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL if self._is_quiet else None,
            env=for_children(),
        )  # fmt: skip
        log.info("the host of other people's tools is started")
        return self._process

    async def stop(self) -> None:
        """End the process we started, if any; by force when it does not obey."""
        process, self._process = self._process, None
        await end(process)
