"""Chimes: short, soft, not loud, and each like no other."""

from __future__ import annotations

import numpy as np
import pytest

from device.audio.chimes import CHIMES, PEAK, chime


@pytest.mark.parametrize("name", CHIMES)
def test_begins_and_ends_in_silence_and_is_not_loud(name: str) -> None:
    sound = chime(name).astype(int)
    assert chime(name).dtype == np.int16
    assert sound[0] == 0
    assert abs(sound[-1]) < 30
    assert np.abs(sound).max() == pytest.approx(PEAK * 32_768, rel=0.01)
    # A soft attack: the first millisecond stays far below the peak.
    assert np.abs(sound[:24]).max() < 0.35 * np.abs(sound).max()


def test_the_wake_chime_is_over_before_the_question_begins() -> None:
    """The core keeps 350 ms clear for the chime and its echo in the room."""
    assert len(chime("wake")) / 24_000 <= 0.25


def test_all_are_short_and_different() -> None:
    assert all(len(chime(name)) <= 2.5 * 24_000 for name in CHIMES)
    assert len({chime(name).tobytes() for name in CHIMES}) == len(CHIMES)


def test_nobody_can_spoil_a_chime() -> None:
    with pytest.raises(ValueError, match="read-only"):
        chime("wake")[0] = 1
    with pytest.raises(KeyError):
        chime("gong")
