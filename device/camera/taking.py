"""Taking one picture: by a process of ours, or by the unit that may do nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from device.camera.pictures import MOST_BYTES, PictureError, for_sending
from device.plain_text import LONGEST_DETAIL, one_line

LAST_WORDS_S = 0.5
WITHIN_S = 8.0
"""A camera that was asleep needs two to four; who asks waits no longer."""


class PictureSource(Protocol):
    """Looks once, and is shut again."""

    async def picture(self) -> bytes:
        """Return a JPEG that may be sent; raises ``PictureError``. Cancelled, it shuts at once."""


_PIECE_BYTES = 65_536


class CommandCamera:
    """Runs a command that ends with its picture."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], within_s: float = WITHIN_S
    ) -> None:
        """``environ``: what the command gets; no key is any business of it."""
        self._command = tuple(command)
        self._environ = dict(environ)
        self._within_s = within_s

    async def picture(self) -> bytes:
        """Return a JPEG that may be sent; raises ``PictureError``. Cancelled, it shuts at once."""
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe,
                env=self._environ, start_new_session=True,
            )  # fmt: skip
        except OSError as failure:
            raise PictureError(
                f"{self._command[0]} cannot be run: {failure.strerror}", "See [camera]."
            ) from failure
        complaints = asyncio.create_task(_end_of(process.stderr))
        try:
            async with asyncio.timeout(self._within_s):
                taken = await _all_of(process.stdout)
                if len(taken) <= MOST_BYTES:
                    await process.wait()
        except TimeoutError:
            raise _late(self._within_s) from None
        finally:
            await _ended(process)
            said = await _said(complaints)
        if not taken:
            why = one_line(said.strip().rpartition("\n")[2], LONGEST_DETAIL)
            raise PictureError(
                f"the camera gave no picture: {why or f'it ended with {process.returncode}'}",
                "See `bittern doctor`.",
            )
        return for_sending(taken)


class SocketCamera:
    """Asks the unit (``bittern-camera.socket``): a connection is a picture."""

    def __init__(self, path: Path, within_s: float = WITHIN_S) -> None:
        self._path = path
        self._within_s = within_s

    async def picture(self) -> bytes:
        """Return a JPEG that may be sent; raises ``PictureError``. Cancelled, it shuts at once."""
        try:
            async with asyncio.timeout(self._within_s):
                reader, writer = await asyncio.open_unix_connection(self._path)
                try:
                    taken = await _all_of(reader)
                finally:
                    writer.close()
        except TimeoutError:
            raise _late(self._within_s) from None
        except OSError as failure:
            raise PictureError(
                f"the camera's unit cannot be reached: {failure.strerror}",
                "sudo systemctl enable --now bittern-camera.socket",
            ) from failure
        if not taken:
            raise PictureError(
                "the camera gave no picture", "journalctl -u 'bittern-camera@*' says why."
            )
        return for_sending(taken)


def _late(within_s: float) -> PictureError:
    return PictureError(f"the camera gave no picture within {within_s:g} s", "Is it in use?")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End it with all that it has begun: it leads a session of its own."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    # For asyncio a process has ended when its pipes have, too: one that is full, and that
    # nobody reads any more, never has, and what a grandchild holds open has not for long.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_S):
            await _rest_of(process.stdout)
            await process.wait()


async def _rest_of(reader: asyncio.StreamReader | None) -> None:
    while reader is not None and await reader.read(_PIECE_BYTES):
        """Nobody wants it."""


async def _said(complaints: asyncio.Task[str]) -> str:
    """What it complained of; nothing where somebody it left behind could still complain."""
    try:
        return await asyncio.wait_for(complaints, LAST_WORDS_S)
    except TimeoutError:
        return ""


async def _all_of(reader: asyncio.StreamReader | None) -> bytes:
    """Everything there is, up to one byte more than a picture may have."""
    taken = bytearray()
    while reader is not None and len(taken) <= MOST_BYTES:
        piece = await reader.read(MOST_BYTES + 1 - len(taken))
        if not piece:
            break
        taken += piece
    return bytes(taken)


async def _end_of(reader: asyncio.StreamReader | None) -> str:
    """The last of what a program complains of; all of it is read, so that it can go on."""
    end = b""
    while reader is not None and (piece := await reader.read(4096)):
        end = (end + piece)[-4096:]
    return end.decode(errors="replace")
