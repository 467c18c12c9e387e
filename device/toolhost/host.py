"""The host itself: runs the sources, and tells whoever connects what they have."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from socket import socket
from typing import assert_never

import msgspec

from device.plain_text import one_line
from device.toolhost.plans import CallResult, RunSource
from device.tools.hosted.messages import (
    LONGEST_LINE_BYTES,
    LONGEST_TEXT,
    STARTING,
    CallEnded,
    CallTool,
    CancelCall,
    EndHost,
    SourceTold,
    Told,
    line_of,
    order_of,
)

log = logging.getLogger(__name__)

MOST_CALLS = 16
"""At once, of one connection; more wait for nobody and are refused."""
IDLE_EXIT_S = 60.0
"""Without a connection for so long, nobody wants it: the appliance keeps its own."""
MOST_CONNECTIONS = 8
"""The appliance, and people at a terminal."""


class ToolHost:
    """Serves any number of connections; every source runs once."""

    def __init__(
        self, sources: Sequence[RunSource], is_outdated: Callable[[], bool] = lambda: False
    ) -> None:
        """``is_outdated``: whether the settings that it was made by are others by now."""
        self._is_outdated = is_outdated
        self._sources = {source.name: source for source in sources}
        self._told: dict[str, SourceTold] = {}
        self._connections: set[_Connection] = set()
        self.is_left = asyncio.Event()
        """Somebody has asked it to end."""

    async def run(self) -> None:
        """Run the sources; ends when asked to, or by being cancelled."""
        running = [
            asyncio.create_task(self._run(source), name=f"source {source.name}")
            for source in self._sources.values()
        ]
        self._grow_idle()
        try:
            await self.is_left.wait()
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running, timeout=5.0)
            for connection in tuple(self._connections):
                connection.close()

    async def _run(self, source: RunSource) -> None:
        try:
            await source.run(self._tell)
        except Exception as bug:
            # One source's bug is its own: the others go on, and people are told.
            log.exception("the source %s has failed", source.name)
            self._tell(SourceTold(source.name, False, f"it has failed: {one_line(str(bug), 200)}"))

    def _tell(self, told: SourceTold) -> None:
        if self._told.get(told.source) == told:
            return
        self._told[told.source] = told
        state = "ready" if told.is_ready else "away"
        log.info("%s is %s: %s", told.source, state, one_line(told.detail, 300))
        for connection in tuple(self._connections):
            connection.tell(told)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        if self._is_outdated():
            # Whoever connects has read the new ones; the next host will have, too.
            self.is_left.set()
        if self.is_left.is_set() or len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        connection = _Connection(self, writer)
        self._connections.add(connection)
        try:
            for name in self._sources:
                starting = SourceTold(name, is_ready=False, detail=STARTING)
                connection.tell(self._told.get(name, starting))
            while line := await reader.readline():
                connection.obey(line)
        except ConnectionError:
            pass  # it has hung up
        except (ValueError, msgspec.MsgspecError) as rubbish:
            log.warning("a connection was ended: %s", one_line(str(rubbish), 200))
        finally:
            self._connections.discard(connection)
            connection.close()
            self._grow_idle()

    def _grow_idle(self) -> None:
        def leave() -> None:
            if not self._connections:
                self.is_left.set()

        asyncio.get_running_loop().call_later(IDLE_EXIT_S, leave)

    async def call(self, order: CallTool) -> CallResult:
        """Have the source called that the order names."""
        source = self._sources.get(order.source)
        if source is None:
            return CallResult(f"there is no source {order.source}", is_error=True)
        return await source.call(order.tool, order.arguments)


class _Connection:
    def __init__(self, host: ToolHost, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._writer = writer
        self._calls: dict[int, asyncio.Task[None]] = {}

    def tell(self, told: Told) -> None:
        line = line_of(told)
        if len(line) >= LONGEST_LINE_BYTES and isinstance(told, SourceTold):
            line = line_of(SourceTold(told.source, False, "its list of tools is too long"))
        self._writer.write(line)

    def obey(self, line: bytes) -> None:
        """Raises ``MsgspecError`` for what is no order."""
        match order_of(line):
            case CallTool() as order:
                if len(self._calls) >= MOST_CALLS:
                    self.tell(CallEnded(order.call, "too many calls at once", is_error=True))
                    return
                task = asyncio.create_task(self._call(order), name=f"call of {order.source}")
                self._calls[order.call] = task
                task.add_done_callback(lambda _: self._calls.pop(order.call, None))
            case CancelCall(call):
                if (running := self._calls.get(call)) is not None:
                    running.cancel()
            case EndHost():
                self._host.is_left.set()
            case _ as never:
                assert_never(never)

    async def _call(self, order: CallTool) -> None:
        result = await self._host.call(order)
        text = result.text[: LONGEST_TEXT + 1]
        self.tell(CallEnded(order.call, text, result.is_error, result.is_away))

    def close(self) -> None:
        for task in tuple(self._calls.values()):
            task.cancel()
        self._writer.close()


async def serve_host(host: ToolHost, listener: socket) -> None:
    """Serve on a socket that listens, until the host is asked to end or nobody wants it."""
    server = await asyncio.start_unix_server(host.serve, sock=listener, limit=LONGEST_LINE_BYTES)
    async with server:
        await host.run()
        server.close()
