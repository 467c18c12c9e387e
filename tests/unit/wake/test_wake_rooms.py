"""Rooms by image sources."""

from __future__ import annotations

import numpy as np
import pytest

from device.workshop.training.wake.augment import in_room
from device.workshop.training.wake.rooms import SPEED_M_PER_S, impulse_response, random_room

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
