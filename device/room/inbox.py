"""Where whatever happens in a room is told, until the conversation takes it up."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from device.assistant import inputs

log = logging.getLogger(__name__)


class Inbox:
    """Inputs in the order in which they came. There before the conversation that reads them.

    :meth:`feed` belongs to the thread of the event loop, :meth:`feed_soon` to all others.
    An error that nobody foresaw ends in :attr:`broken`: a process that can no longer decide
    must be restarted, not kept.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[None] = self._loop.create_future()
        self._waiting: deque[inputs.Input] = deque()
        self._take: Callable[[inputs.Input], None] | None = None
        self._rest: Callable[[], None] = lambda: None
        self._is_busy = False

    def feed(self, happened: inputs.Input) -> None:
        """Tell of something; what is told while another input is taken up waits its turn."""
        self._waiting.append(happened)
        self._work()

    def feed_soon(self, happened: inputs.Input) -> None:
        """Tell from another thread."""
        self._loop.call_soon_threadsafe(self.feed, happened)

    def read(self, take: Callable[[inputs.Input], None], rest: Callable[[], None]) -> None:
        """From now on ``take`` gets one input after the other; ``rest`` is called after the last.

        What was told before comes first.
        """
        self._take, self._rest = take, rest
        self._work()

    def close(self) -> None:
        """Nobody reads any more."""
        self._take = lambda _: None
        self._rest = lambda: None

    def break_down(self, failure: BaseException) -> None:
        """What this conversation needs has broken for good."""
        if not self.broken.done():
            self.broken.set_exception(failure)

    def _work(self) -> None:
        if self._take is None or self._is_busy or self.broken.done():
            return
        self._is_busy = True
        try:
            while self._waiting:
                self._take(self._waiting.popleft())
        except Exception as failure:
            log.exception("the conversation broke")
            self.break_down(failure)
        finally:
            self._is_busy = False
        self._rest()
