"""The last seconds of the microphone, in memory and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np

from device.audio.samples import Samples, silence


class OverwrittenError(LookupError):
    """What was asked for has been in the ring and is there no more."""

    def __init__(self, asked_sample: int, start_sample: int) -> None:
        super().__init__(
            f"sample {asked_sample} was asked for, the ring begins at {start_sample} now"
        )
        self.asked_sample = asked_sample
        self.start_sample = start_sample


class Reader(Protocol):
    """Somebody who has yet to read the ring from ``next_sample`` on."""

    @property
    def next_sample(self) -> int:
        """The first position not read so far."""


class Ring:
    """A bounded store of int16 samples with absolute positions.

    One thread writes, any number of threads read. Positions count samples at
    ``rate_hz`` since the microphone was first opened (the capture clock); they only
    ever grow. Memory is taken once: ``rate_hz * seconds`` samples.
    """

    def __init__(self, rate_hz: int, seconds: float) -> None:
        self.rate_hz = rate_hz
        self.capacity_samples = round(rate_hz * seconds)
        if self.capacity_samples < 1:
            raise ValueError(f"a ring of {seconds} s at {rate_hz} Hz holds no sample")
        self._samples = silence(self.capacity_samples)
        self._start = 0
        self._end = 0
        self._held_at: int | None = None
        self._lock = threading.Lock()
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._readers: tuple[Reader, ...] = ()

    @property
    def start_sample(self) -> int:
        """The oldest position that can be read."""
        return self._start

    @property
    def end_sample(self) -> int:
        """The position after the newest sample: where the next one will be written."""
        return self._end

    def write(self, samples: Samples) -> int:
        """Append samples, overwrite the oldest; return the position of the first one.

        Copies and returns: meant for the thread of the sound card. Those who
        ``subscribe`` are called afterwards, on this thread.
        """
        with self._lock:
            at_sample = self._end
            self._copy_in(samples)
            self._end = at_sample + len(samples)
            self._start = max(self._start, self._end - self.capacity_samples)
        for changed in self._listeners:
            changed()
        return at_sample

    def _copy_in(self, samples: Samples) -> None:
        kept = samples[-self.capacity_samples :]
        first = (self._end + len(samples) - len(kept)) % self.capacity_samples
        fits = min(len(kept), self.capacity_samples - first)
        self._samples[first : first + fits] = kept[:fits]
        self._samples[: len(kept) - fits] = kept[fits:]

    def read(self, from_sample: int, to_sample: int) -> Samples:
        """Return a copy of ``from_sample`` to ``to_sample`` (exclusive).

        What has not been written yet, or is held back, is left out, so the answer may be
        shorter than asked for, or empty. Raises ``OverwrittenError`` when ``from_sample`` is gone.
        """
        with self._lock:
            readable = self._end if self._held_at is None else min(self._held_at, self._end)
            to_sample = min(to_sample, readable)
            if from_sample < self._start:
                raise OverwrittenError(from_sample, self._start)
            if from_sample >= to_sample:
                return silence(0)
            first = from_sample % self.capacity_samples
            count = to_sample - from_sample
            head = self._samples[first : first + count]
            return np.concatenate((head, self._samples[: count - len(head)]))

    def subtract(self, at_sample: int, echo: Samples) -> None:
        """Take a sound out of what was written; what is there no more is left out."""
        with self._lock:
            first = max(at_sample, self._start)
            echo = echo[first - at_sample : max(0, self._end - at_sample)]
            places = np.arange(first, first + len(echo)) % self.capacity_samples
            left = self._samples[places].astype(np.int32) - echo
            self._samples[places] = np.clip(left, -32_768, 32_767)

    def hold(self, at_sample: int | None) -> None:
        """Give out nothing from this position on: it is still being worked on; None ends it."""
        with self._lock:
            self._held_at = at_sample
        for changed in self._listeners:
            changed()

    def clear(self) -> None:
        """Forget every sample, in memory too (mute); positions go on where they were."""
        with self._lock:
            self._samples.fill(0)
            self._start = self._end
        for changed in self._listeners:
            changed()

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have ``changed`` called after each write, on the writer's thread; return the undo.

        It must do no more than wake somebody (``loop.call_soon_threadsafe``, an event).
        """
        with self._lock:
            self._listeners = (*self._listeners, changed)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not changed)

        return unsubscribe

    @property
    def is_followed(self) -> bool:
        """Whether anybody wants to be told of each write."""
        return bool(self._listeners)

    def attach(self, reader: Reader) -> None:
        """Name a reader that a source which can wait must not overtake (see ``room_samples``)."""
        with self._lock:
            self._readers = (*self._readers, reader)

    def detach(self, reader: Reader) -> None:
        """Stop waiting for this reader; harmless when it was not attached."""
        with self._lock:
            self._readers = tuple(each for each in self._readers if each is not reader)

    def room_samples(self) -> int:
        """How much may be written before an attached reader loses something.

        Only a source faster than real time asks: a sound card cannot wait.
        """
        slowest = min((reader.next_sample for reader in self._readers), default=self._end)
        return slowest + self.capacity_samples - self._end
