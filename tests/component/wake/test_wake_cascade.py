"""The cascade as it ships: any cutting gives the same, people are heard, noise is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.models import MissingModel
from device.vad.gate import Gate
from device.wake.card import cards
from device.wake.open import WakeSettings, open_words
from device.wake.pipeline import WakeDetected, WakePipeline
from device.wake.scoring import score_sound

Sound = NDArray[np.int16]
VERIFIED = tuple(card.word for _, card in cards() if card.verifier)


@pytest.fixture(scope="module")
def pipeline() -> WakePipeline:
    assert VERIFIED
    try:
        return WakePipeline(*open_words(WakeSettings(words=VERIFIED)))
    except MissingModel as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def evening(people: Callable[[str, int], list[Sound]], recordings: Path) -> Sound:
    """People saying this and that, one after the other, in a kitchen."""
    folders = ("wake/computer", "wake/jarvis", "wake/alexa", "commands/coffee")
    sounds = [sound for folder in folders for sound in people(folder, 3)]
    whole = np.concatenate([np.zeros(16_000, np.int16), *sounds])
    noise = np.random.default_rng(5).normal(size=len(whole)) * 60
    return (whole * 0.7 + noise).astype(np.int16)


def listened(pipeline: WakePipeline, sound: Sound, sizes: list[int]) -> list[object]:
    pipeline.restart()
    pipeline.forget_peaks()
    found: list[object] = []
    at = 0
    for size in sizes:
        found += pipeline.process(sound[at : at + size])
        at += size
    found += pipeline.process(sound[at:])
    return found


def test_any_cutting_gives_the_same_detections_and_scores(
    pipeline: WakePipeline, evening: Sound
) -> None:
    whole = listened(pipeline, evening, [])
    peaks = pipeline.peaks
    assert sum(isinstance(each, WakeDetected) for each in whole) >= 4
    random = np.random.default_rng(4)
    for sizes in ([160] * 2000, [1279, 1281, 3] * 90, random.integers(0, 20_000, 30).tolist()):
        assert listened(pipeline, evening, sizes) == whole
        assert pipeline.peaks == peaks


def test_a_word_is_found_wherever_the_blocks_begin(
    pipeline: WakePipeline, people: Callable[[str, int], list[Sound]]
) -> None:
    word = next(s for s in people("wake/computer", 30) if _hears(pipeline, s, "computer"))
    for shift in range(0, 2880, 397):
        lead = (np.random.default_rng(1).normal(size=24_000 + shift) * 20).astype(np.int16)
        found = listened(pipeline, np.concatenate((lead, word, lead)), [])
        assert [each.word for each in found if isinstance(each, WakeDetected)] == ["computer"]


def _hears(pipeline: WakePipeline, sound: Sound, word: str) -> bool:
    lead = (np.random.default_rng(1).normal(size=24_000) * 20).astype(np.int16)
    found = listened(pipeline, np.concatenate((lead, sound, lead)), [])
    return [each.word for each in found if isinstance(each, WakeDetected)] == [word]


@pytest.mark.parametrize("word", ["computer", "jarvis", "alexa"])
def test_most_people_are_heard_and_others_are_not(
    word: str, people: Callable[[str, int], list[Sound]]
) -> None:
    engine, rules, second = open_words(WakeSettings(words=(word,)))
    spoken = people(f"wake/{word}", 20)
    heard = [bool(score_sound(engine, rules, each, second).hits) for each in spoken]
    assert sum(heard) >= 17
    others = people("wake/snowboy", 12) + people("commands/coffee", 12)
    assert not any(score_sound(engine, rules, each, second).hits for each in others)


def test_the_second_look_rests_while_nobody_speaks() -> None:
    engine, rules, second = open_words(WakeSettings(words=VERIFIED))
    assert second is not None
    room = (np.random.default_rng(2).normal(size=16_000 * 60) * 30).astype(np.int16)
    gate, pipeline = Gate(16_000), WakePipeline(engine, rules, second)
    at_first = 0
    for number, block in enumerate(room[: len(room) // 960 * 960].reshape(-1, 960)):
        if gate.update(block):
            pipeline.process(block)
        if number == 2 * 16_000 // 960:
            # The features follow the level of the room, which they have not known before.
            at_first = second.looks
    assert second.looks == at_first <= 60
    # A noise that the gate lets through interests a first model now and then, and no more.
    pipeline.restart()
    pipeline.process(room)
    assert second.looks < 12 * 30, "a row of looks is about thirty"
