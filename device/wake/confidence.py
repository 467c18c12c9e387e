"""How far a measured rate may lie from the true one: 95 % intervals."""

from __future__ import annotations

import math

_Z = 1.96


def share_between(hits: int, of: int) -> tuple[float, float]:
    """The interval of a share (Wilson 1927)."""
    if of == 0:
        return 0.0, 1.0
    share, z2 = hits / of, _Z * _Z
    middle = share + z2 / (2 * of)
    half = _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, (middle - half) / (1 + z2 / of)), min(1.0, (middle + half) / (1 + z2 / of))


def rate_between(events: int, hours: float) -> tuple[float, float]:
    """The interval of a rate of rare events (Garwood 1936, exact)."""
    if hours <= 0:
        return 0.0, math.inf
    low = _mean_where(events - 1, 0.975) if events else 0.0
    return low / hours, _mean_where(events, 0.025) / hours


def _mean_where(events: int, probability: float) -> float:
    """The mean of a Poisson distribution that gives ``events`` or fewer so often."""
    low, high = 0.0, 10.0 + 3.0 * (events + 1)
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(events, middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(events: int, mean: float) -> float:
    term = total = math.exp(-mean)
    for k in range(1, events + 1):
        term *= mean / k
        total += term
    return total
