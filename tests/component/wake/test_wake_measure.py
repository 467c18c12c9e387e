"""Existing words are measured, and their cards say on what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.wake.card import find
from device.wake.table import lines_of
from device.workshop.training.wake.corpus import NoRecordingsError
from device.workshop.training.wake.measure import Measurement, measure


@pytest.fixture
def folder(tmp_path: Path, say: Callable[..., np.ndarray], model: Callable[[str], Path]) -> Path:
    model("microwakeword/okay_nabu.onnx")
    model("microwakeword/hey_mycroft.onnx")
    for name, text in (
        ("single/okay_nabu", "Okay Nabu"),
        ("other/1", "Turn the light on in the kitchen, please"),
        ("other/2", "Nobody knows what it was"),
    ):
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, say(text), 16_000)
    return tmp_path


def test_cards_get_figures_for_each_step_and_say_whose_voices(folder: Path) -> None:
    wanted = Measurement(
        words=("okay nabu", "hey mycroft"),
        out=folder / "cards",
        positives=(folder / "single",),
        negatives=(folder,),
        synthetic=3,
        processes=1,
    )
    measure(wanted, lambda _: None)
    for word, people in (("okay nabu", "1 recordings of people"), ("hey mycroft", "no recording")):
        _, card = find(word, "microwakeword", (folder / "cards",))
        assert people in card.measured_on
        assert "3 synthesized" in card.measured_on
        assert "2 recordings of other speech" in card.measured_on
        assert not any("not measured" in line for line in lines_of(card))
        quiet = next(each for each in card.figures if each.condition == "quiet")
        assert quiet.spoken == (4 if word == "okay nabu" else 3)
        assert quiet.missed < quiet.spoken
        assert quiet.threshold == pytest.approx(card.thresholds.low)


def test_nothing_to_measure_with_is_told(folder: Path) -> None:
    with pytest.raises(NoRecordingsError, match="nothing to measure"):
        measure(Measurement(("okay nabu",), folder / "cards"), lambda _: None)
    assert not (folder / "cards").exists()
