"""A wake word and a question in one breath: what is cut, and what goes along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.wake.ending import MOST_BEFORE_MS
from device.workshop.bench import one_breath
from device.workshop.bench.one_breath import BreathOutcome


@pytest.fixture(scope="module")
def outcomes(recordings: Path) -> list[BreathOutcome]:
    """Of people's takes, a few of each word, gap and noise."""
    found = one_breath.pairs(recordings, ["alexa", "computer", "jarvis"], 48, 3)
    return [each for each in map(one_breath.listen_to, found) if each is not None]


def test_hardly_anything_of_a_question_is_cut(outcomes: list[BreathOutcome]) -> None:
    assert len(outcomes) >= 44, "of 48 words"
    assert sum(each.cut_ms > one_breath.CUT_MS for each in outcomes) <= 1


def test_no_more_goes_along_than_the_privacy_page_says(outcomes: list[BreathOutcome]) -> None:
    assert max(each.before_decision_ms for each in outcomes) <= MOST_BEFORE_MS


def test_the_bench_knows_where_a_word_is() -> None:
    """Not the click behind it, nor the hum before it."""
    random = np.random.default_rng(2)
    sound = random.normal(size=3 * one_breath.RATE_HZ) * 1e-4
    sound[16_000:24_000] += np.sin(np.arange(8_000) * 0.1) * 0.3
    sound[40_000:40_160] += 0.2
    begin, end = one_breath._bounds(sound.astype(np.float32))
    assert abs(begin - 16_000) <= 320
    assert abs(end - 24_000) <= 320
