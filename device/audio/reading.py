"""Fetches what a stream of PortAudio has recorded, at a pace of our own.

PortAudio's callbacks come once for each block that the sound card delivers, and each wakes
a thread, takes Python's lock and finds cold caches: at 20 ms that was a third of what the
idle appliance cost. Here the stream has no callback. A thread sleeps, fetches all whole
blocks that have come, and sleeps again: long while nobody waits for the next block, a third
of one while somebody does. It never asks for more than there is, so that no call waits for a
source that has stopped: a stalled stream looks as it should, like one that brings nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np

from device.audio.samples import Samples

log = logging.getLogger(__name__)

RELAXED_BLOCKS = 2.0
"""How much may gather while nobody waits. PortAudio has ALSA keep three blocks, whatever is
asked for: the third one is for a thread that comes late."""
HURRIED_BLOCKS = 1.0 / 3.0
LEAST_SLEEP_S = 0.005

Take = Callable[[Samples, bool], bool]
"""Gets interleaved samples and whether some were lost before them; says if it can wait."""


class InputStream(Protocol):
    """What is needed of a PyAudio stream without a callback."""

    def get_read_available(self) -> int:
        """How many frames can be read without waiting; negative is an error."""

    def read(self, num_frames: int, exception_on_overflow: bool = True) -> bytes:
        """Read so many frames, and wait for those that are not there."""

    def get_input_latency(self) -> float:
        """In seconds: how much the driver keeps, but for one block."""


class StreamReader:
    """The thread of one opened stream; ``take`` is called on it."""

    def __init__(
        self, stream: InputStream, name: str, rate_hz: int, block_frames: int, take: Take
    ) -> None:
        self._stream = stream
        self._take = take
        self._block_frames = block_frames
        self._block_s = block_frames / rate_hz
        self._most_frames = round(stream.get_input_latency() * rate_hz) + block_frames
        self._closing = threading.Event()
        self._can_wait = False
        self._thread = threading.Thread(target=self._run, name=f"read {name}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it goes on reading: the stream has not failed, and nobody has stopped it."""
        return self._thread.is_alive() and not self._closing.is_set()

    def give_up(self) -> None:
        """Read no more, from this moment on; a call that is under way may still come back."""
        self._closing.set()

    def join(self) -> None:
        """Wait until no call into the stream is under way: only then may it be closed."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing.wait(self._sleep_s()):
                self._fetch()
        except OSError as failure:
            log.warning("%s: %s", self._thread.name, failure.args[-1])
        except Exception:
            # The boundary of this thread: it ends, the stream counts as dead, and whoever
            # watches opens it again.
            log.exception("the microphone's thread failed")

    def _sleep_s(self) -> float:
        blocks = RELAXED_BLOCKS if self._can_wait else HURRIED_BLOCKS
        return max(LEAST_SLEEP_S, blocks * self._block_s)

    def _fetch(self) -> None:
        available = self._stream.get_read_available()
        if available < 0:
            raise OSError(available, f"PortAudio's error {available}")
        # Whole blocks: for a part of one, PortAudio waits until the next one is complete.
        whole = available - available % self._block_frames
        if whole == 0:
            self._can_wait = False
            return
        # A buffer that is full has lost what did not fit, and not every driver says so.
        was_full = available >= self._most_frames - 1
        data = self._stream.read(whole, exception_on_overflow=False)
        if not self._closing.is_set():
            self._can_wait = self._take(np.frombuffer(data, np.int16), was_full)
