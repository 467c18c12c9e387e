"""The listening thread: feeds a listener from a capture, and counts what it did."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from device.audio.capture import Block, BlockQueue, Capture
from device.audio.echo.guard import EchoGuard, EchoStatus
from device.ears.doorman import Doorman
from device.ears.heard import ListeningEvent
from device.ears.listener import (
    LEAST_S,
    Listener,
    VadSettings,
    build_listener,
)
from device.wake.open import WakeSettings

log = logging.getLogger(__name__)

POLL_S = 2.0
"""How long the thread sleeps at most while no sound comes at all."""
ASLEEP_S = 1.0
"""How much of a quiet room gathers before the ears look at it, unless the doorman calls. The
queue holds twice as much; the watchdog wants to see progress once in ten seconds."""


@dataclass(frozen=True, slots=True)
class ListeningCounts:
    """What the ears have done so far."""

    blocks: int = 0
    seconds_heard: float = 0.0
    seconds_scored: float = 0.0
    """What the wake model looked at; the rest the gate found not worth it."""
    worst_block_ms: float = 0.0
    """Longest time one block of the microphone took to be listened to."""
    gaps: int = 0


@dataclass(slots=True)
class _SpeechRequest:
    """What the event loop last asked for, until the listening thread has done it."""

    on: bool = False
    from_sample: int | None = None
    is_new: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, on: bool, from_sample: int | None) -> None:
        with self.lock:
            self.on, self.from_sample, self.is_new = on, from_sample, True

    def take(self) -> tuple[bool, int | None] | None:
        with self.lock:
            if not self.is_new:
                return None
            self.is_new = False
            return self.on, self.from_sample


class ListeningThread:
    """Owns the thread ``listening``: takes blocks from a capture, reports what it hears.

    ``on_event`` and ``on_failure`` are called on that thread: hand over and return.
    ``on_failure`` means that nobody listens any more; whoever owns the process must end it.
    """

    def __init__(
        self,
        capture: Capture,
        listener: Listener,
        on_event: Callable[[ListeningEvent], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._capture = capture
        self._listener = listener
        self._on_event = on_event
        self._on_failure = on_failure
        self._has_begun = False
        self._speech = _SpeechRequest()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.counts = ListeningCounts()

    @classmethod
    def build(
        cls,
        capture: Capture,
        on_event: Callable[[ListeningEvent], None],
        on_failure: Callable[[BaseException], None],
        wake: WakeSettings,
        vad: VadSettings,
        echo: EchoGuard | None = None,
    ) -> ListeningThread:
        """Load the models and make the ears of a capture.

        Raises a ``BitternError`` when there is no microphone, no such word or no model.
        """
        listener = build_listener(capture.rate_hz, wake, vad, echo)
        return cls(capture, listener, on_event, on_failure)

    @property
    def echo(self) -> EchoStatus | None:
        """How it stands with the speaker's echo; None where nobody looks after it."""
        return self._listener.echo_status

    def start(self) -> None:
        """Begin to listen. Raises a ``BitternError`` when there is no microphone."""
        if self._thread is not None:
            raise RuntimeError("the listening thread was started already")
        blocks = self._capture.blocks
        if self._listener.may_sleep and self._capture.microphone.is_live:
            blocks.doorman = Doorman(self._listener.rate_hz)
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._run, args=(blocks,), name="listening", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop and wait for the thread to end; harmless when it never began."""
        self._stopping.set()
        self._call()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def listen_for_speech(self, on: bool, from_sample: int | None = None) -> None:
        """Switch the voice detector on, from a position of the capture clock, or off.

        Without a position it listens from now on for somebody who interrupts what is
        played: then the echo of that is no voice, and where it cannot be told from one,
        there is none to be heard.

        May be called from any thread. Each switching on is a hearing of its own: speech
        that goes on at that moment is reported again.
        """
        self._speech.put(on, from_sample)
        self._call()

    def _call(self) -> None:
        if self._thread is not None:
            self._capture.blocks.call()

    # -- on the thread -----------------------------------------------------------------

    def _run(self, blocks: BlockQueue) -> None:
        try:
            while not self._stopping.is_set():
                block = blocks.get(POLL_S, self._least_samples(blocks))
                self._obey()
                while block is not None and not self._stopping.is_set():
                    self._hear(block)
                    block = blocks.get(0.0)
        except Exception as failure:
            # The boundary of the thread: whoever owns the process decides, and must.
            log.exception("the listening thread died")
            self._on_failure(failure)

    def _least_samples(self, blocks: BlockQueue) -> int:
        """For how much sound the thread is to be woken; says at once if it is needed soon."""
        is_asleep = blocks.doorman is not None and self._listener.is_asleep
        wanted_s = ASLEEP_S if is_asleep else self._listener.wanted_s
        blocks.is_urgent = wanted_s <= LEAST_S
        return round(self._listener.rate_hz * wanted_s)

    def _hear(self, block: Block) -> None:
        began_s = time.perf_counter()
        is_gap = block.is_after_gap or block.at_sample != self._listener.next_sample
        if is_gap or not self._has_begun:
            self._listener.restart(block.at_sample)
            self._has_begun = True
        for event in self._listener.process(block.samples):
            self._on_event(event)
        self._count(block, is_gap, time.perf_counter() - began_s)

    def _count(self, block: Block, is_gap: bool, took_s: float) -> None:
        known = self.counts
        self.counts = ListeningCounts(
            blocks=known.blocks + 1,
            seconds_heard=known.seconds_heard + len(block.samples) / self._listener.rate_hz,
            seconds_scored=self._listener.seconds_scored,
            worst_block_ms=max(known.worst_block_ms, took_s * 1000),
            gaps=known.gaps + int(is_gap and known.blocks > 0),
        )

    def _obey(self) -> None:
        request = self._speech.take()
        if request is None:
            return
        on, from_sample = request
        if not on:
            self._listener.ignore_speech()
            return
        here = self._listener.next_sample
        ring = self._capture.ring if self._has_begun else None
        start = here if from_sample is None else from_sample
        interrupts = from_sample is None
        for event in self._listener.listen_for_speech(start, ring, interrupts=interrupts):
            self._on_event(event)
