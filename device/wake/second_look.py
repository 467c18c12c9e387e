"""The second look: when the small model is interested, a better one hears the last seconds.

The small model runs all day and must be cheap; what makes it miss words in noise is a
threshold that keeps it from waking for nothing. With a second look its threshold can be
low. The second model is a small classifier over Google's speech embedding (Apache-2.0),
and it costs something only in the fraction of a second after a suspicion.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.wake.embedding import (
    CONTEXT_SAMPLES,
    HOP_SAMPLES,
    MEL_BANDS,
    MEL_FRAMES_PER_HOP,
    MEL_WINDOW,
    SIZE,
)
from device.wake.streaming import WrongModelError, session

SPECTRUM_HOP_SAMPLES = HOP_SAMPLES // MEL_FRAMES_PER_HOP
_WARM_UP = -(-MEL_WINDOW // MEL_FRAMES_PER_HOP) - 1
"""Embeddings of a fresh start that have not seen their whole 0.76 s: nine."""


class StreamedEmbedding:
    """Spectrogram and embedding of short pieces of sound; shared by all words.

    Stateless for the caller: each stream of looks keeps its :class:`Trail`. The models are
    opened at the first use, for most hours of most days nobody needs them.
    """

    def __init__(self, mel_path: Path, embedding_path: Path) -> None:
        """``embedding_path``: the streaming form that ``bittern models convert`` writes."""
        self._mel_path = mel_path
        self._embedding_path = embedding_path
        self._mel: Any = None
        self._embedding: Any = None
        self._rings: dict[str, tuple[int, ...]] = {}

    def load(self) -> None:
        """Open the models; raises ``WrongModelError`` for a bad file."""
        self._mel = session(self._mel_path)
        self._embedding = session(self._embedding_path)
        inputs = self._embedding.get_inputs()
        if inputs[0].name != "spectrum":
            raise WrongModelError(f"{self._embedding_path} does not stream", "convert it again")
        self._rings = {each.name: (1, *each.shape[1:]) for each in inputs[1:]}

    def spectrogram(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Scaled log-mel frames ``[n, 32]`` of mono 16 kHz sound of ``160 n + 480`` samples."""
        if self._mel is None:
            self.load()
        sound = samples.astype(np.float32)[None, :]
        raw = self._mel.run(None, {self._mel.get_inputs()[0].name: sound})[0]
        frames: NDArray[np.float32] = raw.reshape(-1, MEL_BANDS) / np.float32(10) + np.float32(2)
        return frames

    def begin(self) -> dict[str, NDArray[np.float32]]:
        """The state of a stream that has heard nothing."""
        if self._embedding is None:
            self.load()
        return {name: np.zeros(shape, dtype=np.float32) for name, shape in self._rings.items()}

    def embed(
        self, spectrum: NDArray[np.float32], state: dict[str, NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """The next embeddings ``[n, 96]`` for ``[8 n, 32]`` frames; ``state`` moves on."""
        names = ["embeddings", *(f"{name}_next" for name in state)]
        found, *following = self._embedding.run(names, {"spectrum": spectrum[None], **state})
        state.update(zip(state, following, strict=True))
        embeddings: NDArray[np.float32] = found[0]
        return embeddings


class Verifier:
    """A classifier over the last ``depth`` embeddings of one word."""

    def __init__(self, path: Path) -> None:
        """Raises ``WrongModelError`` for a file that is none."""
        self._session: Any = session(path)
        entry = self._session.get_inputs()[0]
        if len(entry.shape) != 3 or entry.shape[2] != SIZE:
            raise WrongModelError(f"{path} is no classifier over embeddings: {entry.shape}")
        self._input = entry.name
        self.depth = int(entry.shape[1])

    def score(self, history: NDArray[np.float32]) -> float:
        """The probability that the word just ended, from embeddings ``[n, 96]``, n >= depth."""
        window = history[None, -self.depth :]
        return float(self._session.run(None, {self._input: window})[0].reshape(-1)[0])


class Trail:
    """A row of looks, 80 ms apart, that begins where the first model became interested."""

    def __init__(
        self, embedding: StreamedEmbedding, depth: int, recent: NDArray[np.int16], at_sample: int
    ) -> None:
        """``recent``: the sound that ends at ``at_sample``, at least :func:`samples_for` long."""
        self._embedding = embedding
        self._state = embedding.begin()
        self._depth = depth
        self.next_sample = at_sample + HOP_SAMPLES
        """Where the next look can be taken."""
        sound = recent[-samples_for(depth) :]
        self._history = embedding.embed(embedding.spectrogram(sound), self._state)
        self._context = sound[-CONTEXT_SAMPLES:]

    @property
    def history(self) -> NDArray[np.float32]:
        """The last ``depth`` embeddings."""
        return self._history[-self._depth :]

    def follow(self, samples: NDArray[np.int16]) -> None:
        """Hear the next 80 ms."""
        sound = np.concatenate((self._context, samples))
        self._context = sound[-CONTEXT_SAMPLES:]
        new = self._embedding.embed(self._embedding.spectrogram(sound), self._state)
        self._history = np.concatenate((self.history[1:], new))
        self.next_sample += HOP_SAMPLES


def samples_for(depth: int) -> int:
    """How much sound ``depth`` embeddings look at, in samples."""
    return (depth + _WARM_UP) * HOP_SAMPLES + CONTEXT_SAMPLES


class SecondLook:
    """The verifiers of all words that have one, on one embedding."""

    def __init__(self, embedding: StreamedEmbedding, verifiers: Mapping[str, Path]) -> None:
        """``verifiers``: word to ONNX file, opened at once, for they are small."""
        self._embedding = embedding
        self._verifiers = {word: Verifier(path) for word, path in verifiers.items()}
        self._depth = max((each.depth for each in self._verifiers.values()), default=0)
        self.looks = 0
        """How many embeddings were made so far: what the second look costs."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words that get a second look."""
        return tuple(self._verifiers)

    @property
    def memory_samples(self) -> int:
        """How much past sound a look needs."""
        return samples_for(self._depth) if self._verifiers else 0

    def begin(self, recent: NDArray[np.int16], at_sample: int) -> Trail:
        """Look for the first time, at ``at_sample``, where ``recent`` ends."""
        self.looks += self._depth + _WARM_UP
        return Trail(self._embedding, self._depth, recent, at_sample)

    def follow(self, trail: Trail, samples: NDArray[np.int16]) -> None:
        """Look again, 80 ms later."""
        self.looks += 1
        trail.follow(samples)

    def score(self, word: str, trail: Trail) -> float:
        """What the verifier of a word makes of what the trail has heard."""
        return self._verifiers[word].score(trail.history)
