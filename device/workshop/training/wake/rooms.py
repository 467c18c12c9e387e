"""Rooms by image sources: what walls add to a voice."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from device.wake.engine import RATE_HZ

SPEED_M_PER_S = 343.0
_FRACTION = 8
"""Reflections are placed to an eighth of a sample."""
REVERBERANT_S = (0.25, 0.85)
"""Reverberation times that words are learned in: from a furnished bedroom to a tiled kitchen."""
_TAIL_FROM_S = 0.045
"""From here on reflections come too close to each other to be told apart: noise does for them."""
_DULL_HZ = 4000.0
"""Where air and soft walls halve the reverberation time."""


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


def room_with(random: np.random.Generator, rt60_s: float, distance_m: float) -> NDArray[np.float32]:
    """A room in which sound dies away by 60 dB in ``rt60_s``, with somebody ``distance_m`` off.

    Early reflections by image sources with walls after Sabine's formula; from 45 ms on noise
    that goes on at their level and dies away, high frequencies sooner.
    """
    size = random.uniform([3.0, 2.8, 2.3], [7.0, 5.5, 3.2])
    size[:2] = np.maximum(size[:2], distance_m * 0.85 + 0.5)
    microphone = random.uniform(0.12, 0.5, 3) * size
    source = _at(random, size, microphone, distance_m)
    walls = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    absorbed = min(0.9, 0.161 * float(np.prod(size)) / (float(walls) * rt60_s))
    early = impulse_response(size, source, microphone, float(np.sqrt(1 - absorbed)), rt60_s)
    return _with_tail(early, rt60_s, random)


def reverberant_room(random: np.random.Generator) -> NDArray[np.float32]:
    """Any room of :data:`REVERBERANT_S` with somebody 0.7 to 3.5 m from the microphone."""
    return room_with(random, random.uniform(*REVERBERANT_S), random.uniform(0.7, 3.5))


def _at(
    random: np.random.Generator,
    size: NDArray[np.float64],
    microphone: NDArray[np.float64],
    distance_m: float,
) -> NDArray[np.float64]:
    """Somewhere in the room at this distance, at the height of a mouth."""
    for _ in range(60):
        angle = random.uniform(0, 2 * np.pi)
        height = random.uniform(-0.3, 0.6)
        level = np.sqrt(max(distance_m**2 - height**2, 0.01))
        place = microphone + np.array([np.cos(angle) * level, np.sin(angle) * level, height])
        if np.all(place > 0.15) and np.all(place < size - 0.15):
            return np.asarray(place)
    return np.clip(microphone + distance_m * 0.6, 0.15, size - 0.15)


def _with_tail(
    early: NDArray[np.float32], rt60_s: float, random: np.random.Generator
) -> NDArray[np.float32]:
    start, count = round(_TAIL_FROM_S * RATE_HZ), len(early)
    until = min(count, start + round(0.015 * RATE_HZ))
    time_s = np.arange(count) / RATE_HZ
    falling = 10 ** (-3 * time_s / rt60_s)
    level = np.sqrt(np.mean((early[start:until] / falling[start:until]) ** 2))
    bright = random.standard_normal(count)
    dull = np.fft.irfft(_low_pass(np.fft.rfft(bright), count), count)
    # What is dull lasts as long as was asked for, the rest half as long.
    tail = level * (dull * falling + (bright - dull) * falling**2)
    swell = np.clip(2 * time_s / _TAIL_FROM_S - 1, 0, 1)
    whole: NDArray[np.float32] = (early * (1 - swell) + tail * swell).astype(np.float32)
    return whole


def _low_pass(spectrum: NDArray[np.complex128], count: int) -> NDArray[np.complex128]:
    hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    low: NDArray[np.complex128] = spectrum / (1 + (hertz / _DULL_HZ) ** 4)
    return low


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
