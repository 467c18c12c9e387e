"""What every source of sound offers, and how one tells that it has broken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from device.audio.samples import Samples

Deliver = Callable[[Samples], bool | None]
"""Takes the next samples (mono int16 at the microphone's ``rate_hz``), on the source's thread.

Returns true where nobody waits for what comes next: a source that can may gather more of it.
"""


@dataclass(frozen=True, slots=True)
class MicrophoneHealth:
    """How a microphone is doing, as seen from outside."""

    last_block_age_s: float
    """Seconds since the last block, or since opening when there was none."""
    is_active: bool
    """What the driver believes; it may be wrong (a lost ALSA device stays active)."""
    overflows: int
    """How often the driver lost sound because nobody fetched it in time."""
    zero_run_s: float
    """For how long every sample has had the same value: no real microphone is that quiet."""
    blocks: int
    """Blocks delivered since the first opening."""
    stuck_at: int = 0
    """The value of that run."""
    never_sounded: bool = False
    """Whether nothing else has come since it was opened."""


class Microphone(Protocol):
    """A source of mono int16 sound."""

    @property
    def name(self) -> str:
        """What a person would call it."""

    @property
    def rate_hz(self) -> int:
        """The native rate; the same for the life of the object.

        Finding it out may look at the hardware: raises a ``BitternError`` when it is missing.
        """

    @property
    def is_live(self) -> bool:
        """Whether the sound comes in real time and is lost if not taken.

        Where it is false, ``deliver`` may block, and the source waits.
        """

    def open(self, deliver: Deliver) -> None:
        """Start; from now on ``deliver`` is called on the source's own thread.

        Raises a ``BitternError`` that says which device, and what to do.
        """

    def close(self) -> None:
        """Stop for real: the stream is closed, the device is free. Harmless when closed."""

    def health(self) -> MicrophoneHealth:
        """Say how it is doing; cheap, from any thread."""


class BlockMeter:
    """Counts what passes, so that a source can answer ``health``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._blocks = self._overflows = self._constant_samples = 0
        self._constant: int | None = None
        self._has_sounded = False
        self._last_s = clock()

    def restart(self) -> None:
        """Begin to wait for the first block of a newly opened stream."""
        self._last_s = self._clock()
        self._constant, self._constant_samples = None, 0
        self._has_sounded = False

    def note(self, samples: Samples, overflowed: bool = False) -> None:
        """Take a block into account (some microseconds, mostly while the sound is constant)."""
        self._last_s = self._clock()
        self._blocks += 1
        self._overflows += overflowed
        if len(samples) == 0:
            return
        first = int(samples[0])
        if first != samples[-1] or samples.min() != samples.max():
            self._constant, self._constant_samples = None, 0
            self._has_sounded = True
        elif first == self._constant:
            self._constant_samples += len(samples)
        else:
            self._constant, self._constant_samples = first, len(samples)

    def health(self, is_active: bool, rate_hz: int) -> MicrophoneHealth:
        """Return the figures of this moment, for blocks at ``rate_hz``."""
        return MicrophoneHealth(
            last_block_age_s=self._clock() - self._last_s,
            is_active=is_active,
            overflows=self._overflows,
            zero_run_s=self._constant_samples / rate_hz,
            blocks=self._blocks,
            stuck_at=self._constant or 0,
            never_sounded=not self._has_sounded,
        )


class WatchVerdict(StrEnum):
    """What the watch makes of a microphone."""

    HEALTHY = "healthy"
    STALLED = "stalled"
    """The driver calls it active and delivers nothing (suspended source, unplugged card)."""
    SILENT = "silent"
    """Blocks come and are all zero (source unloaded, hardware mute switch)."""
    STUCK = "stuck"
    """Blocks come and are all one value that is not zero: no switch does that."""
    DEAD = "dead"
    """The driver itself says that the stream is over (sound server gone)."""


class MicrophoneWatch:
    """Judges an open microphone by its health: pure, to be polled about once a second.

    ``stall_s``: two seconds, since a sound server may take 1.6 s to start a stream
    (measured on PulseAudio with a rewinding sink). ``silent_s``: a source that is
    unloaded from a sound server delivers exact zeros for good; but so does a microphone
    with a noise gate or a mute switch of its own, so this verdict is a suspicion, and
    comes late. ``mute_s``: it comes soon where no sound has come since the opening: then
    even a gate has had no reason to open. ``stuck_s``: a value other than zero is certain.
    """

    def __init__(
        self,
        stall_s: float = 2.0,
        silent_s: float = 30.0,
        mute_s: float = 5.0,
        stuck_s: float = 3.0,
    ) -> None:
        self.stall_s = stall_s
        self.silent_s = silent_s
        self.mute_s = mute_s
        self.stuck_s = stuck_s

    def judge(self, health: MicrophoneHealth) -> WatchVerdict:
        """Return the verdict on these figures."""
        if not health.is_active:
            return WatchVerdict.DEAD
        if health.last_block_age_s > self.stall_s:
            return WatchVerdict.STALLED
        if health.stuck_at and health.zero_run_s > self.stuck_s:
            return WatchVerdict.STUCK
        patience_s = self.mute_s if health.never_sounded else self.silent_s
        return WatchVerdict.SILENT if health.zero_run_s > patience_s else WatchVerdict.HEALTHY
