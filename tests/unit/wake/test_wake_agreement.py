"""What two models think together."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from device.wake.cascade import Watch, agreed, agreed_by_each
from device.wake.detector import DetectionRule
from device.wake.engine import Score


def test_without_trust_the_second_decides_alone() -> None:
    assert agreed(0.37, 0.99, 0.0) == 0.37


def test_an_undecided_first_changes_nothing() -> None:
    assert agreed(0.8, 0.5, 0.6) == pytest.approx(0.8)


def test_doubt_of_either_lowers_and_certainty_raises() -> None:
    assert agreed(0.8, 0.1, 0.6) < agreed(0.8, 0.5, 0.6) < agreed(0.8, 0.9, 0.6)
    assert agreed(0.2, 0.7, 0.6) < agreed(0.6, 0.7, 0.6)


@pytest.mark.parametrize("first", [0.0, 1.0])
@pytest.mark.parametrize("second", [0.0, 1.0])
def test_it_stays_a_probability_at_the_ends(first: float, second: float) -> None:
    assert 0.0 < agreed(second, first, 0.6) < 1.0


def test_a_certain_first_cannot_carry_a_second_that_is_sure_of_the_contrary() -> None:
    assert agreed(0.0001, 1.0, 0.6) < 0.01


def test_what_one_of_two_has_never_heard_is_outweighed_by_the_other() -> None:
    both = agreed_by_each(0.6, (0.95, 0.9), 0.5)
    one, none = agreed_by_each(0.6, (0.95, 0.1), 0.5), agreed_by_each(0.6, (0.1, 0.1), 0.5)
    assert none < one < both
    assert agreed_by_each(0.6, (0.9,), 0.5) == pytest.approx(agreed(0.6, 0.9, 0.5))


class Undecided:
    """A second look that cannot tell."""

    words = ("word",)
    memory_samples = 0

    def begin(self, _: object, at_sample: int) -> SimpleNamespace:
        return SimpleNamespace(next_sample=at_sample + 1280)

    def follow(self, trail: SimpleNamespace, _: object) -> None:
        trail.next_sample += 1280

    def score(self, _: str, __: object) -> float:
        return 0.5


def peak_of(opinions: tuple[float, ...], rule: DetectionRule) -> float:
    """What both models together think of a second at which the first ones say this."""
    watch = Watch("word", rule, Undecided(), lambda a, b: np.zeros(b - a, np.int16))  # type: ignore[arg-type]
    for step in range(30):
        assert watch.update(Score("word", max(opinions), 480 * (step + 1), opinions)) is None
    return watch.peak


def test_a_card_says_whether_each_of_two_counts_or_the_more_certain_one() -> None:
    certain = DetectionRule(0.99999, interest=0.1, trust=0.6)
    assert peak_of((0.9, 0.01), certain) == pytest.approx(agreed(0.5, 0.9, 0.6))
    each = DetectionRule(0.99999, interest=0.1, trust=0.6, trust_each=0.5)
    assert peak_of((0.9, 0.01), each) == pytest.approx(agreed_by_each(0.5, (0.9, 0.01), 0.5))
    assert peak_of((0.9, 0.01), each) < peak_of((0.9, 0.8), each)
