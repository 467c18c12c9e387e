"""Numbers, dates, units and names as people say them, through the voice's own reading of text."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from device.brain.speaking.pronunciation import load_pronunciation
from device.brain.speaking.spoken import as_spoken

TABLE = Path(__file__).resolve().parents[2] / "data" / "spoken_forms.toml"
FORMS: list[dict[str, str]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["forms"]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The voice's dictionaries and rules, without the voice."""
    return load_pronunciation(tmp_path_factory.mktemp("words"))


def sounds(reader: Any, text: str) -> str:
    """Return the phonemes of a text, without stress and pauses."""
    read = reader(text)
    phonemes = read[0] if isinstance(read, tuple) else read
    return re.sub(r"[ˈˌ,.!?;:—… ]", "", phonemes)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["written"])
def test_a_written_form_sounds_like_its_words(reader: Any, form: dict[str, str]) -> None:
    spoken = as_spoken(form["written"])
    assert sounds(reader, spoken) == sounds(reader, form["said"]), spoken


def test_there_are_enough_forms() -> None:
    assert len(FORMS) >= 140


@pytest.mark.parametrize(
    "text",
    [
        "He sat down in the sun.",
        "I'm 5 feet away, in room 12B.",
        "It's 5's turn.",
        "The A train and the B train.",
        "Vitamin B12 and 4K video at 60 Hz.",
        "twenty-one point five",
        "It costs €12.50, or $3.99.",
        "Henry V was a king.",
    ],
)
def test_what_the_voice_reads_well_is_left_alone(text: str) -> None:
    assert as_spoken(text) == text
