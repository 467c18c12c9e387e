"""A speaker that is closed while it has nothing to play, and opened again when it has.

An open stream asks for silence fifty times a second, day and night: half of what the idle
appliance cost. Opening takes 5 to 12 ms on a sound server and the first sound comes sooner
than from a stream that goes on (35 instead of 62 ms at 20 ms blocks), for there is no silence
before it in the driver's buffer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from device.audio.samples import Samples, silence
from device.audio.speaker import Fill, Speaker, SpeakerHealth
from device.errors import BitternError

FIRST_REST_S = 2.0
"""After opening, where nothing is played at all: it was opened to see that it is there."""

log = logging.getLogger(__name__)


class _State(Enum):
    CLOSED = "closed"
    AWAKE = "awake"
    RESTING = "resting"
    """Closed for now, open for all who ask."""
    ROUSING = "rousing"
    """Somebody has something to play; it is being opened."""


class RestingSpeaker:
    """Opens and closes a speaker for a playback; from any thread.

    ``rest_s``: how long silence is played before it rests; None never rests. Some USB cards
    do not live through being opened and closed: one that cannot be opened after a rest is
    kept open from then on. ``on_gap(seconds)`` is told how long no sound was asked for,
    before the first frame after it, by ``clock``.
    """

    def __init__(
        self,
        speaker: Speaker,
        rest_s: float | None,
        on_gap: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._speaker = speaker
        self._rest_s = rest_s
        self._on_gap = on_gap
        self.clock = clock
        self._doors = threading.Lock()  # whoever opens or closes: may take seconds
        self._lock = threading.Lock()  # held for moments: shared with the speaker's thread
        self._state = _State.CLOSED
        self._fill: Fill = silence
        self._quiet_frames = 0
        self._is_asked_to_rest = False
        self._left_at_s: float | None = None

    @property
    def is_resting(self) -> bool:
        """Whether it is closed until there is something to play."""
        return self._state in (_State.RESTING, _State.ROUSING)

    def open(self, fill: Fill) -> None:
        """Open it. Raises a ``BitternError``, and it is closed then."""
        with self._doors:
            self._fill = fill
            self._enter()
            if self._rest_s is not None:
                spare_s = max(0.0, self._rest_s - FIRST_REST_S)
                self._quiet_frames = round(spare_s * self._speaker.rate_hz)

    def close(self) -> None:
        """Close it for real. Raises a ``BitternError`` when the driver does not let go."""
        with self._doors:
            with self._lock:
                was_awake, self._state = self._state is _State.AWAKE, _State.CLOSED
            if was_awake:
                self._left_at_s = self.clock()
            self._speaker.close()

    def health(self) -> SpeakerHealth:
        """How it fares; one that rests is well."""
        health = self._speaker.health()
        return replace(health, is_active=True, last_pull_age_s=0.0) if self.is_resting else health

    def rouse(self) -> None:
        """There is something to play: open it if it rests, without waiting for that."""
        with self._lock:
            if self._state is not _State.RESTING:
                self._quiet_frames = 0
                return
            self._state = _State.ROUSING
        threading.Thread(target=self._wake, name="open the speaker", daemon=True).start()

    # -- on threads of its own -----------------------------------------------------------

    def _wake(self) -> None:
        with self._doors:
            if self._state is not _State.ROUSING:
                return
            try:
                self._enter()
            except BitternError as failure:
                # Whoever watches sees a speaker that is not active, and opens it again.
                self._state = _State.AWAKE
                self._rest_s = None
                log.error(
                    "%s cannot be opened after a rest: %s. From now on it is kept open; "
                    "rest_s = 0 in [speaker] does that from the start.",
                    self._speaker.name,
                    failure,
                )

    def _rest(self) -> None:
        with self._doors:
            with self._lock:
                self._is_asked_to_rest = False
                if self._state is not _State.AWAKE or not self._has_rested():
                    return
                # At once: what is fed from here on opens it again.
                self._state = _State.RESTING
            self._left_at_s = self.clock()
            try:
                self._speaker.close()
            except BitternError as failure:
                log.warning("closing %s for a rest: %s", self._speaker.name, failure)

    def _enter(self) -> None:
        if self._left_at_s is not None:
            self._on_gap(max(0.0, self.clock() - self._left_at_s))
            self._left_at_s = None
        with self._lock:
            self._state = _State.AWAKE
            self._quiet_frames = 0
        try:
            self._speaker.open(self._pull)
        except BitternError:
            self._left_at_s = self.clock()
            self._state = _State.CLOSED
            raise

    # -- on the speaker's thread ---------------------------------------------------------

    def _pull(self, frames: int) -> Samples:
        with self._lock:
            if self._state is not _State.AWAKE:
                # It is being closed: what is played now nobody would hear.
                return silence(frames)
        samples = self._fill(frames)
        if self._rest_s is None:
            return samples
        with self._lock:
            self._quiet_frames = 0 if samples.any() else self._quiet_frames + frames
            if not self._has_rested() or self._is_asked_to_rest:
                return samples
            self._is_asked_to_rest = True
        threading.Thread(target=self._rest, name="rest the speaker", daemon=True).start()
        return samples

    def _has_rested(self) -> bool:
        if self._rest_s is None:
            return False
        return self._quiet_frames >= self._rest_s * self._speaker.rate_hz
