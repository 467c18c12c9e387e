"""Percentiles, the same way in every benchmark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def spread(values: Sequence[float], digits: int = 4) -> dict[str, float | int]:
    """Return count, p50, p99 and extremes of some values; only the count where there are none."""
    if not values:
        return {"count": 0}
    return {
        "count": len(values),
        "p50": round(float(np.percentile(values, 50)), digits),
        "p99": round(float(np.percentile(values, 99)), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }
