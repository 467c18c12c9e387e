"""Makes the speech embedding stream: each frame is looked at once, not nine times.

The published model takes a window of 76 spectrogram frames and gives one embedding; to
follow a stream it is run on overlapping windows, eight frames apart. But it is built of
convolutions without padding along time and of poolings that halve it three times, so that
eight new frames need only what each layer kept of the frames before. What it kept becomes
explicit state here. The poolings of all windows fall on one grid, so the numbers are the
same, to the rounding of a float32 sum.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from .translate import OPSET, STATE_SUFFIX, UnsupportedModelError

SPECTRUM = "spectrum"
"""Input: float32 ``[streams, frames, 32]``, frames = 8n."""
EMBEDDINGS = "embeddings"
"""Output: float32 ``[streams, n, 96]``, one for each eight frames."""
FRAMES_PER_STEP = 8
BANDS = 32
_SIMPLE = frozenset({"LeakyRelu", "Max"})


def stream(source: Path) -> Any:
    """Rebuild the embedding model at ``source``; returns an ONNX model.

    Raises :class:`UnsupportedModelError`, naming the operator, for any other model.
    """
    import onnx
    from onnx import TensorProto, helper, shape_inference

    model = shape_inference.infer_shapes(onnx.load(str(source)))
    builder = _Builder(model.graph)
    nodes = builder.build()
    spectrum = helper.make_tensor_value_info(
        SPECTRUM, TensorProto.FLOAT, ["streams", "frames", BANDS]
    )
    embeddings = helper.make_tensor_value_info(
        EMBEDDINGS, TensorProto.FLOAT, ["streams", "steps", "size"]
    )
    graph = helper.make_graph(
        nodes,
        "speech_embedding",
        [spectrum, *builder.rings_in],
        [embeddings, *builder.rings_out],
        [*model.graph.initializer, *builder.constants],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=model.ir_version,
        producer_name="bittern",
    )


class _Builder:
    """Walks the graph once; a convolution over time gets a ring in front of it."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._widths = _widths(graph)
        self._nodes: list[Any] = []
        self.constants: list[Any] = []
        self.rings_in: list[Any] = []
        self.rings_out: list[Any] = []

    def build(self) -> list[Any]:
        """The nodes of the streaming graph."""
        import numpy as np
        from onnx import helper

        *middle, last = self._graph.node
        first = middle.pop(0)
        if (first.op_type, last.op_type) != ("Reshape", "Reshape"):
            self._refuse(first, "a reshape at both ends was expected")
        axis = self._constant("image_axis", np.array([1], dtype=np.int64))
        self._nodes.append(helper.make_node("Unsqueeze", [SPECTRUM, axis], [first.output[0]]))
        for node in middle:
            self._add(node)
        width = self._constant("last_axis", np.array([3], dtype=np.int64))
        self._nodes.append(helper.make_node("Squeeze", [last.input[0], width], ["columns"]))
        self._nodes.append(helper.make_node("Transpose", ["columns"], [EMBEDDINGS], perm=[0, 2, 1]))
        return self._nodes

    def _add(self, node: Any) -> None:
        attributes = {each.name: list(each.ints) for each in node.attribute}
        if node.op_type == "Conv":
            if attributes.get("pads", [0, 0, 0, 0])[::2] != [0, 0]:
                self._refuse(node, "it pads along time")
            if attributes["kernel_shape"][0] > 1:
                self._add_ring(node, attributes["kernel_shape"][0] - 1)
        elif node.op_type == "MaxPool":
            if attributes["kernel_shape"][0] != attributes["strides"][0]:
                self._refuse(node, "its windows overlap along time")
        elif node.op_type not in _SIMPLE:
            self._refuse(node, "it is not part of the speech embedding")
        self._nodes.append(node)

    def _add_ring(self, node: Any, frames: int) -> None:
        """Put the last frames of this layer's input before the new ones."""
        import numpy as np
        from onnx import TensorProto, helper

        source = node.input[0]
        channels, width = self._widths[source]
        ring = f"ring{len(self.rings_in)}"
        joined = f"{ring}_and_new"
        shape: list[str | int | None] = ["streams", channels, frames, width]
        self.rings_in.append(helper.make_tensor_value_info(ring, TensorProto.FLOAT, shape))
        following = ring + STATE_SUFFIX
        self.rings_out.append(helper.make_tensor_value_info(following, TensorProto.FLOAT, shape))
        bounds = [
            self._constant(f"{ring}_{name}", np.array([value], dtype=np.int64))
            for name, value in (("from", -frames), ("to", np.iinfo(np.int64).max), ("axis", 2))
        ]
        self._nodes.append(helper.make_node("Concat", [ring, source], [joined], axis=2))
        self._nodes.append(helper.make_node("Slice", [joined, *bounds], [following]))
        node.input[0] = joined

    def _constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def _refuse(self, node: Any, reason: str) -> NoReturn:
        raise UnsupportedModelError(
            f"operator {node.op_type} ({node.name or node.output[0]}): {reason}",
            "this converter reads openWakeWord's speech embedding",
        )


def _widths(graph: Any) -> dict[str, tuple[int, int]]:
    """Channels and bands of every image in the graph, ``[n, channels, time, bands]``."""
    known = {}
    for value in graph.value_info:
        dimensions = [each.dim_value for each in value.type.tensor_type.shape.dim]
        if len(dimensions) == 4:
            known[value.name] = (dimensions[1], dimensions[3])
    return known
