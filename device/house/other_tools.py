"""Other people's tools in this house: none, and nothing loaded for them, until settings name some.

Once there are some, there is one connection to the process that runs them, for all rooms.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from device.settings.places import own_tools_folder
from device.settings.rules import OWN_SOURCE
from device.settings.tree import Mcp, OwnTools, Settings

if TYPE_CHECKING:
    from device.appliance.tool_host import ToolHostProcess
    from device.tools.hosted.hosted import HostedTools
    from device.tools.hosted.offers import SourceRules
    from device.tools.registry import Registry

log = logging.getLogger(__name__)

SLACK_S = 2.0
"""What a call may take longer here than at its host, which knows better why it takes so long."""


def are_wanted(settings: Settings) -> bool:
    """Whether there is anything to run a host for."""
    return bool(settings.mcp_servers()) or has_own_tools(settings)


def has_own_tools(settings: Settings) -> bool:
    """Whether the owner has put a file into the folder."""
    own = settings.own_tools
    if not own.enabled:
        return False
    try:
        there = own_tools_folder(own.folder).iterdir()
        return any(not each.name.startswith((".", "_")) for each in there)
    except OSError:
        return False


def rules_of(settings: Settings) -> list[SourceRules]:
    """The owner's word on each source."""
    from device.tools.hosted.offers import SourceRules

    rules = [
        SourceRules(each.name, each.timeout_s + SLACK_S, f"{each.name}_", each.allow, each.deny)
        for each in settings.mcp_servers()
    ]
    if has_own_tools(settings):
        rules.append(SourceRules(OWN_SOURCE, settings.own_tools.timeout_s + SLACK_S))
    return rules


class OtherTools:
    """See the module."""

    def __init__(self, socket_path: Path, user_file: Path | None) -> None:
        """``user_file``: the settings that the host is to read, where we start it."""
        self._socket_path = socket_path
        self._arguments = () if user_file is None else ("--config", str(user_file))
        self._hosted: HostedTools | None = None
        self._process: ToolHostProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._adopted: tuple[tuple[Mcp, ...], OwnTools] = ((), OwnTools())
        """What the host was started with; other settings are none of its business."""

    def is_outdated(self, settings: Settings) -> bool:
        """Whether there are other sources by now than those in use, such as a first own tool."""
        wanted = {each.name for each in settings.mcp_servers()}
        wanted |= {OWN_SOURCE} if has_own_tools(settings) else set()
        return wanted != (set(self._hosted.rules) if self._hosted is not None else set())

    async def adopt(self, settings: Settings) -> None:
        """Have what these settings name; waits for nobody outside."""
        if not are_wanted(settings):
            await self.close()
        elif self._hosted is None:
            self._begin(settings)
        elif (settings.mcp, settings.own_tools) != self._adopted or self.is_outdated(settings):
            await self._hosted.use(rules_of(settings))
        self._adopted = (settings.mcp, settings.own_tools)

    def _begin(self, settings: Settings) -> None:
        from device.appliance.tool_host import ToolHostProcess
        from device.tools.hosted.hosted import HostedTools
        from device.tools.hosted.messages import LONGEST_LINE_BYTES

        process = ToolHostProcess(self._socket_path, self._arguments, LONGEST_LINE_BYTES)
        self._process = process
        self._hosted = HostedTools(process.connect, rules_of(settings))
        self._task = asyncio.create_task(self._hosted.run(), name="other people's tools")
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nothing ends it but us: a bug of ours is told, and the next reload begins anew."""
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("other people's tools are gone until `bittern reload`", exc_info=bug)
            self._hosted = None

    def attach_to(self, registry: Registry) -> None:
        """Offer them in one more registry, from now on and as they change."""
        for source in self._hosted.sources() if self._hosted is not None else ():
            registry.attach(source)

    async def close(self) -> None:
        """Hang up, and end the host where it is ours."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        process, self._process = self._process, None
        if process is not None:
            await process.stop()
        self._hosted = None
