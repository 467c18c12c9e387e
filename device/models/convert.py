"""Writes models in the form that we run.

A TFLite model of microWakeWord becomes ONNX; the speech embedding, which is ONNX already,
becomes one that looks at each frame once; Whisper becomes two graphs whose runs can be
stopped.

The work is done in :mod:`device.models.conversion`; here are the doors. A
converted wake model takes ``features`` float32 ``[streams, frames, 1, 40]`` (frames = 3n,
as pymicro-features gives them) and its ring buffers, all zero at the beginning,
``probabilities`` ``[streams, n]`` and the ring buffers' next content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REVISION = 3
"""Raised when what is written changes: the store then converts again."""

STEP = 1.0 / 256.0
"""The quantization step of the models' probability."""


@dataclass(frozen=True)
class ConversionReport:
    """What was converted."""

    source_sha256: str
    nodes: int
    rings: int
    """Ring buffers that became explicit state."""
    frames_per_step: int
    size_bytes: int


def converter_of(kind: str, name: str) -> Callable[[Path, Path], object]:
    """Return what makes ``name`` from a file whose name ends in ``kind``."""
    if kind == ".bin":
        return convert_encoder if name.startswith("encoder") else convert_decoder
    return convert_embedding if kind == ".onnx" else convert


def convert(tflite_path: Path, onnx_path: Path) -> ConversionReport:
    """Write ``onnx_path`` from ``tflite_path``; nothing half-written is ever left there.

    Raises :class:`device.models.conversion.translate.UnsupportedModelError`, naming the
    operator, or :class:`device.models.conversion.flatbuffer.UnreadableModelError`.
    """
    from onnx import helper

    from device.models.conversion import flatbuffer, translate

    translator = translate.Translator(flatbuffer.read(tflite_path))
    graph = translator.translate()
    digest = hashlib.sha256(tflite_path.read_bytes()).hexdigest()
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", translate.OPSET)],
        ir_version=translate.IR_VERSION,
        producer_name="bittern",
        producer_version=str(REVISION),
    )
    frames = translator.frames_per_step
    helper.set_model_props(model, {"source_sha256": digest, "frames_per_step": str(frames)})
    _write(model, onnx_path)
    rings = len(graph.input) - 1
    size = onnx_path.stat().st_size
    return ConversionReport(digest, len(graph.node), rings, frames, size)


def convert_embedding(source: Path, onnx_path: Path) -> None:
    """Write the streaming form of the speech embedding at ``source``.

    Raises :class:`device.models.conversion.translate.UnsupportedModelError`, naming the
    operator, for any other model.
    """
    from onnx import helper

    from device.models.conversion import embedding

    model = embedding.stream(source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    helper.set_model_props(model, {"source_sha256": digest})
    _write(model, onnx_path)


def convert_encoder(source: Path, onnx_path: Path) -> None:
    """Write Whisper's encoder from CTranslate2's ``model.bin``.

    Raises `UnreadableWeightsError` for any other file.
    """
    from device.models.conversion.whisper_graphs import write_encoder

    _write(write_encoder(source), onnx_path)


def convert_decoder(source: Path, onnx_path: Path) -> None:
    """Write Whisper's decoder; as `convert_encoder`."""
    from device.models.conversion.whisper_graphs import write_decoder

    _write(write_decoder(source), onnx_path)


def _write(model: Any, onnx_path: Path) -> None:
    """Check and write; nothing half-written is ever left under the name."""
    import onnx

    onnx.checker.check_model(model)
    partial = onnx_path.with_suffix(onnx_path.suffix + ".partial")
    partial.write_bytes(model.SerializeToString())
    os.replace(partial, onnx_path)
