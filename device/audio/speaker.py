"""What every sink of sound offers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from device.audio.samples import Samples

Fill = Callable[[int], Samples]
"""Returns exactly that many frames (mono int16 at ``rate_hz``), on the sink's own thread."""


@dataclass(frozen=True, slots=True)
class SpeakerHealth:
    """How a speaker is doing, as seen from outside."""

    last_pull_age_s: float
    """Seconds since it last asked for sound, or since opening when it never did."""
    is_active: bool
    """What the driver believes."""
    underflows: int
    """How often the driver had to play before it got anything."""
    pulls: int
    """How often it asked for sound since the first opening."""


class Speaker(Protocol):
    """A sink of mono int16 sound that asks for it when it needs it."""

    @property
    def name(self) -> str:
        """What a person would call it."""

    @property
    def rate_hz(self) -> int:
        """The native rate; the same for the life of the object.

        Finding it out may look at the hardware: raises a ``BitternError`` when it is missing.
        """

    @property
    def latency_s(self) -> float:
        """From handing over the last frame of a block to hearing it; 0 when not known."""

    def open(self, fill: Fill) -> None:
        """Start; from now on ``fill`` is called on the sink's own thread.

        Raises a ``BitternError`` that says which device, and what to do.
        """

    def close(self) -> None:
        """Stop for real: the stream is closed, the device is free. Harmless when closed."""

    def health(self) -> SpeakerHealth:
        """Say how it is doing; cheap, from any thread."""


class PullMeter:
    """Counts what is asked for, so that a sink can answer ``health``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pulls = self._underflows = 0
        self._last_s = clock()

    def restart(self) -> None:
        """Begin to wait for the first pull of a newly opened stream."""
        self._last_s = self._clock()

    def note(self, underflowed: bool = False) -> None:
        """Take a pull into account."""
        self._last_s = self._clock()
        self._pulls += 1
        self._underflows += underflowed

    def health(self, is_active: bool) -> SpeakerHealth:
        """Return the figures of this moment."""
        return SpeakerHealth(
            last_pull_age_s=self._clock() - self._last_s,
            is_active=is_active,
            underflows=self._underflows,
            pulls=self._pulls,
        )
