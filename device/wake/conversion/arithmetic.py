"""TFLite's integer rounding, expressed as one multiply, one addition and one rounding.

TFLite takes an int32 accumulator ``a`` to int8 in two roundings. With the scale
written as ``s = m * 2**e``, ``0.5 <= m < 1``:

    y = floor(a * m + 1/2)                  the high half of a doubled 32x32-bit product
    q = floor(y * 2**e + 1/2)               a rounding shift to the right, e < 0

Nested floors of this kind collapse: ``q = floor(a * s + 1/2 + 2**(e - 1))``. So the
whole of the double rounding is a small addition to the bias, and a graph of floats
that hold integers gives the very numbers of the integer kernels. Every partial sum
here is below 2**24, which float32 holds exactly.

Three kernels, three habits, found by tapping each tensor of the four models in
libtensorflowlite_c of pymicro-wakeword 2.5.0 (x86-64) and confirmed on every value:

* CONV_2D rounds twice as above (its fused ReLU hides what it does below zero);
* DEPTHWISE_CONV_2D does so for the first ``C - C % 8`` channels, which its vector
  loop handles; the rest run through scalar code that rounds halves *away from zero*,
  so that the addition changes sign with the sum;
* FULLY_CONNECTED rounds once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOAT32_EXACT = 2**24
"""Integers up to here are exact in float32."""

_VECTOR_CHANNELS = 8


def rescale_factors(
    input_scale: float, weight_scales: NDArray[np.float64], output_scale: float, channels: int
) -> NDArray[np.float64]:
    """The real number that takes an accumulator to output units, per channel.

    Returns float64 ``[channels]``, rounded to the 31 bits that TFLite keeps.
    """
    exact = input_scale * weight_scales / output_scale
    mantissa, exponent = np.frexp(np.broadcast_to(exact, (channels,)))
    kept: NDArray[np.float64] = np.ldexp(np.round(mantissa * 2.0**31) / 2.0**31, exponent)
    return kept


def double_rounding_bias(factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the first of the two roundings adds, in output units (``2**(e - 1)``)."""
    exponent = np.frexp(factors)[1]
    bias: NDArray[np.float64] = np.where(exponent < 0, np.ldexp(0.5, exponent), 0.0)
    return bias


def scalar_channels(channels: int) -> slice:
    """The channels left over from the vector loop of the depthwise kernel."""
    return slice(channels - channels % _VECTOR_CHANNELS, channels)
