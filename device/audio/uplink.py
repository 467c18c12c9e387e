"""From the ring to the wire: what was said, from its first syllable on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np

from device.audio.resample import WIRE_RATE_HZ, Quality, Resampler
from device.audio.ring import Ring
from device.audio.samples import Samples, silence

SHORTEST_S, LONGEST_S = 0.02, 0.04
"""How much goes into one event: the Realtime servers recommend 20 to 100 ms."""
BITE_S = 0.1
"""How much is read from the ring at a time: 2 s of pre-roll must not be one long step."""


class UplinkReader:
    """Reads the ring from ``from_sample`` on as 24 kHz chunks of 20 to 40 ms.

    As fast as there is something: first what lies in the ring already, then live. All
    chunks together are, to the bit, the resampled stretch of the ring. The last chunk
    may be shorter, when ``until_sample`` (exclusive, on the capture clock) is known.

    The LQ filter: flat to 8.4 kHz, and the end of a question leaves 18 ms sooner.
    Raises ``OverwrittenError`` at once, or later in ``take``, when the ring has lost
    what is to come next.
    """

    def __init__(
        self,
        ring: Ring,
        from_sample: int,
        until_sample: int | None = None,
        rate_hz: int = WIRE_RATE_HZ,
        quality: Quality = "LQ",
    ) -> None:
        self._ring = ring
        self._resampler = Resampler(ring.rate_hz, rate_hz, quality)
        self._shortest = round(rate_hz * SHORTEST_S)
        self._longest = round(rate_hz * LONGEST_S)
        self._bite = max(1, round(ring.rate_hz * BITE_S))
        self._pending = silence(0)
        self._is_finished = False
        self._more = asyncio.Event()
        self.from_sample = from_sample
        self.next_sample = from_sample
        """The first position of the ring not read so far."""
        self.until_sample = until_sample
        ring.read(from_sample, from_sample)
        ring.attach(self)

    @property
    def is_drained(self) -> bool:
        """Whether everything up to ``until_sample`` has been taken."""
        return self._is_finished and len(self._pending) == 0

    def end_at(self, until_sample: int) -> int:
        """Read no further than this; return where it ends, which is later if already read.

        Like ``take`` and ``chunks``, for the thread of the event loop.
        """
        self.until_sample = max(until_sample, self.next_sample)
        self._more.set()
        return self.until_sample

    def take(self) -> Samples | None:
        """Return the next chunk, or None when there is not enough yet (or it is drained)."""
        while len(self._pending) < self._longest and self._read_more():
            pass
        if len(self._pending) < self._shortest and not self._is_finished:
            return None
        chunk, self._pending = self._pending[: self._longest], self._pending[self._longest :]
        return chunk if len(chunk) else None

    def _read_more(self) -> bool:
        if self._is_finished:
            return False
        to_sample = self.next_sample + self._bite
        if self.until_sample is not None:
            to_sample = min(to_sample, self.until_sample)
        samples = self._ring.read(self.next_sample, to_sample)
        self.next_sample += len(samples)
        self._add(self._resampler.process(samples))
        if self.until_sample is not None and self.next_sample >= self.until_sample:
            self._add(self._resampler.finish())
            self._is_finished = True
            self._ring.detach(self)
        return len(samples) > 0

    def _add(self, samples: Samples) -> None:
        self._pending = np.concatenate((self._pending, samples))

    async def chunks(self) -> AsyncIterator[Samples]:
        """Yield chunks as they become available, until drained."""
        loop = asyncio.get_running_loop()
        unsubscribe = self._ring.subscribe(lambda: _wake(loop, self._more))
        try:
            while not self.is_drained:
                self._more.clear()
                while (chunk := self.take()) is not None:
                    yield chunk
                if not self.is_drained:
                    await self._more.wait()
        finally:
            unsubscribe()

    def close(self) -> None:
        """Stop reading: a source that can wait need not wait for this reader any more."""
        self._ring.detach(self)


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    # A loop that is closed has nobody left to wake; the sound card must not suffer for it.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(event.set)
