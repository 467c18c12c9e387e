"""Intervals against published values."""

from __future__ import annotations

import math

import pytest

from device.wake.confidence import rate_between, share_between


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Newcombe 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_a_share_has_the_interval_of_wilson(hits: int, of: int, low: float, high: float) -> None:
    assert share_between(hits, of) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("events", "low", "high"),
    # Exact limits of a Poisson mean, as tables have them.
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (20, 12.217, 30.888)],
)
def test_a_rate_has_the_exact_interval(events: int, low: float, high: float) -> None:
    assert rate_between(events, 1.0) == pytest.approx((low, high), abs=2e-3)
    assert rate_between(events, 2.0) == pytest.approx((low / 2, high / 2), abs=1e-3)


def test_nothing_measured_is_nothing_known() -> None:
    assert share_between(0, 0) == (0.0, 1.0)
    assert rate_between(0, 0.0) == (0.0, math.inf)
