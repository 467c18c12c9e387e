"""From recordings to a wake word: examples, networks, trials on people never heard, a card."""

from __future__ import annotations

import pickle
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile

from device.wake.card import Figure, WordCard, write
from device.wake.engine import RATE_HZ
from device.workshop.training.measuring.run import TrialOutcome
from device.workshop.training.measuring.systems import FIRST_ALONE
from device.workshop.training.measuring.trials import is_about, label_of
from device.workshop.training.wake import corpus, examples, windows
from device.workshop.training.wake.corpus import NoRecordingsError, Recording
from device.workshop.training.wake.examples import Order, Supplies
from device.workshop.training.wake.export import must_be_able_to_write
from device.workshop.training.wake.judging import card_of, halves, judged_by, write_word
from device.workshop.training.wake.lag import settle_lag
from device.workshop.training.wake.network import Lesson, Shape, train
from device.workshop.training.wake.parts import left_out_whole
from device.workshop.training.wake.sentences import SENTENCES
from device.workshop.training.wake.task import (
    ALL,
    FOLDS,
    WINDOW,
    Result,
    Task,
    Trained,
    TrainingMaterial,
    copies_of,
)
from device.workshop.training.wake.verdict import figures_without_them
from device.workshop.training.wake.voices import told_apart

Say = Callable[[str], None]
FIRST_LESSON = Lesson(steps=1800, batch=256, mine_every=450)
SECOND_LESSON = Lesson(steps=2000, batch=320, dropout=0.35)
OPINIONS = 2
"""Verifiers that vote; they differ in what they were shown and in what order."""
FIRST_WIDTHS = 32, 48
"""Of the first model's two layers. With 48 and 64 instead of 16 and 32, "jarvis" was missed by
12 and 36 % there; what it costs while listening is mostly the call."""
SUSPICIONS_PER_HOUR = 240.0
"""How often the first model may ask for a second look while people speak all the time. A
look costs about ten milliseconds, so that is some seconds an hour."""


@dataclass(frozen=True)
class Gathered:
    """All recordings for a word."""

    judged: Sequence[Recording]
    """Of the word: each is judged by networks that had no part of it."""
    related: Sequence[Recording]
    """Only learned from."""
    spoken: Sequence[Recording]
    """Synthesized, and only learned from where there are people."""
    others: Sequence[Recording]
    said: Sequence[Recording]
    """Counterexamples that are not judged."""


def make_word(task: Task, say: Say) -> Result:
    """Train, judge, write; raises a ``BitternError`` where something is missing."""
    began_s = time.monotonic()
    with _place_to_work() as scratch:
        work = _worked(task, [*range(FOLDS), ALL], scratch, say)
        path = write_word(work.trained[-1], work.card, task.out)
        card = settle_lag(path, work.found.judged, work.found.others)
    return _result(task, work, card, path, began_s)


def measure_word(task: Task, say: Say) -> Result:
    """Judge as :func:`make_word` does, each part by networks without it, and write a card alone,
    beside no model: its figures are for one that there is already."""
    began_s = time.monotonic()
    with _place_to_work() as scratch:
        work = _worked(task, range(FOLDS), scratch, say)
    path = task.out.with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    write(work.card, path)
    return _result(task, work, work.card, path, began_s)


@dataclass(frozen=True)
class _Work:
    found: Gathered
    trained: Sequence[Trained]
    outcomes: Sequence[Sequence[TrialOutcome]]
    card: WordCard


def _worked(task: Task, parts: Sequence[int], scratch: Path, say: Say) -> _Work:
    """Everything but writing: networks for these parts, the first of them judged."""
    found = _gathered(task, scratch)
    material = _material(task, found, scratch, say)
    trained = _all_trained(task, material, parts, scratch, say)
    by_fold = trained[:FOLDS]
    interest = suspicious_from(task, material, by_fold)
    outcomes = judged_by(task, by_fold, interest, found.judged, found.others, scratch, say)
    card = card_of(task, outcomes, interest, found.judged, found.others)
    return _Work(found, trained, outcomes, card)


@contextmanager
def _place_to_work() -> Iterator[Path]:
    must_be_able_to_write()
    scratch = Path(tempfile.mkdtemp(prefix="bittern-train-"))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _result(task: Task, work: _Work, card: WordCard, path: Path, began_s: float) -> Result:
    outcomes = [each for fold in work.outcomes for each in fold]
    alone = _first_alone(task, work.outcomes)
    return Result(card, path, outcomes, alone, time.monotonic() - began_s)


def _gathered(task: Task, scratch: Path) -> Gathered:
    people = _people(task)
    related = corpus.find(task.related)
    kept_out = {r.path for r in (*people, *related, *corpus.find(task.endings))}
    others = [
        r
        for r in told_apart(corpus.find(task.negatives))
        if r.path not in kept_out and (task.personal or not is_about(task.word, _label(r, task)))
    ]
    others += _synthesized(task, scratch / "sentences", SENTENCES, task.sentences * len(SENTENCES))
    spoken = _synthesized(task, scratch / "words", (task.word,), task.synthetic)
    said = _synthesized(task, scratch / "others", task.confusable, 12 * len(task.confusable))
    joined, parts = _joined(task, others, scratch)
    people, said = [*people, *joined], [*said, *parts]
    if task.personal:
        # What somebody else's voice does with the word is what is to be known.
        others, said = [*others, *said], []
    found = Gathered(people or spoken, related, spoken if people else [], others, said)
    _must_suffice(task, found)
    return found


def _must_suffice(task: Task, found: Gathered) -> None:
    if not found.judged:
        raise NoRecordingsError(
            f'there are no recordings of "{task.word}"',
            "give folders with --positives, or let it be synthesized with --synthetic 300",
        )
    if not found.others:
        raise NoRecordingsError("there is no speech without the word", "give --negatives")
    if len({each.fold(FOLDS) for each in found.judged}) < 2:
        raise NoRecordingsError(
            f'there are too few speakers of "{task.word}" to judge by some what others taught',
            "give recordings of at least a handful of people, or see `bittern wake enroll`",
        )


def _first_alone(task: Task, judged: Sequence[Sequence[TrialOutcome]]) -> list[list[Figure]]:
    if not task.first:
        return []
    return figures_without_them(judged, FIRST_ALONE, task.word, task.false_per_hour)


def _joined(
    task: Task, others: Sequence[Recording], scratch: Path
) -> tuple[list[Recording], list[Recording]]:
    """The word by people who said its end, and the same beginnings before other words.

    The end alone is neither with the word nor without it. As a counterexample it taught the
    networks to insist on every "hey": of 159 "hey jarvis" by people unheard of, 26 of 100 were
    missed in quiet, without that 5, at as many false accepts.
    """
    endings = told_apart(corpus.find(task.endings))
    if not endings:
        return [], []
    from device.workshop.training.wake.joining import Beginnings, beginning_of, joined

    beginnings = Beginnings(
        beginning_of(task.word, endings[0]),
        task.seed,
        task.voices,
        told_apart(corpus.find(task.beginners)),
        FOLDS,
    )
    words = [
        each
        for turn in range(task.joints)
        for each in joined(
            endings, beginnings, scratch / f"joined{turn}", task.seed + 7 * turn, "word", FOLDS
        )
    ]
    some = others[:: max(1, len(others) // (2 * len(endings)))]
    halves = joined(some, beginnings, scratch / "halves", task.seed + 1, "other", FOLDS)
    return words, halves


def _people(task: Task) -> list[Recording]:
    found = corpus.find(task.positives)
    if not task.personal:
        return left_out_whole(told_apart(found), FOLDS)
    return [replace(each, part=index) for index, each in enumerate(found)]


def _label(recording: Recording, task: Task) -> str:
    return label_of(recording, (task.word,))


# -- examples --------------------------------------------------------------------------


def _synthesized(task: Task, folder: Path, texts: Sequence[str], count: int) -> list[Recording]:
    if not count:
        return []
    from device.workshop.training.wake.synthesis import Voices

    folder.mkdir(parents=True)
    # Somebody waits for an enrolment, maybe at a Raspberry Pi, and has a voice to learn from.
    voices = Voices(task.seed, task.voices, is_quick=task.personal)
    made = []
    for text in texts:
        for index, said in enumerate(voices.variants(text, count // len(texts))):
            path = folder / f"{text.replace(' ', '_')}-{index}.wav"
            soundfile.write(path, said.sound.astype(np.int16), RATE_HZ)
            made.append(Recording(path, corpus.SYNTHESIZED + voices.speaker(said, index)))
    return made if task.personal else left_out_whole(made, FOLDS)


def _material(task: Task, found: Gathered, scratch: Path, say: Say) -> TrainingMaterial:
    voices = tuple(tuple(r.path for r in found.others if r.fold(FOLDS) == k) for k in range(FOLDS))
    supplies = Supplies(halves(task.noise, scratch, 0), voices, task.seed, task.folder)
    word_s = corpus.typical_length_s(found.judged)
    taught = [*found.judged, *found.related]
    orders = [
        Order(r, r.fold(FOLDS), copies_of(task, r), True, keeps_voice=task.personal) for r in taught
    ]
    orders += [Order(r, r.fold(FOLDS), 2, True) for r in found.spoken]
    counter = [Order(r, r.fold(FOLDS), 2, False) for r in (*found.others, *found.said)]

    def tell(what: str) -> Callable[[int, int], None]:
        return lambda done, total: say(f"{what}: {done} of {total}")

    words = examples.make(orders, supplies, task.processes, tell("the word in rooms and noise"))
    rest = examples.make(counter, supplies, task.processes, tell("other speech"))
    rest += examples.noise_only(supplies, 15 * FOLDS, FOLDS)
    rest += examples.crowd(supplies, task.crowds * FOLDS, FOLDS)
    hours = sum(len(each.frames) for each in rest) / 360_000
    first = int(np.clip(round((word_s + 0.3) / 0.03), 26, 60))
    second = int(np.clip(round((word_s + 0.35 - 0.76) / 0.08) + 3, 5, 16))
    return TrainingMaterial(words, rest, first, second, hours)


# -- networks --------------------------------------------------------------------------


def _all_trained(
    task: Task, material: TrainingMaterial, parts: Sequence[int], scratch: Path, say: Say
) -> list[Trained]:
    """Networks for each part, trained on the others; for :data:`ALL`, trained on all."""
    kept = scratch / "material.pickle"
    kept.write_bytes(pickle.dumps(material))
    say(f"training: {len(parts)} times, each time with others kept aside")
    trained = []
    context = get_context("spawn")
    with ProcessPoolExecutor(task.processes, mp_context=context) as pool:
        for found in pool.map(_trained, [task] * len(parts), [kept] * len(parts), parts):
            trained.append(found)
            say(f"training: {len(trained)} of {len(parts)}")
    return trained


@lru_cache(maxsize=1)
def _unpacked(path: Path) -> TrainingMaterial:
    material: TrainingMaterial = pickle.loads(path.read_bytes())
    return material


def _trained(task: Task, kept: Path, but: int) -> Trained:
    material = _unpacked(kept)
    chosen = material.all_but(but)
    first = None
    if task.trains_first:
        stream = windows.first_stream(chosen, material.first_depth)
        shape = Shape(material.first_depth, stream.steps.shape[1], *FIRST_WIDTHS)
        first = train(stream, shape, _shortened(FIRST_LESSON, task), task.seed)
    stream = windows.second_stream(chosen, material.second_depth)
    shape = Shape(material.second_depth, stream.steps.shape[1], 32, 32)
    lesson = _shortened(SECOND_LESSON, task)
    votes = [train(stream, shape, lesson, task.seed + n) for n in range(OPINIONS)]
    return Trained(first, votes)


def _shortened(lesson: Lesson, task: Task) -> Lesson:
    return replace(lesson, steps=round(lesson.steps * task.effort))


def suspicious_from(task: Task, material: TrainingMaterial, by_fold: Sequence[Trained]) -> float:
    """The mean of the first model above which so many seconds of other speech would lie."""
    if not task.trains_first:
        return task.interest
    means, hours = [], 0.0
    for fold, trained in enumerate(by_fold):
        assert trained.first is not None
        for example in material.others:
            if example.fold != fold:
                continue
            count = len(example.frames) // 3
            steps = example.frames[: count * 3].reshape(count, -1).astype(np.float32)
            scores = trained.first.score_stream(steps)
            if len(scores) > WINDOW:
                means.append(np.convolve(scores, np.ones(WINDOW) / WINDOW, "valid").max())
            hours += len(example.frames) / 360_000
    allowed = round(SUSPICIONS_PER_HOUR * hours)
    ordered = np.sort(means)[::-1]
    return float(np.clip(ordered[min(allowed, len(ordered) - 1)], 0.02, 0.5))
