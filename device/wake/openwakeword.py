"""openWakeWord's classifiers over the speech embedding, kept as an optional engine.

The classifiers that openWakeWord ships are CC BY-NC-SA 4.0; the embedding is Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.wake.embedding import HOP_SAMPLES, SIZE, SpeechEmbedding
from device.wake.engine import RATE_HZ, Score
from device.wake.second_look import Verifier

SETTLING_S = 2.1
"""Sixteen embeddings of 80 ms, and the 0.76 s under the oldest of them."""


class OpenWakeWord:
    """One or more openWakeWord classifiers on one embedding; a score each 80 ms."""

    def __init__(self, models: Mapping[str, Path], mel_path: Path, embedding_path: Path) -> None:
        """``models``: word to ONNX file. Raises ``WrongModelError`` for a bad file."""
        if not models:
            raise ValueError("at least one word was expected")
        self._embedding = SpeechEmbedding(mel_path, embedding_path)
        self._classifiers = {word: Verifier(path) for word, path in models.items()}
        depth = max(each.depth for each in self._classifiers.values())
        self._history = np.zeros((depth, SIZE), dtype=np.float32)
        self._known = 0
        self._position = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The words it looks for."""
        return tuple(self._classifiers)

    @property
    def settling_samples(self) -> int:
        """How much sound after a reset makes the scores what they would be without it."""
        return round(SETTLING_S * RATE_HZ)

    def process(self, samples: NDArray[np.int16]) -> list[Score]:
        """Take the next samples, mono 16 kHz, any number; return the scores they complete."""
        scores: list[Score] = []
        for embedding in self._embedding.process(samples):
            self._history[:-1] = self._history[1:]
            self._history[-1] = embedding
            self._known += 1
            self._position += HOP_SAMPLES
            for word, classifier in self._classifiers.items():
                # Until the classifier's window is full of sound, it has nothing to say.
                ready = self._known >= classifier.depth
                value = classifier.score(self._history) if ready else 0.0
                scores.append(Score(word, value, self._position))
        return scores

    def reset(self) -> None:
        """Forget everything heard; positions begin at zero again."""
        self._embedding.reset()
        self._history.fill(0.0)
        self._known = 0
        self._position = 0
