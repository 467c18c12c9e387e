"""A word of two parts, from people who were recorded saying only the last one.

Hundreds of people say "jarvis" on free recordings, hardly anybody "hey jarvis". The voice of
the machine says the "hey", as high as the person speaks, and it is laid over what the
recording holds before the word: its own room and hiss go on underneath. The same beginnings
go before other words, so that no network learns to hear the seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from device.audio.resample import resample
from device.errors import BitternError
from device.wake.engine import RATE_HZ
from device.workshop.training.measuring.trials import plain
from device.workshop.training.wake.corpus import Recording, Sound, active_level, read, span
from device.workshop.training.wake.pitch import pitch_hz
from device.workshop.training.wake.synthesis import Voices

_FURTHEST = 2 ** (4 / 12)
"""How far the voice of the machine is moved up or down: further it sounds like nobody. Where
it was moved all the way, microWakeWord's model knew a tenth fewer of the joined words."""
_FEWEST, _NEAREST = 60, 12
"""How often the beginning is said, and from how many near a person's pitch one is drawn."""
_LONGEST_S = 1.6
"""A longer utterance is a sentence, and no single word to put a beginning before."""


class NoEndingError(BitternError):
    """A recording is not of the end of the word."""


class Beginnings:
    """Says the first part of the word, as high as somebody else speaks."""

    def __init__(self, text: str, seed: int = 0, more_voices: Path | None = None) -> None:
        """Raises ``NoVoiceError`` without the synthesizer."""
        voices = Voices(seed, more_voices)
        said = [each.sound for each in voices.variants(text, max(_FEWEST, 2 * len(voices.names)))]
        heights = [(pitch_hz(each), each) for each in said]
        self._said = [(hertz, each) for hertz, each in heights if hertz > 0]
        if not self._said:
            raise NoEndingError(f'"{text}" cannot be said by itself', "choose another beginning")

    def before(self, sound: Sound, random: np.random.Generator) -> Sound:
        """The recording with the beginning laid before its word."""
        start, _ = span(sound)
        said = self._as_high_as(pitch_hz(sound), random)
        first, last = span(said)
        said = said[first:last] * np.float32(
            active_level(sound) / active_level(said) * 10 ** (random.uniform(-4, 3) / 20)
        )
        fade = min(160, len(said))
        said[len(said) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        return _laid_before(sound, start, said, round(random.uniform(-0.03, 0.06) * RATE_HZ))

    def _as_high_as(self, wanted_hz: float, random: np.random.Generator) -> Sound:
        """One of the voices that are near anyway, moved to where somebody speaks."""
        wanted_hz = wanted_hz or self._said[int(random.integers(len(self._said)))][0]
        near = sorted(self._said, key=lambda each: abs(np.log(each[0] / wanted_hz)))[:_NEAREST]
        hertz, said = near[int(random.integers(len(near)))]
        factor = float(np.clip(wanted_hz / hertz, 1 / _FURTHEST, _FURTHEST))
        factor *= float(2 ** (random.uniform(-1.5, 1.5) / 12))
        return resample(said.astype(np.int16), round(RATE_HZ / factor), RATE_HZ).astype(np.float32)


def _laid_before(sound: Sound, start: int, said: Sound, gap: int) -> Sound:
    end = start - gap
    missing = max(0, len(said) - end)
    if missing:
        sound = np.concatenate((_hiss(sound, missing), sound))
    begin = end + missing - len(said)
    joined = sound.copy()
    joined[begin : begin + len(said)] += said
    return joined


def _hiss(sound: Sound, count: int) -> Sound:
    """More of what is quiet in a recording, there and back again."""
    quiet = sound[: max(160, min(span(sound)[0], 4000))]
    there_and_back = np.concatenate((quiet, quiet[::-1]))
    return np.resize(there_and_back, count).astype(np.float32)


def beginning_of(word: str, recording: Recording) -> str:
    """What of the word is missing in a recording of its end: "hey" before "jarvis"."""
    said = plain(recording.path.parent.name)
    if not word.endswith(f" {said}"):
        raise NoEndingError(
            f'{recording.path.parent} does not hold the end of "{word}"',
            "the folder is named after what is said: jarvis for hey jarvis",
        )
    return word.removesuffix(said).strip()


def joined(
    recordings: Sequence[Recording], beginnings: Beginnings, folder: Path, seed: int, kind: str
) -> list[Recording]:
    """Put a beginning before each recording; written to ``folder``.

    Each keeps its speaker, and with that its part in the trials. Sentences are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for index, each in enumerate(recordings):
        sound = read(each.path)
        start, end = span(sound)
        if end - start > _LONGEST_S * RATE_HZ:
            continue
        random = np.random.default_rng((seed, 29, index))
        whole = beginnings.before(sound, random)
        path = folder / f"{kind}-{each.path.parent.name}-{each.path.stem}.wav"
        soundfile.write(path, np.clip(whole, -32768, 32767).astype(np.int16), RATE_HZ)
        made.append(Recording(path, each.speaker))
    return made
