"""What a piece of sound is judged to be."""

from __future__ import annotations

import numpy as np
import pytest

from device.audio.levels import dbfs, measure
from device.doctor.findings import Verdict
from device.doctor.hearing import judge
from device.doctor.meter import bar

RATE_HZ = 16_000
RNG = np.random.default_rng(5)


def noise(amplitude, seconds=2.0):
    sound = RNG.normal(0, amplitude, round(seconds * RATE_HZ))
    return np.clip(sound, -32_768, 32_767).astype(np.int16)


def tone(amplitude, seconds):
    moments = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * 440 * moments)).astype(np.int16)


def test_a_sine_is_3_db_below_its_peak():
    levels = measure(tone(16_384, 1.0), RATE_HZ)
    assert levels.peak_dbfs == pytest.approx(-6.02, abs=0.05)
    assert levels.loudest_dbfs == pytest.approx(-9.03, abs=0.05)


def test_the_noise_is_what_lies_between_the_words():
    sound = np.concatenate([noise(30, 1.0), tone(10_000, 2.0) + noise(30, 2.0)])
    levels = measure(sound, RATE_HZ)
    assert levels.noise_dbfs == pytest.approx(dbfs(noise(30)), abs=1.5)
    assert levels.loudest_dbfs == pytest.approx(dbfs(tone(10_000, 1.0)), abs=0.5)


@pytest.mark.parametrize(
    ("sound", "spoken", "verdict", "word"),
    [
        (np.full(RATE_HZ, 7, np.int16), True, Verdict.BAD, "dead"),
        (noise(30), False, Verdict.GOOD, "noise"),
        (noise(30), True, Verdict.WARNING, "faint"),
        (np.concatenate([noise(30), tone(9_000, 1.0)]), True, Verdict.GOOD, "peak"),
        (noise(3_000), False, Verdict.WARNING, "loud"),
        (noise(60_000), True, Verdict.WARNING, "clipping"),
    ],
)
def test_judgements(sound, spoken, verdict, word):
    judgement = judge(measure(sound, RATE_HZ), was_spoken=spoken)
    assert judgement.verdict is verdict
    assert word in judgement.found
    assert bool(judgement.advice) is (verdict is not Verdict.GOOD)


def test_less_than_a_block_cannot_be_measured():
    with pytest.raises(ValueError, match="10 samples"):
        measure(np.zeros(10, np.int16), RATE_HZ)


def test_the_bar_grows_with_the_sound():
    lengths = [bar(level).count("#") for level in (-200.0, -60.0, -40.0, -20.0, 0.0)]
    assert lengths == sorted(set(lengths))
    assert (lengths[0], lengths[-1]) == (0, 40)
    assert "too loud" in bar(0.0, is_clipping=True)
