"""Keeps recordings on a thread of its own, so that no disk ever delays the listening."""

from __future__ import annotations

import logging
import queue
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from device.audio.resample import resample
from device.audio.ring import OverwrittenError, Ring
from device.nearmisses.folder import RATE_HZ, KeptRecording, Kind, RecordingFolder

log = logging.getLogger(__name__)

BEFORE_S, AFTER_S = 2.5, 0.7
"""Sound kept around a decision: the word, what led to it, and a little of what follows."""
QUEUE = 8
"""More at once is a disk that hangs, or a model that fires all the time: the rest is let go."""
POLL_S = 0.1
PATIENCE_S = 3.0
"""How long to wait for the sound after the word; a closed microphone brings none."""


@dataclass(frozen=True, slots=True)
class _Order:
    kind: Kind
    word: str
    score: float
    at_sample: int
    at: datetime


class Keeper:
    """Takes orders from any thread at once, and carries them out on its own."""

    def __init__(
        self,
        folder: RecordingFolder,
        ring: Callable[[], Ring],
        rate_hz: Callable[[], int],
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        """``ring`` and ``rate_hz``: of the microphone, asked for when first needed."""
        self.folder = folder
        self._ring = ring
        self._rate_hz = rate_hz
        self._now = now
        self._orders: queue.Queue[_Order] = queue.Queue(QUEUE)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self.let_go = 0
        """Recordings that were not kept because too many came at once."""

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Stop; what was ordered and not written yet is let go. Does not wait for a disk."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def keep(self, kind: Kind, word: str, score: float, at_sample: int) -> None:
        """Keep what was heard around a position of the capture clock; returns at once."""
        try:
            self._orders.put_nowait(_Order(kind, word, score, at_sample, self._now()))
        except queue.Full:
            self.let_go += 1

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                order = self._orders.get(timeout=POLL_S)
            except queue.Empty:
                continue
            try:
                self._carry_out(order)
            except Exception:
                # The boundary of this thread: one recording is lost, the next is tried.
                log.exception("a recording of the wake word could not be kept")

    def _carry_out(self, order: _Order) -> None:
        ring, rate_hz = self._ring(), self._rate_hz()
        end = order.at_sample + round(AFTER_S * rate_hz)
        until_s = time.monotonic() + PATIENCE_S
        while ring.end_sample < end and time.monotonic() < until_s:
            if self._closing.wait(POLL_S):
                return
        begin = max(ring.start_sample, order.at_sample - round(BEFORE_S * rate_hz))
        try:
            sound = ring.read(begin, min(end, ring.end_sample))
        except OverwrittenError:
            return
        if not len(sound):
            return  # the microphone was closed, and what it had heard forgotten
        at = order.at.isoformat(timespec="milliseconds")
        stamp = order.at.strftime("%Y%m%d-%H%M%S-%f")[:-3]
        name = f"{stamp}_{re.sub(r'[^a-z0-9]+', '-', order.word.lower())}"
        about = KeptRecording(name, order.kind, order.word, round(order.score, 4), at)
        self.folder.keep(about, resample(sound, rate_hz, RATE_HZ))
