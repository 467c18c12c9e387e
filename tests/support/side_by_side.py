"""Plays that take their time in real time, side by side, and an end for one that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

CALM_S, WELL_S, STARVED_S = 0.12, 0.2, 0.4
"""How late this process may be woken: for another play to begin; for more of them to be let
in; for a play to mean anything."""
APART_S = 0.3
"""From one beginning to the next: models are loaded then, and nobody else has the loop."""
CHANCES = 3
PATIENCE_S = 300.0
"""From when on nothing is played again."""
PLAY_WITHIN_S = 120.0
"""More than any play needs, on whatever machine: all that is waited for in one has a limit."""
LETS_GO_WITHIN_S = 5.0
"""How long what was cancelled may take to end."""
WATCH_EVERY_S = 0.02

Play = Callable[[], Awaitable[Any]]
T = TypeVar("T")


class HungPlayError(Exception):
    """A play did not end; says where it stood, and where every thread did."""


class PlayCancelledError(Exception):
    """A play ended by a cancellation that nobody here had asked for."""


class SideBySide:
    """Plays as many at once as this machine carries.

    One begins after the other while the process is woken in time, and fewer may go on at once
    when it was starved. A starved play says something about the machine and nothing about
    Bittern, and is played again; the last chance counts whatever happened.
    """

    def __init__(
        self, at_most: int, play_within_s: float = PLAY_WITHIN_S, starved_s: float = STARVED_S
    ) -> None:
        """``starved_s``: how late the process may be woken for these plays to mean anything."""
        self._at_most = at_most
        self._starved_s = starved_s
        self._play_within_s = play_within_s
        self._places = at_most
        self._began_s = 0.0
        self._lateness: list[tuple[float, float]] = []

    def play(self, plays: dict[str, Play]) -> dict[str, Any]:
        """Return what each play returned, or the exception that it ended with."""
        return run_and_leave(self._watched(plays))

    async def _watched(self, plays: dict[str, Play]) -> dict[str, Any]:
        watching = asyncio.create_task(self._watch())
        try:
            return await self._play_all(plays)
        finally:
            watching.cancel()

    async def _play_all(self, plays: dict[str, Play]) -> dict[str, Any]:
        outcomes: dict[str, Any] = {}
        waiting = deque((name, CHANCES) for name in plays)
        patient_until_s = time.monotonic() + PATIENCE_S
        running: dict[asyncio.Future[Any], tuple[str, int, float]] = {}
        while waiting or running:
            if waiting and self._may_begin(len(running)):
                name, chances = waiting.popleft()
                self._began_s = time.monotonic()
                task = asyncio.ensure_future(plays[name]())
                running[task] = name, chances - 1, self._began_s
            for task in await self._some_of(running, APART_S if waiting else PATIENCE_S):
                name, chances, began_s = running.pop(task)
                is_last = not chances or time.monotonic() > patient_until_s
                if not task.done():
                    outcomes[name] = HungPlayError(f"{name} hangs\n{where(task)}")
                    task.cancel()
                    continue
                outcome = _outcome(task)
                if self._went_well(began_s) or is_last:
                    outcomes[name] = outcome
                else:
                    waiting.append((name, chances))
        return {name: outcomes[name] for name in plays}

    def _may_begin(self, running: int) -> bool:
        if not running:
            return True
        is_apart = time.monotonic() - self._began_s >= APART_S
        is_calm = self._worst_s(max(self._began_s, time.monotonic() - 2 * APART_S)) < CALM_S
        return running < self._places and is_apart and is_calm

    async def _some_of(
        self, running: dict[asyncio.Future[Any], tuple[str, int, float]], within_s: float
    ) -> set[asyncio.Future[Any]]:
        """Wait for those that end, or that are to be given up; none when nothing happens."""
        oldest_s = min(began_s for _, _, began_s in running.values())
        left_s = oldest_s + self._play_within_s - time.monotonic()
        done, going_on = await asyncio.wait(
            running,
            timeout=max(0.0, min(left_s, within_s)),
            return_when=asyncio.FIRST_COMPLETED,
        )
        latest_s = time.monotonic() - self._play_within_s
        return done or {task for task in going_on if running[task][2] <= latest_s}

    def _went_well(self, since_s: float) -> bool:
        worst_s = self._worst_s(since_s)
        if worst_s < WELL_S:
            self._places = min(self._at_most, self._places + 1)
        elif worst_s > STARVED_S:
            self._places = max(1, self._places // 2)
        return worst_s <= self._starved_s

    def _worst_s(self, since_s: float) -> float:
        return max((late_s for at_s, late_s in self._lateness if at_s >= since_s), default=0.0)

    async def _watch(self) -> None:
        while True:
            due_s = time.monotonic() + WATCH_EVERY_S
            await asyncio.sleep(WATCH_EVERY_S)
            now_s = time.monotonic()
            self._lateness.append((now_s, now_s - due_s))


def _outcome(task: asyncio.Future[Any]) -> Any:
    if task.cancelled():
        # As it is, it would end everybody who looks at it.
        return PlayCancelledError("the play was cancelled")
    return task.exception() or task.result()


def run_and_leave(work: Coroutine[Any, Any, T]) -> T:
    """As ``asyncio.run``, which waits at its end for every task and thread, however long.

    Here a task that does not heed its cancellation, and a thread that is stuck, are left.
    """
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Threads())
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work)
    finally:
        for task in (left := asyncio.all_tasks(loop)):
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=LETS_GO_WITHIN_S))
        asyncio.set_event_loop(None)
        with contextlib.suppress(RuntimeError):
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class _Threads(ThreadPoolExecutor):
    """A thread for each call, so that none waits for another, and nobody at the end for any."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*args, **options))
            except BaseException as failure:
                future.set_exception(failure)

        threading.Thread(target=run, name="call in a play", daemon=True).start()
        return future


def where(task: asyncio.Future[Any]) -> str:
    """Where a task waits, from the outside in, and where every other thread is."""
    lines = ["it waits in:"]
    get_coro = getattr(task, "get_coro", lambda: None)
    lines += [f"  {place}" for place in _awaited(get_coro())]
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        if ident != threading.get_ident():
            lines += [f"thread {names.get(ident, ident)}:", *traceback.format_stack(frame)[-4:]]
    return "\n".join(line.rstrip() for line in lines)


def _awaited(waits: Any) -> Iterator[str]:
    while waits is not None:
        frame = getattr(waits, "cr_frame", None) or getattr(waits, "ag_frame", None)
        if frame is not None:
            yield f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
        elif not hasattr(waits, "cr_frame"):
            yield repr(waits)
        waits = getattr(waits, "cr_await", None) or getattr(waits, "ag_await", None)
