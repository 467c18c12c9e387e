"""Silero on speech, on noise and in pieces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.vad.silero import HOP_SAMPLES, Silero

Sound = NDArray[np.int16]


@pytest.fixture
def silero(model: Callable[[str], Path]) -> Silero:
    return Silero(model("silero/silero_vad.onnx"))


def test_speech_is_speech(silero: Silero, say: Callable[..., Sound]) -> None:
    sound = say("The weather is fine today, and tomorrow will be better.")
    probabilities = np.array(silero.process(sound))
    assert np.mean(probabilities > 0.5) > 0.6


@pytest.mark.parametrize("level", [0.0, 20.0, 500.0])
def test_noise_is_not(silero: Silero, level: float) -> None:
    noise = (np.random.default_rng(1).normal(size=48_000) * level).astype(np.int16)
    assert max(silero.process(noise)) < 0.5


def test_any_cutting_gives_the_same(silero: Silero, say: Callable[..., Sound]) -> None:
    sound = say("What time is it?")
    whole = silero.process(sound)
    silero.reset()
    pieces: list[float] = []
    for size in (1, 511, 512, 513, 5000, 64, 10**6):
        pieces += silero.process(sound[:size])
        sound = sound[size:]
    assert pieces == whole
    assert len(whole) * HOP_SAMPLES <= len(say("What time is it?"))


def test_people_and_rooms(silero: Silero, people: Callable[[str, int], list[Sound]]) -> None:
    music, silence, speech = people("vad", 3)
    shares = []
    for sound in (music, silence, speech):
        silero.reset()
        shares.append(float(np.mean(np.array(silero.process(sound)) > 0.5)))
    assert shares[0] < 0.1
    assert shares[1] == 0.0
    assert shares[2] > 0.25  # one sentence in three seconds
