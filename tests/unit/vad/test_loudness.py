"""How loud a voice is, a stretch at a time."""

from __future__ import annotations

import numpy as np
import pytest

from device.vad.loudness import LoudnessMeter
from device.vad.silero import HOP_SAMPLES


def hop(dbfs: float) -> np.ndarray:
    """A square wave of that level."""
    amplitude = round(32_768 * 10 ** (dbfs / 20))
    return np.tile(np.array([amplitude, -amplitude], np.int16), HOP_SAMPLES // 2)


@pytest.mark.parametrize("dbfs", [-20.0, -45.0])
def test_half_a_second_of_voice_is_measured_by_itself(dbfs: float) -> None:
    meter = LoudnessMeter()
    told = [meter.update(hop(-60.0), n * HOP_SAMPLES, True) for n in range(15)]
    told += [meter.update(hop(dbfs), n * HOP_SAMPLES, True) for n in range(15, 30)]
    first, second = [each for each in told if each is not None]
    assert first.level_db == pytest.approx(-60.0, abs=0.3)
    assert second.level_db == pytest.approx(dbfs, abs=0.3)
    assert (first.from_sample, second.from_sample) == (0, 15 * HOP_SAMPLES)


def test_silence_between_words_makes_nobody_softer() -> None:
    meter = LoudnessMeter()
    for n in range(10):
        meter.update(hop(-20.0), 2 * n * HOP_SAMPLES, True)
        meter.update(hop(-80.0), (2 * n + 1) * HOP_SAMPLES, False)
    measured = meter.pause()
    assert measured is not None
    assert measured.level_db == pytest.approx(-20.0, abs=0.3)


def test_a_click_is_not_measured() -> None:
    meter = LoudnessMeter()
    meter.update(hop(-10.0), 0, True)
    assert meter.pause() is None
    assert meter.pause() is None, "and forgotten"
