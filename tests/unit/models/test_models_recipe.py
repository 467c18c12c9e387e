"""What a converted model was made by: sources that are there, wherever they move."""

from __future__ import annotations

import pytest

from device.models.converted import CONVERTERS, recipe
from device.models.manifest import ModelFile, shipped


@pytest.mark.parametrize("kind", CONVERTERS)
def test_every_converter_has_its_sources(kind: str) -> None:
    names = {source.name for source in CONVERTERS[kind] if source.is_file()}
    assert len(names) == len(CONVERTERS[kind])
    assert ({"whisper_graphs.py", "whisper_weights.py"} <= names) == (kind == ".bin")


def test_every_conversion_of_the_shipped_models_has_a_recipe() -> None:
    manifest = shipped()
    converted = [entry for chosen in manifest.sets.values() for entry in chosen.converted]
    assert converted
    for entry in converted:
        source = manifest.by_path[entry.source][1]
        assert isinstance(source, ModelFile)
        assert recipe(source).startswith(source.sha256)
