"""A link to the scripted cloud without a socket: the same protocol code, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from device.realtime.codec import decode_server, encode
from device.realtime.events import (
    AudioDelta,
    ClientEvent,
    LinkEvent,
    ProtocolError,
    ResponseOutputAudioDelta,
)
from device.realtime.failures import Failure, failure_of_close
from device.realtime.pcm import SampleJoiner
from device.workshop.simulation.host import Host
from device.workshop.simulation.responder import Choose
from device.workshop.simulation.script import Script
from device.workshop.simulation.visit import Visit

LATENCY_S = 0.02
"""One way, each way."""


class PaperLink:
    """One connection to a :class:`Host`; ``on_event`` and ``on_lost`` are told what it brings."""

    def __init__(
        self,
        script: Script,
        number: int,
        choose: Choose,
        on_event: Callable[[LinkEvent], None],
        on_lost: Callable[[Failure], None],
    ) -> None:
        self.visit = Visit(number)
        self._on_event = on_event
        self._on_lost = on_lost
        self._server = _ServerEnd(self._came, self._ended)
        host = Host(
            script, cast(ServerConnection, self._server), self.visit, "simulated", choose=choose
        )
        self._joiner = SampleJoiner()
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        # Timers of the same moment come in any order: what is sent must not.
        self._going: deque[tuple[float, str]] = deque()
        self._coming: deque[tuple[float, str]] = deque()
        self._task = asyncio.create_task(self._serve(host), name=f"paper link {number}")

    async def _serve(self, host: Host) -> None:
        with contextlib.suppress(ConnectionClosed):
            await host.run()

    def send(self, event: ClientEvent) -> None:
        """Send an event; nothing happens on a link that is over."""
        if not self._is_closed:
            self._going.append((self._loop.time() + LATENCY_S, encode(event)))
            self._loop.call_later(LATENCY_S, self._arrive)

    def _arrive(self) -> None:
        while self._going and self._going[0][0] <= self._loop.time():
            self._server.take(self._going.popleft()[1])

    def close(self) -> None:
        """Hang up."""
        self._is_closed = True
        self._server.hang_up()

    def _came(self, text: str | bytes) -> None:
        if not isinstance(text, str):
            return
        self._coming.append((self._loop.time() + LATENCY_S, text))
        self._loop.call_later(LATENCY_S, self._deliver)

    def _deliver(self) -> None:
        while self._coming and self._coming[0][0] <= self._loop.time() and not self._is_closed:
            _, text = self._coming.popleft()
            with contextlib.suppress(ProtocolError):
                self._on_event(self._with_sound(text))

    def _with_sound(self, text: str) -> LinkEvent:
        event = decode_server(text)
        if not isinstance(event, ResponseOutputAudioDelta):
            return event
        pcm = self._joiner.whole(event.delta)
        return AudioDelta(event.response_id, event.item_id, event.content_index, pcm)

    def _ended(self, code: int | None, reason: str) -> None:
        self._loop.call_later(2 * LATENCY_S, self._lost, code, reason)

    def _lost(self, code: int | None, reason: str) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._on_lost(failure_of_close(code, reason))


class _ServerEnd:
    """What the host takes for its connection."""

    def __init__(
        self,
        deliver: Callable[[str | bytes], None],
        ended: Callable[[int | None, str], None],
    ) -> None:
        self._deliver = deliver
        self._tell_end = ended
        self._is_over = False
        self._received: asyncio.Queue[str | None] = asyncio.Queue()
        self.transport = _Transport(self._abort)

    def take(self, text: str) -> None:
        self._received.put_nowait(text)

    def hang_up(self) -> None:
        self._is_over = True
        self._received.put_nowait(None)

    async def send(self, message: str | bytes, text: bool | None = None) -> None:
        if self._is_over:
            raise ConnectionClosedError(None, None)
        self._deliver(message.decode() if text and isinstance(message, bytes) else message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._end(code, reason)

    def _abort(self) -> None:
        self._end(None, "")

    def _end(self, code: int | None, reason: str) -> None:
        if not self._is_over:
            self.hang_up()
            self._tell_end(code, reason)

    def __aiter__(self) -> _ServerEnd:
        return self

    async def __anext__(self) -> str:
        text = await self._received.get()
        if text is None:
            raise StopAsyncIteration
        return text


class _Transport(asyncio.WriteTransport):
    def __init__(self, on_abort: Callable[[], None]) -> None:
        super().__init__()
        self._on_abort = on_abort

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return _Socket() if name == "socket" else default

    def write(self, data: Any) -> None:
        """Lose it."""

    def pause_reading(self) -> None:
        """Read on: a host that has fallen silent says nothing to what it reads."""

    def abort(self) -> None:
        self._on_abort()


class _Socket:
    family = socket.AF_UNIX

    def shutdown(self, _: int) -> None:
        """The transport is aborted next."""
