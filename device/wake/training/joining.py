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

from device.errors import BitternError
from device.wake.engine import RATE_HZ
from device.wake.evaluation.trials import plain
from device.wake.training.corpus import Recording, Sound, active_level, read, span
from device.wake.training.pitch import pitch_hz
from device.wake.training.synthesis import Voices

_FURTHEST = 2 ** (4 / 12)
"""How far the voice of the machine is moved up or down: further it sounds like nobody. Where
it was moved all the way, microWakeWord's model knew a tenth fewer of the joined words."""
_LONGEST_S = 1.6
"""A longer utterance is a sentence, and no single word to put a beginning before."""


class NoEndingError(BitternError):
    """A recording is not of the end of the word."""


class Beginnings:
    """Says the first part of the word, as high as somebody else speaks."""

    def __init__(self, text: str, seed: int = 0) -> None:
        """Raises ``NoVoiceError`` without the synthesizer."""
        self._text = text
        self._voices = Voices(seed)
        self._usual_hz = pitch_hz(self._voices.say(f"{text} {text} {text}."))

    def before(self, sound: Sound, random: np.random.Generator) -> Sound:
        """The recording with the beginning laid before its word."""
        start, _ = span(sound)
        wanted_hz = pitch_hz(sound) or self._usual_hz
        pitch = float(np.clip(wanted_hz / self._usual_hz, 1 / _FURTHEST, _FURTHEST))
        pitch *= float(2 ** (random.uniform(-1.5, 1.5) / 12))
        speed, seed = float(random.uniform(0.9, 1.5)), int(random.integers(1 << 30))
        said = self._voices.say(self._text, speed, pitch, seed)
        first, last = span(said)
        said = said[first:last] * np.float32(
            active_level(sound) / active_level(said) * 10 ** (random.uniform(-4, 3) / 20)
        )
        fade = min(160, len(said))
        said[len(said) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        return _laid_before(sound, start, said, round(random.uniform(-0.03, 0.06) * RATE_HZ))


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
    recordings: Sequence[Recording], text: str, folder: Path, seed: int, kind: str
) -> list[Recording]:
    """Put the beginning ``text`` before each recording; written to ``folder``.

    Each keeps its speaker, and with that its part in the trials. Sentences are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    beginnings = Beginnings(text, seed)
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
