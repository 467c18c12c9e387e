"""A host of tools in this process, and the appliance's side of it, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import until

from device.toolhost.host import ToolHost, serve_host
from device.toolhost.mcp_source import McpSource
from device.toolhost.plans import RunSource, ServerPlan
from device.tools.hosted.hosted import HostedTools
from device.tools.hosted.messages import LONGEST_LINE_BYTES
from device.tools.hosted.offers import SourceRules
from device.tools.registry import Registry

SUPPORT = Path(__file__).parent
BAD = (sys.executable, str(SUPPORT / "bad_tool_server.py"))


def bad(name: str = "bad", *, timeout_s: float = 1.0, arguments: Sequence[str] = ()) -> McpSource:
    return McpSource(ServerPlan(name, (*BAD, *arguments), timeout_s=timeout_s), os.environ)


@dataclass
class Hosting:
    """The registry of a session, with the host behind it."""

    registry: Registry
    hosted: HostedTools
    host: ToolHost

    def names(self) -> list[str]:
        return [tool["name"] for tool in self.registry.tools()]

    async def until_ready(self, *sources: str) -> None:
        for name in sources:
            await until(self._is_ready(name), asyncio.Event(), 20.0)

    def _is_ready(self, name: str) -> Callable[[], bool]:
        return lambda: name in self.hosted.told and self.hosted.told[name].is_ready

    async def until_away(self, name: str) -> str:
        is_ready = self._is_ready(name)
        await until(lambda: not is_ready(), asyncio.Event(), 20.0)
        return self.hosted.told[name].detail

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        self.registry.new_turn()
        outcome = await self.registry.run(tool, json.dumps(arguments), "c1")
        found = json.loads(outcome.output_json)
        assert isinstance(found, dict)
        return found


@contextlib.asynccontextmanager
async def hosting(
    folder: Path, sources: Sequence[RunSource], rules: Sequence[SourceRules] = ()
) -> AsyncIterator[Hosting]:
    """``rules``: for sources that shall have other ones than the usual."""
    path = folder / "t.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    host = ToolHost(sources)
    serving = asyncio.create_task(serve_host(host, listener))
    given = {each.name: each for each in rules}
    usual = {each.name: SourceRules(each.name, 5.0, f"{each.name}_") for each in sources}
    hosted = HostedTools(
        lambda: asyncio.open_unix_connection(path, limit=LONGEST_LINE_BYTES),
        list((usual | given).values()),
    )
    registry = Registry()
    for source in hosted.sources():
        registry.attach(source)
    running = asyncio.create_task(hosted.run())
    try:
        yield Hosting(registry, hosted, host)
    finally:
        running.cancel()
        host.is_left.set()
        await asyncio.wait({running, serving}, timeout=10.0)
        await registry.close()
        assert serving.done(), "the host did not end"
