"""One converted wake model with its state, called with as little ceremony as possible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from device.errors import BitternError
from device.wake.features import BANDS


class WrongModelError(BitternError):
    """The file is not the ONNX model that was expected."""


def session(path: Path) -> Any:
    """Open an ONNX model for one quiet thread: no pool, no spinning, no arena growth.

    Raises :class:`WrongModelError` when the file cannot be read as an ONNX model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # The last level only rewrites convolutions into a blocked layout, which for models
    # this small costs more than it gives.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as failure:
        # onnxruntime's exceptions share no base class but Exception.
        reason = str(failure).splitlines()[0]
        raise WrongModelError(
            f"{path} is not a usable model: {reason}", "fetch it again"
        ) from failure


class StreamingModel:
    """A microWakeWord model in onnxruntime; the state lives in buffers of ours.

    Input and output of each ring buffer are bound to the same memory: the graph copies
    the old content out before it writes the new, so nothing is copied here and a
    reset is a fill with zeros.
    """

    def __init__(self, path: Path) -> None:
        self._session = session(path)
        names = {each.name for each in self._session.get_inputs()}
        if "features" not in names:
            raise WrongModelError(f"{path} takes no features", "convert it again")
        properties = self._session.get_modelmeta().custom_metadata_map
        self.frames_per_step = int(properties.get("frames_per_step", "3"))
        self._rings: list[NDArray[np.float32]] = []
        self._bindings: dict[int, tuple[Any, NDArray[np.float32], NDArray[np.float32]]] = {}
        self._ring_values: dict[str, Any] = {}
        for each in self._session.get_inputs():
            if each.name != "features":
                ring = np.zeros((1, *each.shape[1:]), dtype=np.float32)
                self._rings.append(ring)
                value = onnxruntime.OrtValue.ortvalue_from_numpy(ring)
                self._ring_values[each.name] = value

    def process(self, frames: NDArray[np.float32]) -> list[float]:
        """Score ``[n * frames_per_step, 40]`` frames; returns n probabilities."""
        steps = len(frames) // self.frames_per_step
        if steps == 0:
            return []
        binding, features, probabilities = self._binding(steps)
        features[0, :, 0, :] = frames
        self._session.run_with_iobinding(binding)
        scores: list[float] = probabilities[0].tolist()
        return scores

    def reset(self) -> None:
        """Begin as if nothing had been heard."""
        for ring in self._rings:
            ring.fill(0.0)

    def _binding(self, steps: int) -> tuple[Any, NDArray[np.float32], NDArray[np.float32]]:
        """Buffers for a call of so many steps; there are only ever a few sizes."""
        known = self._bindings.get(steps)
        if known is not None:
            return known
        shape = (1, steps * self.frames_per_step, 1, BANDS)
        features = np.zeros(shape, dtype=np.float32)
        probabilities = np.zeros((1, steps), dtype=np.float32)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input("features", onnxruntime.OrtValue.ortvalue_from_numpy(features))
        binding.bind_ortvalue_output(
            "probabilities", onnxruntime.OrtValue.ortvalue_from_numpy(probabilities)
        )
        for name, value in self._ring_values.items():
            binding.bind_ortvalue_input(name, value)
            binding.bind_ortvalue_output(f"{name}_next", value)
        self._bindings[steps] = (binding, features, probabilities)
        return self._bindings[steps]
