"""The brain as a child process, where systemd does not start it on demand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from device.errors import BitternError

log = logging.getLogger(__name__)

READY_WITHIN_S = 20.0
"""Loading its models takes 1 to 3 s on a PC; a Pi with a slow card may need the rest."""
POLL_S = 0.02
STOP_WITHIN_S = 1.0


class BrainDidNotStartError(BitternError):
    """The local endpoint ended, or did not get ready."""


class BrainProcess:
    """Starts ``bittern brain`` on a Unix socket when nobody listens there, and ends it.

    One that was started by somebody else (systemd's socket unit) is used and left alone.
    ``ensure`` may be called by many at once.
    """

    def __init__(self, socket_path: Path, arguments: Sequence[str] = ()) -> None:
        self.socket_path = socket_path
        self._arguments = tuple(arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()

    async def ensure(self) -> None:
        """Return when somebody listens on the socket; raise ``BrainDidNotStartError``."""
        async with self._starting:
            if await asyncio.to_thread(_listens, self.socket_path):
                return
            if self._process is None or self._process.returncode is not None:
                await self._start()
            await self._wait_until_ready()

    async def _start(self) -> None:
        self.socket_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = (sys.executable, "-m", "device", "brain", "--listen", f"unix:{self.socket_path}")
        log.info("starting the local brain")
        self._process = await asyncio.create_subprocess_exec(
            *command,
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            env=_without_secrets(),
        )

    async def _wait_until_ready(self) -> None:
        process = self._process
        assert process is not None
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await asyncio.to_thread(_listens, self.socket_path):
                    if process.returncode is not None:
                        raise BrainDidNotStartError(
                            f"the local brain ended with status {process.returncode}",
                            "Run `bittern brain` to see why, and `bittern models verify`.",
                        )
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise BrainDidNotStartError(
                f"the local brain was not ready within {READY_WITHIN_S:g} s",
                "Look at its messages in the log; the machine may be short of memory.",
            ) from None

    async def stop(self) -> None:
        """End the process we started, if any; by force when it does not obey."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _without_secrets() -> dict[str, str]:
    """Our environment for a child that has no business with keys."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(("_KEY", "_TOKEN", "_SECRET")) and name != "CREDENTIALS_DIRECTORY"
    }
