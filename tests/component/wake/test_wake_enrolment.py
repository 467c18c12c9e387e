"""Enrolment: what it asks for, what it promises, where its words are found."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from device.cli import main
from device.wake.card import SHIPPED, UnknownWordError, find, write
from device.wake.open import WakeSettings, card_folders, open_words, own_folder
from device.wake.table import lines_of
from device.workshop.training.enrolment import (
    Enrolment,
    WrongEnrolmentError,
    _task,
    accuracy_of,
    enroll,
)


def takes(count: int) -> tuple[Path, ...]:
    return tuple(Path(f"take{n}.wav") for n in range(count))


@pytest.mark.parametrize("count", [0, 2, 21])
def test_three_recordings_are_the_least(tmp_path: Path, count: int) -> None:
    wanted = Enrolment("open sesame", takes(count), tmp_path)
    with pytest.raises(WrongEnrolmentError, match=f"{count} recordings"):
        enroll(wanted, (SHIPPED,), lambda _: None)
    assert not list(tmp_path.iterdir())


def test_a_verifier_needs_a_word_that_there_is(tmp_path: Path) -> None:
    wanted = Enrolment("open sesame", takes(3), tmp_path, verify=True)
    with pytest.raises(UnknownWordError, match="open sesame"):
        enroll(wanted, (SHIPPED,), lambda _: None)


def test_a_verifier_keeps_the_first_model_and_learns_against_other_voices(tmp_path: Path) -> None:
    wanted = Enrolment("computer", takes(4), tmp_path, verify=True)
    path, card = find("computer", "microwakeword")
    task = _task(wanted, (path, card))
    assert Path(task.first).is_file()
    assert task.interest == card.interest
    assert "computer" in task.confusable
    assert task.synthetic == 0
    assert task.out.parent == own_folder(tmp_path)


def test_an_own_word_counts_before_a_shipped_one(tmp_path: Path) -> None:
    own, shipped = card_folders(tmp_path)
    own.mkdir(parents=True)
    path, card = find("computer", "microwakeword", (shipped,))
    for model in (card.model, card.verifier):
        shutil.copy(path.parent / model, own / Path(model).name)
    write(msgspec.structs.replace(card, interest=0.2, about="mine"), own / path.name)
    found = find("computer", "microwakeword", card_folders(tmp_path))
    assert found[0] == own / path.name
    _, rules, second = open_words(WakeSettings(("computer",), folders=card_folders(tmp_path)))
    assert rules["computer"].interest == 0.2
    assert second is not None


def test_what_is_promised_comes_with_how_little_is_known() -> None:
    _, card = find("computer", "microwakeword")
    lines = accuracy_of(card)
    assert lines[0].startswith("measured on 151 recordings of about 50 people")
    assert sum("may be the truth" in line for line in lines) == 4
    assert "so few recordings" in lines[-1]


def test_the_table_shows_every_step_in_every_condition() -> None:
    _, card = find("jarvis", "microwakeword")
    lines = lines_of(card)
    steps = [line.split()[0] for line in lines if line.split()[0] in ("low", "normal", "high")]
    assert steps == ["low", "normal", "high"]
    conditions = {figure.condition for figure in card.figures}
    assert sum("missed (" in line for line in lines) == 3 * len(conditions)
    assert max(map(len, lines)) <= 100


def test_a_word_is_a_line_and_no_longer_than_a_screen_is_wide(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["wake", "list"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 100
    assert len(shown) <= 24
    _, card = find("jarvis", "microwakeword")
    (line,) = [each for each in shown if each.startswith('"jarvis"')]
    quiet = next(f for f in card.figures if f.threshold == card.thresholds.normal)
    assert f"{quiet.missed / quiet.spoken:.0%}" in line


def test_everything_about_one_word_is_shown_where_it_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["wake", "list", "--word", "Hey_Jarvis"]) == 0
    shown = capsys.readouterr().out
    assert "measured on" in shown
    assert '"alexa"' not in shown
    assert main(["wake", "list", "--word", "nobody"]) != 0
    assert 'no wake word "nobody"' in capsys.readouterr().err
