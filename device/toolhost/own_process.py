"""Runs one of the owner's programs to its end, with bounds on its time and on what it says."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_BYTES = 1 << 20
"""Of its output. What a person is told fits into a hundredth of it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How it ended."""

    status: int
    out: str
    errors: str


async def run_to_end(
    command: Sequence[str], given: bytes, environment: Mapping[str, str], within_s: float
) -> Finished:
    """Start it, give it its input, wait for its end; it and all it has started are gone then.

    Raises ``OSError`` where it cannot be started, ``TimeoutError``, and ``ValueError`` where it
    says more than :data:`MOST_BYTES`.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(within_s):
            _, out, errors = await asyncio.gather(
                _give(process.stdin, given), _all_of(process.stdout), _all_of(process.stderr)
            )
            status = await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    return Finished(status, out, errors)


async def _give(stdin: asyncio.StreamWriter, given: bytes) -> None:
    with contextlib.suppress(ConnectionError):  # it may not want to read it
        stdin.write(given)
        await stdin.drain()
    stdin.close()


async def _all_of(stream: asyncio.StreamReader) -> str:
    pieces, length = [], 0
    while piece := await stream.read(65_536):
        pieces.append(piece)
        length += len(piece)
        if length > MOST_BYTES:
            raise ValueError(f"it says more than {MOST_BYTES} bytes")
    return b"".join(pieces).decode("utf-8", "replace")
