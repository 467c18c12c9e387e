"""What two models think together."""

from __future__ import annotations

import pytest

from device.wake.cascade import agreed


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
