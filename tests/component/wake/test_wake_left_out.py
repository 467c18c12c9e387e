"""`wake measure`: whoever is judged, and the synthesizer that spoke, had no part in the models."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.cli import main
from device.wake.card import find
from device.workshop.training.wake import recipe
from device.workshop.training.wake.corpus import Recording
from device.workshop.training.wake.parts import family_of
from device.workshop.training.wake.recipe import measure_word
from device.workshop.training.wake.task import FOLDS, Task, TrainingMaterial

pytest.importorskip("onnx")
pytest.importorskip("hibari")
pytestmark = pytest.mark.timeout(300)  # trainings, however small

SYNTHESIZERS = "kokoro", "flite", "pico"


@pytest.fixture
def task(tmp_path: Path, say: Callable[..., np.ndarray], model: Callable[[str], Path]) -> Task:
    """One voice, under the names of three synthesizers."""
    model("openwakeword/embedding_stream.onnx")
    folder = tmp_path / "computer"
    folder.mkdir()
    speakers = {}
    for name in SYNTHESIZERS:
        for number, speed in enumerate((0.9, 1.1)):
            path = folder / f"{name}{number}.wav"
            soundfile.write(path, say("Computer", speed), 16_000)
            speakers[path.name] = f"synthesized {name} voice{number}"
    (folder / "speakers.json").write_text(json.dumps(speakers))
    others = tmp_path / "other"
    others.mkdir()
    for number, text in enumerate(("Turn the light on, please", "Nobody knows", "What a day")):
        for turn in range(3):
            soundfile.write(others / f"{number}{turn}.wav", say(text, 0.8 + 0.2 * turn), 16_000)
    return Task(
        word="computer",
        positives=(folder,),
        negatives=(others,),
        out=tmp_path / "out" / "computer.microwakeword.onnx",
        copies=2,
        crowds=1,
        effort=0.02,
        processes=1,
    )


def test_a_synthesizer_is_judged_by_networks_that_never_heard_it(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[tuple[int, set[int]]] = []
    judged: list[set[str]] = [set() for _ in range(FOLDS)]
    trained, judge = recipe._all_trained, recipe.judged_by

    def all_trained(
        a: Task, material: TrainingMaterial, parts: Sequence[int], *rest: object
    ) -> object:
        learned.extend((part, {e.fold for e in material.all_but(part)}) for part in parts)
        return trained(a, material, parts, *rest)  # type: ignore[arg-type]

    def judged_by(
        a: Task, b: object, c: float, words: Sequence[Recording], *rest: object
    ) -> object:
        for each in words:
            judged[each.fold(FOLDS)].add(family_of(each))
        return judge(a, b, c, words, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(recipe, "_all_trained", all_trained)
    monkeypatch.setattr(recipe, "judged_by", judged_by)
    card = measure_word(task, lambda _: None).card
    assert sorted(map(len, judged)) == [1, 1, 1], "each part holds one of them"
    assert [part for part, _ in learned] == list(range(FOLDS)), "and nobody learns from all"
    assert all(part not in folds for part, folds in learned)
    assert {each.voices for each in card.groups} == set(SYNTHESIZERS)
    assert all(each.spoken == 2 for each in card.groups)
    assert {each.condition for each in card.groups} == {"quiet", "room", "10 dB", "5 dB", "0 dB"}
    assert "had no part of them and no other voice of their synthesizer" in card.measured_on
    assert [each.name for each in task.out.parent.iterdir()] == ["computer.microwakeword.json"]


def test_the_command_leaves_out_unless_told_otherwise(
    task: Task, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, shipped = find("computer", "microwakeword")
    asked: list[Task] = []

    def measured(wanted: Task, _: object) -> object:
        asked.append(wanted)
        return type("Result", (), {"card": shipped})

    monkeypatch.setattr(recipe, "measure_word", measured)
    places = ("--positives", str(task.positives[0]), "--negatives", str(task.negatives[0]))
    out = str(task.out.parent)
    wanted = ("wake", "measure", "--word", "computer", *places, "--copies", "3", "--out", out)
    assert main(wanted) == 0
    assert [(each.word, each.copies, each.out.name) for each in asked] == [
        ("computer", 3, "computer.microwakeword.onnx")
    ]
    assert "normal, " in capsys.readouterr().out or not shipped.groups
