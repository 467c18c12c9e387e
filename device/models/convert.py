"""Writes models in the form that we run, and proves the wake models.

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import BitternError

REVISION = 3
"""Raised when what is written changes: the store then converts again."""

STEP = 1.0 / 256.0
"""The quantization step of the models' probability."""


class ConversionDiffersError(BitternError):
    """The ONNX model does not give the numbers of the TFLite model."""


@dataclass(frozen=True)
class ConversionReport:
    """What was converted."""

    source_sha256: str
    nodes: int
    rings: int
    """Ring buffers that became explicit state."""
    frames_per_step: int
    size_bytes: int


@dataclass(frozen=True)
class CheckReport:
    """How a converted model compares with the TFLite runtime on the same features."""

    steps: int
    differing_steps: int
    worst_difference: float
    """Largest difference of one probability."""
    detections: int
    same_detections: bool

    @property
    def is_good(self) -> bool:
        """Equal or within one quantization step everywhere, and the same detections."""
        return self.worst_difference <= STEP * 1.001 and self.same_detections


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


def check(
    tflite_path: Path,
    onnx_path: Path,
    sounds: Sequence[NDArray[np.int16]],
    *,
    cutoff: float = 0.9,
    window: int = 5,
) -> CheckReport:
    """Run both models over the same sounds (mono int16, 16 kHz), step by step.

    Both keep their state from one sound to the next, as on the device. A detection is a
    mean of ``window`` probabilities above ``cutoff``. Needs the TFLite runtime that
    pymicro-wakeword carries; raises :class:`device.models.conversion.runtime.NoRuntimeError`
    without it.
    """
    from device.models.conversion.runtime import TfliteModel
    from device.wake.features import Features
    from device.wake.streaming import StreamingModel

    reference = TfliteModel(tflite_path)
    ours = StreamingModel(onnx_path)
    features = Features()
    expected: list[float] = []
    given: list[float] = []
    for sound in sounds:
        frames = features.process(sound)
        stride = reference.frames_per_step
        whole = len(frames) - len(frames) % stride
        for first in range(0, whole, stride):
            step = frames[first : first + stride]
            expected.append(reference.step(step))
            given.extend(ours.process(step))
        features.reset()
    return _compare(np.array(expected), np.array(given), cutoff, window)


def _compare(
    expected: NDArray[np.float64], given: NDArray[np.float64], cutoff: float, window: int
) -> CheckReport:
    difference = np.abs(expected - given)
    ours, theirs = (_detections(each, cutoff, window) for each in (given, expected))
    return CheckReport(
        steps=len(expected),
        differing_steps=int(np.count_nonzero(difference > STEP / 2)),
        worst_difference=float(difference.max(initial=0.0)),
        detections=len(theirs),
        same_detections=np.array_equal(ours, theirs),
    )


def _detections(
    probabilities: NDArray[np.float64], cutoff: float, window: int
) -> NDArray[np.int64]:
    """Steps at which the mean over the window rises above the cut-off."""
    if len(probabilities) < window:
        return np.zeros(0, dtype=np.int64)
    means = np.convolve(probabilities, np.full(window, 1.0 / window), mode="valid")
    above = means > cutoff
    rising: NDArray[np.int64] = np.flatnonzero(above & ~np.concatenate(([False], above[:-1])))
    return rising
