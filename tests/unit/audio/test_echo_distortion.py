"""The model of a speaker that flattens what is loud."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.audio.echo.distortion import Distortion, flattened
from device.workshop.simulation.acoustics import AcousticEcho

RATE_HZ = 16_000


def speech_like(seconds: float, seed: int = 1) -> np.ndarray:
    """Noise whose loudness comes and goes, as that of syllables."""
    random = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    loudness = np.repeat(random.exponential(3_000, count // 1_600 + 1), 1_600)[:count]
    return np.clip(random.normal(size=count) * loudness, -32_000, 32_000).astype(np.int16)


def learned(drive: float, seconds: int = 8, near: float = 0.0) -> tuple[Distortion, list[bool]]:
    played = speech_like(seconds)
    heard = AcousticEcho(0.01, -10.0, 0.2, drive=drive).of(played, RATE_HZ)[: len(played)]
    heard = heard + near * np.random.default_rng(9).normal(size=len(heard))
    model = Distortion()
    changes = [
        model.learn(heard[at : at + RATE_HZ].astype(np.int16), played[at : at + RATE_HZ])
        for at in range(0, len(played), RATE_HZ)
    ]
    return model, changes


@pytest.mark.parametrize("near", [0.0, 1_000.0])
def test_a_speaker_that_does_not_distort_is_left_alone(near: float) -> None:
    model, changes = learned(0.0, near=near)
    assert math.isinf(model.knee)
    assert not any(changes)
    played = speech_like(0.1)
    assert model.apply(played) is played


@pytest.mark.parametrize("drive", [3.0, 6.0])
def test_the_knee_of_one_that_does_is_found_and_kept(drive: float) -> None:
    """The speaker flattens by tanh, the model by another curve, as in life."""
    model, changes = learned(drive)
    played = speech_like(4, seed=5)
    truth = AcousticEcho(0.0, 0.0, drive=drive).of(played, RATE_HZ)

    def wrong_db(given: np.ndarray) -> float:
        scale = float(given @ truth) / float(given @ given)
        return 10 * math.log10(np.mean((truth - scale * given) ** 2) / np.mean(truth**2))

    given = model.apply(played).astype(np.float64)
    assert wrong_db(given) < wrong_db(played.astype(np.float64)) - 6
    assert any(changes)
    assert not any(changes[5:])


def test_silence_teaches_nothing() -> None:
    model = Distortion()
    nothing = np.zeros(RATE_HZ, np.int16)
    assert not any(model.learn(speech_like(1), nothing) for _ in range(8))


def test_what_is_soft_is_not_changed() -> None:
    soft = np.linspace(-300, 300, 100, dtype=np.float32)
    assert np.abs(flattened(soft, 7_000.0) - soft).max() < 0.5
    loud = flattened(np.array([32_000.0], np.float32), 7_000.0)
    assert 6_500 < loud[0] < 7_000
