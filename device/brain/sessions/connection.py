"""Moves the bytes of one client: socket to session, session to socket, jobs to the threads."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from device.brain.protocol.limits import BrainLimits
from device.brain.sessions.items import Json
from device.brain.sessions.session import Session
from device.brain.sessions.unread import CountedConnection
from device.brain.work.jobs import Close, Result, Send
from device.brain.work.runner import JobRunner

_log = logging.getLogger(__name__)
CLOSE_TOO_SLOW = 1008
CLOSE_BROKEN = 1011

Translate = Callable[[Json], Json | None]
"""From a GA server event to what the client understands; None where it has no such event."""


class Connection:
    """The asyncio shell around a `Session`; lives as long as the socket."""

    def __init__(
        self, socket: ServerConnection, session: Session, limits: BrainLimits, translate: Translate
    ) -> None:
        self._socket = socket
        self._session = session
        self._limits = limits
        self._translate = translate
        self._runner: JobRunner | None = None
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[str | Close] = deque()
        self._unsent_bytes = 0
        self._something_to_send = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._timer: asyncio.TimerHandle | None = None
        self._slow_timer: asyncio.TimerHandle | None = None
        self._dropped: asyncio.Future[Close] = self._loop.create_future()

    def report(self, result: Result) -> None:
        """Take the result of a job, on any thread."""
        try:
            self._loop.call_soon_threadsafe(self._deliver, result)
        except RuntimeError:
            # The loop is closed: the brain stops, and nobody waits for results.
            _log.debug("a result came after the end")

    def leave(self) -> None:
        """End the session because somebody else needs its place."""
        self._session.end("Others are waiting, and nothing was heard of you. Connect again.")
        self._obey()

    async def run(self, runner: JobRunner) -> None:
        """Serve the client until it goes, the session ends, or it is too slow to serve."""
        self._runner = runner
        writer = asyncio.create_task(self._write(), name="brain-writer")
        reader = asyncio.create_task(self._read(), name="brain-reader")
        self._obey()
        try:
            waiting = (writer, reader, self._dropped)
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._end(runner)
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)
            self._judge(writer, reader)
        if self._dropped.done() and not self._dropped.cancelled():
            last = self._dropped.result()
            await self._socket.close(last.code, last.reason)

    # ---------------------------------------------------------------------- the two ways

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if isinstance(self._socket, CountedConnection):
                    self._socket.took(message)
                await self._may_read.wait()
                self._session.receive(message, time.monotonic())
                self._obey()
                # A client that sends without pause must not keep the loop for itself.
                await asyncio.sleep(0)
        except ConnectionClosed:
            return

    async def _write(self) -> None:
        try:
            while True:
                await self._something_to_send.wait()
                while self._unsent:
                    message = self._unsent[0]
                    if isinstance(message, Close):
                        await self._socket.close(message.code, message.reason)
                        return
                    await self._socket.send(message)
                    self._unsent.popleft()
                    self._unsent_bytes -= len(message)
                    self._watch_backlog()
                self._something_to_send.clear()
        except ConnectionClosed:
            return

    def _deliver(self, result: Result) -> None:
        if self._runner is None:
            return
        try:
            self._runner.ended(result)
            self._session.deliver(result, time.monotonic())
            self._obey()
        except Exception as error:
            self._break(error)

    def _obey(self) -> None:
        """Do what the session wants, until it wants nothing more."""
        while effects := self._session.take():
            for effect in effects:
                if isinstance(effect, Send):
                    self._queue(effect.event)
                elif isinstance(effect, Close):
                    self._unsent.append(effect)
                    self._something_to_send.set()
                elif self._runner is not None:
                    self._runner.start(effect)
            self._watch_backlog()
        self._set_timer()

    def _queue(self, event: Json) -> None:
        translated = self._translate(event)
        if translated is not None:
            text = msgspec.json.encode(translated).decode()
            self._unsent.append(text)
            self._unsent_bytes += len(text)
            self._something_to_send.set()

    # ------------------------------------------------------------------------- slowness

    def _watch_backlog(self) -> None:
        """Hold a client back that does not read, and drop it when it goes on not reading."""
        is_behind = self._unsent_bytes > self._limits.unsent_bytes
        if is_behind and self._slow_timer is None:
            self._may_read.clear()
            self._session.set_writable(False)
            self._slow_timer = self._loop.call_later(self._limits.slow_client_s, self._give_up)
        elif self._slow_timer is not None and self._unsent_bytes < self._limits.unsent_bytes / 2:
            self._slow_timer.cancel()
            self._slow_timer = None
            self._may_read.set()
            self._session.set_writable(True)
            self._loop.call_soon(self._tick)

    def _give_up(self) -> None:
        reason = f"too slow: {self._unsent_bytes} bytes unread for {self._limits.slow_client_s:g} s"
        _log.warning("dropping a client: %s", reason)
        self._drop(Close(CLOSE_TOO_SLOW, reason))

    def _drop(self, last: Close) -> None:
        if not self._dropped.done():
            self._dropped.set_result(last)

    def _break(self, error: BaseException) -> None:
        """Give one session up for a mistake of ours; the others go on."""
        _log.error("a session failed", exc_info=error)
        self._drop(Close(CLOSE_BROKEN, "The brain made a mistake; its log says which."))

    # ------------------------------------------------------------------ time and the end

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_s = self._session.next_deadline_s()
        if deadline_s is not None:
            delay_s = max(0.0, deadline_s - time.monotonic())
            self._timer = self._loop.call_later(delay_s, self._tick)

    def _tick(self) -> None:
        try:
            self._session.tick(time.monotonic())
            self._obey()
        except Exception as error:
            self._break(error)

    def _end(self, runner: JobRunner) -> None:
        for timer in (self._timer, self._slow_timer):
            if timer is not None:
                timer.cancel()
        self._session.close()
        runner.close()
        self._runner = None

    def _judge(self, *tasks: asyncio.Task[None]) -> None:
        """See whether one of the two ways ended by a mistake of ours."""
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                self._break(error)
