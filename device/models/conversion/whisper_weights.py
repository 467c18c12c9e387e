"""Reads the weights of a Whisper model that was packed for CTranslate2.

The file (``model.bin``, version 6) is a header and then one block for each variable: name,
shape, kind of number, bytes. Nothing of it is copied: the arrays are views of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import BitternError

_VERSION = 6
_KINDS = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""The kinds of number, in CTranslate2's order."""
_EXACT_GELU = 3


class UnreadableWeightsError(BitternError):
    """The file is no Whisper model that we can read."""


@dataclass(frozen=True)
class Weights:
    """All variables by name, such as ``encoder/layer_0/ffn/linear_0/weight``."""

    variables: Mapping[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """Return one variable as float32; raises `UnreadableWeightsError` where there is none."""
        return self.stored(name).astype(np.float32)

    def stored(self, name: str) -> NDArray[Any]:
        """Return one variable as it lies in the file."""
        try:
            return self.variables[name]
        except KeyError:
            raise UnreadableWeightsError(f"the model has no {name}", "fetch it again") from None

    def layers(self, half: str) -> int:
        """Count the layers of the encoder or the decoder."""
        names = {name.split("/")[1] for name in self.variables if name.startswith(f"{half}/layer_")}
        return sum(name.removeprefix("layer_").isdigit() for name in names)

    @property
    def heads(self) -> int:
        """How many heads each attention has."""
        return int(self.stored("encoder/num_heads"))

    @property
    def size(self) -> int:
        """How many numbers stand for one position."""
        return int(self.stored("encoder/conv1/bias").shape[0])


def read(path: Path) -> Weights:
    """Map a file; raises `UnreadableWeightsError` for anything but a plain Whisper."""
    try:
        data = np.memmap(path, np.uint8, "r")
        weights = Weights(dict(_variables(data)))
    except (OSError, ValueError, struct.error, IndexError) as failure:
        raise UnreadableWeightsError(
            f"{path} is no model of CTranslate2: {failure}", "fetch it again"
        ) from failure
    if int(weights.stored("decoder/activation")) != _EXACT_GELU:
        raise UnreadableWeightsError(f"{path} uses another activation than Whisper", "")
    return weights


def _variables(data: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[Any]]]:
    cursor = _Cursor(data)
    version, name, _, count = cursor.number("I"), cursor.text(), *cursor.numbers("II")
    if (version, name) != (_VERSION, "WhisperSpec"):
        raise ValueError(f"{name or 'nothing'}, version {version}")
    for _ in range(count):
        name = cursor.text()
        shape = cursor.numbers("I" * cursor.number("B"))
        kind, size = cursor.numbers("BI")
        yield name, cursor.bytes(size).view(_KINDS[kind]).reshape(shape)


class _Cursor:
    """Where in the file we are."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self._at = 0

    def numbers(self, form: str) -> tuple[int, ...]:
        """Read unsigned numbers, little end first, as `struct` names them."""
        return struct.unpack(f"<{form}", self.bytes(struct.calcsize(f"<{form}")).tobytes())

    def number(self, form: str) -> int:
        return self.numbers(form)[0]

    def text(self) -> str:
        """Read a string: its length with the zero at its end, then both."""
        return self.bytes(self.number("H")).tobytes().rstrip(b"\0").decode()

    def bytes(self, size: int) -> NDArray[np.uint8]:
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise ValueError("it ends early")
        self._at += size
        return piece
