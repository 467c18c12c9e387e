"""Where on the playback clock lies what is heard now: a delay, and how it drifts."""

from __future__ import annotations

import numpy as np

from device.audio.resample import LISTENING_RATE_HZ

FIRST_DRIFT_PPM = 150.0
"""How unsure we are of it at first: crystals of cheap sound cards are within 100 ppm."""
MEASURED_SAMPLES = 0.35
"""Usual error of one measurement of the delay, at 16 kHz."""
WANDER_PPM_PER_S = 0.2
"""How fast a drift may change, as a crystal warms up."""
JITTER_SAMPLES_PER_S = 0.05
OUTLIER_SAMPLES = 4.0
MOST_PPM = 600.0


class Alignment:
    """A Kalman filter with two states: the delay at a moment, and its drift.

    Times are samples of the capture clock at 16 kHz, delays too: what is heard at ``t``
    was played at ``t - delay(t)`` of the playback clock (in samples at 16 kHz).
    """

    def __init__(self) -> None:
        self._at = 0.0
        self._state = np.zeros(2)
        self._trust = np.diag([1.0, self._drift_variance])
        self.is_known = False

    @property
    def _drift_variance(self) -> float:
        return (FIRST_DRIFT_PPM * 1e-6) ** 2

    @property
    def drift(self) -> float:
        """Samples of delay for each sample of time; 1e-6 is one ppm."""
        return float(self._state[1])

    @property
    def is_drift_known(self) -> bool:
        """Whether the drift is known to 5 ppm."""
        return bool(self._trust[1, 1] < (5e-6) ** 2)

    def delay(self, at: float) -> float:
        """The delay at a moment."""
        return float(self._state[0] + self._state[1] * (at - self._at))

    def jump(self, at: float, delay: float) -> None:
        """Begin again with this delay; what is known of the drift stays true."""
        self._at = at
        self._state[0] = delay
        self._trust = np.diag([MEASURED_SAMPLES**2, self._trust[1, 1]])
        self.is_known = True

    def forget(self) -> None:
        """The delay is not known any more."""
        self.is_known = False

    def measured(self, at: float, delay: float) -> bool:
        """Take a measurement into account; False when it lies too far off to be one."""
        self._predict(at)
        surprise = delay - self._state[0]
        expected = self._trust[0, 0] + MEASURED_SAMPLES**2
        if surprise**2 > max(OUTLIER_SAMPLES**2, 16 * expected):
            return False
        gain = self._trust[:, 0] / expected
        self._state = self._state + gain * surprise
        self._trust = self._trust - np.outer(gain, self._trust[0])
        limit = MOST_PPM * 1e-6
        self._state[1] = float(np.clip(self._state[1], -limit, limit))
        return True

    def _predict(self, at: float) -> None:
        passed = at - self._at
        seconds = abs(passed) / LISTENING_RATE_HZ
        move = np.array([[1.0, passed], [0.0, 1.0]])
        self._state = move @ self._state
        wander = (WANDER_PPM_PER_S * 1e-6) ** 2 * seconds
        jitter = JITTER_SAMPLES_PER_S**2 * seconds
        self._trust = move @ self._trust @ move.T + np.diag([jitter, wander])
        self._at = at
