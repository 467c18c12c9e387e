"""From recordings to a wake word: examples, networks, trials on people never heard, a card."""

from __future__ import annotations

import pickle
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from device.wake.card import Card, Ending, Figure, Thresholds, write
from device.wake.engine import RATE_HZ
from device.workshop.training.measuring.run import Outcome, now_and_then, run
from device.workshop.training.measuring.systems import FIRST_ALONE, Choice
from device.workshop.training.measuring.trials import Backdrop, is_about, label_of, plan
from device.workshop.training.wake import corpus, examples, windows
from device.workshop.training.wake.corpus import NoRecordingsError, Recording
from device.workshop.training.wake.examples import Example, Order, Supplies
from device.workshop.training.wake.export import must_be_able_to_write, write_first, write_verifier
from device.workshop.training.wake.lag import settle_lag
from device.workshop.training.wake.network import Lesson, Network, Shape, train
from device.workshop.training.wake.sentences import SENTENCES
from device.workshop.training.wake.verdict import figures_without_them
from device.workshop.training.wake.voices import told_apart

Say = Callable[[str], None]
FOLDS = 3
FIRST_LESSON = Lesson(steps=1800, batch=256, mine_every=450)
SECOND_LESSON = Lesson(steps=2000, batch=320, dropout=0.35)
OPINIONS = 2
"""Verifiers that vote; they differ in what they were shown and in what order."""
WINDOW = 5
TRUST, OWN_TRUST = 0.6, 1.0
"""See :func:`device.wake.cascade.agreed`; the second for a first model that learned from the
same recordings: of "jarvis" by people that it had not heard, at one false accept an hour,
14 instead of 15 % were missed with 5 dB of noise and 38 instead of 40 % with 0 dB."""
FIRST_WIDTHS = 32, 48
"""Of the first model's two layers. With 48 and 64 instead of 16 and 32, "jarvis" was missed by
12 and 36 % there; what it costs while listening is mostly the call."""
SUSPICIONS_PER_HOUR = 240.0
"""How often the first model may ask for a second look while people speak all the time. A
look costs about ten milliseconds, so that is some seconds an hour."""
RATES_PER_HOUR = (0.2, 1.0, 4.0)
"""What low, normal and high allow of false accepts, per hour in which other people speak all
the time, half of it in noise. An hour of a living room holds a few minutes of that."""


@dataclass(frozen=True)
class Task:
    """What to train, from what."""

    word: str
    positives: tuple[Path, ...]
    negatives: tuple[Path, ...]
    out: Path
    """The ONNX file of the first model; verifier and card come beside it."""
    noise: tuple[Path, ...] = ()
    music: tuple[Path, ...] = ()
    """Recorded music, for the trials."""
    related: tuple[Path, ...] = ()
    """Recordings of a part of the word ("jarvis" of "hey jarvis"): learned from, not judged."""
    endings: tuple[Path, ...] = ()
    """Folders named after the end of the word ("jarvis" of "hey jarvis"), with recordings of
    it: the synthesizer says the rest before each; see
    :mod:`device.workshop.training.wake.joining`."""
    synthetic: int = 0
    """How many synthesized utterances to add."""
    voices: Path | None = None
    """A folder with further voices of the synthesizer."""
    confusable: tuple[str, ...] = ()
    """What the synthesizer says as counterexamples."""
    first: str = ""
    """An existing first model, as a card names it; without ``adds_first`` only a verifier is
    trained then."""
    interest: float = 0.05
    """For an existing first model: the mean from which the verifier looks."""
    beside: str = ""
    """A second existing first model that listens beside it."""
    adds_first: bool = False
    """Whether a first model is trained that listens beside an existing one."""
    sentences: int = 0
    """How many times the synthesizer says each of our sentences, as other speech."""
    personal: bool = False
    """All positives are by one speaker; the same word by somebody else is other speech."""
    copies: int = 10
    crowds: int = 80
    """How often, in each part, eight seconds of people talking over each other are shown."""
    false_per_hour: tuple[float, float, float] = RATES_PER_HOUR
    """For low, normal and high."""
    effort: float = 1.0
    """Share of the usual lessons; a handful of recordings needs fewer."""
    seed: int = 0
    processes: int = 2
    folder: Path | None = None
    licence: str = "yours"
    about: str = ""

    @property
    def trains_first(self) -> bool:
        """Whether a first model is to be made."""
        return self.adds_first or not self.first


@dataclass
class Material:
    """All examples of a word, by fold."""

    words: list[Example]
    others: list[Example]
    first_depth: int
    second_depth: int
    others_hours: float = 0.0

    def all_but(self, fold: int) -> list[Example]:
        """What may be learned from when this fold is to be judged; -1 is everything."""
        return [each for each in (*self.words, *self.others) if each.fold != fold]


@dataclass
class Trained:
    """One set of networks."""

    first: Network | None
    verifiers: list[Network]


@dataclass
class Result:
    """What came out: the card that was written, and what it rests on."""

    card: Card
    card_path: Path
    outcomes: list[Outcome] = field(default_factory=list)
    first_alone: list[list[Figure]] = field(default_factory=list)
    """Where only a verifier was trained: what the existing model does without it, for each
    step, at thresholds that allow as many false accepts."""
    seconds: float = 0.0


def make_word(task: Task, say: Say) -> Result:
    """Train, judge, write; raises a ``BitternError`` where something is missing."""
    began_s = time.monotonic()
    must_be_able_to_write()
    scratch = Path(tempfile.mkdtemp(prefix="bittern-train-"))
    try:
        result = _make(task, scratch, say)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    result.seconds = time.monotonic() - began_s
    return result


def _make(task: Task, scratch: Path, say: Say) -> Result:
    people = _people(task)
    kept_out = {r.path for r in (*people, *corpus.find((*task.related, *task.endings)))}
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
    if not people and not spoken:
        raise NoRecordingsError(
            f'there are no recordings of "{task.word}"',
            "give folders with --positives, or let it be synthesized with --synthetic 300",
        )
    if not others:
        raise NoRecordingsError("there is no speech without the word", "give --negatives")
    if len({each.fold(FOLDS) for each in (people or spoken)}) < 2:
        raise NoRecordingsError(
            f'there are too few speakers of "{task.word}" to judge by some what others taught',
            "give recordings of at least a handful of people, or see `bittern wake enroll`",
        )
    taught = [*people, *corpus.find(task.related)]
    material = _material(task, taught, spoken, others, said, scratch, say)
    *by_fold, final = _all_trained(task, material, scratch, say)
    interest = suspicious_from(task, material, by_fold)
    judged = _judged(task, by_fold, interest, people or spoken, others, scratch, say)
    path = _write(final, _card(task, judged, interest, people or spoken, others), task.out)
    card = settle_lag(path, people or spoken, others)
    outcomes = [each for fold in judged for each in fold]
    return Result(card, path, outcomes, _first_alone(task, judged))


def _first_alone(task: Task, judged: Sequence[Sequence[Outcome]]) -> list[list[Figure]]:
    if not task.first:
        return []
    return figures_without_them(judged, FIRST_ALONE, task.word, task.false_per_hour)


def _joined(
    task: Task, others: Sequence[Recording], scratch: Path
) -> tuple[list[Recording], list[Recording]]:
    """The word by people who said its end, and what is only half of it.

    Half of it: the end alone, and the same beginning before other words.
    """
    endings = told_apart(corpus.find(task.endings))
    if not endings:
        return [], []
    from device.workshop.training.wake.joining import Beginnings, beginning_of, joined

    beginnings = Beginnings(beginning_of(task.word, endings[0]), task.seed, task.voices)
    words = joined(endings, beginnings, scratch / "joined", task.seed, "word")
    some = others[:: max(1, len(others) // (2 * len(endings)))]
    halves = joined(some, beginnings, scratch / "halves", task.seed + 1, "other")
    return words, [*endings, *halves]


def _people(task: Task) -> list[Recording]:
    found = corpus.find(task.positives)
    if not task.personal:
        return told_apart(found)
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
    return made


def _material(
    task: Task,
    people: Sequence[Recording],
    spoken: Sequence[Recording],
    others: Sequence[Recording],
    said: Sequence[Recording],
    scratch: Path,
    say: Say,
) -> Material:
    voices = tuple(tuple(r.path for r in others if r.fold(FOLDS) == k) for k in range(FOLDS))
    supplies = Supplies(_halves(task.noise, scratch, 0), voices, task.seed, task.folder)
    word_s = corpus.typical_length_s(people or spoken)
    orders = [Order(r, r.fold(FOLDS), task.copies, True) for r in people]
    orders += [Order(r, r.fold(FOLDS), 2 if people else 5, True) for r in spoken]
    counter = [Order(r, r.fold(FOLDS), 2, False) for r in (*others, *said)]

    def tell(what: str) -> Callable[[int, int], None]:
        return lambda done, total: say(f"{what}: {done} of {total}")

    words = examples.make(orders, supplies, task.processes, tell("the word in rooms and noise"))
    rest = examples.make(counter, supplies, task.processes, tell("other speech"))
    rest += examples.noise_only(supplies, 15 * FOLDS, FOLDS)
    rest += examples.crowd(supplies, task.crowds * FOLDS, FOLDS)
    hours = sum(len(each.frames) for each in rest) / 360_000
    first = int(np.clip(round((word_s + 0.3) / 0.03), 26, 60))
    second = int(np.clip(round((word_s + 0.35 - 0.76) / 0.08) + 3, 5, 16))
    return Material(words, rest, first, second, hours)


def _halves(noise: Sequence[Path], scratch: Path, half: int) -> tuple[Path, ...]:
    """The first or second half of each recorded noise: learned with, and judged with."""
    folder = scratch / f"noise{half}"
    folder.mkdir(parents=True, exist_ok=True)
    halves = []
    for path in noise:
        sound = corpus.read(path)
        middle = len(sound) // 2
        part = sound[middle:] if half else sound[:middle]
        halves.append(folder / f"{path.stem}.wav")
        soundfile.write(halves[-1], part.astype(np.int16), RATE_HZ)
    return tuple(halves)


# -- networks --------------------------------------------------------------------------


def _all_trained(task: Task, material: Material, scratch: Path, say: Say) -> list[Trained]:
    """Networks for each fold, trained on the others, and at last those trained on all."""
    kept = scratch / "material.pickle"
    kept.write_bytes(pickle.dumps(material))
    parts = [*range(FOLDS), -1]
    say("training: four times, with a third of the speakers kept aside, and with all of them")
    trained = []
    context = get_context("spawn")
    with ProcessPoolExecutor(task.processes, mp_context=context) as pool:
        for found in pool.map(_trained, [task] * len(parts), [kept] * len(parts), parts):
            trained.append(found)
            say(f"training: {len(trained)} of {len(parts)}")
    return trained


@lru_cache(maxsize=1)
def _unpacked(path: Path) -> Material:
    material: Material = pickle.loads(path.read_bytes())
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


def _write(trained: Trained, card: Card, out: Path) -> Path:
    """Write models and card; the card last, so that it never names what is not there."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if trained.first is not None:
        write_first(trained.first, out)
    write_verifier(trained.verifiers, _verifier_path(out))
    path = out.with_suffix(".json")
    write(card, path)
    return path


def _verifier_path(out: Path) -> Path:
    return out.with_suffix(".verifier.onnx")


def suspicious_from(task: Task, material: Material, by_fold: Sequence[Trained]) -> float:
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


# -- trials ----------------------------------------------------------------------------


def _judged(
    task: Task,
    by_fold: Sequence[Trained],
    interest: float,
    people: Sequence[Recording],
    others: Sequence[Recording],
    scratch: Path,
    say: Say,
) -> list[list[Outcome]]:
    """What models make of the speakers they have never heard, each fold by its own model."""
    noise = _halves(task.noise, scratch, 1)
    outcomes: list[list[Outcome]] = []
    for fold, trained in enumerate(by_fold):
        folder = scratch / f"fold{fold}"
        bare = _bare_card(task, interest)
        _write(trained, bare, folder / task.out.name)
        unheard = [r for r in (*people, *others) if r.fold(FOLDS) == fold]
        marked = {r.path for r in people}
        marks = {_label(r, task) for r in people}
        trials = [
            replace(t, label=task.word if t.path in marked else _other(t.label, task.word))
            for t in plan(unheard, tuple(marks), is_sparing=True)
        ]
        voices = tuple(r.path for r in others if r.fold(FOLDS) == fold)
        backdrop = Backdrop(noise, voices, task.music)
        choice = Choice((folder,), (task.word,), peers=False, first_alone=bool(task.first))
        tell = now_and_then(say, f"trials of part {fold + 1}:")
        outcomes.append(run(trials, backdrop, choice, task.processes, tell))
    return outcomes


def _other(label: str, word: str) -> str:
    """A label for what is not to be heard, also where it is the word by somebody else."""
    return f"not {label}".replace(word, "the word") if is_about(word, label) else label


# -- the card --------------------------------------------------------------------------


def _bare_card(task: Task, interest: float) -> Card:
    return Card(
        word=task.word,
        engine="microwakeword",
        model=task.first or f"./{task.out.name}",
        beside=f"./{task.out.name}" if task.adds_first else task.beside,
        thresholds=Thresholds(0.95, 0.9, 0.5),
        window=WINDOW,
        ending=Ending(lag_ms=120, after_ms=120),
        licence=task.licence,
        about=task.about,
        verifier=f"./{_verifier_path(task.out).name}",
        interest=round(interest, 4),
        trust=TRUST if task.first else OWN_TRUST,
    )


def _card(
    task: Task,
    judged: Sequence[Sequence[Outcome]],
    interest: float,
    spoken: Sequence[Recording],
    others: Sequence[Recording],
) -> Card:
    figures = figures_without_them(judged, "bittern", task.word, task.false_per_hour)
    who = _who(task, spoken)
    heard_on = f"{who}; {len(others)} recordings of other speech; noise mixed in"
    return msgspec.structs.replace(
        _bare_card(task, interest),
        thresholds=Thresholds(*(step[0].threshold for step in figures)),
        measured_on=heard_on,
        figures=tuple(figure for step in figures for figure in step),
    )


def _who(task: Task, spoken: Sequence[Recording]) -> str:
    """Whose voices the figures are of."""
    people = [each for each in spoken if corpus.is_person(each)]
    made = [each for each in spoken if not corpus.is_person(each)]
    if task.personal:
        return f"{len(people)} recordings of one speaker, each by a model that never heard it"
    parts = [_recorded(task, people)] if people else ["synthesized speech only, no person"]
    if made:
        voices = len({each.speaker for each in made})
        parts.append(f"{len(made)} synthesized utterances in {voices} voices")
    judged = "each judged by models and thresholds that had no part of them"
    return f"{' and '.join(parts)}, {judged}"


def _recorded(task: Task, people: Sequence[Recording]) -> str:
    about = "" if all(map(corpus.is_known, people)) else "about "
    heads = f"{about}{len({each.speaker for each in people})} people"
    if len(people) == 1:
        return "1 recording of a person"
    if not task.endings:
        return f"{len(people)} recordings of {heads}"
    whole = sum(corpus.is_person(each) for each in corpus.find(task.positives))
    return (
        f"{len(people) - whole} recordings of people saying only its end, with a synthesized "
        f"beginning put before it, and {whole} of all of it ({heads})"
    )
