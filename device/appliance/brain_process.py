"""The brain as a child process, where systemd does not start it on demand."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from device.appliance.children import end
from device.appliance.secrecy import for_children
from device.errors import BitternError

log = logging.getLogger(__name__)

READY_WITHIN_S = 20.0
"""Loading its models takes 1 to 3 s on a PC; a Pi with a slow card may need the rest."""
ANSWER_WITHIN_S = 3.0
"""One that was ready answers a request within milliseconds, in the worst case behind work."""
LEAVES_WITHIN_S = 1.0
"""One that was asked to leave takes no call after a fifth of that; then calls wait for the next."""
_READY = b"ready"
_KNOCK = b"GET / HTTP/1.1\r\nHost: brain\r\n\r\n"
_LEAVE = b"GET /leave HTTP/1.1\r\nHost: brain\r\n\r\n"
"""It is answered (404) by any server that speaks HTTP, once its event loop turns."""


class BrainDidNotStartError(BitternError):
    """The local endpoint ended, or did not get ready."""


class BrainProcess:
    """Starts ``bittern brain`` on a Unix socket when nobody listens there, and ends it.

    One that was started by somebody else (systemd's socket unit) is used and left alone.
    ``ensure`` may be called by many at once.
    """

    def __init__(
        self, socket_path: Path, arguments: Sequence[str] = (), *, may_start: bool = True
    ) -> None:
        """``may_start``: False leaves it to somebody else that there is a brain."""
        self.socket_path = socket_path
        self._may_start = may_start
        self._arguments = tuple(arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._told: asyncio.Task[bool] | None = None
        self._starting = asyncio.Lock()

    async def ensure(self) -> None:
        """Return when somebody answers on the socket; raise ``BrainDidNotStartError``.

        One of ours that used to answer and does not any more is started anew.
        """
        async with self._starting:
            if self._is_running and self._is_ready:
                if await _answers(self.socket_path, ANSWER_WITHIN_S):
                    return
                log.warning("the local brain does not answer any more; it is started anew")
                await self.stop()
            elif not self._is_running and await _answers(self.socket_path, READY_WITHIN_S):
                return
            if not self._may_start:
                raise BrainDidNotStartError(
                    f"no brain answers at {self.socket_path}",
                    "Start it, or let the appliance do that with brain.autostart = true.",
                )
            if not self._is_running:
                await self._start()
            await self._wait_until_ready()

    @property
    def _is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def _is_ready(self) -> bool:
        return self._told is not None and self._told.done() and self._told.result()

    async def use(self, arguments: Sequence[str], *, may_start: bool) -> None:
        """From its next start on it gets these; one of ours that runs with others ends."""
        self._may_start = may_start
        if tuple(arguments) != self._arguments:
            self._arguments = tuple(arguments)
            await self.stop()

    async def restart(self) -> None:
        """Have a new one; raises ``BrainDidNotStartError``.

        One that somebody else started (systemd, on demand) is asked to leave, which it
        does only over a Unix socket. The next call starts it anew.
        """
        if self._is_running:
            await self.stop()
        elif await _answers(self.socket_path, ANSWER_WITHIN_S, _LEAVE):
            await asyncio.sleep(LEAVES_WITHIN_S)
        await self.ensure()

    async def _start(self) -> None:
        try:
            self.socket_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as failure:
            raise BrainDidNotStartError(
                f"the folder {self.socket_path.parent} cannot be made: {failure.strerror}",
                "Log in with a session of your own (XDG_RUNTIME_DIR), or set [paths] runtime.",
            ) from None
        command = (sys.executable, "-m", "device", "brain", "--listen", f"unix:{self.socket_path}")
        log.info("starting the local brain")
        self._process = await asyncio.create_subprocess_exec(
            *command,
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=for_children(),
        )
        self._told = asyncio.create_task(_told_ready(self._process), name="brain gets ready")

    async def _wait_until_ready(self) -> None:
        process, told = self._process, self._told
        assert process is not None
        assert told is not None
        # It listens before its models are loaded: who connected then would wait in vain.
        await asyncio.wait({told}, timeout=READY_WITHIN_S)
        if not told.done():
            raise BrainDidNotStartError(
                f"the local brain was not ready within {READY_WITHIN_S:g} s",
                "Look at its messages in the log; the machine may be short of memory.",
            )
        if not told.result():
            raise BrainDidNotStartError(
                f"the local brain ended with status {await process.wait()}",
                "Run `bittern brain` to see why, and `bittern models verify`.",
            )

    async def stop(self) -> None:
        """End the process we started, if any; by force when it does not obey."""
        process, self._process = self._process, None
        await end(process)


async def _told_ready(process: asyncio.subprocess.Process) -> bool:
    """Read what it says until it says that it is ready; False if it ends before."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if line.startswith(_READY):
            return True
    return False


async def _answers(path: Path, within_s: float, request: bytes = _KNOCK) -> bool:
    """Whether somebody listens there and answers.

    Raises ``BrainDidNotStartError`` for somebody who is not ours to start, and silent.
    """
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(request)
                return bool(await reader.read(1))
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return False
