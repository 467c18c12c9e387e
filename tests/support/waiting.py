"""To wait for something that is mostly told, and for no longer than a given time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LOOK_EVERY_S = 0.05


async def until(
    happened: Callable[[], object],
    changed: asyncio.Event,
    within_s: float,
    told: Callable[[], str] = lambda: "",
) -> None:
    """Wait until it has happened; raise :class:`TimeoutError` with what was told instead.

    Not by ``asyncio.wait_for`` inside ``asyncio.timeout``: up to Python 3.11 it returns as if
    nothing were when it is cancelled at the moment in which its event comes. The limit is
    then lost for good, and on a busy machine those moments are long.
    """
    until_s = time.monotonic() + within_s
    while not happened():
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError(told())
        changed.clear()
        change = asyncio.ensure_future(changed.wait())
        try:
            # Most of what is waited for is told; the rest is looked at.
            await asyncio.wait({change}, timeout=min(LOOK_EVERY_S, left_s))
        finally:
            change.cancel()
