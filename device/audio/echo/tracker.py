"""Finds how late the echo is, and keeps finding it while something is played."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from device.audio.echo.alignment import Alignment
from device.audio.echo.delay import Peak, find_lag
from device.audio.echo.reference import Reference
from device.audio.resample import LISTENING_RATE_HZ
from device.audio.samples import Samples, silence

log = logging.getLogger(__name__)

WINDOW_SAMPLES = 16_384
"""1 s: what one measurement looks at."""
SHORTEST_WINDOW_SAMPLES = 8_000
EARLIEST_S, LATEST_S = -0.1, 0.75
"""Where the echo is looked for, from where the blocks of both clocks place it."""
LOOK_EVERY_SAMPLES = 4_000
"""While the delay is not known."""
TRACK_EVERY_SAMPLES = 8_000
SETTLED_EVERY_SAMPLES = 24_000
"""Once the drift is known as well."""
NEAR_SAMPLES = 320
"""How far from where it should be the echo is looked for, once it was found."""
LEAD_SAMPLES = 48
"""The reference is given this much early, so that a filter that looks only back can
follow what comes a little before the strongest way of the sound."""
CERTAIN, LIKELY, NEARBY = 14.0, 8.0, 6.0
"""How sharp a peak must be to count alone; together with one before it; near the known place."""
AGREED_SAMPLES = 6.0
AUDIBLE, LEAST_SOUND = 30.0, 0.25
"""How much of the reference must be sound: two beginnings are always alike."""
MOVED_SAMPLES = 80.0
"""A delay that differs by less is the one that is known."""
MOST_OUTLIERS = 3


class Tracker:
    """Owns the alignment; is told everything that is heard while something plays."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.alignment = Alignment()
        self._history = silence(WINDOW_SAMPLES)
        self._filled = 0
        self._end = 0
        self._since_look = 0
        self._outliers = 0
        self._candidate: float | None = None

    # -- the map -----------------------------------------------------------------------

    def played_s(self, at: float) -> float:
        """The playback time of what is heard at a sample of the capture clock (16 kHz)."""
        return (at - self.alignment.delay(at) + LEAD_SAMPLES) / LISTENING_RATE_HZ

    def read(self, at: float, count: int) -> NDArray[np.float32]:
        """The reference on the time of the microphone."""
        return self.reference.read(self.played_s(at), 1.0 - self.alignment.drift, count)

    def covered(self, at: int) -> int:
        """For how many samples from this one on the reference is there already."""
        if not self.alignment.is_known:
            return WINDOW_SAMPLES
        return int((self.reference.end_s - self.played_s(at)) * LISTENING_RATE_HZ)

    def span_s(self, begin: int, end: int) -> tuple[float, float] | None:
        """The playback times that may be heard between two samples; None before any."""
        if self.alignment.is_known:
            return self.played_s(begin), self.played_s(end)
        anchor_s = self.reference.anchor_s
        if anchor_s is None:
            return None
        first, last = begin / LISTENING_RATE_HZ, end / LISTENING_RATE_HZ
        return first - anchor_s - LATEST_S, last - anchor_s - EARLIEST_S

    def lose_place(self) -> None:
        """The speaker was opened anew: the delay is another one, by some milliseconds.

        How far the clocks drift apart stays known.
        """
        self.alignment.forget()
        self.restart()

    # -- measuring ---------------------------------------------------------------------

    def restart(self) -> None:
        """What is heard next does not continue what was heard last."""
        self._filled = 0
        self._since_look = 0
        self._candidate = None

    def heard(self, sound: Samples, end: int) -> bool:
        """Take what was heard up to ``end``, at most a window; True for a new delay."""
        count = min(len(sound), WINDOW_SAMPLES)
        self._history = np.concatenate((self._history[count:], sound[-count:]))
        self._filled = min(self._filled + count, WINDOW_SAMPLES)
        self._end = end
        self._since_look += count
        if not self.alignment.is_known:
            if self._since_look < LOOK_EVERY_SAMPLES or self._filled < SHORTEST_WINDOW_SAMPLES:
                return False
            self._since_look = 0
            return self.look()
        every = SETTLED_EVERY_SAMPLES if self.alignment.is_drift_known else TRACK_EVERY_SAMPLES
        if self._since_look >= every and self._filled == WINDOW_SAMPLES:
            self._since_look = 0
            self._track()
        return False

    def look(self) -> bool:
        """Look for the echo everywhere; True when it was found in a new place."""
        anchor_s = self.reference.anchor_s
        if anchor_s is None or self._filled < SHORTEST_WINDOW_SAMPLES:
            return False
        earliest = round((anchor_s + EARLIEST_S) * LISTENING_RATE_HZ)
        peak = self._peak(earliest, round((LATEST_S - EARLIEST_S) * LISTENING_RATE_HZ))
        if peak is None or peak.sharpness < LIKELY:
            return False
        delay = earliest + peak.lag
        is_agreed = self._candidate is not None and abs(delay - self._candidate) < AGREED_SAMPLES
        self._candidate = delay
        if not is_agreed and peak.sharpness < CERTAIN:
            return False
        moved = delay - self.alignment.delay(self._middle)
        if self.alignment.is_known and abs(moved) < MOVED_SAMPLES:
            return False
        log.debug("the echo is %.1f samples late (sharpness %.1f)", delay, peak.sharpness)
        self.alignment.jump(self._middle, delay)
        self._outliers = 0
        return True

    def recent(self) -> tuple[Samples, Samples]:
        """What was heard last and the reference for it: what a new filter can learn from."""
        heard = self._history[-self._filled :]
        played = self.read(self._end - self._filled, self._filled)
        return heard, np.asarray(np.rint(played), dtype=np.int16)

    @property
    def _middle(self) -> float:
        return self._end - self._filled / 2

    def _track(self) -> None:
        alignment = self.alignment
        expected = alignment.delay(self._middle)
        begin = self._end - self._filled
        # The reference already follows the drift as far as it is known.
        played = self.reference.read(
            self.played_s(begin) - (LEAD_SAMPLES + NEAR_SAMPLES) / LISTENING_RATE_HZ,
            1.0 - alignment.drift,
            self._filled + 2 * NEAR_SAMPLES,
        )
        peak = find_lag(self._history[-self._filled :].astype(np.float32), played)
        if peak is None or peak.sharpness < NEARBY:
            return
        if alignment.measured(self._middle, expected + peak.lag - NEAR_SAMPLES):
            self._outliers = 0
            return
        self._outliers += 1
        if self._outliers >= MOST_OUTLIERS:
            self._outliers = 0
            self.look()

    def _peak(self, earliest: int, lags: int) -> Peak | None:
        begin = self._end - self._filled
        first_s = (begin - earliest - lags) / LISTENING_RATE_HZ
        played = self.reference.read(first_s, 1.0, self._filled + lags)
        if np.mean(np.abs(played) > AUDIBLE) < LEAST_SOUND:
            return None
        return find_lag(self._history[-self._filled :].astype(np.float32), played)
