"""Wake models in the form that streams, written once from the files that were fetched."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from device.errors import BitternError
from device.models.errors import ConversionFailed
from device.models.manifest import ModelFile

_ROOMS = Path(__file__).resolve().parent.parent
CONVERTER = (_ROOMS / "models" / "convert.py", *sorted(_ROOMS.glob("wake/conversion/*.py")))
"""The sources that decide what a converted file looks like."""


def recipe(source: ModelFile) -> str:
    """Name what a converted file was made from and by: the hashes of model and converter.

    A file with another recipe is converted again, so that an update of either reaches
    every device, and nobody has to remember to raise a number. The sources are read and
    not imported: this runs at every start, and the converter is heavy.
    """
    return f"{source.sha256} {_converter_sha256()}"


@lru_cache(maxsize=1)
def _converter_sha256() -> str:
    digest = hashlib.sha256()
    for source in CONVERTER:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def convert(source: Path, onnx: Path) -> None:
    """Write ``onnx`` from ``source``; raise ConversionFailed with the reason."""
    try:
        # Only here: it pulls in the onnx and tflite packages, which nothing else needs.
        from device.models.convert import convert as write_onnx
        from device.models.convert import convert_embedding

        write = convert_embedding if source.suffix == ".onnx" else write_onnx
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
