"""The microphone as the rest of Bittern sees it: a clock, a ring, and blocks to listen to."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from device.audio.microphone import Microphone, MicrophoneHealth
from device.audio.ring import Ring
from device.audio.samples import Samples
from device.errors import BitternError

RING_S = 60.0
"""How far one can look back: the wake word and a spoken question, so that a link that dies
in the middle of the question can be replaced and the utterance sent again."""
QUEUE_S = 2.0
"""How far the listening thread may be behind before it loses the oldest blocks."""
LONGEST_GUESS_S = 0.25
"""Blocks come more often than that; beyond it the microphone has stopped, and its clock too."""
ROOM_POLL_S = 0.001
"""How often a source that can wait looks whether a slow reader has caught up."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Block:
    """What the microphone delivered at once."""

    at_sample: int
    """Position of its first sample on the capture clock."""
    samples: Samples
    is_after_gap: bool
    """Whether it does not continue the block before it: the first after (re)opening, or
    the first after a loss. Filters and models should start afresh."""

    @property
    def end_sample(self) -> int:
        """The position after its last sample."""
        return self.at_sample + len(self.samples)


class BlockQueue:
    """Blocks on their way from the microphone's thread to one listener; bounded.

    When it is full the oldest block is dropped and counted, for what a person says
    now matters more than what was said two seconds ago, and sound never waits.
    """

    def __init__(self, limit_samples: int) -> None:
        self.limit_samples = limit_samples
        self.dropped_blocks = 0
        self.dropped_samples = 0
        self.doorman: Callable[[Block], bool] | None = None
        """Looks at each block on the microphone's thread; true wakes the listener at once,
        however much it said it wants. What costs next to nothing may be done here."""
        self.is_urgent = False
        """Whether the listener needs each block as soon as there is one."""
        self._blocks: deque[Block] = deque()
        self._held_samples = 0
        self._wanted_samples = 0
        self._has_lost = False
        self._is_called = False
        self._changed = threading.Condition()

    def get(self, timeout_s: float | None = None, least_samples: int = 0) -> Block | None:
        """Return the next block; None when none came within the time.

        ``least_samples``: sleep until so much waits, the doorman or somebody else calls, or
        the time is over. Who cannot do anything with less is not woken for each block.
        """
        with self._changed:
            self._wanted_samples = least_samples
            self._changed.wait_for(self._has_enough, timeout_s)
            self._is_called = False
            if not self._blocks:
                return None
            block = self._blocks.popleft()
            self._held_samples -= len(block.samples)
            has_lost, self._has_lost = self._has_lost, False
        if has_lost and not block.is_after_gap:
            return Block(block.at_sample, block.samples, is_after_gap=True)
        return block

    def put(self, block: Block) -> None:
        """Add a block, drop the oldest ones where it would not fit; never waits."""
        is_worth_it = self.doorman is not None and self.doorman(block)
        with self._changed:
            while self._blocks and self._is_too_much(len(block.samples)):
                oldest = self._blocks.popleft()
                self._held_samples -= len(oldest.samples)
                self.dropped_blocks += 1
                self.dropped_samples += len(oldest.samples)
                self._has_lost = True
            self._blocks.append(block)
            self._held_samples += len(block.samples)
            self._is_called = self._is_called or is_worth_it
            if self._has_enough():
                self._changed.notify()

    def call(self) -> None:
        """Wake the listener, whatever waits: there is something else for it to do."""
        with self._changed:
            self._is_called = True
            self._changed.notify()

    def _has_enough(self) -> bool:
        if self._is_called:
            return True
        return bool(self._blocks) and self._held_samples >= self._wanted_samples

    def has_room(self, count: int) -> bool:
        """Whether that many samples fit without dropping anything."""
        with self._changed:
            return not self._blocks or not self._is_too_much(count)

    def _is_too_much(self, count: int) -> bool:
        return self._held_samples + count > self.limit_samples

    def clear(self) -> None:
        """Forget every block (mute)."""
        with self._changed:
            self._blocks.clear()
            self._held_samples = 0


class Capture:
    """Owns a microphone, its ring, and the capture clock.

    The clock counts the samples delivered since the first opening; after a reopening
    it goes on where it was. ``open``, ``reopen`` and ``close`` may be called from any
    thread; ``blocks`` has one listener, the ring any number.
    """

    def __init__(
        self,
        microphone: Microphone,
        *,
        ring_s: float = RING_S,
        queue_s: float = QUEUE_S,
    ) -> None:
        self.microphone = microphone
        self._ring_s = ring_s
        self._queue_s = queue_s
        self._ring: Ring | None = None
        self._blocks: BlockQueue | None = None
        self._opening = threading.RLock()
        self._closing = threading.Event()
        self._closing.set()
        self._is_open = False
        self._is_wanted = False
        self.closings = 0
        """How often it was closed on purpose."""

    @property
    def rate_hz(self) -> int:
        """The native rate of the microphone. Raises a ``BitternError`` when it is missing."""
        return self.microphone.rate_hz

    @property
    def ring(self) -> Ring:
        """The last seconds. Raises a ``BitternError`` when the microphone was never there."""
        with self._opening:
            if self._ring is None:
                self._ring = Ring(self.rate_hz, self._ring_s)
            return self._ring

    @property
    def blocks(self) -> BlockQueue:
        """What is to be listened to. Raises a ``BitternError`` like ``ring``."""
        with self._opening:
            if self._blocks is None:
                self._blocks = BlockQueue(round(self.rate_hz * self._queue_s))
            return self._blocks

    @property
    def is_open(self) -> bool:
        """Whether it was opened and not closed since; how it fares is in ``health``."""
        return self._is_open

    @property
    def is_missing(self) -> bool:
        """Whether it ought to be open and is not: opening it failed, and nobody tries now."""
        if not self._opening.acquire(blocking=False):
            return False
        try:
            return self._is_wanted and not self._is_open
        finally:
            self._opening.release()

    def open(self) -> None:
        """Open the microphone. Raises a ``BitternError`` and stays closed when that fails."""
        with self._opening:
            self._is_wanted = True
            if self._is_open:
                return
            sink = _Sink(self.microphone.is_live, self.ring, self.blocks)
            self._closing = sink.closing
            try:
                self.microphone.open(sink.take)
            except BitternError:
                sink.closing.set()
                raise
            self._is_open = True

    def close(self) -> None:
        """Close the stream for real and forget everything that was heard (mute, shutdown).

        Nothing enters the ring from here on, even if the driver hangs; then it raises
        a ``BitternError``, after everything was forgotten.
        """
        with self._opening:
            self._is_wanted = False
            self.closings += 1
            try:
                self._stop()
            finally:
                if self._ring is not None:
                    self._ring.clear()
                if self._blocks is not None:
                    self._blocks.clear()

    def reopen(self) -> None:
        """Close and open again, to mend a broken microphone; what was heard stays.

        One that was closed on purpose stays closed: whoever mends may not know yet that it
        was muted meanwhile. Raises a ``BitternError`` when it is still broken; it is closed
        then.
        """
        with self._opening:
            if not self._is_wanted:
                return
            try:
                self._stop()
            except BitternError as failure:
                log.warning("closing %s before reopening it: %s", self.microphone.name, failure)
            self.open()

    def now_s(self) -> float:
        """What the capture clock says at this moment, as near as is known without a block.

        From the last block on, the clock on the wall counts, where the microphone is live.
        """
        ring = self.ring
        heard_s = ring.end_sample / ring.rate_hz
        if not (self._is_open and self.microphone.is_live):
            return heard_s
        return heard_s + min(self.microphone.health().last_block_age_s, LONGEST_GUESS_S)

    def health(self) -> MicrophoneHealth:
        """Say how the microphone is doing; for a ``MicrophoneWatch``, while ``is_open``."""
        return self.microphone.health()

    def _stop(self) -> None:
        self._closing.set()
        self._is_open = False
        self.microphone.close()


class _Sink:
    """Where one opening of the microphone delivers to; deaf from ``closing`` on.

    Each opening has its own, so that a driver thread which hangs in a stream that was
    given up can never write into the ring again.
    """

    def __init__(self, is_live: bool, ring: Ring, blocks: BlockQueue) -> None:
        self.closing = threading.Event()
        self._is_live = is_live
        self._ring = ring
        self._blocks = blocks
        self._is_first = True

    def take(self, samples: Samples) -> bool:
        """Hand over the next samples; true where nobody waits for those after them."""
        if not self._is_live:
            self._wait_for_room(len(samples))
        if self.closing.is_set():
            return False
        at_sample = self._ring.write(samples)
        self._blocks.put(Block(at_sample, samples, self._is_first))
        self._is_first = False
        return not (self._blocks.is_urgent or self._ring.is_followed)

    def _wait_for_room(self, count: int) -> None:
        while not (self._blocks.has_room(count) and self._ring.room_samples() >= count):
            if self.closing.wait(ROOM_POLL_S):
                return
