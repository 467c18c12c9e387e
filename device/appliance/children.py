"""Processes of ours: how they are ended."""

from __future__ import annotations

import asyncio
import contextlib

STOP_WITHIN_S = 1.0


async def end(process: asyncio.subprocess.Process | None) -> None:
    """End one, if it is there and has not ended; by force when it does not obey in time."""
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
