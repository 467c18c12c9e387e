"""How a judgement about the sentence changes the silence that ends it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from device.vad.endpointing import (
    IN_DOUBT,
    PAUSE_MS,
    SURELY_FINISHED,
    Ended,
    Endpointer,
    SpeechRule,
    Started,
)
from device.vad.loudness import Loudness
from device.vad.speech import SpeechPipeline

HOP = 512
HOP_MS = 32
RULE = SpeechRule(
    start_threshold=0.5,
    end_threshold=0.3,
    min_speech_ms=96,
    end_silence_ms=640,
    finished_silence_ms=320,
    unfinished_silence_ms=1600,
)


def silence_until_end(finished: float | None, voiced: int = 10, rule: SpeechRule = RULE) -> int:
    """Milliseconds of silence after which speech has ended, judged once in the pause."""
    endpointer = Endpointer(rule)
    for _ in range(voiced):
        endpointer.update(0.9)
    asked = 0
    for hop in range(1, 200):
        ended = endpointer.update(0.0)
        if endpointer.is_pausing:
            asked += 1
            assert hop * HOP_MS >= PAUSE_MS
            if finished is not None:
                endpointer.judge(finished)
        if isinstance(ended, Ended):
            assert asked == 1
            return hop * HOP_MS
    raise AssertionError("never ended")


@pytest.mark.parametrize(
    ("finished", "wait_ms"),
    [(None, 640), (1.0, 320), (SURELY_FINISHED, 320), (IN_DOUBT, 640), (0.0, 1600)],
)
def test_the_silence_follows_the_judgement(finished: float | None, wait_ms: int) -> None:
    assert silence_until_end(finished) == wait_ms


def test_the_surer_the_sooner() -> None:
    waits = [silence_until_end(step / 20) for step in range(21)]
    assert waits == sorted(waits, reverse=True)
    assert len(set(waits)) > 8


def test_a_judgement_never_turns_the_order_round() -> None:
    odd = SpeechRule(end_silence_ms=200, finished_silence_ms=300, unfinished_silence_ms=1600)
    assert silence_until_end(1.0, rule=odd) == 224
    even = SpeechRule(end_silence_ms=2000, finished_silence_ms=300, unfinished_silence_ms=1600)
    assert silence_until_end(0.0, rule=even) == 2016


def test_a_word_ends_the_effect_and_the_next_pause_is_judged_anew() -> None:
    endpointer = Endpointer(RULE)
    for _ in range(10):
        endpointer.update(0.9)
    for _ in range(6):
        endpointer.update(0.0)
    endpointer.judge(1.0)
    endpointer.update(0.9)
    silent = [isinstance(endpointer.update(0.0), Ended) for _ in range(25)]
    assert silent.index(True) == 640 // HOP_MS - 1


class Voices:
    """In the place of Silero: a hop is voiced where it is loud."""

    def __init__(self) -> None:
        self.waiting = np.zeros(0, dtype=np.int16)

    def reset(self) -> None:
        self.waiting = self.waiting[:0]

    def process(self, samples: NDArray[np.int16]) -> list[float]:
        sound = np.concatenate((self.waiting, samples))
        hops = len(sound) // HOP
        self.waiting = sound[hops * HOP :]
        return [float(abs(sound[hop * HOP]) > 100) for hop in range(hops)]


class Listens:
    """In the place of the judge: keeps what it was given."""

    def __init__(self, finished: float) -> None:
        self.finished = finished
        self.heard: list[NDArray[np.int16]] = []

    def probability(self, sound: NDArray[np.int16]) -> float:
        self.heard.append(sound.copy())
        return self.finished


def pieces(seed: int, count: int) -> list[int]:
    chance = np.random.default_rng(seed)
    return [int(size) for size in chance.integers(1, 3000, count)]


@pytest.mark.parametrize("seed", range(4))
def test_however_the_sound_is_cut_the_judge_hears_the_same_up_to_the_pause(seed: int) -> None:
    loud = np.arange(1000, 1000 + 60 * HOP).astype(np.int16)
    sound = np.concatenate((np.zeros(10 * HOP, np.int16), loud, np.zeros(100 * HOP, np.int16)))
    judge = Listens(1.0)
    pipeline = SpeechPipeline(Voices(), RULE, judge)  # type: ignore[arg-type]
    pipeline.begin(0)
    decided: list[Started | Ended | Loudness] = []
    at = 0
    for size in [*pieces(seed, 40), len(sound)]:
        decided += pipeline.process(sound[at : at + size], at)
        at += size
    said = [each for each in decided if not isinstance(each, Loudness)]
    assert said == [Started(10 * HOP), Ended(70 * HOP)]
    measured = [each.from_sample for each in decided if isinstance(each, Loudness)]
    assert measured == [hop * HOP for hop in (10, 25, 40, 55)], "half seconds, each told once"
    (heard,) = judge.heard
    end = (70 + PAUSE_MS // HOP_MS) * HOP
    assert np.array_equal(heard, sound[end - len(heard) : end])
    assert len(heard) >= 32_000
