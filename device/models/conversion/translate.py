"""Translates a quantized TFLite streaming model into ONNX with its state made explicit.

What is understood is the family that microWakeWord trains: one int8 feature window
in, convolutions along time over ring buffers kept in variables, one probability out.
Anything else is refused, naming the operator.

In the ONNX graph every activation is a float32 that holds the *integer* ``q - zero_point``
of TFLite, laid out ``[streams, channels, time, 1]``; see :mod:`.arithmetic` for why the
numbers come out the same, all of them. Time is dynamic: TFLite takes one stride (three frames) a
step, the ONNX graph takes as many strides as it is given and returns that many
probabilities, so that a pre-roll is replayed in one call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from device.errors import BitternError

from .arithmetic import FLOAT32_EXACT, double_rounding_bias, rescale_factors, scalar_channels
from .flatbuffer import Operator, Subgraph, Tensor

FEATURES = "features"
"""Input: float32 ``[streams, frames, 1, 40]`` as pymicro-features gives them, frames = 3n."""
PROBABILITIES = "probabilities"
"""Output: float32 ``[streams, n]``, each a multiple of 1/256."""
STATE_SUFFIX = "_next"
"""State ``ring0`` comes in under its name and goes out as ``ring0_next``, same shape."""

OPSET = 19
IR_VERSION = 9
_RELU = 1
_VALID = 1
_NONE = 0


class UnsupportedModelError(BitternError):
    """The model holds something the converter does not understand."""


class Translator:
    """Walks the main subgraph once and collects ONNX nodes."""

    def __init__(self, subgraphs: tuple[Subgraph, ...]) -> None:
        self._graph = subgraphs[0]
        self._tensors = subgraphs[0].tensors
        self._initial = _initial_values(subgraphs[1:])
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._names: dict[int, str] = {}
        self._variables: dict[int, str] = {}
        self._rings: dict[str, Tensor] = {}
        self._outputs: list[Any] = []
        self._at = 0
        self._operator = Operator("", (), ())
        self.frames_per_step = 0

    def translate(self) -> Any:
        """Build the ONNX graph; raises :class:`UnsupportedModelError`."""
        from onnx import TensorProto, helper

        self._take_features()
        for at, operator in enumerate(self._graph.operators):
            self._at, self._operator = at, operator
            handler = _HANDLERS.get(self._operator.name)
            if handler is None:
                self._refuse("is not part of a microWakeWord model")
            handler(self)
        self._give_probabilities()
        inputs = [
            helper.make_tensor_value_info(
                FEATURES, TensorProto.FLOAT, ["streams", "frames", 1, self._input.shape[-1]]
            )
        ]
        inputs += [_ring_info(name, tensor) for name, tensor in self._rings.items()]
        return helper.make_graph(
            self._nodes, "microwakeword", inputs, self._outputs, self._constants
        )

    # -- beginning and end -------------------------------------------------------------

    @property
    def _input(self) -> Tensor:
        return self._tensors[self._graph.inputs[0]]

    def _take_features(self) -> None:
        """Quantize as pymicro-wakeword does: divide by the scale, round half to even."""
        source = self._input
        self._operator = Operator("input", (), ())
        if len(self._graph.inputs) != 1 or len(source.shape) != 3 or source.dtype != "int8":
            self._refuse("one int8 tensor [1, frames, features] was expected")
        self.frames_per_step = source.shape[1]
        scaled = self._node("Mul", [FEATURES, self._float("per_step", 1.0 / source.scales[0])])
        rounded = self._node("Round", [scaled])
        low, high = -128 - source.zero_point, 127 - source.zero_point
        clipped = self._clip(rounded, low, high)
        self._names[source.index] = self._node("Transpose", [clipped], perm=[0, 3, 1, 2])

    def _give_probabilities(self) -> None:
        from onnx import TensorProto, helper

        final = self._names.get(self._graph.outputs[0])
        if final is None or len(self._graph.outputs) != 1:
            self._operator = Operator("output", (), ())
            self._refuse("one probability was expected")
        axes = self._ints("axes", [1, 3])
        self._nodes.append(helper.make_node("Squeeze", [final, axes], [PROBABILITIES]))
        self._outputs.insert(
            0,
            helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["streams", "steps"]),
        )

    # -- one method an operator --------------------------------------------------------

    def _call_once(self) -> None:
        """The initializer subgraph was read by :func:`_initial_values`."""

    def _var_handle(self) -> None:
        self._variables[self._operator.outputs[0]] = str(self._operator.options["SharedName"])

    def _read_variable(self) -> None:
        output = self._tensor_out()
        variable = self._variables[self._operator.inputs[0]]
        initial = self._initial.get(variable)
        if initial is None or np.any(initial != output.zero_point):
            self._refuse("a ring buffer was expected to begin at its zero point")
        if len(output.shape) != 4 or output.shape[2] != 1:
            self._refuse(f"a ring buffer [1, time, 1, channels] was expected, got {output.shape}")
        name = f"ring{len(self._rings)}"
        self._rings[name] = output
        self._variables[self._operator.inputs[0]] = name
        self._names[output.index] = name

    def _assign_variable(self) -> None:
        ring = self._variables[self._operator.inputs[0]]
        value = self._tensors[self._operator.inputs[1]]
        if ring not in self._rings or self._rings[ring].shape != value.shape:
            self._refuse("it writes a variable that was not read, or of another shape")
        old, new = self._names[value.index], ring + STATE_SUFFIX
        # Rename instead of copying: the slice writes straight into the caller's state.
        for node in self._nodes:
            for place, output in enumerate(node.output):
                if output == old:
                    node.output[place] = new
            for place, source in enumerate(node.input):
                if source == old:
                    node.input[place] = new
        self._names[value.index] = new
        self._outputs.append(_ring_info(new, value))

    def _reshape(self) -> None:
        """Only two reshapes occur, and both vanish: window to image, image to vector."""
        source, output = self._tensor_in(), self._tensor_out()
        self._need_same_scale(source, output)
        if np.prod(source.shape) != np.prod(output.shape):
            self._refuse("it changes more than the shape")
        if source.index != self._input.index and len(output.shape) != 2:
            self._refuse(f"from {source.shape} to {output.shape} is not understood")
        self._names[output.index] = self._name_in()

    def _concatenation(self) -> None:
        output = self._tensor_out()
        for index in self._operator.inputs:
            self._need_same_scale(self._tensors[index], output)
        axis = int(self._operator.options["Axis"]) % len(output.shape)
        if axis not in (1, 3):
            self._refuse(f"along axis {axis}")
        names = [self._names[i] for i in self._operator.inputs]
        self._names[output.index] = self._node("Concat", names, axis={1: 2, 3: 1}[axis])

    def _strided_slice(self) -> None:
        """Either the last frames (a ring buffer's new state) or all but the first ones."""
        source, output = self._tensor_in(), self._tensor_out()
        options = self._operator.options
        if any(options[f] for f in ("EllipsisMask", "NewAxisMask", "ShrinkAxisMask")):
            self._refuse("with masks other than begin and end")
        begin, _, strides = (self._constant(i) for i in self._operator.inputs[1:4])
        others = [i for i in range(len(source.shape)) if i != 1]
        if np.any(strides != 1) or any(source.shape[i] != output.shape[i] for i in others):
            self._refuse("along another axis than time, or with a stride")
        first = 0 if int(options["BeginMask"]) & 2 else int(begin[1]) % source.shape[1]
        if first + output.shape[1] != source.shape[1]:
            self._refuse("it does not reach the newest frame")
        if first == 0:
            self._names[output.index] = self._name_in()
            return
        # Counted from the newest frame, a state keeps its length for any number of steps;
        # counted from the oldest, a shorter kernel stays aligned with a longer one.
        start = -output.shape[1] if self._is_assigned(output.index) else first
        self._names[output.index] = self._slice(self._name_in(), start, axis=2)

    def _split_v(self) -> None:
        source = self._tensor_in()
        sizes = self._constant(self._operator.inputs[1])
        axis = int(self._constant(self._operator.inputs[2]).reshape(-1)[0]) % len(source.shape)
        if axis != 3 or int(np.sum(sizes)) != source.shape[3]:
            self._refuse(f"along axis {axis} into {sizes.tolist()}")
        start = 0
        for index, size in zip(self._operator.outputs, sizes.tolist(), strict=True):
            self._names[index] = self._slice(self._name_in(), start, axis=1, stop=start + size)
            start += size

    def _conv(self) -> None:
        weights = self._constant(self._operator.inputs[1])
        self._need_valid_convolution()
        stride = int(self._operator.options["StrideH"])
        if weights.shape[2] != 1:
            self._refuse("a convolution along time alone was expected")
        kernel = weights.transpose(0, 3, 1, 2)
        self._convolve(kernel, groups=1, stride=stride)

    def _depthwise_conv(self) -> None:
        weights = self._constant(self._operator.inputs[1])
        self._need_valid_convolution()
        if int(self._operator.options["DepthMultiplier"]) != 1 or weights.shape[2] != 1:
            self._refuse("one filter a channel, along time alone, was expected")
        kernel = weights.transpose(3, 0, 1, 2)
        stride = int(self._operator.options["StrideH"])
        self._convolve(kernel, groups=len(kernel), stride=stride)

    def _fully_connected(self) -> None:
        """A dense layer over the last ``k`` frames is a convolution with ``k`` taps."""
        weights = self._constant(self._operator.inputs[1])
        source = self._image_of(self._operator.inputs[0])
        frames, channels = source.shape[1], source.shape[3]
        if weights.shape[1] != frames * channels:
            self._refuse(f"weights {weights.shape} over {frames} x {channels} values")
        kernel = weights.reshape(-1, frames, 1, channels).transpose(0, 3, 1, 2)
        self._convolve(kernel, groups=1, stride=1, single_product=True)

    def _logistic(self) -> None:
        """A table of 256: the same one that TFLite makes of the input's scale."""
        source, output = self._tensor_in(), self._tensor_out()
        if output.zero_point != -128 or not np.isclose(output.scales[0], 1 / 256):
            self._refuse("an output in steps of 1/256 was expected")
        codes = np.arange(-128, 128)
        logits = ((codes - source.zero_point) * np.float32(source.scales[0])).astype(np.float32)
        steps = np.clip(np.rint(256.0 / (1.0 + np.exp(-logits.astype(np.float64)))), 0, 255)
        table = self._array("sigmoid", (steps / 256).astype(np.float32))
        offset = self._float("code_offset", 128 + source.zero_point)
        shifted = self._node("Add", [self._name_in(), offset])
        from onnx import TensorProto

        places = self._node("Cast", [shifted], to=TensorProto.INT32)
        self._names[output.index] = self._node("Gather", [table, places])

    def _quantize(self) -> None:
        source, output = self._tensor_in(), self._tensor_out()
        same_scale = np.array_equal(source.scales, output.scales)
        if source.zero_point - output.zero_point != -128 or not same_scale:
            self._refuse("only int8 to uint8 of the same scale is understood")
        self._names[output.index] = self._name_in()

    # -- convolution -------------------------------------------------------------------

    def _convolve(
        self, kernel: NDArray[Any], *, groups: int, stride: int, single_product: bool = False
    ) -> None:
        """Emit ``floor(conv(x, w, b) * s + c)``, clipped to what int8 can hold."""
        source, output = self._tensor_in(), self._tensor_out()
        weight_scales = self._tensors[self._operator.inputs[1]].scales
        bias = self._constant(self._operator.inputs[2]).astype(np.float64)
        self._need_exact_sums(kernel, bias)
        channels = len(bias)
        factors = rescale_factors(
            float(source.scales[0]),
            weight_scales,
            float(output.scales[0]),
            channels,
            single_product=single_product,
        )
        extra = double_rounding_bias(factors)
        away = np.zeros(channels)
        relu = self._fused_relu()
        if groups > 1 and not relu:
            away[scalar_channels(channels)] = extra[scalar_channels(channels)]
        sums = self._node(
            "Conv",
            [self._name_in(), self._quantized_weights(kernel), self._bias(bias)],
            group=groups,
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, 1],
        )
        steps = self._rescale(sums, factors, 0.5 + extra - away, away)
        low = 0 if relu else -128 - output.zero_point
        self._names[output.index] = self._clip(steps, low, 127 - output.zero_point)

    def _rescale(
        self,
        sums: str,
        factors: NDArray[np.float64],
        offset: NDArray[np.float64],
        away: NDArray[np.float64],
    ) -> str:
        """``floor(sums * factors + offset + sign(sums) * away)`` in float64, back in float32."""
        from onnx import TensorProto

        wide = self._node("Cast", [sums], to=TensorProto.DOUBLE)
        scaled = self._node("Mul", [wide, self._per_channel("factors", factors)])
        value = self._node("Add", [scaled, self._per_channel("offset", offset)])
        if np.any(away):
            sides = self._node("Sign", [wide])
            term = self._node("Mul", [sides, self._per_channel("away", away)])
            value = self._node("Add", [value, term])
        return self._node("Cast", [self._node("Floor", [value])], to=TensorProto.FLOAT)

    def _quantized_weights(self, kernel: NDArray[Any]) -> str:
        """Keep the int8 weights in the file; onnxruntime widens them once, when it loads."""
        from onnx import TensorProto

        stored = self._array("weights", np.ascontiguousarray(kernel.astype(np.int8)))
        return self._node("Cast", [stored], to=TensorProto.FLOAT)

    def _bias(self, bias: NDArray[np.float64]) -> str:
        return self._array("bias", bias.astype(np.float32))

    def _per_channel(self, name: str, values: NDArray[np.float64]) -> str:
        return self._array(name, values.reshape(-1, 1, 1))

    def _fused_relu(self) -> bool:
        activation = int(self._operator.options["FusedActivationFunction"])
        if activation not in (_NONE, _RELU):
            self._refuse(f"with fused activation {activation}")
        return activation == _RELU

    def _need_valid_convolution(self) -> None:
        options = self._operator.options
        output = self._tensor_out()
        taps = self._constant(self._operator.inputs[1]).shape[1]
        # A kernel of one tap pads nothing, whatever its padding is called.
        if (options["Padding"] != _VALID and taps > 1) or options["DilationHFactor"] != 1:
            self._refuse("with padding or dilation")
        if output.shape[1] != 1:
            self._refuse(f"it makes {output.shape[1]} frames a step where one was expected")

    def _need_exact_sums(self, kernel: NDArray[Any], bias: NDArray[np.float64]) -> None:
        largest = np.abs(kernel.astype(np.int64)).reshape(len(kernel), -1).sum(axis=1) * 255
        if np.any(largest + np.abs(bias) >= FLOAT32_EXACT):
            self._refuse("its sums can exceed the 24 bits that float32 holds exactly")

    # -- small helpers -----------------------------------------------------------------

    def _refuse(self, reason: str) -> NoReturn:
        raise UnsupportedModelError(
            f"operator {self._at} ({self._operator.name}): {reason}",
            "this converter reads microWakeWord streaming models",
        )

    def _tensor_in(self) -> Tensor:
        return self._image_of(self._operator.inputs[0])

    def _tensor_out(self) -> Tensor:
        return self._tensors[self._operator.outputs[0]]

    def _name_in(self) -> str:
        return self._names[self._operator.inputs[0]]

    def _image_of(self, index: int) -> Tensor:
        """The 4-D tensor behind a flattened one (the reshape itself emitted nothing)."""
        for operator in self._graph.operators:
            flattens = operator.name == "RESHAPE" and index in operator.outputs
            if flattens and len(self._tensors[operator.inputs[0]].shape) == 4:
                return self._tensors[operator.inputs[0]]
        return self._tensors[index]

    def _is_assigned(self, index: int) -> bool:
        writes = (o for o in self._graph.operators if o.name == "ASSIGN_VARIABLE")
        return any(index in o.inputs for o in writes)

    def _constant(self, index: int) -> NDArray[Any]:
        data = self._tensors[index].data
        if data is None:
            self._refuse(f"tensor {index} was expected to be constant")
        return data

    def _need_same_scale(self, one: Tensor, other: Tensor) -> None:
        same = np.array_equal(one.scales, other.scales)
        if not same or one.zero_point != other.zero_point:
            self._refuse("the scale changes where none is applied")

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _array(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        unique = f"{name}_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(values, unique))
        return unique

    def _float(self, name: str, value: float) -> str:
        return self._array(name, np.array(value, dtype=np.float32))

    def _ints(self, name: str, values: list[int]) -> str:
        return self._array(name, np.array(values, dtype=np.int64))

    def _clip(self, value: str, low: int, high: int) -> str:
        return self._node("Clip", [value, self._float("low", low), self._float("high", high)])

    def _slice(self, value: str, start: int, *, axis: int, stop: int | None = None) -> str:
        last = np.iinfo(np.int64).max if stop is None else stop
        bounds = [self._ints("start", [start]), self._ints("stop", [int(last)])]
        return self._node("Slice", [value, *bounds, self._ints("axis", [axis])])


def _ring_info(name: str, tensor: Tensor) -> Any:
    from onnx import TensorProto, helper

    shape: list[str | int | None] = ["streams", tensor.shape[3], tensor.shape[1], 1]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _initial_values(subgraphs: tuple[Subgraph, ...]) -> dict[str, NDArray[Any]]:
    """What the initializer subgraph writes into each variable, by the variable's name."""
    values: dict[str, NDArray[Any]] = {}
    for graph in subgraphs:
        handles: dict[int, str] = {}
        for operator in graph.operators:
            if operator.name == "VAR_HANDLE":
                handles[operator.outputs[0]] = str(operator.options["SharedName"])
            elif operator.name == "ASSIGN_VARIABLE":
                data = graph.tensors[operator.inputs[1]].data
                if data is not None:
                    values[handles[operator.inputs[0]]] = data
            else:
                raise UnsupportedModelError(f"operator {operator.name} in the initializer subgraph")
    return values


_HANDLERS: dict[str, Callable[[Translator], None]] = {
    "CALL_ONCE": Translator._call_once,
    "VAR_HANDLE": Translator._var_handle,
    "READ_VARIABLE": Translator._read_variable,
    "ASSIGN_VARIABLE": Translator._assign_variable,
    "RESHAPE": Translator._reshape,
    "CONCATENATION": Translator._concatenation,
    "STRIDED_SLICE": Translator._strided_slice,
    "SPLIT_V": Translator._split_v,
    "CONV_2D": Translator._conv,
    "DEPTHWISE_CONV_2D": Translator._depthwise_conv,
    "FULLY_CONNECTED": Translator._fully_connected,
    "LOGISTIC": Translator._logistic,
    "QUANTIZE": Translator._quantize,
}
