"""Who looks through the door while the ears sleep."""

from __future__ import annotations

import numpy as np

from device.audio.capture import Block
from device.audio.samples import Samples, silence
from device.vad.gate import Gate, GateRule

RULE = GateRule(rise_db=1.5)
"""Opens a decibel before the gate of the ears does: that one decides, and must have been
woken. What it wakes for nothing costs one look of the ears."""


class Doorman:
    """Says of each block, on the microphone's thread, whether the ears should be woken for it.

    A gate of its own, which costs some tens of microseconds for 60 ms of sound. So the
    listening thread, which shares caches and Python's lock with everybody, need not run for
    a quiet room but once in a while. For one thread.
    """

    def __init__(self, rate_hz: int) -> None:
        self._gate = Gate(rate_hz, RULE)
        self._waiting = silence(0)

    def __call__(self, block: Block) -> bool:
        """Whether there is, or just was, anything to be heard."""
        if block.is_after_gap:
            self._gate.reset()
            self._waiting = silence(0)
        return self._look_at(block.samples)

    def _look_at(self, samples: Samples) -> bool:
        sound = np.concatenate((self._waiting, samples)) if len(self._waiting) else samples
        size = self._gate.block_samples
        is_open = False
        for start in range(0, len(sound) - size + 1, size):
            is_open = self._gate.update(sound[start : start + size]) or is_open
        self._waiting = sound[len(sound) - len(sound) % size :].copy()
        return is_open
