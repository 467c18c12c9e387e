"""Takes of one sitting count as one speaker's, so that no trial is of a voice learned from."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.workshop.training.wake.augment import colour
from device.workshop.training.wake.corpus import find
from device.workshop.training.wake.voices import grouped, told_apart

PITCHES = {"low": 14_000, "usual": 16_000, "high": 19_000}
SAID = ("Computer", "Computer!", "Computer, please.")


def sitting(name: str, sound: np.ndarray, seed: int) -> np.ndarray:
    """The sound as one microphone in one room hears it; ``seed`` is that of the hiss."""
    own = np.random.default_rng(list(PITCHES).index(name))
    heard = np.pad(sound.astype(np.float32), 12_000)
    hiss = np.random.default_rng(seed).standard_normal(len(heard)) * 4 * 5 ** own.uniform(0, 2)
    return colour((heard + hiss).astype(np.float32), own).clip(-32768, 32767).astype(np.int16)


@pytest.fixture
def crowd(tmp_path: Path, say: Callable[..., np.ndarray]) -> Path:
    folder = tmp_path / "computer"
    folder.mkdir()
    for number, (name, text) in enumerate(product(PITCHES, SAID)):
        sound = sitting(name, say(text), number)
        soundfile.write(folder / f"{number}-{name}.wav", sound, PITCHES[name])
    return folder


def test_takes_of_a_sitting_are_put_together(crowd: Path) -> None:
    found = told_apart(find([crowd]))
    voices = {each.path.stem.split("-")[1]: set[str]() for each in found}
    for each in found:
        voices[each.path.stem.split("-")[1]].add(each.speaker)
    assert all(len(names) == 1 for names in voices.values())
    assert len(set.union(*voices.values())) == 3


def test_who_is_known_stays_who_they_are(crowd: Path) -> None:
    names = {path.name: f"speaker {n}" for n, path in enumerate(sorted(crowd.iterdir()))}
    (crowd / "speakers.json").write_text(json.dumps(names))
    assert {each.speaker for each in told_apart(find([crowd]))} == set(names.values())


def test_nothing_and_one_recording_are_no_trouble(crowd: Path) -> None:
    assert told_apart([]) == []
    one = find([crowd])[:1]
    assert told_apart(one) == one


def test_groups_are_joined_while_they_are_near_on_average() -> None:
    places = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 9.0])
    apart = np.abs(places[:, None] - places[None])
    groups = grouped(apart, 0.5)
    assert [groups[i] == groups[0] for i in range(6)] == [True, True, True, False, False, False]
    assert groups[3] == groups[4] != groups[5]
    assert len(set(grouped(apart, 0.01))) == 6
    assert len(set(grouped(apart, 50.0))) == 1
