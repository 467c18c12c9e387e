"""Silero: the probability of speech for every 32 ms, by a small recurrent network (MIT)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from device.wake.streaming import session

RATE_HZ = 16_000
HOP_SAMPLES = 512
"""32 ms at 16 kHz: one probability."""
CONTEXT_SAMPLES = 64
"""Samples of the chunk before that version 5 and later want to see again."""
_STATE_SHAPE = (2, 1, 128)
_SCALE = np.float32(1.0 / 32768.0)


def detectors(path: Path) -> Callable[[], Silero]:
    """Load the model once; return what makes detectors that share it, safe on any thread.

    Each has its own state and buffers; the weights are there once. Raises
    ``WrongModelError`` when the file is not the model.
    """
    shared = session(path)
    return lambda: Silero(path, shared)


class Silero:
    """A stream of sound to a stream of probabilities, all buffers taken once."""

    def __init__(self, path: Path, shared: Any = None) -> None:
        """Load the model, or take the ``shared`` session of `detectors`.

        Raises ``WrongModelError`` when the file is not it.
        """
        self._session = session(path) if shared is None else shared
        self._waiting = np.zeros(0, dtype=np.int16)
        self._input = np.zeros((1, CONTEXT_SAMPLES + HOP_SAMPLES), dtype=np.float32)
        self._state = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._next_state = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._output = np.zeros((1, 1), dtype=np.float32)
        rate = np.array(RATE_HZ, dtype=np.int64)
        self._buffers = [self._input, self._state, self._next_state, self._output, rate]
        value = onnxruntime.OrtValue.ortvalue_from_numpy
        self._binding = self._session.io_binding()
        self._binding.bind_ortvalue_input("input", value(self._input))
        self._binding.bind_ortvalue_input("state", value(self._state))
        self._binding.bind_ortvalue_input("sr", value(rate))
        self._binding.bind_ortvalue_output("output", value(self._output))
        self._binding.bind_ortvalue_output("stateN", value(self._next_state))

    def process(self, samples: NDArray[np.int16]) -> list[float]:
        """Take the next samples (16 kHz mono); return a probability for each 512 of them."""
        sound = np.concatenate((self._waiting, samples)) if len(self._waiting) else samples
        hops = len(sound) // HOP_SAMPLES
        self._waiting = sound[hops * HOP_SAMPLES :].copy()
        return [
            self._step(sound[hop * HOP_SAMPLES : (hop + 1) * HOP_SAMPLES]) for hop in range(hops)
        ]

    def reset(self) -> None:
        """Begin as if nothing had been heard."""
        self._waiting = self._waiting[:0]
        self._input.fill(0.0)
        self._state.fill(0.0)

    def _step(self, chunk: NDArray[np.int16]) -> float:
        self._input[0, :CONTEXT_SAMPLES] = self._input[0, HOP_SAMPLES:]
        np.multiply(chunk, _SCALE, out=self._input[0, CONTEXT_SAMPLES:])
        self._session.run_with_iobinding(self._binding)
        self._state[...] = self._next_state
        return float(self._output[0, 0])
