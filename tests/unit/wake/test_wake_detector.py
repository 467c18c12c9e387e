"""When a row of scores counts as a wake word."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.wake.detector import DetectionRule, Detector, detect
from device.wake.engine import Score

STEP = 480


def scores(values: list[float], word: str = "computer") -> list[Score]:
    return [Score(word, value, (i + 1) * STEP) for i, value in enumerate(values)]


def test_the_mean_of_the_window_must_rise_above_the_threshold() -> None:
    rule = DetectionRule(threshold=0.5, window=3)
    found, peak = detect(scores([0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0]), rule)
    assert [each.at_sample for each in found] == [6 * STEP]
    assert peak == 1.0


def test_a_plateau_is_one_detection() -> None:
    rule = DetectionRule(threshold=0.5, window=2, refractory_s=0.0)
    found, _ = detect(scores([1.0] * 50), rule)
    assert len(found) == 1


def test_a_second_word_counts_after_the_pause() -> None:
    rule = DetectionRule(threshold=0.5, window=1, refractory_s=10 * STEP / 16_000)
    found, _ = detect(scores([1.0, 0.0, 1.0, *[0.0] * 10, 1.0]), rule)
    assert [each.at_sample // STEP for each in found] == [1, 14]


def test_an_incomplete_window_decides_nothing() -> None:
    found, peak = detect(scores([1.0] * 4), DetectionRule(threshold=0.5, window=5))
    assert found == []
    assert peak == 0.0


def test_a_pause_can_be_carried_over_a_restart() -> None:
    detector = Detector(DetectionRule(threshold=0.5, window=1, refractory_s=1.0))
    assert detector.update(Score("x", 1.0, 16_000))
    detector.restart(detector.silent_until - 20_000)
    assert detector.update(Score("x", 1.0, 480)) is None
    assert detector.update(Score("x", 0.0, 960)) is None
    assert detector.update(Score("x", 1.0, 12_960))


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0])
def test_an_impossible_threshold_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError):
        Detector(DetectionRule(threshold=threshold))


@given(
    st.lists(st.floats(0, 1, allow_nan=False), max_size=200),
    st.integers(1, 7),
    st.floats(0.05, 0.95),
)
def test_detections_are_apart_and_above(values: list[float], window: int, cut: float) -> None:
    rule = DetectionRule(threshold=cut, window=window, refractory_s=0.3)
    found, peak = detect(scores(values), rule)
    gaps = [b.at_sample - a.at_sample for a, b in itertools.pairwise(found)]
    assert all(gap >= 0.3 * 16_000 for gap in gaps)
    assert all(cut < each.score <= peak + 1e-12 for each in found)
    assert bool(found) == (peak > cut)
