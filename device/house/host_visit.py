"""Asks the host of other people's tools how everything is: for commands and the doctor."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from device.appliance.tool_host import ToolHostProcess
from device.errors import BitternError
from device.house.other_tools import rules_of
from device.settings import LoadedSettings
from device.settings.places import SYSTEMD_TOOLS
from device.tools.hosted.hosted import HostedTools
from device.tools.hosted.messages import LONGEST_LINE_BYTES, STARTING

SETTLED_WITHIN_S = 30.0


class HostVisit:
    """One connection, for the time of a question."""

    def __init__(self, hosted: HostedTools) -> None:
        self.hosted = hosted

    async def settle(self, within_s: float = SETTLED_WITHIN_S) -> None:
        """Return when every source is there or has said why not, or after this time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while any(map(self._is_starting, self.hosted.rules)):
                    self.hosted.heard.clear()
                    await self.hosted.heard.wait()

    def _is_starting(self, source: str) -> bool:
        told = self.hosted.told.get(source)
        return told is None or (not told.is_ready and told.detail == STARTING)


@contextlib.asynccontextmanager
async def visit(
    loaded: LoadedSettings, unit_socket: Path = SYSTEMD_TOOLS
) -> AsyncIterator[HostVisit]:
    """Ask the installed service's host, or one of our own for as long as this takes.

    Raises a ``BitternError`` where it may not be asked, or cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="bittern-tools-") as folder:
        is_service = await asyncio.to_thread(unit_socket.is_socket)
        path = unit_socket if is_service else Path(folder) / "tools.sock"
        file = loaded.user_file
        arguments = ("--config", str(file)) if file is not None else ()
        process = ToolHostProcess(path, arguments, LONGEST_LINE_BYTES, is_quiet=True)
        try:
            first = await process.connect()  # or say why not
        except PermissionError:
            raise BitternError(
                f"{path} may only be asked by root and the appliance", "Put sudo before it."
            ) from None
        first[1].close()
        hosted = HostedTools(process.connect, rules_of(loaded.settings))
        running = asyncio.create_task(hosted.run(), name="visit of the host of tools")
        try:
            yield HostVisit(hosted)
        finally:
            running.cancel()
            await asyncio.wait({running})
            await process.stop()
