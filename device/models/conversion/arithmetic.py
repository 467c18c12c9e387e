"""TFLite's integer rounding, said in floating point without losing a bit.

TFLite takes an int32 accumulator ``a`` to int8 in two roundings. With the scale
written as ``s = m * 2**e``, ``0.5 <= m < 1``, and ``m`` kept in 31 bits:

    y = floor(a * m + 1/2)                  the high half of a doubled 32x32-bit product
    q = floor(y * 2**e + 1/2)               a rounding shift to the right, e < 0

Nested floors of this kind collapse: ``q = floor(a * s + 1/2 + 2**(e - 1))``. So the
whole of the double rounding is a small addition. Three kernels, three habits, found by
tapping each tensor of the four models in libtensorflowlite_c of pymicro-wakeword 2.5.0
(x86-64) and confirmed on every value:

* CONV_2D rounds twice as above (its fused ReLU hides what it does below zero);
* DEPTHWISE_CONV_2D does so for the first ``C - C % 8`` channels, which its vector
  loop handles; the rest run through scalar code that rounds halves *away from zero*,
  so that the addition changes sign with the sum;
* FULLY_CONNECTED rounds twice, but multiplies the two input scales in float32 first.

The sums are made in float32, which holds integers below 2**24 exactly, in any order of
addition. The rescaling is done in float64: ``a * s`` then lies on a grid of 2**(e - 31),
far coarser than float64 resolves below 256, so that the floor is always right: no score
differed in 35 000 strides of each of the four models. (With the factors multiplied into the
weights and everything in float32 the graph needs a third less time, and one score in
35 000 came out wrong, once by 14 steps.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOAT32_EXACT = 2**24
"""Integers up to here are exact in float32."""

_VECTOR_CHANNELS = 8


def rescale_factors(
    input_scale: float,
    weight_scales: NDArray[np.float64],
    output_scale: float,
    channels: int,
    *,
    single_product: bool = False,
) -> NDArray[np.float64]:
    """The real number that takes an accumulator to output units, per channel.

    ``single_product``: the scales of input and weights are multiplied in float32. Returns
    float64 ``[channels]``, rounded to the 31 bits that TFLite keeps.
    """
    product = input_scale * weight_scales
    if single_product:
        product = product.astype(np.float32).astype(np.float64)
    exact = product / output_scale
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
