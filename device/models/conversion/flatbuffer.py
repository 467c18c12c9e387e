"""Reads a TFLite flatbuffer into plain Python values, refusing nothing yet.

Only this module touches the generated ``tflite`` classes, whose accessors are
clumsy; what the operators *mean* is decided in :mod:`device.models.conversion.mixednet`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import BitternError


class UnreadableModelError(BitternError):
    """The file is not a TFLite model, or not a whole one."""


@dataclass(frozen=True)
class Tensor:
    """One tensor: its place in the file, its type, and its numbers where they are constant."""

    index: int
    shape: tuple[int, ...]
    dtype: str
    """A numpy type name, or ``resource`` for a handle to a variable."""
    scales: NDArray[np.float64]
    """One scale, or one per channel; empty for tensors that are not quantized."""
    zero_point: int
    data: NDArray[Any] | None


@dataclass(frozen=True)
class Operator:
    """One operator: its TFLite name, the tensors it reads and writes, and its options."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subgraph:
    """A list of operators in execution order, over a list of tensors."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


_DTYPES = {
    "FLOAT32": "float32",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "RESOURCE": "resource",
}

_OPTION_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CONV_2D": (
        "Conv2DOptions",
        (
            "Padding",
            "StrideH",
            "StrideW",
            "DilationHFactor",
            "DilationWFactor",
            "FusedActivationFunction",
        ),
    ),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        (
            "Padding",
            "StrideH",
            "StrideW",
            "DilationHFactor",
            "DilationWFactor",
            "DepthMultiplier",
            "FusedActivationFunction",
        ),
    ),
    "FULLY_CONNECTED": ("FullyConnectedOptions", ("FusedActivationFunction",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", "FusedActivationFunction")),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask"),
    ),
    "VAR_HANDLE": ("VarHandleOptions", ("SharedName",)),
}


def read(path: Path) -> tuple[Subgraph, ...]:
    """Read every subgraph of the model at ``path``; the first is the main one.

    Raises :class:`UnreadableModelError` when the file is not a TFLite flatbuffer.
    """
    import tflite

    blob = path.read_bytes()
    if len(blob) < 16 or blob[4:8] != b"TFL3":
        raise UnreadableModelError(f"{path} is not a TFLite model", "fetch it again")
    try:
        model = tflite.Model.GetRootAsModel(blob, 0)
        return tuple(_subgraph(model, model.Subgraphs(i)) for i in range(model.SubgraphsLength()))
    except (IndexError, ValueError, TypeError, AttributeError, struct.error) as failure:
        # Offsets that point outside the buffer: what a truncated flatbuffer looks like.
        message = f"{path} is a damaged TFLite model: {failure}"
        raise UnreadableModelError(message, "fetch it again") from failure


def _subgraph(model: Any, graph: Any) -> Subgraph:
    tensors = tuple(_tensor(model, graph, i) for i in range(graph.TensorsLength()))
    operators = tuple(_operator(model, graph.Operators(i)) for i in range(graph.OperatorsLength()))
    return Subgraph(
        tensors,
        operators,
        tuple(int(graph.Inputs(i)) for i in range(graph.InputsLength())),
        tuple(int(graph.Outputs(i)) for i in range(graph.OutputsLength())),
    )


def _enum_name(enumeration: Any, value: int) -> str:
    names = (name for name, number in vars(enumeration).items() if number == value)
    return next((name for name in names if not name.startswith("_")), f"#{value}")


def _tensor(model: Any, graph: Any, index: int) -> Tensor:
    import tflite

    raw = graph.Tensors(index)
    shape = tuple(int(raw.Shape(i)) for i in range(raw.ShapeLength()))
    dtype = _DTYPES.get(_enum_name(tflite.TensorType, raw.Type()), "unknown")
    quantization = raw.Quantization()
    scales = np.zeros(0)
    zero_point = 0
    if quantization is not None and quantization.ScaleLength():
        scales = np.asarray(quantization.ScaleAsNumpy(), dtype=np.float64)
        zero_point = int(quantization.ZeroPoint(0))
    buffer = model.Buffers(raw.Buffer())
    data: NDArray[Any] | None = None
    if buffer.DataLength() and dtype not in ("resource", "unknown"):
        flat = np.frombuffer(buffer.DataAsNumpy().tobytes(), dtype=dtype)
        data = flat.reshape(shape)
    return Tensor(index, shape, dtype, scales, zero_point, data)


def _operator(model: Any, raw: Any) -> Operator:
    import tflite

    code = model.OperatorCodes(raw.OpcodeIndex())
    # Old files keep the number in an 8-bit field, new ones in a wider one beside it.
    name = _enum_name(tflite.BuiltinOperator, max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
    return Operator(
        name,
        tuple(int(raw.Inputs(i)) for i in range(raw.InputsLength())),
        tuple(int(raw.Outputs(i)) for i in range(raw.OutputsLength())),
        _options(name, raw),
    )


def _options(name: str, raw: Any) -> dict[str, int | str]:
    import tflite

    table = raw.BuiltinOptions()
    if name not in _OPTION_FIELDS or table is None:
        return {}
    class_name, fields = _OPTION_FIELDS[name]
    options = getattr(tflite, class_name)()
    options.Init(table.Bytes, table.Pos)
    values = {each: getattr(options, each)() for each in fields}
    return {k: v.decode() if isinstance(v, bytes) else int(v or 0) for k, v in values.items()}
