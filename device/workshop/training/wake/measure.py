"""What existing wake words do, measured and written into their cards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from device.wake.card import SHIPPED, WordCard, find, write
from device.wake.engine import RATE_HZ
from device.workshop.training.measuring.run import TrialOutcome, now_and_then, run
from device.workshop.training.measuring.systems import SENSITIVITIES, Choice
from device.workshop.training.measuring.trials import Backdrop, is_about, label_of, plan
from device.workshop.training.wake import corpus
from device.workshop.training.wake.augment import distort
from device.workshop.training.wake.corpus import NoRecordingsError, Recording
from device.workshop.training.wake.rooms import random_room
from device.workshop.training.wake.synthesis import Voices
from device.workshop.training.wake.verdict import scores_by_condition

Say = Callable[[str], None]
_ROOMS = 30


@dataclass(frozen=True)
class Measurement:
    """Which words to measure, on what."""

    words: tuple[str, ...]
    out: Path
    """The folder the cards are written to."""
    positives: tuple[Path, ...] = ()
    """Recordings of any of the words, in folders or files named after them."""
    negatives: tuple[Path, ...] = ()
    noise: tuple[Path, ...] = ()
    music: tuple[Path, ...] = ()
    synthetic: int = 0
    """How many synthesized utterances of each word to add, in simulated rooms."""
    voices: Path | None = None
    """A folder with further voices of the synthesizer."""
    folders: tuple[Path, ...] = (SHIPPED,)
    seed: int = 0
    processes: int = 2


def measure(wanted: Measurement, say: Say) -> list[WordCard]:
    """Judge the words as they are, quiet and in noise; returns the cards that were written.

    Raises a ``BitternError`` for a word without a card, and without recordings.
    """
    known = {word: find(word, "microwakeword", wanted.folders)[1] for word in wanted.words}
    scratch = Path(tempfile.mkdtemp(prefix="bittern-measure-"))
    try:
        people = _of_words(wanted)
        made = _synthesized(wanted, scratch)
        others = _without_words(wanted)
        if not others or not (people or made):
            raise NoRecordingsError(
                "there is nothing to measure with",
                "give --negatives, and --positives or --synthetic",
            )
        outcomes = _heard(wanted, [*people, *made, *others], others, say)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    wanted.out.mkdir(parents=True, exist_ok=True)
    cards = [
        _measured(card, outcomes, _on_what(word, people, wanted)) for word, card in known.items()
    ]
    for card in cards:
        write(card, wanted.out / f"{card.word.replace(' ', '_')}.{card.engine}.json")
    return cards


def _of_words(wanted: Measurement) -> list[Recording]:
    found = corpus.find(wanted.positives)
    return [each for each in found if label_of(each, wanted.words) in wanted.words]


def _without_words(wanted: Measurement) -> list[Recording]:
    found = corpus.find(wanted.negatives)
    labels = [label_of(each, wanted.words) for each in found]
    return [
        each
        for each, label in zip(found, labels, strict=True)
        if not any(is_about(word, label) for word in wanted.words)
    ]


def _synthesized(wanted: Measurement, scratch: Path) -> list[Recording]:
    if not wanted.synthetic:
        return []
    random = np.random.default_rng((wanted.seed, 31))
    rooms = [random_room(random) for _ in range(_ROOMS)]
    voices = Voices(wanted.seed, wanted.voices)
    made = []
    for word in wanted.words:
        folder = scratch / word.replace(" ", "_")
        folder.mkdir()
        for index, said in enumerate(voices.variants(word, wanted.synthetic)):
            heard = np.clip(distort(said.sound, rooms, random), -32768, 32767)
            path = folder / f"{index}.wav"
            soundfile.write(path, heard.astype(np.int16), RATE_HZ)
            made.append(Recording(path, f"{corpus.SYNTHESIZED}{index}"))
    return made


def _heard(
    wanted: Measurement, recordings: Sequence[Recording], others: Sequence[Recording], say: Say
) -> list[TrialOutcome]:
    trials = plan(recordings, wanted.words, is_sparing=True)
    backdrop = Backdrop(wanted.noise, tuple(each.path for each in others), wanted.music)
    choice = Choice(wanted.folders, wanted.words, peers=False)
    return run(trials, backdrop, choice, wanted.processes, now_and_then(say, "listened to"))


def _measured(card: WordCard, outcomes: Sequence[TrialOutcome], measured_on: str) -> WordCard:
    scores = scores_by_condition(outcomes, "bittern", card.word)
    figures = [
        each.figure(condition, card.thresholds.at(step))
        for step in SENSITIVITIES
        for condition, each in scores.items()
    ]
    return msgspec.structs.replace(card, figures=tuple(figures), measured_on=measured_on)


def _on_what(word: str, recorded: Sequence[Recording], wanted: Measurement) -> str:
    own = [each for each in recorded if label_of(each, wanted.words) == word]
    people = sum(map(corpus.is_person, own))
    parts = [f"{people} recordings of people" if people else "no recording of people"]
    if len(own) > people:
        parts.append(f"{len(own) - people} synthesized utterances")
    if wanted.synthetic:
        parts.append(f"{wanted.synthetic} synthesized utterances in simulated rooms")
    parts[-1] += f"; {len(_without_words(wanted))} recordings of other speech; noise mixed in"
    return ", ".join(parts)
