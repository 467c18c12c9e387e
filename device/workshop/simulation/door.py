"""A door in front of a server, for faults that come before its first byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from device.workshop.simulation.faults import end
from device.workshop.simulation.script import Fault

_BLOCK_BYTES = 64 * 1024


class Door:
    """Accepts TCP connections and hands their bytes on, or not.

    ``faults_of`` tells for the next connection which faults of the point ``accept`` it
    meets; ``target`` opens the way to the real server.
    """

    def __init__(
        self,
        faults_of: Callable[[], list[Fault]],
        target: tuple[str, int],
    ) -> None:
        self._faults_of = faults_of
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._enter, host, port)
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def close(self) -> None:
        """Stop listening, and everything that goes on in the doorway."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if await self._admit(writer):
                await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the doorway is empty again: nothing to tell anybody
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _admit(self, writer: asyncio.StreamWriter) -> bool:
        for fault in self._faults_of():
            match fault.kind:
                case "delay":
                    await asyncio.sleep(fault.seconds)
                case "stall":
                    await asyncio.Event().wait()
                case _:
                    end(writer.transport, reset=fault.kind == "reset")
                    return False
        return True

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(*self._target)
        ways = [
            asyncio.ensure_future(_pump(reader, inner_writer)),
            asyncio.ensure_future(_pump(inner_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            inner_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await reader.read(_BLOCK_BYTES):
            writer.write(block)
            await writer.drain()


class DeafSocket:
    """A socket that listens and whose queue of connections is full: packets go nowhere."""

    def __init__(self, host: str, port: int) -> None:
        self._listener = socket.create_server((host, port), backlog=0)
        self._fillers: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        number: int = self._listener.getsockname()[1]
        return number

    def fill(self) -> None:
        """Take all the room there is in the queue, so that nobody else gets in."""
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(self._listener.getsockname())
            self._fillers.append(filler)

    def close(self) -> None:
        """Give everything back."""
        for sock in (*self._fillers, self._listener):
            sock.close()
