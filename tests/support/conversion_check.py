"""Compares a converted wake model with the TFLite runtime, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.models.convert import STEP


@dataclass(frozen=True)
class CheckReport:
    """How a converted model compares with the TFLite runtime on the same features."""

    steps: int
    differing_steps: int
    worst_difference: float
    """Largest difference of one probability."""
    detections: int
    same_detections: bool

    @property
    def is_good(self) -> bool:
        """Equal or within one quantization step everywhere, and the same detections."""
        return self.worst_difference <= STEP * 1.001 and self.same_detections


def check(
    tflite_path: Path,
    onnx_path: Path,
    sounds: Sequence[NDArray[np.int16]],
    *,
    cutoff: float = 0.9,
    window: int = 5,
) -> CheckReport:
    """Run both models over the same sounds (mono int16, 16 kHz), step by step.

    Both keep their state from one sound to the next, as on the device. A detection is a
    mean of ``window`` probabilities above ``cutoff``. Needs the TFLite runtime that
    pymicro-wakeword carries; raises :class:`device.models.conversion.runtime.NoRuntimeError`
    without it.
    """
    from device.models.conversion.runtime import TfliteModel
    from device.wake.features import Features
    from device.wake.streaming import StreamingModel

    reference = TfliteModel(tflite_path)
    ours = StreamingModel(onnx_path)
    features = Features()
    expected: list[float] = []
    given: list[float] = []
    for sound in sounds:
        frames = features.process(sound)
        stride = reference.frames_per_step
        whole = len(frames) - len(frames) % stride
        for first in range(0, whole, stride):
            step = frames[first : first + stride]
            expected.append(reference.step(step))
            given.extend(ours.process(step))
        features.reset()
    return _compare(np.array(expected), np.array(given), cutoff, window)


def _compare(
    expected: NDArray[np.float64], given: NDArray[np.float64], cutoff: float, window: int
) -> CheckReport:
    difference = np.abs(expected - given)
    ours, theirs = (_detections(each, cutoff, window) for each in (given, expected))
    return CheckReport(
        steps=len(expected),
        differing_steps=int(np.count_nonzero(difference > STEP / 2)),
        worst_difference=float(difference.max(initial=0.0)),
        detections=len(theirs),
        same_detections=np.array_equal(ours, theirs),
    )


def _detections(
    probabilities: NDArray[np.float64], cutoff: float, window: int
) -> NDArray[np.int64]:
    """Steps at which the mean over the window rises above the cut-off."""
    if len(probabilities) < window:
        return np.zeros(0, dtype=np.int64)
    means = np.convolve(probabilities, np.full(window, 1.0 / window), mode="valid")
    above = means > cutoff
    rising: NDArray[np.int64] = np.flatnonzero(above & ~np.concatenate(([False], above[:-1])))
    return rising
