"""microWakeWord: small quantized convolutions over features shared by all words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from device.wake.engine import RATE_HZ, Score
from device.wake.features import BANDS, HOP_SAMPLES, WINDOW_SAMPLES, Features
from device.wake.streaming import StreamingModel, WrongModelError

_NONE: Mapping[str, Path] = MappingProxyType({})
SETTLING_S = 1.95
"""The receptive field of the longest of the models (okay nabu: 1.7 s) and a quarter of a
second in which the front end's estimate of the noise comes near what it would be."""


class MicroWakeWord:
    """One or more converted microWakeWord models on one front end.

    A score comes for every stride of 30 ms of sound. Scores of all words for the same
    stride come together.
    """

    def __init__(self, models: Mapping[str, Path], beside: Mapping[str, Path] = _NONE) -> None:
        """``models``: word to ONNX file; ``beside``: a second one for some of the words.

        Of two models the more certain one counts at each step: they miss different people.
        Raises ``WrongModelError`` for a bad file.
        """
        if not models:
            raise ValueError("at least one word was expected")
        self._features = Features()
        self._models = {word: StreamingModel(path) for word, path in models.items()}
        self._beside = {word: StreamingModel(path) for word, path in beside.items()}
        self._stride = max(model.frames_per_step for model in self._models.values())
        for word, model in self._beside.items():
            if model.frames_per_step != self._models[word].frames_per_step:
                raise WrongModelError(f"{beside[word]} steps otherwise than {models[word]}")
        self._waiting = np.zeros((0, BANDS), dtype=np.float32)
        self._frames_scored = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The words it looks for."""
        return tuple(self._models)

    @property
    def settling_samples(self) -> int:
        """How much sound after a reset makes the scores what they would be without it."""
        return round(SETTLING_S * RATE_HZ)

    def process(self, samples: NDArray[np.int16]) -> list[Score]:
        """Take the next samples, mono 16 kHz, any number; return the scores they complete."""
        frames = self._features.process(samples)
        if len(self._waiting):
            frames = np.concatenate((self._waiting, frames))
        whole = len(frames) - len(frames) % self._stride
        self._waiting = frames[whole:]
        if not whole:
            return []
        return self._score(frames[:whole])

    def reset(self) -> None:
        """Forget everything heard; positions begin at zero again."""
        self._features.reset()
        for model in (*self._models.values(), *self._beside.values()):
            model.reset()
        self._waiting = self._waiting[:0]
        self._frames_scored = 0

    def _score(self, frames: NDArray[np.float32]) -> list[Score]:
        said = {word: [model.process(frames)] for word, model in self._models.items()}
        for word, model in self._beside.items():
            said[word].append(model.process(frames))
        steps = {word: list(zip(*each, strict=True)) for word, each in said.items()}
        # Frame n covers samples [160 n, 160 n + 480).
        first_end = (self._frames_scored + self._stride - 1) * HOP_SAMPLES + WINDOW_SAMPLES
        self._frames_scored += len(frames)
        hop = self._stride * HOP_SAMPLES
        return [
            Score(word, max(steps[word][step]), first_end + step * hop, steps[word][step])
            for step in range(len(frames) // self._stride)
            for word in steps
        ]
