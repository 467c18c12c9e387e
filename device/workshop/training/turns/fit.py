"""A network with one hidden layer, fitted with Adam in numpy, written as ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

HIDDEN = 64
_BATCH = 128
_EPOCHS = 40
_RATE = 1e-3
_DECAY = 3e-3
_DROP_INPUT, _DROP_HIDDEN = 0.2, 0.4


@dataclass(slots=True)
class TurnNetwork:
    """Weights of ``1 / (1 + exp(-(relu((x - mean) / spread @ w1 + b1) @ w2 + b2)))``."""

    mean: Floats
    spread: Floats
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats

    def probability(self, features: Floats) -> Floats:
        """Probabilities ``[n]`` of features ``[n, f]``."""
        hidden = np.maximum((features - self.mean) / self.spread @ self.w1 + self.b1, 0.0)
        result: Floats = 1.0 / (1.0 + np.exp(-(hidden @ self.w2 + self.b2)[:, 0]))
        return result


def fit(features: Floats, labels: Floats, weights: Floats, seed: int = 0) -> TurnNetwork:
    """Fit; each example counts by its weight ``[n]``."""
    chance = np.random.default_rng(seed)
    size = features.shape[1]
    network = TurnNetwork(
        features.mean(axis=0),
        features.std(axis=0) + np.float32(1e-3),
        (chance.standard_normal((size, HIDDEN)) * np.sqrt(2.0 / size)).astype(np.float32),
        np.zeros(HIDDEN, dtype=np.float32),
        (chance.standard_normal((HIDDEN, 1)) * np.sqrt(2.0 / HIDDEN)).astype(np.float32),
        np.zeros(1, dtype=np.float32),
    )
    inputs = (features - network.mean) / network.spread
    parts = [network.w1, network.b1, network.w2, network.b2]
    momenta = [np.zeros_like(part) for part in parts]
    squares = [np.zeros_like(part) for part in parts]
    step = 0
    for epoch in range(_EPOCHS):
        rate = _RATE * 0.5 * (1.0 + np.cos(np.pi * epoch / _EPOCHS))
        order = chance.permutation(len(inputs))
        for at in range(0, len(order), _BATCH):
            chosen = order[at : at + _BATCH]
            step += 1
            slopes = _slopes(network, inputs[chosen], labels[chosen], weights[chosen], chance)
            _move(parts, slopes, momenta, squares, rate, step)
    return network


def _slopes(
    network: TurnNetwork, x: Floats, y: Floats, weight: Floats, chance: np.random.Generator
) -> list[Floats]:
    x = x * (chance.random(x.shape, dtype=np.float32) > _DROP_INPUT) / (1 - _DROP_INPUT)
    before = x @ network.w1 + network.b1
    kept = (chance.random(before.shape, dtype=np.float32) > _DROP_HIDDEN) / (1 - _DROP_HIDDEN)
    hidden = np.maximum(before, 0.0) * kept
    p = 1.0 / (1.0 + np.exp(-(hidden @ network.w2 + network.b2)[:, 0]))
    wrong = ((p - y) * weight / len(y))[:, None].astype(np.float32)
    back = wrong @ network.w2.T * kept * (before > 0)
    return [x.T @ back, back.sum(axis=0), hidden.T @ wrong, wrong.sum(axis=0)]


def _move(
    parts: list[Floats],
    slopes: list[Floats],
    momenta: list[Floats],
    squares: list[Floats],
    rate: float,
    step: int,
) -> None:
    """One step of Adam with decoupled weight decay, in place."""
    for part, slope, momentum, square in zip(parts, slopes, momenta, squares, strict=True):
        momentum += 0.1 * (slope - momentum)
        square += 0.001 * (slope**2 - square)
        ahead = momentum / (1 - 0.9**step)
        part -= rate * (ahead / (np.sqrt(square / (1 - 0.999**step)) + 1e-8) + _DECAY * part)


def write_onnx(network: TurnNetwork, path: Path) -> None:
    """Write the network: ``features [n, f]`` to ``finished [n, 1]``."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    w1 = network.w1 / network.spread[:, None]
    b1 = network.b1 - (network.mean / network.spread) @ network.w1
    weights = {"w1": w1, "b1": b1, "w2": network.w2, "b2": network.b2}
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["features", "w1", "b1"], ["before"]),
            helper.make_node("Relu", ["before"], ["hidden"]),
            helper.make_node("Gemm", ["hidden", "w2", "b2"], ["sum"]),
            helper.make_node("Sigmoid", ["sum"], ["finished"]),
        ],
        "sentence_end",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", w1.shape[0]])],
        [helper.make_tensor_value_info("finished", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(v.astype(np.float32), name) for name, v in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="bittern"
    )
    checker.check_model(model)
    save(model, str(path))
