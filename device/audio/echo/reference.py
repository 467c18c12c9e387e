"""The reference: what left for the speaker, and what the capture clock said meanwhile."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from device.audio.echo.interpolation import Interpolator
from device.audio.resample import LISTENING_RATE_HZ
from device.audio.ring import OverwrittenError, Ring
from device.audio.samples import Samples, silence

KEPT_S = 8.0
"""The listening thread may be 2 s behind and look back 2 s; an echo comes 0.4 s late."""
JOINED_S = 0.1
"""A pause no longer than this does not end a stretch of sound."""
ANCHORS = 25
"""Blocks of the speaker whose place on the capture clock is remembered: half a second."""


class Reference:
    """What was played, on the playback clock, for a reader on another thread.

    ``take`` is the ``on_played`` of a playback. A block of silence costs a look and a
    copy, so that the reference need not know whether anybody wants it.
    """

    def __init__(self, rate_hz: Callable[[], int], capture_s: Callable[[], float]) -> None:
        """``rate_hz``: of the speaker, asked at the first block. ``capture_s``: how many
        seconds the microphone has delivered; called on the speaker's thread."""
        self._rate_of = rate_hz
        self._capture_s = capture_s
        self._ring: Ring | None = None
        self._interpolator = Interpolator(1.0)
        self._stretches: deque[tuple[int, int]] = deque()
        self._anchors: deque[float] = deque(maxlen=ANCHORS)
        self._skipped = 0
        self._quiet_frames = 0
        self.restarts = 0
        """How often the speaker was opened anew: each time its echo is late by something else."""
        self._lock = threading.Lock()
        self.rate_hz = LISTENING_RATE_HZ
        """The speaker's; known from the first block on."""

    def take(self, samples: Samples, at_frame: int) -> None:
        """Remember a block that goes out now; ``at_frame`` counts frames at ``rate_hz``."""
        ring = self._ring
        if ring is None:
            self.rate_hz = self._rate_of()
            self._interpolator = Interpolator(self.rate_hz / LISTENING_RATE_HZ)
            self._ring = ring = Ring(self.rate_hz, KEPT_S)
            self._skipped = at_frame
        gap = at_frame - self._skipped - ring.end_sample
        if gap:
            self._bridge(ring, gap)
        is_silent = not samples.any()
        self._quiet_frames = self._quiet_frames + len(samples) if is_silent else 0
        with self._lock:
            if self.is_silent:
                # The ring holds nothing but silence: what comes next may stand for this.
                self._skipped += len(samples)
            else:
                ring.write(samples)
            self._anchors.append(self._capture_s() - at_frame / self.rate_hz)
            if not is_silent:
                self._sounded(at_frame, at_frame + len(samples))

    def _bridge(self, ring: Ring, gap: int) -> None:
        """The speaker was closed and opened: nothing was played for so many frames."""
        self.restarts += 1
        self._quiet_frames += gap
        with self._lock:
            self._anchors.clear()
            kept = min(gap, ring.capacity_samples)
            ring.write(silence(kept))
            self._skipped += gap - kept

    def _sounded(self, begin: int, end: int) -> None:
        if self._stretches and begin - self._stretches[-1][1] <= JOINED_S * self.rate_hz:
            begin, _ = self._stretches.pop()
        self._stretches.append((begin, end))
        while self._stretches[0][1] < end - KEPT_S * self.rate_hz:
            self._stretches.popleft()

    @property
    def is_silent(self) -> bool:
        """Whether nothing was played for as long as anything is kept."""
        return self._ring is None or self._quiet_frames > self._ring.capacity_samples

    @property
    def anchor_s(self) -> float | None:
        """Capture time less playback time of the same moment, as far as blocks tell.

        What is played at playback time t is heard at ``t + anchor_s`` or later. None
        before anything was played.
        """
        with self._lock:
            return float(np.median(self._anchors)) if self._anchors else None

    @property
    def end_s(self) -> float:
        """The playback time up to which everything can be read."""
        if self._ring is None:
            return 0.0
        return (self._skipped + self._ring.end_sample - self._interpolator.half) / self.rate_hz

    def has_sound(self, from_s: float, to_s: float) -> bool:
        """Whether anything was played in this time of the playback clock."""
        with self._lock:
            begin, end = from_s * self.rate_hz, to_s * self.rate_hz
            return any(first < end and last > begin for first, last in self._stretches)

    def read(self, from_s: float, pace: float, count: int) -> NDArray[np.float32]:
        """``count`` samples at 16 kHz from this time of the playback clock on.

        ``pace``: seconds of playback for a second of the result: 1, but for the drift.
        What is no longer there, or not yet, is silence. In units of int16.
        """
        step = pace * self.rate_hz / LISTENING_RATE_HZ
        first = from_s * self.rate_hz
        half = self._interpolator.half
        begin = int(np.floor(first)) - half
        end = int(np.ceil(first + step * count)) + half + 1
        return self._interpolator.read(self._stretch(begin, end), first - begin, step, count)

    def _stretch(self, begin: int, end: int) -> Samples:
        sound = np.zeros(end - begin, dtype=np.int16)
        if self._ring is None:
            return sound
        at = max(begin - self._skipped, self._ring.start_sample)
        try:
            there = self._ring.read(at, end - self._skipped)
        except OverwrittenError:
            return sound
        offset = at + self._skipped - begin
        if len(there) and offset < len(sound):
            sound[offset : offset + len(there)] = there
        return sound
