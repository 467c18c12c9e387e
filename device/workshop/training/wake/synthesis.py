"""Spoken words out of the machine: synthesized voices, made to sound like more of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from device.audio.resample import resample
from device.errors import BitternError
from device.wake.engine import RATE_HZ
from device.workshop.training.wake.corpus import SPEAKERS, SYNTHESIZED, Sound
from device.workshop.training.wake.synthesizers import HIBARI, Line, NoSynthesizerError, installed

_PEAK = 16_000


class NotRecordedError(BitternError):
    """A recording cannot be written."""


@dataclass(frozen=True)
class SynthesizedText:
    """A text as one of the voices says it."""

    voice: str
    sound: Sound
    """16 kHz, in the range of int16."""


class Voices:
    """All synthesizers that are installed, at many speeds and pitches."""

    def __init__(
        self,
        seed: int = 0,
        more: Path | None = None,
        *,
        is_quick: bool = False,
        only: Sequence[str] = (),
    ) -> None:
        """``more``: a folder with further voices for Kokoro; ``is_quick``: hibari alone, since
        Kokoro takes a hundred times as long; ``only``: names of synthesizers.

        Raises :class:`NoSynthesizerError` where one of them is not installed.
        """
        found = {each.name: each for each in installed(more, is_quick=is_quick, seed=seed)}
        missing = [name for name in only if name not in found]
        if missing:
            raise NoSynthesizerError(f"{missing[0]} is not here", f"there are: {', '.join(found)}")
        self._synthesizers = {name: found[name] for name in only or found}
        self._random = np.random.default_rng(seed)

    @property
    def names(self) -> tuple[str, ...]:
        """All voices there are, each with its synthesizer before it: ``flite slt``."""
        return tuple(
            f"{name} {voice}" for name, each in self._synthesizers.items() for voice in each.voices
        )

    def say(
        self,
        text: str,
        speed: float = 1.0,
        pitch: float = 1.0,
        seed: int = 7,
        voice: str = f"{HIBARI} {HIBARI}",
    ) -> Sound:
        """A sentence at 16 kHz, in the range of int16; ``pitch`` also moves the formants."""
        name, _, own = voice.partition(" ")
        said = self._synthesizers[name].say(Line(text, own, speed * pitch, seed))
        floats = said.samples
        samples = (floats / max(float(np.abs(floats).max()), 1e-3) * _PEAK).astype(np.int16)
        heard = resample(samples, round(said.rate_hz / pitch), RATE_HZ)
        return heard.astype(np.float32)

    def variants(self, text: str, count: int) -> Iterator[SynthesizedText]:
        """The same words, said in ``count`` ways; a synthesizer speaks as often as the square
        root of its voices says, so that none is all that is learned from.

        A voice that is alone is moved further up and down, since it stands for everybody; of
        the others one in five is, as far as a child's.
        """
        is_alone = len(self.names) == 1
        for voice in self._turns(count):
            speed = float(self._random.uniform(0.75, 1.25))
            is_far = is_alone or self._random.random() < 0.2
            low, high = (-4.5, 5.5) if is_far else (-2.0, 2.5)
            pitch = float(2 ** (self._random.uniform(low, high) / 12))
            spelled = text + str(self._random.choice(["", ".", "!", "?", ","]))
            seed = int(self._random.integers(1 << 30))
            yield SynthesizedText(voice, self.say(spelled, speed, pitch, seed, voice))

    def _turns(self, count: int) -> list[str]:
        """Whose turn it is, ``count`` times: every synthesizer goes through its own voices."""
        shares = {name: len(each.voices) ** 0.5 for name, each in self._synthesizers.items()}
        spoken = dict.fromkeys(shares, 0)
        orders = {
            name: self._random.permutation(len(each.voices))
            for name, each in self._synthesizers.items()
        }
        turns = []
        for _ in range(count):
            name = min(shares, key=lambda each: (spoken[each] + 1) / shares[each])
            order = orders[name]
            voice = self._synthesizers[name].voices[int(order[spoken[name] % len(order)])]
            turns.append(f"{name} {voice}")
            spoken[name] += 1
        return turns

    def speaker(self, said: SynthesizedText, number: int) -> str:
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
        path = folder / f"{said.voice.replace(' ', '-')}-{number}.flac"
        known[path.name] = f"{SYNTHESIZED}{voices.speaker(said, number)}"
        # Before the sound: who breaks off must not leave a voice that passes for a person.
        speakers.write_text(json.dumps(known, indent=1) + "\n")
        soundfile.write(path, said.sound.astype(np.int16), RATE_HZ)
    return len(known)
