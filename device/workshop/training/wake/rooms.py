"""Rooms by image sources: what walls add to a voice."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from device.wake.engine import RATE_HZ

SPEED_M_PER_S = 343.0
_FRACTION = 8
"""Reflections are placed to an eighth of a sample."""


def impulse_response(
    size_m: NDArray[np.float64],
    source_m: NDArray[np.float64],
    microphone_m: NDArray[np.float64],
    reflection: float,
    length_s: float = 0.35,
) -> NDArray[np.float32]:
    """What arrives of a click in a box of these sizes (Allen and Berkley 1979).

    ``reflection``: the share of pressure that each wall gives back. The direct sound lies
    at sample 0 with amplitude 1.
    """
    order = 6
    axes = [_images(size_m[i], source_m[i], microphone_m[i], order) for i in range(3)]
    distances, gains = [], []
    for (dx, nx), (dy, ny), (dz, nz) in product(*axes):
        distance = float(np.sqrt(dx * dx + dy * dy + dz * dz))
        bounces = nx + ny + nz
        if bounces <= 2 * order:
            distances.append(distance)
            gains.append(reflection**bounces / max(distance, 0.1))
    return _response(np.array(distances), np.array(gains), length_s)


def random_room(random: np.random.Generator) -> NDArray[np.float32]:
    """A room of 8 to 150 cubic metres with somebody 0.5 to 5 m from the microphone."""
    size = random.uniform([2.0, 2.0, 2.2], [7.0, 6.0, 3.5])
    microphone = random.uniform(0.1, 0.9, 3) * size
    source = random.uniform(0.1, 0.9, 3) * size
    return impulse_response(size, source, microphone, float(random.uniform(0.3, 0.88)))


def _images(size: float, source: float, microphone: float, order: int) -> list[tuple[float, int]]:
    """Distances along one axis to all images, and how often each was reflected."""
    images = []
    for n in range(-order // 2, order // 2 + 1):
        images.append((2 * n * size + source - microphone, abs(2 * n)))
        images.append((2 * n * size - source - microphone, abs(2 * n - 1)))
    return images


def _response(
    distances: NDArray[np.float64], gains: NDArray[np.float64], length_s: float
) -> NDArray[np.float32]:
    nearest = distances.argmin()
    delays = (distances - distances[nearest]) / SPEED_M_PER_S * RATE_HZ
    gains = gains / gains[nearest]
    length = round(length_s * RATE_HZ)
    inside = delays < length - 1
    fine = np.zeros(length * _FRACTION, dtype=np.float64)
    np.add.at(fine, np.round(delays[inside] * _FRACTION).astype(int), gains[inside])
    response: NDArray[np.float32] = fine.reshape(length, _FRACTION).sum(axis=1).astype(np.float32)
    return response
