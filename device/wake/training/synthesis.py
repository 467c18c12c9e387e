"""Spoken words out of the machine: one synthesized voice, made to sound like several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from device.audio.resample import resample
from device.errors import BitternError
from device.wake.engine import RATE_HZ
from device.wake.training.corpus import Sound

VOICE_HZ = 24_000


class NoVoiceError(BitternError):
    """The synthesizer is not installed."""


class Voices:
    """Hibari at many speeds and pitches."""

    def __init__(self, seed: int = 0) -> None:
        """Raises :class:`NoVoiceError` without the package."""
        try:
            from hibari import Hibari
        except ImportError as missing:
            raise NoVoiceError(
                "there is no voice to synthesize words with", "pip install bittern[train]"
            ) from missing
        self._voice: Any = Hibari(threads=1)
        self._random = np.random.default_rng(seed)

    def say(self, text: str, speed: float = 1.0, pitch: float = 1.0, seed: int = 7) -> Sound:
        """A sentence at 16 kHz, in the range of int16; ``pitch`` also moves the formants."""
        floats = np.asarray(self._voice(text, speed=speed * pitch, seed=seed), dtype=np.float32)
        samples = (floats / max(float(np.abs(floats).max()), 1e-3) * 16000).astype(np.int16)
        heard = resample(samples, round(VOICE_HZ / pitch), RATE_HZ)
        return heard.astype(np.float32)

    def variants(self, text: str, count: int) -> Iterator[Sound]:
        """The same words, said in ``count`` ways."""
        for _ in range(count):
            speed = float(self._random.uniform(0.75, 1.25))
            pitch = float(2 ** (self._random.uniform(-4.5, 5.5) / 12))
            spelled = text + str(self._random.choice(["", ".", "!", "?", ","]))
            yield self.say(spelled, speed, pitch, int(self._random.integers(1 << 30)))
