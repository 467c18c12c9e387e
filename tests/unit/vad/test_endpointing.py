"""Where speech begins and ends, decided from probabilities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.vad.endpointing import Ended, Endpointer, SpeechRule, Started

HOP = 512
RULE = SpeechRule(start_threshold=0.5, end_threshold=0.3, min_speech_ms=96, end_silence_ms=320)


def run(probabilities: list[float], rule: SpeechRule = RULE) -> list[Started | Ended]:
    endpointer = Endpointer(rule)
    return [event for p in probabilities if (event := endpointer.update(p))]


def test_speech_begins_where_it_was_first_heard_and_ends_with_its_last_sample() -> None:
    found = run([0.1] * 5 + [0.9] * 20 + [0.1] * 10)
    assert found == [Started(5 * HOP), Ended(25 * HOP)]


def test_a_click_is_not_speech() -> None:
    assert run([0.1] * 5 + [0.9] * 2 + [0.1] * 20) == []


def test_a_dip_between_the_thresholds_neither_ends_nor_restarts() -> None:
    assert run([0.9, 0.4, 0.9] * 10) == [Started(0)]


def test_a_value_between_the_thresholds_does_not_begin_speech() -> None:
    assert run([0.4] * 50) == []


def test_a_short_pause_is_part_of_the_sentence() -> None:
    assert run([0.9] * 10 + [0.0] * 9 + [0.9] * 10) == [Started(0)]


def test_each_sentence_is_told_apart() -> None:
    found = run(([0.9] * 10 + [0.0] * 12) * 2)
    assert found == [Started(0), Ended(10 * HOP), Started(22 * HOP), Ended(32 * HOP)]


def test_positions_begin_where_the_reset_says() -> None:
    endpointer = Endpointer(RULE)
    endpointer.reset(100_000)
    found = [event for p in [0.9] * 5 if (event := endpointer.update(p))]
    assert found == [Started(100_000)]


@pytest.mark.parametrize(("start", "end"), [(0.3, 0.5), (1.0, 0.5), (0.5, 0.0)])
def test_impossible_thresholds_are_refused(start: float, end: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        Endpointer(SpeechRule(start_threshold=start, end_threshold=end))


@given(st.lists(st.floats(0, 1, allow_nan=False), max_size=300))
def test_beginnings_and_ends_alternate_in_order(probabilities: list[float]) -> None:
    found = run(probabilities)
    assert all(isinstance(each, Started) for each in found[::2])
    assert all(isinstance(each, Ended) for each in found[1::2])
    positions = [each.at_sample for each in found]
    assert positions == sorted(positions)
    for began, ended in zip(found[::2], found[1::2], strict=False):
        assert ended.at_sample - began.at_sample >= 96 * 16
