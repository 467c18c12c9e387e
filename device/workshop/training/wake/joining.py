"""A word of two parts, from people who were recorded saying only the last one.

Hundreds of people say "jarvis" on free recordings, hardly anybody "hey jarvis". Somebody else
says the "hey", a synthesizer or a person who went on otherwise, as high as the person speaks,
and it is laid over what the recording holds before the word: its own room and hiss go on
underneath. The same beginnings
go before other words, so that no network learns to hear the seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from device.audio.resample import resample
from device.errors import BitternError
from device.wake.engine import RATE_HZ
from device.workshop.training.measuring.trials import plain
from device.workshop.training.wake.corpus import (
    SYNTHESIZED,
    Recording,
    Sound,
    active_level,
    levels,
    read,
    span,
)
from device.workshop.training.wake.parts import left_out_whole
from device.workshop.training.wake.pitch import pitch_hz
from device.workshop.training.wake.synthesis import Voices

_FURTHEST = 2 ** (4 / 12)
"""How far the voice of the machine is moved up or down: further it sounds like nobody. Where
it was moved all the way, microWakeWord's model knew a tenth fewer of the joined words."""
_FEWEST, _NEAREST = 60, 12
"""How often the beginning is said, and from how many near a person's pitch one is drawn."""
_FRAME = RATE_HZ // 100
_SYLLABLE_DB, _PAUSE_DB = -16.0, -19.0
"""Below the loudest of a phrase: what counts as its first syllable, and as quiet around it."""
_LONGEST_S = 1.6
"""A longer utterance is a sentence, and no single word to put a beginning before."""


class NoEndingError(BitternError):
    """A recording is not of the end of the word."""


@dataclass(frozen=True, slots=True)
class Donor:
    """Somebody, or a synthesizer, who said the first part of a word."""

    pitch_hz: float
    sound: Sound
    part: int
    """What is judged in this part may begin with it, what is learned from then not."""
    is_person: bool


class Beginnings:
    """Has the first part of the word said, by people and synthesizers, as high as somebody
    else speaks."""

    def __init__(
        self,
        text: str,
        seed: int = 0,
        more_voices: Path | None = None,
        people: Sequence[Recording] = (),
        folds: int = 1,
    ) -> None:
        """``people``: recordings of phrases that begin with it; those from which it cannot be
        cut are left out. Raises ``NoSynthesizerError`` without the synthesizer."""
        voices = Voices(seed, more_voices)
        count = max(_FEWEST, 2 * len(voices.names))
        made = [(each, SYNTHESIZED + each.voice) for each in voices.variants(text, count)]
        spoken = [Recording(Path(f"{n}"), speaker) for n, (_, speaker) in enumerate(made)]
        parted = left_out_whole(spoken, folds)
        donors = [
            Donor(pitch_hz(said.sound), said.sound, each.fold(folds), is_person=False)
            for (said, _), each in zip(made, parted, strict=True)
        ]
        for each in people:
            cut = opening(read(each.path))
            if cut is not None:
                donors.append(Donor(pitch_hz(cut), cut, each.fold(folds), is_person=True))
        self._donors = [each for each in donors if each.pitch_hz > 0]
        self._folds = folds
        if not self._donors:
            raise NoEndingError(f'"{text}" cannot be said by itself', "choose another beginning")

    @property
    def donors(self) -> Sequence[Donor]:
        """All who may begin."""
        return self._donors

    def before(self, sound: Sound, random: np.random.Generator, part: int = 0) -> Sound:
        """The recording with the beginning laid before its word, by a donor of this part."""
        start, _ = span(sound)
        said = self._as_high_as(pitch_hz(sound), random, part)
        first, last = span(said)
        said = said[first:last] * np.float32(
            active_level(sound) / active_level(said) * 10 ** (random.uniform(-4, 3) / 20)
        )
        fade = min(160, len(said))
        said[len(said) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        return _laid_before(sound, start, said, round(random.uniform(-0.03, 0.06) * RATE_HZ))

    def _as_high_as(self, wanted_hz: float, random: np.random.Generator, part: int) -> Sound:
        """One of the donors that are near anyway, moved to where somebody speaks.

        Where people began, every second time it is one of them.
        """
        here = [each for each in self._donors if each.part == part % self._folds]
        here = here or self._donors
        people = [each for each in here if each.is_person]
        if people and random.random() < 0.5:
            here = people
        wanted_hz = wanted_hz or here[int(random.integers(len(here)))].pitch_hz
        near = sorted(here, key=lambda each: abs(np.log(each.pitch_hz / wanted_hz)))[:_NEAREST]
        donor = near[int(random.integers(len(near)))]
        factor = float(np.clip(wanted_hz / donor.pitch_hz, 1 / _FURTHEST, _FURTHEST))
        factor *= float(2 ** (random.uniform(-1.5, 1.5) / 12))
        said = np.clip(donor.sound, -32768, 32767).astype(np.int16)
        return resample(said, round(RATE_HZ / factor), RATE_HZ).astype(np.float32)


def opening(sound: Sound) -> Sound | None:
    """The first syllable of a phrase, where a pause as of a "k" or "ch" follows it.

    ``None`` where there is none so clear: quiet before it, 0.1 to 0.4 s of voice, and a stop
    before speech goes on.
    """
    rms = np.convolve(levels(sound), np.ones(3) / 3, "same")
    loud_db = 20 * np.log10(rms / max(1.0, float(np.percentile(rms, 99))))
    is_voice = loud_db > _SYLLABLE_DB
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_voice.astype(int), [0]))))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start < 6:
            continue
        before, after = loud_db[max(0, start - 8) : max(0, start - 2)], loud_db[end + 1 : end + 6]
        is_clear = len(before) and len(after) and before.max() < _PAUSE_DB > after.min()
        goes_on = is_voice[end : end + 30].any()
        if not (10 <= end - start <= 40 and is_clear and goes_on):
            return None
        return sound[(start - 3) * _FRAME : (end + 1) * _FRAME]
    return None


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
    recordings: Sequence[Recording],
    beginnings: Beginnings,
    folder: Path,
    seed: int,
    kind: str,
    folds: int = 1,
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
        whole = beginnings.before(sound, random, each.fold(folds))
        path = folder / f"{kind}-{each.path.parent.name}-{each.path.stem}.wav"
        soundfile.write(path, np.clip(whole, -32768, 32767).astype(np.int16), RATE_HZ)
        made.append(Recording(path, each.speaker, each.part))
    return made
