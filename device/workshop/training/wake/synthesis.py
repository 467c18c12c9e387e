"""Spoken words out of the machine: synthesized voices, made to sound like more of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from device.audio.resample import resample
from device.errors import BitternError
from device.models import MissingModel, path_of
from device.wake.engine import RATE_HZ
from device.workshop.training.wake.corpus import SPEAKERS, SYNTHESIZED, Sound
from device.workshop.training.wake.kokoro import SET, VOICE_HZ, Kokoro

HIBARI = "hibari"
"""The name of the voice that there always is."""
_PEAK = 16_000


class NoVoiceError(BitternError):
    """The synthesizer is not installed."""


class NotRecordedError(BitternError):
    """A recording cannot be written."""


@dataclass(frozen=True)
class Said:
    """A text as one of the voices says it."""

    voice: str
    sound: Sound
    """16 kHz, in the range of int16."""


class Voices:
    """Hibari, and those of Kokoro where they were fetched, at many speeds and pitches."""

    def __init__(self, seed: int = 0, more: Path | None = None, *, is_quick: bool = False) -> None:
        """``more``: a folder with further voices for Kokoro; ``is_quick``: without Kokoro, which
        takes a hundred times as long.

        Raises :class:`NoVoiceError` without the package, and with ``more`` but no Kokoro.
        """
        try:
            from hibari import Hibari
        except ImportError as missing:
            raise NoVoiceError(
                "there is no voice to synthesize words with", "pip install bittern[train]"
            ) from missing
        self._voice: Any = Hibari(threads=1)
        self._kokoro = None if is_quick else _kokoro(more)
        self._random = np.random.default_rng(seed)

    @property
    def names(self) -> tuple[str, ...]:
        """All voices there are."""
        return (HIBARI, *(self._kokoro.names if self._kokoro is not None else ()))

    def say(
        self, text: str, speed: float = 1.0, pitch: float = 1.0, seed: int = 7, voice: str = HIBARI
    ) -> Sound:
        """A sentence at 16 kHz, in the range of int16; ``pitch`` also moves the formants."""
        if voice == HIBARI or self._kokoro is None:
            said = self._voice(text, speed=speed * pitch, seed=seed)
        else:
            said = self._kokoro.say(text, voice, speed * pitch)
        floats = np.asarray(said, dtype=np.float32)
        samples = (floats / max(float(np.abs(floats).max()), 1e-3) * _PEAK).astype(np.int16)
        heard = resample(samples, round(VOICE_HZ / pitch), RATE_HZ)
        return heard.astype(np.float32)

    def variants(self, text: str, count: int) -> Iterator[Said]:
        """The same words, said in ``count`` ways, the voices taking turns.

        A voice that is alone is moved further up and down, since it stands for everybody.
        """
        low, high = (-4.5, 5.5) if len(self.names) == 1 else (-2.0, 2.5)
        for number in range(count):
            speed = float(self._random.uniform(0.75, 1.25))
            pitch = float(2 ** (self._random.uniform(low, high) / 12))
            spelled = text + str(self._random.choice(["", ".", "!", "?", ","]))
            voice = self.names[number % len(self.names)]
            seed = int(self._random.integers(1 << 30))
            yield Said(voice, self.say(spelled, speed, pitch, seed, voice))

    def speaker(self, said: Said, number: int) -> str:
        """Who counts as the speaker of a variant: its voice, unless there is only one."""
        return f"{said.voice} {number}" if len(self.names) == 1 else said.voice


def record(voices: Voices, text: str, count: int, folder: Path) -> int:
    """Write variants as recordings, with a file that says which voice speaks in which.

    Returns how many the folder then holds; what lies there already is kept. Raises
    :class:`NotRecordedError` where nothing can be written.
    """
    try:
        return _record(voices, text, count, folder)
    except OSError as failure:
        raise NotRecordedError(
            f"nothing can be written to {folder}: {failure.strerror}"
        ) from failure


def _record(voices: Voices, text: str, count: int, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    speakers = folder / SPEAKERS
    known: dict[str, str] = json.loads(speakers.read_text()) if speakers.is_file() else {}
    for number, said in enumerate(voices.variants(text, count), len(known)):
        path = folder / f"{said.voice}-{number}.flac"
        known[path.name] = f"{SYNTHESIZED}{voices.speaker(said, number)}"
        # Before the sound: who breaks off must not leave a voice that passes for a person.
        speakers.write_text(json.dumps(known, indent=1) + "\n")
        soundfile.write(path, said.sound.astype(np.int16), RATE_HZ)
    return len(known)


def _kokoro(more: Path | None) -> Kokoro | None:
    try:
        return Kokoro(path_of(SET), more)
    except MissingModel as missing:
        if more is None:
            return None
        raise NoVoiceError(
            f"the voices in {more} are for a synthesizer that is not here",
            f"bittern models fetch {SET}",
        ) from missing
