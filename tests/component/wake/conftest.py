"""Spoken wake words: synthesized where the ears are tested, people's where they are judged."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from device.audio.resample import resample
from device.models import MissingModel, path_of

Sound = NDArray[np.int16]
Say = Callable[..., Sound]


def stored(name: str) -> Path:
    try:
        return path_of(name)
    except MissingModel as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def say() -> Say:
    """A function that speaks a sentence, mono int16 at 16 kHz, always the same way."""
    hibari = pytest.importorskip("hibari")
    voice = hibari.Hibari(threads=1)

    @lru_cache(maxsize=64)
    def speak(text: str, speed: float = 1.0) -> Sound:
        floats = np.asarray(voice(text, speed=speed, seed=7)) * 0.5
        return resample((floats * 32767).astype(np.int16), 24_000, 16_000)

    return speak


@pytest.fixture(scope="session")
def people(recordings: Path) -> Callable[[str, int], list[Sound]]:
    """A function that reads the first so many recordings of a folder."""

    def load(folder: str, count: int) -> list[Sound]:
        paths = sorted((recordings / folder).glob("*.flac"))[:count]
        assert paths, f"no recordings in {recordings / folder}"
        return [soundfile.read(path, dtype="int16")[0] for path in paths]

    return load


@pytest.fixture
def model() -> Callable[[str], Path]:
    """A function that finds a model in the store, or skips."""
    return stored
