"""The rounding of TFLite's integer kernels, against the same in whole numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from device.models.conversion.arithmetic import (
    double_rounding_bias,
    rescale_factors,
    scalar_channels,
)


def integer_rescale(accumulator: int, factor: float) -> int:
    """What the vectorized kernels do, in exact integers: two roundings, halves upward."""
    mantissa, exponent = np.frexp(factor)
    multiplier = round(float(mantissa) * 2**31)
    high = (accumulator * multiplier + 2**30) >> 31
    shift = -int(exponent)
    return (high + (1 << (shift - 1) if shift else 0)) >> shift


@given(
    accumulator=st.integers(-(2**20), 2**20),
    factor=st.floats(1e-5, 0.4, allow_nan=False),
)
def test_one_addition_replaces_the_first_of_two_roundings(accumulator: int, factor: float) -> None:
    factors = rescale_factors(factor, np.ones(1), 1.0, 1)
    bias = double_rounding_bias(factors)
    ours = np.floor(accumulator * factors[0] + 0.5 + bias[0])
    assert ours == integer_rescale(accumulator, factor)


def test_without_the_addition_the_roundings_differ_now_and_then() -> None:
    factor = 0.00037
    factors = rescale_factors(factor, np.ones(1), 1.0, 1)
    single = [int(np.floor(a * factors[0] + 0.5)) for a in range(0, 200_000, 7)]
    double = [integer_rescale(a, factor) for a in range(0, 200_000, 7)]
    assert single != double


def test_a_scale_of_one_half_or_more_needs_no_addition() -> None:
    assert double_rounding_bias(np.array([0.75, 1.5])).tolist() == [0.0, 0.0]


def test_factors_are_given_for_each_channel() -> None:
    assert rescale_factors(0.5, np.array([0.1]), 2.0, 3).shape == (3,)


def test_what_the_vector_loop_leaves_over() -> None:
    assert scalar_channels(60) == slice(56, 60)
    assert scalar_channels(64) == slice(64, 64)
