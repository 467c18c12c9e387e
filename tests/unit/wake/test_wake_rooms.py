"""Rooms by image sources."""

from __future__ import annotations

import numpy as np
import pytest

from device.workshop.training.wake.augment import in_room
from device.workshop.training.wake.rooms import (
    SPEED_M_PER_S,
    impulse_response,
    random_room,
    room_with,
)

SIZE = np.array([5.0, 4.0, 2.5])
SOURCE = np.array([1.0, 1.0, 1.2])
MICROPHONE = np.array([4.0, 3.0, 1.2])


def test_the_first_echo_comes_when_the_way_over_the_nearest_wall_is_done() -> None:
    response = impulse_response(SIZE, SOURCE, MICROPHONE, 0.7)
    direct = np.linalg.norm(SOURCE - MICROPHONE)
    over_floor = np.linalg.norm(SOURCE * [1, 1, -1] - MICROPHONE)
    delay = round((over_floor - direct) / SPEED_M_PER_S * 16_000)
    assert response[0] == pytest.approx(1.0)
    assert not response[1 : delay - 1].any()
    assert response[delay - 1 : delay + 2].max() == pytest.approx(
        0.7 * direct / over_floor, rel=0.05
    )


def test_harder_walls_ring_longer() -> None:
    soft, hard = (impulse_response(SIZE, SOURCE, MICROPHONE, r) for r in (0.3, 0.85))
    assert (hard[800:] ** 2).sum() > 20 * (soft[800:] ** 2).sum()


def test_a_sound_in_a_room_begins_where_it_did() -> None:
    random = np.random.default_rng(2)
    sound = np.zeros(8000, dtype=np.float32)
    sound[3000] = 1000
    heard = in_room(sound, random_room(random))
    assert np.abs(heard[:2999]).max() < 1
    assert heard[3000] == pytest.approx(1000, rel=0.01)
    assert len(heard) > len(sound)


@pytest.mark.parametrize("rt60_s", [0.3, 0.6, 0.8])
def test_a_room_rings_as_long_as_was_asked_for(rt60_s: float) -> None:
    random = np.random.default_rng(5)
    measured = []
    for _ in range(8):
        energy = room_with(random, rt60_s, 2.0).astype(np.float64) ** 2
        left_db = 10 * np.log10(np.cumsum(energy[::-1])[::-1] / energy.sum() + 1e-12)
        measured.append((np.argmax(left_db < -25) - np.argmax(left_db < -5)) / 16_000 * 3)
    assert np.mean(measured) == pytest.approx(rt60_s, rel=0.15)


def test_who_is_further_off_is_heard_more_by_the_walls() -> None:
    def direct_share(distance_m: float) -> float:
        random = np.random.default_rng(6)
        rooms = [room_with(random, 0.6, distance_m) ** 2 for _ in range(8)]
        return float(np.mean([room[:80].sum() / room.sum() for room in rooms]))

    assert direct_share(1.0) > 1.5 * direct_share(3.0)
