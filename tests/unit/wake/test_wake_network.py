"""The small network learns what it is shown, and its gradients are right."""

from __future__ import annotations

import numpy as np
import pytest

from device.workshop.training.wake.network import (
    Lesson,
    Shape,
    Stream,
    WakeNetwork,
    _gradients,
    train,
)


@pytest.fixture(scope="module")
def stream() -> Stream:
    """Noise with a pattern of four steps in it now and then."""
    random = np.random.default_rng(1)
    steps = random.standard_normal((6000, 6)).astype(np.float32)
    pattern = random.standard_normal((4, 6)).astype(np.float32) * 2
    words = np.arange(50, 5900, 60)
    for at in words:
        steps[at : at + 4] += pattern
    others = np.setdiff1d(np.arange(5990), (words[:, None] + np.arange(-3, 4)).ravel())
    return Stream(steps, words, others)


def test_it_learns_a_pattern_and_keeps_it_apart_from_noise(stream: Stream) -> None:
    half = len(stream.words) // 2
    seen = Stream(stream.steps, stream.words[:half], stream.others[stream.others < 3000])
    lesson = Lesson(steps=500, batch=64, mine_every=200, hard=200)
    network = train(seen, Shape(4, 6, 8, 8), lesson, seed=0)
    scores = network.score_stream(stream.steps)
    unheard, others = stream.words[half:], stream.others[stream.others > 3000]
    assert np.median(scores[unheard]) > 0.8
    assert np.mean(scores[others] > 0.5) < 0.01


def test_the_same_seed_gives_the_same_network(stream: Stream) -> None:
    lesson = Lesson(steps=30, batch=32)
    one, other = (train(stream, Shape(4, 6, 8, 8), lesson, seed=5) for _ in range(2))
    for name, weight in one.weights.items():
        np.testing.assert_array_equal(weight, other.weights[name])


def test_the_gradients_are_those_of_the_loss() -> None:
    random = np.random.default_rng(3)
    network = WakeNetwork(Shape(3, 5, 4, 4), random)
    windows = random.standard_normal((7, 3, 5)).astype(np.float32)
    labels = (random.random(7) < 0.5).astype(np.float32)

    def loss() -> float:
        scores = np.array([network.score_stream(each)[0] for each in windows], dtype=np.float64)
        return float(-np.mean(labels * np.log(scores) + (1 - labels) * np.log(1 - scores)))

    gradients = _gradients(network, windows, labels, 0.0, random)
    for name, gradient in gradients.items():
        weight = network.weights[name]
        index = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        before = weight[index]
        weight[index] = before + 0.01
        above = loss()
        weight[index] = before - 0.01
        below = loss()
        weight[index] = before
        assert (above - below) / 0.02 == pytest.approx(gradient[index], rel=0.05, abs=1e-4), name


def test_a_stream_shorter_than_the_window_has_no_score() -> None:
    network = WakeNetwork(Shape(4, 6), np.random.default_rng(0))
    assert len(network.score_stream(np.zeros((3, 6), np.float32))) == 0
