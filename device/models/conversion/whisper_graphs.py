"""Writes Whisper's two halves as ONNX graphs, once, at set-up.

The encoder makes of a sound what the decoder looks at: the keys and values of the cross
attention of every layer, so that no step makes them again. The decoder takes the next
tokens and the keys and values of those before, and judges every token of the vocabulary.

Weights are rounded to int8 with a scale for each output; what they are multiplied with is
rounded at run time. Each node is short, since a run can be ended only between two.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.models.conversion.whisper_weights import Weights, read

OPSET = 20
"""The first with `Gelu`."""
IR_VERSION = 9
_CONTRIB = "com.microsoft"
_EPSILON = 1e-5


def write_encoder(source: Path) -> Any:
    """Return the encoder of the model at ``source`` as an ONNX model.

    Input ``features``: float32 ``[1, bands, frames]``. Outputs, for each layer of the
    decoder, ``cross_key_N`` and ``cross_value_N``: float32 ``[1, heads, frames / 2, size]``.
    """
    weights = read(source)
    graph = _Graph(weights)
    x = _convolved(graph)
    for layer in range(weights.layers("encoder")):
        place = f"encoder/layer_{layer}/"
        heard = graph.normal(x, f"{place}self_attention/layer_norm")
        mixed = _looking_around(graph, heard, f"{place}self_attention/")
        x = graph.add("Add", x, graph.linear(mixed, f"{place}self_attention/linear_1"))
        x = _widened(graph, x, place)
    x = graph.normal(x, "encoder/layer_norm")
    for layer in range(weights.layers("decoder")):
        _cross(graph, x, layer)
    bands = int(weights.stored("encoder/conv1/weight").shape[1])
    graph.take("features", [1, bands, "frames"])
    return graph.model("whisper_encoder")


def write_decoder(source: Path) -> Any:
    """Return the decoder of the model at ``source`` as an ONNX model.

    Inputs: ``tokens`` float32 ``[1, n, size]`` (embedded, with their positions), ``mask``
    float32 ``[1, 1, n, before + n]`` (added to the attention), ``asked`` int64 (which of
    the n are to be judged), the encoder's ``cross_*`` and, of the tokens before,
    ``past_key_N`` and ``past_value_N``. Outputs: ``logits`` ``[1, asked, vocabulary]``,
    ``key_N`` and ``value_N``, which are the next ``past_*``.
    """
    weights = read(source)
    graph = _Graph(weights)
    graph.take("tokens", [1, "n", weights.size])
    graph.take("mask", [1, 1, "n", "all"])
    graph.take("asked", ["asked"], integer=True)
    x = "tokens"
    for layer in range(weights.layers("decoder")):
        place = f"decoder/layer_{layer}/"
        said = graph.normal(x, f"{place}self_attention/layer_norm")
        mixed = _looking_back(graph, said, layer)
        x = graph.add("Add", x, graph.linear(mixed, f"{place}self_attention/linear_1"))
        asks = graph.normal(x, f"{place}attention/layer_norm")
        mixed = _looking_across(graph, asks, layer)
        x = graph.add("Add", x, graph.linear(mixed, f"{place}attention/linear_2"))
        x = _widened(graph, x, place)
    x = graph.normal(graph.add("Gather", x, "asked", axis=1), "decoder/layer_norm")
    logits = graph.product(x, "decoder/embeddings/weight", weights["decoder/embeddings/weight"])
    graph.give(logits, "logits", [1, "asked", "vocabulary"])
    return graph.model("whisper_decoder")


# ------------------------------------------------------------------------------- parts


def _convolved(graph: _Graph) -> str:
    """Two convolutions over time, the second halves it; then where each position lies."""
    x = "features"
    for number, stride in ((1, 1), (2, 2)):
        kernel, bias = (graph.constant(f"encoder/conv{number}/{e}") for e in ("weight", "bias"))
        x = graph.add("Conv", x, kernel, bias, pads=[1, 1], strides=[stride], kernel_shape=[3])
        x = graph.add("Gelu", x)
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    zero = graph.value("zero", np.array([0], np.int64))
    length = graph.add("Shape", x, start=1, end=2)
    places = graph.constant("encoder/position_encodings/encodings")
    return graph.add("Add", x, graph.add("Slice", places, zero, length, zero))


def _looking_around(graph: _Graph, x: str, place: str) -> str:
    """Attention of each position to all: a node for each head, to have short ones."""
    weights = graph.weights
    parts = graph.split(graph.linear(x, f"{place}linear_0"), 3 * weights.heads)
    heads = [parts[head :: weights.heads] for head in range(weights.heads)]
    seen = [graph.contrib("MultiHeadAttention", *head, num_heads=1) for head in heads]
    return graph.add("Concat", *seen, axis=2)


def _looking_back(graph: _Graph, x: str, layer: int) -> str:
    """Attention of each token to those before it."""
    query, key, value = graph.split(
        graph.linear(x, f"decoder/layer_{layer}/self_attention/linear_0"), 3
    )
    past = [graph.take_heads(f"past_{kind}_{layer}", "before") for kind in ("key", "value")]
    now = [graph.give_heads(f"{kind}_{layer}", "all") for kind in ("key", "value")]
    return graph.contrib(
        "MultiHeadAttention", query, key, value, "", "", "mask", *past,
        num_heads=graph.weights.heads, more_outputs=now,
    )  # fmt: skip


def _looking_across(graph: _Graph, x: str, layer: int) -> str:
    """Attention of each token to the sound."""
    query = graph.linear(x, f"decoder/layer_{layer}/attention/linear_0")
    sound = [graph.take_heads(f"cross_{kind}_{layer}", "positions") for kind in ("key", "value")]
    return graph.contrib("MultiHeadAttention", query, *sound, num_heads=graph.weights.heads)


def _cross(graph: _Graph, x: str, layer: int) -> None:
    """The keys and values of the sound for one layer of the decoder."""
    both = graph.split(graph.linear(x, f"decoder/layer_{layer}/attention/linear_1"), 2)
    for kind, half in zip(("key", "value"), both, strict=True):
        weights = graph.weights
        shape = np.array([1, -1, weights.heads, weights.size // weights.heads], np.int64)
        heads = graph.add("Reshape", half, graph.value("heads", shape))
        turned = graph.add("Transpose", heads, perm=[0, 2, 1, 3])
        name = graph.give_heads(f"cross_{kind}_{layer}", "positions")
        graph.rename(turned, name)


def _widened(graph: _Graph, x: str, place: str) -> str:
    """The two layers between attentions, and what they are added to."""
    wide = graph.linear(graph.normal(x, f"{place}ffn/layer_norm"), f"{place}ffn/linear_0")
    narrow = graph.linear(graph.add("Gelu", wide), f"{place}ffn/linear_1")
    return graph.add("Add", x, narrow)


class _Graph:
    """A graph that grows by one node after the other; every node has one name to go on with."""

    def __init__(self, weights: Weights) -> None:
        from onnx import TensorProto, helper, numpy_helper

        self.weights = weights
        self._helper, self._numpy, self._types = helper, numpy_helper, TensorProto
        self._nodes: list[Any] = []
        self._values: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._rounded: dict[str, list[str]] = {}

    # ------------------------------------------------------------------------ nodes

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        return self._node(kind, inputs, [f"{kind}_{len(self._nodes)}"], attributes)[0]

    def contrib(
        self, kind: str, *inputs: str, more_outputs: Sequence[str] = (), **attributes: Any
    ) -> str:
        """Add one of onnxruntime's own nodes."""
        outputs = [f"{kind}_{len(self._nodes)}", *more_outputs]
        return self._node(kind, inputs, outputs, {**attributes, "domain": _CONTRIB})[0]

    def split(self, x: str, parts: int) -> list[str]:
        """Cut the last axis into equal parts."""
        outputs = [f"Split_{len(self._nodes)}_{part}" for part in range(parts)]
        return self._node("Split", [x], outputs, {"axis": -1, "num_outputs": parts})

    def normal(self, x: str, name: str) -> str:
        """Add a layer norm."""
        scale, offset = self.constant(f"{name}/gamma"), self.constant(f"{name}/beta")
        return self.add("LayerNormalization", x, scale, offset, axis=-1, epsilon=_EPSILON)

    def linear(self, x: str, name: str) -> str:
        """Add a matrix product and an offset."""
        product = self.product(x, name, self.weights[f"{name}/weight"])
        return self.add("Add", product, self.constant(f"{name}/bias"))

    def product(self, x: str, name: str, matrix: NDArray[np.float32]) -> str:
        """Add the product with a matrix ``[outputs, inputs]``, both rounded to 8 bits."""
        scales = (np.abs(matrix).max(axis=1) / 127.0).astype(np.float32)
        scales = np.maximum(scales, np.float32(1e-12))
        rounded = np.round(matrix / scales[:, None]).astype(np.int8)
        whole = self.value(f"{name}/rounded", np.ascontiguousarray(rounded.T))
        if x not in self._rounded:
            outputs = [f"{x}_rounded", f"{x}_scale", f"{x}_zero"]
            self._rounded[x] = self._node("DynamicQuantizeLinear", [x], outputs, {})
        small, scale, zero = self._rounded[x]
        summed = self.add("Cast", self.add("MatMulInteger", small, whole, zero), to=1)
        # In this order onnxruntime makes one node of all of it.
        both = self.add("Mul", scale, self.value(f"{name}/scales", scales))
        return self.add("Mul", summed, both)

    def rename(self, old: str, new: str) -> None:
        """Give the output of the newest node another name."""
        assert list(self._nodes[-1].output) == [old]
        self._nodes[-1].output[0] = new

    def _node(
        self, kind: str, inputs: Sequence[str], outputs: list[str], attributes: dict[str, Any]
    ) -> list[str]:
        node = self._helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes)
        self._nodes.append(node)
        return outputs

    # ------------------------------------------------------------- constants and doors

    def constant(self, name: str) -> str:
        """Put in one of the weights as it is."""
        return self.value(name, self.weights[name])

    def value(self, name: str, array: NDArray[Any]) -> str:
        """Put in a constant, once."""
        if name not in self._values:
            self._values[name] = self._numpy.from_array(np.ascontiguousarray(array), name)
        return name

    def take(self, name: str, shape: Sequence[int | str], *, integer: bool = False) -> str:
        """Add an input."""
        self._inputs.append(self._door(name, shape, integer))
        return name

    def take_heads(self, name: str, length: str) -> str:
        """Add an input of keys or values."""
        return self.take(name, self._heads(length))

    def give(self, old: str, name: str, shape: Sequence[int | str]) -> str:
        """Make the output of the newest node one of the graph."""
        self.rename(old, name)
        self._outputs.append(self._door(name, shape, False))
        return name

    def give_heads(self, name: str, length: str) -> str:
        """Add an output of keys or values."""
        self._outputs.append(self._door(name, self._heads(length), False))
        return name

    def _heads(self, length: str) -> list[int | str]:
        return [1, self.weights.heads, length, self.weights.size // self.weights.heads]

    def _door(self, name: str, shape: Sequence[int | str], integer: bool) -> Any:
        kind = self._types.INT64 if integer else self._types.FLOAT
        return self._helper.make_tensor_value_info(name, kind, shape)

    def model(self, name: str) -> Any:
        """Return what was built."""
        graph = self._helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, list(self._values.values())
        )
        versions = [("", OPSET), (_CONTRIB, 1)]
        return self._helper.make_model(
            graph,
            opset_imports=[self._helper.make_opsetid(*each) for each in versions],
            ir_version=IR_VERSION,
            producer_name="bittern",
        )
