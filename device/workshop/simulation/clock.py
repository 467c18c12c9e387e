"""Virtual time: an event loop whose clock jumps to whatever comes next.

Nothing is waited for but real work (threads of an executor, sockets), so an evening of
timers runs in a moment, and two runs of the same evening are alike. For tests, and for
people who build on Bittern and want to test what they built::

    async def evening(clock: VirtualClock) -> None:
        await asyncio.sleep(3600)
        clock.jump(-1800)

    run_virtually(evening)
"""

from __future__ import annotations

import asyncio
import datetime as dt
import selectors
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple

from device.tools.moments import Moment

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never sleeps: where others would, its time jumps.

    Time stands still while a call of ``run_in_executor`` (or ``asyncio.to_thread``) is
    under way, and inside ``with loop.hold():``, which is for real work that the loop cannot
    see: threads of your own, other processes. Sockets within the loop need neither.
    """

    def __init__(self) -> None:
        self._now_s = 0.0
        self._held = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_s

    @property
    def is_held(self) -> bool:
        """Whether real work is awaited, so that time may not jump."""
        return self._held > 0

    def advance(self, by_s: float) -> None:
        """Let time jump; callbacks that come due run in the next pass of the loop."""
        self._now_s += by_s

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let no virtual time pass."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run in a thread as any loop does, and hold time until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._held += 1
        future.add_done_callback(self._release)
        return future

    def _release(self, future: asyncio.Future[Any]) -> None:  # noqa: ARG002
        self._held -= 1


class _JumpingSelector(selectors.BaseSelector):
    """Reports what is ready, and lets the loop's time jump instead of waiting for it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self._loop.is_held:
            return self._real.select(None)
        self._loop.advance(timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualClock:
    """The clocks of a machine whose time is a virtual loop's; all of them can be disturbed.

    Satisfies :class:`device.tools.moments.Clock`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, local: dt.datetime) -> None:
        """Show ``local``, which has a zone, when the loop's time is what it is now."""
        if local.tzinfo is None:
            raise ValueError(f"the clock needs to know its zone: {local} has none")
        self._loop = loop
        self._boots = 1
        self._booted_s = loop.time()
        self._wall_offset_s = local.timestamp() - loop.time()
        self.zone: dt.tzinfo = local.tzinfo
        self.is_set = True

    def now(self) -> Moment:
        """Read all clocks."""
        time_s = self._loop.time()
        boot = f"boot-{self._boots}"
        return Moment(time_s + self._wall_offset_s, time_s - self._booted_s, boot, self.zone)

    def is_trusted(self) -> bool:
        """What ``is_set`` says."""
        return self.is_set

    @property
    def local(self) -> dt.datetime:
        """What the wall clock shows."""
        return self.now().local

    def jump(self, by_s: float) -> None:
        """Put the wall clock forward, or back."""
        self._wall_offset_s += by_s

    def set_local(self, local: dt.datetime) -> None:
        """Set the wall clock; without a zone, in the zone it has."""
        aware = local if local.tzinfo else local.replace(tzinfo=self.zone)
        self._wall_offset_s = aware.timestamp() - self._loop.time()

    def reboot(self) -> None:
        """Begin a new boot now: the elapsed clock starts at zero; the wall clock goes on."""
        self._boots += 1
        self._booted_s = self._loop.time()


_EVENING = dt.datetime(2026, 11, 22, 18, 0, tzinfo=dt.UTC)


def run_virtually(play: Callable[[VirtualClock], Awaitable[T]], start: dt.datetime = _EVENING) -> T:
    """Run a coroutine function in virtual time, with a clock that shows ``start``."""

    async def main() -> T:
        return await play(VirtualClock(asyncio.get_running_loop(), start))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
