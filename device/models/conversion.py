"""Wake models as ONNX, written once from the TFLite files that were fetched."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from device.models.errors import ConversionFailed
from device.models.manifest import ModelFile

CONVERTER = Path(__file__).with_name("convert.py")


def recipe(source: ModelFile) -> str:
    """Name what a converted file was made from and by: both hashes.

    A file with another recipe is converted again, so that an update of the converter, or
    of the model, reaches every device.
    """
    return f"{source.sha256} {_converter_sha256()}"


@lru_cache(maxsize=1)
def _converter_sha256() -> str:
    try:
        return hashlib.sha256(CONVERTER.read_bytes()).hexdigest()
    except OSError:
        return "absent"


def convert(tflite: Path, onnx: Path) -> None:
    """Write ``onnx`` from ``tflite``; raise ConversionFailed with the reason."""
    try:
        # Only here: it pulls in the onnx and tflite packages, which nothing else needs.
        from device.models.convert import convert as write_onnx
    except ImportError as error:
        raise ConversionFailed(
            f"cannot convert {tflite.name}: {error}",
            "the converter needs the packages of `bittern[convert]`",
        ) from error
    try:
        write_onnx(tflite, onnx)
    except (ValueError, KeyError, NotImplementedError, OSError) as error:
        raise ConversionFailed(f"cannot convert {tflite.name}: {error}") from error
