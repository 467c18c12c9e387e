"""Whisper's graphs, as they are written at set-up from the weights that were fetched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.brain.hearing.whisper import DECODER, ENCODER
from device.models import MissingModel, path_of
from device.models.conversion.whisper_weights import UnreadableWeightsError, read
from device.models.converted import convert
from device.models.errors import ConversionFailed


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return path_of("whisper-tiny.en")
    except MissingModel as missing:
        pytest.skip(f"{missing.what}: {missing.advice}")


@pytest.mark.parametrize("name", [ENCODER, DECODER])
def test_the_files_of_the_store_are_what_the_converter_writes(
    name: str, folder: Path, tmp_path: Path
) -> None:
    convert(folder / "model.bin", tmp_path / "new", name)
    assert (tmp_path / "new").read_bytes() == (folder / name).read_bytes()


def test_the_weights_are_those_of_whisper_tiny(folder: Path) -> None:
    weights = read(folder / "model.bin")
    assert (weights.layers("encoder"), weights.layers("decoder")) == (4, 4)
    assert (weights.heads, weights.size) == (6, 384)
    places = weights["encoder/position_encodings/encodings"]
    # Whisper's positions are sines of falling frequency, then their cosines.
    assert places.shape == (1500, 384)
    np.testing.assert_allclose(places[:, 0], np.sin(np.arange(1500)), atol=2e-3)
    np.testing.assert_allclose(places[:, 192], np.cos(np.arange(1500)), atol=2e-3)


@pytest.mark.parametrize("kept", [0, 40, 100_000])
def test_a_file_that_ends_early_is_refused_in_words(
    kept: int, folder: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "model.bin"
    with (folder / "model.bin").open("rb") as whole:
        cut.write_bytes(whole.read(kept))
    with pytest.raises(UnreadableWeightsError):
        read(cut)
    with pytest.raises(ConversionFailed, match=r"cannot convert model\.bin"):
        convert(cut, tmp_path / ENCODER, ENCODER)
    assert not (tmp_path / ENCODER).exists()
