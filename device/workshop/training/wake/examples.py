"""Examples to learn from: recordings put into rooms and noise, as both models see them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.models import path_of
from device.wake.engine import RATE_HZ
from device.wake.features import Features
from device.wake.open import MEL, STREAMED_EMBEDDING
from device.wake.second_look import StreamedEmbedding
from device.workshop.training.wake import noises
from device.workshop.training.wake.augment import at_some_level, distort, tempo, throat
from device.workshop.training.wake.corpus import Recording, Sound, active_level, read, span
from device.workshop.training.wake.network import nobody
from device.workshop.training.wake.rooms import random_room, reverberant_room

VERSION = 3
"""Raised when examples are made differently: kept ones are then made again."""
_ROOMS = 120
_SPEECH_ABOVE_DB = (-3.0, 20.0)
_WORD_ABOVE_DB = (-5.0, 22.0)
"""How far voices lie above the noise: the word in more of it than other speech."""
_EDGE = 800
"""50 ms kept around a word."""


class Example(NamedTuple):
    """One sound as the two models see it."""

    frames: NDArray[np.float16]
    """Features ``[n, 40]``, one each 10 ms."""
    embeddings: NDArray[np.float16]
    """``[m, 96]``, one each 80 ms; the first nine have not heard enough."""
    end_sample: int
    """Where the word ends; -1 where there is none."""
    fold: int


@dataclass(frozen=True, slots=True)
class Order:
    """What to make of one recording."""

    recording: Recording
    fold: int
    copies: int
    is_word: bool
    whole: bool = False
    """Whether the recording holds nothing but the word, trimmed already."""
    keeps_voice: bool = False
    """Whether it matters who speaks: a throat of another length is somebody else's."""


@dataclass(frozen=True, slots=True)
class Supplies:
    """What examples are made with."""

    noise: tuple[Path, ...] = ()
    voices: tuple[tuple[Path, ...], ...] = ()
    """Other speech, by fold: for babble, for what is said before and after."""
    seed: int = 0
    folder: Path | None = None
    """Where examples without the word are kept for the next word; they do not depend on it."""


def make(
    orders: Sequence[Order],
    supplies: Supplies,
    processes: int,
    say: Callable[[int, int], None] = nobody,
) -> list[Example]:
    """Examples for all orders, in their order; ``say`` is told how many orders are done."""
    made: list[Example] = []
    for done, examples in enumerate(_each(orders, supplies, processes), 1):
        made += examples
        if done % 20 == 0 or done == len(orders):
            say(done, len(orders))
    return made


def _each(orders: Sequence[Order], supplies: Supplies, processes: int) -> Iterator[list[Example]]:
    if processes <= 1:
        yield from (_filled(order, supplies) for order in orders)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(_filled, orders, [supplies] * len(orders), chunksize=8)


def noise_only(supplies: Supplies, count: int, folds: int, seconds: float = 8.0) -> list[Example]:
    """Noise of every kind with nobody saying the word."""
    made = []
    for index in range(count):
        random = np.random.default_rng((supplies.seed, 17, index))
        studio = _studio(supplies)
        kinds = studio.kinds(index % folds)
        kind = sorted(kinds)[index // folds % len(kinds)]
        sound = kinds[kind](round(seconds * RATE_HZ), random) * 10 ** random.uniform(1, 3.7)
        made.append(studio.seen(np.clip(sound, -32768, 32767).astype(np.int16), -1, index % folds))
    return made


def crowd(supplies: Supplies, count: int, folds: int, seconds: float = 8.0) -> list[Example]:
    """People talking while other people talk, and nobody saying the word.

    Not kept for the next word: whose voices there are depends on the word.
    """
    if not any(supplies.voices):
        return []
    studio = _studio(supplies)
    made = []
    for index in range(count):
        random = np.random.default_rng((supplies.seed, 23, index))
        fold = index % folds
        if studio.voices(fold):
            made.append(studio.talk(round(seconds * RATE_HZ), fold, random))
    return made


def _filled(order: Order, supplies: Supplies) -> list[Example]:
    if order.is_word or supplies.folder is None:
        return _made(order, supplies)
    kept = supplies.folder / f"{_key(order, supplies)}.npz"
    if kept.is_file():
        return _loaded(kept, order.fold)
    examples = _made(order, supplies)
    supplies.folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"f{i}": each.frames for i, each in enumerate(examples)}
    arrays |= {f"e{i}": each.embeddings for i, each in enumerate(examples)}
    partial = kept.with_suffix(".partial.npz")
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(kept)
    return examples


def _key(order: Order, supplies: Supplies) -> str:
    path = order.recording.path.resolve()
    facts = (VERSION, str(path), path.stat().st_mtime_ns, order.copies, supplies.seed)
    noise = [(each.name, each.stat().st_size) for each in supplies.noise]
    return hashlib.sha256(repr((*facts, noise)).encode()).hexdigest()[:24]


def _loaded(path: Path, fold: int) -> list[Example]:
    with np.load(path) as kept:
        count = len(kept.files) // 2
        return [Example(kept[f"f{i}"], kept[f"e{i}"], -1, fold) for i in range(count)]


def _made(order: Order, supplies: Supplies) -> list[Example]:
    studio = _studio(supplies)
    name = order.recording.path.name.encode()
    digest = int.from_bytes(hashlib.sha256(name).digest()[:6], "big")
    sound = read(order.recording.path)
    made = []
    for copy in range(order.copies):
        random = np.random.default_rng((supplies.seed, digest, copy))
        if order.is_word:
            made.append(studio.word(sound, order, random))
        else:
            made.append(studio.other(sound, order.fold, copy, random))
    return made


@lru_cache(maxsize=2)
def _studio(supplies: Supplies) -> Studio:
    return Studio(supplies)


@dataclass
class Studio:
    """Rooms, noises and both front ends, kept by each process."""

    supplies: Supplies
    _voices: dict[int, list[Sound]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        random = np.random.default_rng((self.supplies.seed, 3))
        self._rooms = [random_room(random) for _ in range(_ROOMS // 3)]
        self._rooms += [reverberant_room(random) for _ in range(_ROOMS * 2 // 3)]
        self._recorded = [read(path) for path in self.supplies.noise]
        self._features = Features()
        self._embedding = StreamedEmbedding(path_of(MEL), path_of(STREAMED_EMBEDDING))

    def voices(self, fold: int) -> list[Sound]:
        """Other people's speech, of one fold only, so that nothing leaks between folds."""
        if fold not in self._voices:
            paths = self.supplies.voices[fold] if self.supplies.voices else ()
            sounds = [read(path) for path in paths[:150]]
            self._voices[fold] = [s[span(s)[0] :] for s in sounds if len(s) > RATE_HZ // 2]
        return self._voices[fold]

    def kinds(self, fold: int) -> dict[str, noises.Maker]:
        """The noises a fold may use."""
        return dict(noises.makers(self._recorded, self.voices(fold)))

    def word(self, sound: Sound, order: Order, random: np.random.Generator) -> Example:
        """The word, with something or nothing said before and after, in noise."""
        start, end = (0, len(sound)) if order.whole else span(sound)
        before, after = min(start, _EDGE), min(len(sound) - end, _EDGE)
        word, factor = tempo(sound[start - before : end + after], random)
        if not order.keeps_voice and random.random() < 0.4:
            word = throat(word, random)
        word_end = round(len(word) - after / factor)
        word = distort(word, self._rooms, random)
        level = active_level(word)
        lead = self._said_before(order.fold, level, random)
        tail = np.zeros(round(0.9 * RATE_HZ), dtype=np.float32)
        if random.random() < 0.5 and self.voices(order.fold):
            tail = self._said_after(order.fold, level, len(tail), random)
            word = word[: word_end + RATE_HZ // 50]
        whole = np.concatenate((lead, word, tail))
        noisy = self._in_noise(whole, level, order.fold, random, quiet=0.25)
        return self.seen(at_some_level(noisy, random), len(lead) + word_end, order.fold)

    def other(self, sound: Sound, fold: int, copy: int, random: np.random.Generator) -> Example:
        """Speech without the word, as it is and, from the second copy on, distorted."""
        if copy:
            sound, _ = tempo(sound, random)
            sound = distort(sound, self._rooms, random)
        lead = np.zeros(round(random.uniform(0.9, 1.1) * RATE_HZ), dtype=np.float32)
        whole = np.concatenate((lead, sound, lead[: RATE_HZ // 4]))
        quiet = 0.1 if copy else 0.5
        kinds = noises.makers(self._recorded, ())
        noisy = self._with(kinds, whole, active_level(sound), random, quiet)
        return self.seen(at_some_level(noisy, random), -1, fold)

    def talk(self, count: int, fold: int, random: np.random.Generator) -> Example:
        """Somebody speaking without a pause, and a babble -3 to 15 dB below."""
        voices = self.voices(fold)
        line = distort(noises.row_of(count, voices, random), self._rooms, random)[:count]
        line /= np.float32(active_level(line * 1000) / 1000)
        gain = np.float32(10 ** (-random.uniform(-3, 15) / 20))
        mixed = line + noises.babble(len(line), voices, random) * gain
        return self.seen(at_some_level(mixed, random), -1, fold)

    def seen(self, sound: NDArray[np.int16], end_sample: int, fold: int) -> Example:
        """What both front ends make of a sound."""
        self._features.reset()
        frames = self._features.process(sound)
        whole = (len(sound) - 480) // 1280 * 1280 + 480
        spectrum = self._embedding.spectrogram(sound[:whole])
        embeddings = self._embedding.embed(spectrum, self._embedding.begin())
        return Example(frames.astype(np.float16), embeddings.astype(np.float16), end_sample, fold)

    def _said_before(self, fold: int, level: float, random: np.random.Generator) -> Sound:
        lead = np.zeros(round(random.uniform(1.8, 2.2) * RATE_HZ), dtype=np.float32)
        if random.random() < 0.25 and self.voices(fold):
            gap = round(random.uniform(0, 0.6) * RATE_HZ)
            voices = self.voices(fold)
            voice = voices[int(random.integers(len(voices)))][-(len(lead) - gap) :]
            gain = level / active_level(voice) * 10 ** (random.uniform(-10, 0) / 20)
            lead[len(lead) - gap - len(voice) : len(lead) - gap] = voice * gain
        return lead

    def _said_after(
        self, fold: int, level: float, count: int, random: np.random.Generator
    ) -> Sound:
        tail = np.zeros(count, dtype=np.float32)
        gap = round(random.uniform(0, 0.3) * RATE_HZ)
        voices = self.voices(fold)
        voice = voices[int(random.integers(len(voices)))][: count - gap]
        gain = level / active_level(voice) * 10 ** (random.uniform(-6, 3) / 20)
        tail[gap : gap + len(voice)] = voice * gain
        return tail

    def _in_noise(
        self, sound: Sound, level: float, fold: int, random: np.random.Generator, quiet: float
    ) -> Sound:
        return self._with(self.kinds(fold), sound, level, random, quiet, _WORD_ABOVE_DB)

    @staticmethod
    def _with(
        kinds: Mapping[str, noises.Maker],
        sound: Sound,
        level: float,
        random: np.random.Generator,
        quiet: float,
        above_db: tuple[float, float] = _SPEECH_ABOVE_DB,
    ) -> Sound:
        """Noise somewhere in a range below the voice, or 45 dB below it."""
        kind = kinds[str(random.choice(sorted(kinds)))]
        ratio_db = random.uniform(*above_db) if random.random() > quiet else 45.0
        return sound + kind(len(sound), random) * np.float32(level * 10 ** (-ratio_db / 20))
