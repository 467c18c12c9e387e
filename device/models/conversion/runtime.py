"""The TFLite C runtime inside pymicro-wakeword, called directly: the converter's referee."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.errors import BitternError


class NoRuntimeError(BitternError):
    """There is no TFLite runtime on this machine."""


class _Quantization(ctypes.Structure):
    _fields_ = [("scale", ctypes.c_float), ("zero_point", ctypes.c_int32)]


def library_path() -> Path:
    """Where pymicro-wakeword keeps libtensorflowlite_c; raises :class:`NoRuntimeError`."""
    from importlib.util import find_spec

    found = find_spec("pymicro_wakeword")
    if found is None or found.origin is None:
        raise NoRuntimeError(
            "the TFLite runtime is missing", "pip install --no-deps pymicro-wakeword==2.5.0"
        )
    libraries = list((Path(found.origin).parent / "lib").glob("*tensorflowlite_c.*"))
    if not libraries:
        raise NoRuntimeError("pymicro-wakeword carries no TFLite runtime for this machine")
    return libraries[0]


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()))
    pointer = ctypes.c_void_p
    signatures: dict[str, tuple[object, list[object]]] = {
        "ModelCreateFromFile": (pointer, [ctypes.c_char_p]),
        "ModelDelete": (None, [pointer]),
        "InterpreterCreate": (pointer, [pointer, pointer]),
        "InterpreterDelete": (None, [pointer]),
        "InterpreterAllocateTensors": (ctypes.c_int, [pointer]),
        "InterpreterInvoke": (ctypes.c_int, [pointer]),
        "InterpreterGetInputTensor": (pointer, [pointer, ctypes.c_int32]),
        "InterpreterGetOutputTensor": (pointer, [pointer, ctypes.c_int32]),
        "TensorDim": (ctypes.c_int32, [pointer, ctypes.c_int32]),
        "TensorQuantizationParams": (_Quantization, [pointer]),
        "TensorCopyFromBuffer": (ctypes.c_int, [pointer, pointer, ctypes.c_size_t]),
        "TensorCopyToBuffer": (ctypes.c_int, [pointer, pointer, ctypes.c_size_t]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"TfLite{name}")
        function.restype = result
        function.argtypes = arguments
    return library


class TfliteModel:
    """One microWakeWord model in the TFLite interpreter, which keeps the state inside."""

    def __init__(self, path: Path) -> None:
        self._library = _library()
        self._model = self._library.TfLiteModelCreateFromFile(str(path).encode())
        if not self._model:
            raise NoRuntimeError(f"the TFLite runtime cannot read {path}")
        self._interpreter = self._library.TfLiteInterpreterCreate(self._model, None)
        if self._library.TfLiteInterpreterAllocateTensors(self._interpreter) != 0:
            raise NoRuntimeError(f"the TFLite runtime cannot run {path}")
        self._input = self._library.TfLiteInterpreterGetInputTensor(self._interpreter, 0)
        self._output = self._library.TfLiteInterpreterGetOutputTensor(self._interpreter, 0)
        self._quantization = self._library.TfLiteTensorQuantizationParams(self._input)
        self.frames_per_step = int(self._library.TfLiteTensorDim(self._input, 1))

    def step(self, frames: NDArray[np.float32]) -> float:
        """Score the next ``frames_per_step`` frames, float32 ``[frames, 40]``."""
        scaled = np.round(frames / self._quantization.scale + self._quantization.zero_point)
        codes = np.clip(scaled, -128, 127).astype(np.int8)
        pointer = codes.ctypes.data_as(ctypes.c_void_p)
        self._library.TfLiteTensorCopyFromBuffer(self._input, pointer, codes.nbytes)
        if self._library.TfLiteInterpreterInvoke(self._interpreter) != 0:
            raise NoRuntimeError("the TFLite runtime failed to run the model")
        answer = ctypes.c_uint8()
        self._library.TfLiteTensorCopyToBuffer(self._output, ctypes.byref(answer), 1)
        return answer.value / 256.0

    def __del__(self) -> None:
        if getattr(self, "_interpreter", None):
            self._library.TfLiteInterpreterDelete(self._interpreter)
        if getattr(self, "_model", None):
            self._library.TfLiteModelDelete(self._model)
