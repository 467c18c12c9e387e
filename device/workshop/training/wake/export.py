"""Trained networks as ONNX: one that streams over features, one over embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import BitternError
from device.wake.embedding import SIZE
from device.wake.features import BANDS
from device.workshop.training.wake.network import Array, WakeNetwork
from device.workshop.training.wake.windows import FRAMES_PER_STEP

_OPSET = 17
_IR_VERSION = 9


class NoExporterError(BitternError):
    """The package that writes ONNX is not installed."""


def must_be_able_to_write() -> None:
    """Say at once, and not after ten minutes, that models cannot be written."""
    _Graph()


class _Graph:
    """Nodes and weights in the making; weights are kept in half precision."""

    def __init__(self) -> None:
        try:
            import onnx
        except ImportError as missing:
            raise NoExporterError(
                "models cannot be written without the package onnx", "pip install bittern[train]"
            ) from missing
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        made = self._onnx.helper.make_node(operator, list(inputs), [output], **attributes)
        self.nodes.append(made)
        return output

    def weight(self, name: str, values: Array) -> str:
        half = self._onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
        self.initializers.append(half)
        return self.add("Cast", [f"{name}_half"], name, to=self._onnx.TensorProto.FLOAT)

    def integers(self, name: str, values: Sequence[int]) -> str:
        array = np.array(values, dtype=np.int64)
        self.initializers.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def value(self, name: str, shape: Sequence[int | str]) -> Any:
        kind = self._onnx.TensorProto.FLOAT
        return self._onnx.helper.make_tensor_value_info(name, kind, list(shape))

    def write(
        self, path: Path, inputs: Sequence[Any], outputs: Sequence[Any], about: dict[str, str]
    ) -> None:
        helper = self._onnx.helper
        graph = helper.make_graph(self.nodes, "wake_word", inputs, outputs, self.initializers)
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="bittern"
        )
        helper.set_model_props(model, about)
        self._onnx.checker.check_model(model)
        partial = path.with_suffix(".partial")
        partial.write_bytes(model.SerializeToString())
        partial.replace(path)


def _folded(network: WakeNetwork) -> tuple[Array, Array]:
    """The narrow layer with the normalization of its inputs inside."""
    weight = network.weights["narrow"] * network.scale[:, None]
    return weight, network.weights["narrow_bias"] - network.mean @ weight


def write_first(network: WakeNetwork, path: Path) -> None:
    """Write the small model: the interface of a converted microWakeWord model.

    ``features`` float32 ``[streams, 3 n, 1, 40]`` and a ring of the narrow layer's last
    outputs, zero at the beginning, give ``probabilities`` ``[streams, n]`` and ``ring_next``.
    """
    shape, graph = network.shape, _Graph()
    weight, bias = _folded(network)
    flat = graph.integers("step_shape", (0, -1, FRAMES_PER_STEP * BANDS))
    steps = graph.add("Reshape", ["features", flat], "steps")
    narrow = graph.add("MatMul", [steps, graph.weight("narrow_weight", weight)], "narrow_sum")
    narrow = graph.add("Add", [narrow, graph.weight("narrow_bias", bias)], "narrow_logits")
    narrow = graph.add("Relu", [narrow], "narrow")
    joined = graph.add("Concat", ["ring", narrow], "joined", axis=1)
    bounds = [
        graph.integers("from", (-(shape.depth - 1),)),
        graph.integers("to", (np.iinfo(np.int64).max,)),
        graph.integers("axis", (1,)),
    ]
    graph.add("Slice", [joined, *bounds], "ring_next")
    columns = graph.add("Transpose", [joined], "columns", perm=[0, 2, 1])
    # [depth, narrow, hidden] to a convolution's [hidden, narrow, depth].
    kernel = network.weights["hidden"].reshape(shape.depth, shape.narrow, shape.hidden)
    hidden = graph.weight("hidden_weight", kernel.transpose(2, 1, 0))
    hidden_bias = graph.weight("hidden_bias", network.weights["hidden_bias"])
    hidden = graph.add("Conv", [columns, hidden, hidden_bias], "hidden_sum")
    hidden = graph.add("Relu", [hidden], "hidden")
    out = graph.weight("out_weight", network.weights["out"].T[:, :, None])
    out_bias = graph.weight("out_bias", network.weights["out_bias"])
    logits = graph.add("Conv", [hidden, out, out_bias], "logits")
    squeezed = graph.add("Squeeze", [logits, bounds[2]], "logit_row")
    graph.add("Sigmoid", [squeezed], "probabilities")
    ring: list[int | str] = ["streams", shape.depth - 1, shape.narrow]
    graph.write(
        path,
        [graph.value("features", ["streams", "frames", 1, BANDS]), graph.value("ring", ring)],
        [graph.value("probabilities", ["streams", "steps_out"]), graph.value("ring_next", ring)],
        {"frames_per_step": str(FRAMES_PER_STEP)},
    )


def write_verifier(networks: Sequence[WakeNetwork], path: Path) -> None:
    """Write the second look: the mean opinion of some networks over the last embeddings.

    ``embeddings`` float32 ``[1, depth, 96]`` give ``probability`` ``[1, 1]``.
    """
    graph = _Graph()
    depth = networks[0].shape.depth
    opinions = [_opinion(graph, each, f"n{index}_") for index, each in enumerate(networks)]
    mean = graph.add("Mean", opinions, "logits") if len(opinions) > 1 else opinions[0]
    graph.add("Sigmoid", [mean], "probability")
    graph.write(
        path,
        [graph.value("embeddings", [1, depth, SIZE])],
        [graph.value("probability", [1, 1])],
        {},
    )


def _opinion(graph: _Graph, network: WakeNetwork, prefix: str) -> str:
    weight, bias = _folded(network)
    w = network.weights
    narrow = graph.add(
        "MatMul", ["embeddings", graph.weight(f"{prefix}nw", weight)], f"{prefix}narrow_sum"
    )
    narrow = graph.add("Add", [narrow, graph.weight(f"{prefix}nb", bias)], f"{prefix}narrow_all")
    narrow = graph.add("Relu", [narrow], f"{prefix}narrow")
    flat = graph.add("Flatten", [narrow], f"{prefix}flat", axis=1)
    hidden = graph.add(
        "Gemm",
        [
            flat,
            graph.weight(f"{prefix}hw", w["hidden"]),
            graph.weight(f"{prefix}hb", w["hidden_bias"]),
        ],
        f"{prefix}hidden_sum",
    )
    hidden = graph.add("Relu", [hidden], f"{prefix}hidden")
    return graph.add(
        "Gemm",
        [hidden, graph.weight(f"{prefix}ow", w["out"]), graph.weight(f"{prefix}ob", w["out_bias"])],
        f"{prefix}logit",
    )
