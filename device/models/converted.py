"""Models in the form that we run, written once from the files that were fetched."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path, PurePosixPath

from device.errors import BitternError
from device.models.errors import ConversionFailed
from device.models.manifest import ModelFile

_PACKAGE = Path(__file__).resolve().parent.parent
_DOOR = _PACKAGE / "models" / "convert.py"
_ROOM = _PACKAGE / "models" / "conversion"
_WHISPER = tuple(sorted(_ROOM.glob("whisper_*.py")))
_WAKE = (_DOOR, *sorted({*_ROOM.glob("*.py")} - {*_WHISPER}))
CONVERTERS = {
    ".tflite": _WAKE,
    ".onnx": _WAKE,
    ".bin": (_DOOR, *_WHISPER),
}
"""The sources that decide what a converted file looks like, by the kind of file it is made of."""


def recipe(source: ModelFile) -> str:
    """Name what a converted file was made from and by: the hashes of model and converter.

    A file with another recipe is converted again, so that an update of either reaches
    every device, and nobody has to remember to raise a number. The sources are read and
    not imported: this runs at every start, and the converters are heavy.
    """
    return f"{source.sha256} {_converter_sha256(PurePosixPath(source.path).suffix)}"


@cache
def _converter_sha256(kind: str) -> str:
    digest = hashlib.sha256()
    for source in CONVERTERS[kind]:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def convert(source: Path, onnx: Path, name: str) -> None:
    """Write ``onnx`` from ``source``; raise ConversionFailed with the reason.

    ``name`` is what the result will be called: of one source several things may be made.
    """
    try:
        # Only here: it pulls in the onnx and tflite packages, which nothing else needs.
        from device.models.convert import converter_of

        write = converter_of(source.suffix, name)
    except ImportError as error:
        raise ConversionFailed(
            f"cannot convert {source.name}: {error}",
            "the converter needs the packages of `bittern[convert]`",
        ) from error
    try:
        write(source, onnx)
    except BitternError as error:
        raise ConversionFailed(f"cannot convert {source.name}: {error.what}", error.advice) from (
            error
        )
