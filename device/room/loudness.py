"""How loud it is, for lights that grow with a voice."""

from __future__ import annotations

import numpy as np

from device.assistant.states import State
from device.audio.levels import measure
from device.audio.ring import OverwrittenError
from device.audio.samples import Samples
from device.room.room import Room

DARK_DBFS, FULL_DBFS = -50.0, -14.0
"""A quiet room, and a voice at its loudest."""
LOOK_BACK_S = 0.05
NOISE_S = 5.0


def loudness(room: Room, state: State) -> float:
    """Return 0 to 1: of the answer while it is spoken, of the microphone otherwise."""
    if state is State.SPEAKING:
        return share(room.playback.last_block())
    if not room.capture.is_open:
        return 0.0
    ring = room.capture.ring
    end = ring.end_sample
    try:
        return share(
            ring.read(max(ring.start_sample, end - round(LOOK_BACK_S * ring.rate_hz)), end)
        )
    except OverwrittenError:
        # A block was written, or the ring cleared, between two lines of ours.
        return 0.0


def noise_dbfs(room: Room) -> float | None:
    """How loud the quietest moments of the last seconds were; None while nothing is heard."""
    if not room.capture.is_open:
        return None
    ring = room.capture.ring
    begin = max(ring.start_sample, ring.end_sample - round(NOISE_S * ring.rate_hz))
    try:
        sound = ring.read(begin, ring.end_sample)
        return round(measure(sound, ring.rate_hz).noise_dbfs, 1)
    except (OverwrittenError, ValueError):
        # Cleared a moment ago, or not even a block yet.
        return None


def share(samples: Samples) -> float:
    """The energy of a piece of sound, on a scale as an ear has it."""
    if not len(samples) or not samples.any():
        return 0.0
    energy = float(np.mean(np.square(samples.astype(np.float32))))
    level = 10 * np.log10(energy / 32_768**2)
    return float(np.clip((level - DARK_DBFS) / (FULL_DBFS - DARK_DBFS), 0.0, 1.0))
