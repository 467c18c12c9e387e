"""The order in which everything stops, once for rooms and houses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack
from enum import StrEnum
from typing import ParamSpec, TypeVar

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

ENDS_WITHIN_S = 1.6
"""How long the parts of one row may take: the process has two seconds from SIGTERM on."""
CANCELLED_WITHIN_S = 1.0


class Stage(StrEnum):
    """What belongs together when it stops; within a stage the last that came is the first to go."""

    WATCHES = "watches"
    """Tasks that look after others: nobody may mend what is being closed."""
    ROOMS = "rooms"
    """Of a house: each with the stages below."""
    SOUND = "sound"
    """Microphone, ears, speaker: a driver may hang."""
    CONVERSATION = "conversation"
    """Links and tools: a network may hang."""
    BRAIN = "brain"
    """A process, which may not obey."""
    KEEPING = "keeping"
    """Stores and the ledger: everything above may still have something to keep."""


ORDER: tuple[tuple[Stage, ...], ...] = (
    (Stage.WATCHES,),
    (Stage.ROOMS, Stage.SOUND, Stage.CONVERSATION, Stage.BRAIN),
    (Stage.KEEPING,),
)
"""Row after row. What is in one row stops side by side: two that hang take no longer than one."""


class Stops:
    """Everything of a room or a house that must be stopped, by stage."""

    def __init__(self) -> None:
        self._stacks = {stage: AsyncExitStack() for row in ORDER for stage in row}

    def add(
        self, stage: Stage, stop: Callable[P, Awaitable[object]], *args: P.args, **named: P.kwargs
    ) -> None:
        """Have something stopped in its stage."""
        self._stacks[stage].push_async_callback(stop, *args, **named)

    def enter(self, stage: Stage, manager: AbstractContextManager[T]) -> T:
        """Enter a context that is left in its stage."""
        return self._stacks[stage].enter_context(manager)

    def watch(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        """Have a task cancelled before anything else is stopped."""
        self.add(Stage.WATCHES, _cancelled, task)
        return task

    async def close(self) -> None:
        """Stop everything, in bounded time; raise the first error of what could not be closed."""
        outcomes: list[BaseException | None] = []
        for row in ORDER:
            closing = (_closed(self._stacks[stage], stage) for stage in row)
            outcomes += await asyncio.gather(*closing, return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome


async def _closed(stack: AsyncExitStack, stage: Stage) -> None:
    """Wait no longer than that, however many of them hang one after the other."""
    closing = asyncio.create_task(stack.aclose(), name=f"close {stage}")
    try:
        await asyncio.wait({closing}, timeout=ENDS_WITHIN_S)
        if closing.done():
            closing.result()
        else:
            log.error("%s did not stop within %g s; it ends with the process", stage, ENDS_WITHIN_S)
    finally:
        # Not awaited: the next one that hangs would have no limit.
        closing.cancel()


async def _cancelled(task: asyncio.Task[T]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=CANCELLED_WITHIN_S)
