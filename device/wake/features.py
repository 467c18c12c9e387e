"""The features microWakeWord was trained on: 40 numbers every 10 ms, in C."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymicro_features import create_frontend, process_samples, reset_frontend

HOP_SAMPLES = 160
"""10 ms at 16 kHz."""
WINDOW_SAMPLES = 480
"""30 ms: the first frame comes with the third hop."""
BANDS = 40


class Features:
    """A stream of sound to a stream of feature frames.

    The front end is TensorFlow's (pymicro-features): a spectrum in 40 bands, from which
    it takes a slow estimate of the noise and evens out the gain. It is the same for every
    microWakeWord model, so several words share one.
    """

    def __init__(self) -> None:
        self._frontend = create_frontend()
        self._waiting = b""

    def process(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Take the next samples (16 kHz mono); return the frames they complete ``[n, 40]``."""
        data = self._waiting + samples.tobytes() if self._waiting else samples.tobytes()
        frames: list[list[float]] = []
        at = 0
        while at + 2 * HOP_SAMPLES <= len(data):
            frame, read = process_samples(self._frontend, data[at : at + 2 * HOP_SAMPLES])
            at += 2 * read
            if frame:
                frames.append(frame)
        self._waiting = data[at:]
        if not frames:
            return np.zeros((0, BANDS), dtype=np.float32)
        return np.array(frames, dtype=np.float32)

    def reset(self) -> None:
        """Forget everything heard, the estimate of the noise included."""
        reset_frontend(self._frontend)
        self._waiting = b""
