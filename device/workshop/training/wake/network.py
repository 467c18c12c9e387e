"""A small network over the last steps of a stream, and how it learns: numpy, nothing else.

Each step (30 ms of features, or one embedding) goes through the same narrow layer, the last
``depth`` of them through a wide one, and one number comes out. That is a convolution over
time in the first layer and in the second, so that a stream costs one step at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the network is."""

    depth: int
    """Steps it looks at."""
    inputs: int
    """Numbers in one step."""
    narrow: int = 16
    hidden: int = 32


@dataclass(frozen=True, slots=True)
class Lesson:
    """How long and how hard it learns."""

    steps: int = 2500
    batch: int = 256
    rate: float = 2e-3
    decay: float = 0.02
    dropout: float = 0.25
    share_of_words: float = 0.25
    """Of each batch: positives; a quarter more are negatives it found hard."""
    mine_every: int = 400
    hard: int = 6000
    """How many of the negatives it finds most like the word it is shown more often."""


@dataclass(frozen=True)
class Stream:
    """Steps of many sounds one after the other, and where windows end in them."""

    steps: Array
    """``[n, inputs]``."""
    words: Indices
    """First steps of windows that hold the word and end with it."""
    others: Indices
    """First steps of windows that do not."""


def nobody(*_counts: int) -> None:
    """Whom to tell how far the work is when nobody wants to know."""


class WakeNetwork:
    """The weights, and what they make of windows."""

    def __init__(self, shape: Shape, random: np.random.Generator) -> None:
        self.shape = shape
        flat = shape.depth * shape.narrow
        self.mean: Array = np.zeros(shape.inputs, dtype=np.float32)
        self.scale: Array = np.ones(shape.inputs, dtype=np.float32)
        self.weights: dict[str, Array] = {
            "narrow": _random_layer(shape.inputs, shape.narrow, random),
            "narrow_bias": np.zeros(shape.narrow, dtype=np.float32),
            "hidden": _random_layer(flat, shape.hidden, random),
            "hidden_bias": np.zeros(shape.hidden, dtype=np.float32),
            "out": _random_layer(shape.hidden, 1, random),
            "out_bias": np.full(1, -2.0, dtype=np.float32),
        }

    def score_stream(self, steps: Array) -> Array:
        """The probability at each window of a stream ``[n, inputs]``: ``[n - depth + 1]``."""
        w, depth = self.weights, self.shape.depth
        if len(steps) < depth:
            return np.zeros(0, dtype=np.float32)
        narrow = np.maximum((steps - self.mean) * self.scale @ w["narrow"] + w["narrow_bias"], 0)
        windows = np.lib.stride_tricks.sliding_window_view(narrow, depth, axis=0)
        scores = np.empty(len(windows), dtype=np.float32)
        for at in range(0, len(windows), 8192):
            flat = windows[at : at + 8192].transpose(0, 2, 1).reshape(-1, depth * narrow.shape[1])
            hidden = np.maximum(flat @ w["hidden"] + w["hidden_bias"], 0)
            scores[at : at + 8192] = _sigmoid(hidden @ w["out"] + w["out_bias"])[:, 0]
        return scores


def train(
    stream: Stream,
    shape: Shape,
    lesson: Lesson,
    seed: int,
    say: Callable[[int], None] = nobody,
) -> WakeNetwork:
    """Train one network; ``say`` is told how many of ``lesson.steps`` are done."""
    random = np.random.default_rng(seed)
    network = WakeNetwork(shape, random)
    sample = stream.steps[random.integers(0, len(stream.steps), 20_000)]
    network.mean = sample.mean(axis=0)
    network.scale = 1 / (sample.std(axis=0) + np.float32(1e-3))
    optimizer = _Adam(network.weights, lesson)
    hard = stream.others
    for step in range(lesson.steps):
        if step and step % lesson.mine_every == 0:
            hard = _hardest(network, stream, lesson.hard)
            say(step)
        starts, labels = _batch(stream, hard, lesson, random)
        windows = stream.steps[starts[:, None] + np.arange(shape.depth)]
        gradients = _gradients(network, windows, labels, lesson.dropout, random)
        optimizer.step(gradients, step / lesson.steps)
    say(lesson.steps)
    return network


def _hardest(network: WakeNetwork, stream: Stream, count: int) -> Indices:
    scores = network.score_stream(stream.steps)[stream.others]
    count = min(count, max(1, len(scores) // 4))
    return stream.others[np.argpartition(scores, -count)[-count:]]


def _batch(
    stream: Stream, hard: Indices, lesson: Lesson, random: np.random.Generator
) -> tuple[Indices, Array]:
    words = round(lesson.batch * lesson.share_of_words)
    others = lesson.batch - 2 * words
    starts = np.concatenate(
        (
            random.choice(stream.words, words),
            random.choice(stream.others, others),
            random.choice(hard, words),
        )
    )
    labels = np.full(len(starts), 0.005, dtype=np.float32)
    labels[:words] = 0.985
    return starts, labels


def _gradients(
    network: WakeNetwork,
    windows: Array,
    labels: Array,
    dropout: float,
    random: np.random.Generator,
) -> dict[str, Array]:
    w = network.weights
    count, depth, _ = windows.shape
    inputs = ((windows - network.mean) * network.scale).reshape(count * depth, -1)
    narrow = np.maximum(inputs @ w["narrow"] + w["narrow_bias"], 0)
    flat = narrow.reshape(count, -1)
    kept_flat = _kept(flat.shape, dropout, random)
    dropped = flat * kept_flat
    hidden = np.maximum(dropped @ w["hidden"] + w["hidden_bias"], 0)
    kept_hidden = _kept(hidden.shape, dropout, random)
    last = hidden * kept_hidden
    scores = _sigmoid(last @ w["out"] + w["out_bias"])[:, 0]
    # The gradient of the cross-entropy at the logit is the difference of the two.
    d_out = ((scores - labels) / count)[:, None]
    d_hidden = (d_out @ w["out"].T) * kept_hidden * (hidden > 0)
    d_flat = (d_hidden @ w["hidden"].T) * kept_flat
    d_narrow = d_flat.reshape(narrow.shape) * (narrow > 0)
    return {
        "out": last.T @ d_out,
        "out_bias": d_out.sum(axis=0),
        "hidden": dropped.T @ d_hidden,
        "hidden_bias": d_hidden.sum(axis=0),
        "narrow": inputs.T @ d_narrow,
        "narrow_bias": d_narrow.sum(axis=0),
    }


class _Adam:
    """Adam with decoupled weight decay; the rate rises for a tenth and falls to nothing."""

    def __init__(self, weights: dict[str, Array], lesson: Lesson) -> None:
        self._weights = weights
        self._lesson = lesson
        self._first = {name: np.zeros_like(each) for name, each in weights.items()}
        self._second = {name: np.zeros_like(each) for name, each in weights.items()}
        self._count = 0

    def step(self, gradients: dict[str, Array], progress: float) -> None:
        self._count += 1
        ramp = min(1.0, progress / 0.1) * 0.5 * (1 + np.cos(np.pi * progress))
        rate = np.float32(self._lesson.rate * ramp)
        fix_first, fix_second = 1 - 0.9**self._count, 1 - 0.999**self._count
        for name, gradient in gradients.items():
            first, second, weight = self._first[name], self._second[name], self._weights[name]
            first += np.float32(0.1) * (gradient - first)
            second += np.float32(0.001) * (gradient * gradient - second)
            move = (first / fix_first) / (np.sqrt(second / fix_second) + 1e-8)
            if not name.endswith("_bias"):
                move += self._lesson.decay * weight
            weight -= rate * move.astype(np.float32)


def _random_layer(inputs: int, outputs: int, random: np.random.Generator) -> Array:
    layer = random.standard_normal((inputs, outputs), dtype=np.float32)
    return layer * np.float32(np.sqrt(2 / inputs))


def _kept(shape: tuple[int, ...], dropout: float, random: np.random.Generator) -> Array:
    keep = 1 - dropout
    return (random.random(shape, dtype=np.float32) < keep).astype(np.float32) / np.float32(keep)


def _sigmoid(logits: Array) -> Array:
    probabilities: Array = (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)
    return probabilities
