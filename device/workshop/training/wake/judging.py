"""Words judged by whoever had no part in making them, and the card that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from device.wake.card import Ending, Group, Thresholds, WordCard, write
from device.wake.engine import RATE_HZ
from device.workshop.training.measuring.run import TrialOutcome, now_and_then, run
from device.workshop.training.measuring.systems import Choice
from device.workshop.training.measuring.trials import Backdrop, is_about, label_of, plan
from device.workshop.training.wake import corpus
from device.workshop.training.wake.corpus import Recording
from device.workshop.training.wake.export import write_first, write_verifier
from device.workshop.training.wake.parts import family_of, is_left_out_whole, synthesizers_of
from device.workshop.training.wake.task import (
    FOLDS,
    OWN_TRUST,
    TRUST,
    TRUST_EACH,
    WINDOW,
    Task,
    Trained,
    verifier_path,
)
from device.workshop.training.wake.verdict import figures_without_them

Say = Callable[[str], None]
PEOPLE = "people"


def write_word(trained: Trained, card: WordCard, out: Path) -> Path:
    """Write models and card; the card last, so that it never names what is not there."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if trained.first is not None:
        write_first(trained.first, out)
    write_verifier(trained.verifiers, verifier_path(out))
    path = out.with_suffix(".json")
    write(card, path)
    return path


def halves(noise: Sequence[Path], scratch: Path, half: int) -> tuple[Path, ...]:
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


def judged_by(
    task: Task,
    by_fold: Sequence[Trained],
    interest: float,
    people: Sequence[Recording],
    others: Sequence[Recording],
    scratch: Path,
    say: Say,
) -> list[list[TrialOutcome]]:
    """What models make of the speakers they have never heard, each fold by its own model."""
    noise = halves(task.noise, scratch, 1)
    outcomes: list[list[TrialOutcome]] = []
    for fold, trained in enumerate(by_fold):
        folder = scratch / f"fold{fold}"
        bare = bare_card(task, interest)
        write_word(trained, bare, folder / task.out.name)
        unheard = [r for r in (*people, *others) if r.fold(FOLDS) == fold]
        marked = {r.path for r in people}
        marks = {label_of(r, (task.word,)) for r in people}
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


def bare_card(task: Task, interest: float) -> WordCard:
    """The card of models that nobody has judged yet."""
    return WordCard(
        word=task.word,
        engine="microwakeword",
        model=task.first or f"./{task.out.name}",
        beside=f"./{task.out.name}" if task.adds_first else task.beside,
        thresholds=Thresholds(0.95, 0.9, 0.5),
        window=WINDOW,
        ending=Ending(lag_ms=120, after_ms=120),
        licence=task.licence,
        about=task.about,
        verifier=f"./{verifier_path(task.out).name}",
        interest=round(interest, 4),
        trust=TRUST if task.first else OWN_TRUST,
        trust_each=TRUST_EACH if task.adds_first else 0.0,
    )


def card_of(
    task: Task,
    judged: Sequence[Sequence[TrialOutcome]],
    interest: float,
    spoken: Sequence[Recording],
    others: Sequence[Recording],
) -> WordCard:
    """What was found, at the thresholds that were found."""
    figures = figures_without_them(judged, "bittern", task.word, task.false_per_hour)
    heard_on = f"{_who(task, spoken)}; {len(others)} recordings of other speech; noise mixed in"
    thresholds = Thresholds(*(step[0].threshold for step in figures))
    return msgspec.structs.replace(
        bare_card(task, interest),
        thresholds=thresholds,
        measured_on=heard_on,
        figures=tuple(figure for step in figures for figure in step),
        groups=() if task.personal else groups_of(judged, spoken, thresholds.normal),
    )


def groups_of(
    judged: Sequence[Sequence[TrialOutcome]], spoken: Sequence[Recording], threshold: float
) -> tuple[Group, ...]:
    """What is missed of people and of each synthesizer, at one threshold."""
    names = {each.path: _group_of(each) for each in spoken}
    counts: dict[tuple[str, str], list[bool]] = {}
    for outcome in (each for fold in judged for each in fold):
        if outcome.trial.path in names:
            peaks = outcome.peaks["bittern"]
            key = names[outcome.trial.path], outcome.trial.condition
            counts.setdefault(key, []).append(max(peaks.values()) <= threshold)
    ordered = sorted(counts, key=lambda key: (key[0] != PEOPLE, key[0]))
    return tuple(Group(*key, sum(counts[key]), len(counts[key])) for key in ordered)


def _group_of(recording: Recording) -> str:
    return family_of(recording) or PEOPLE


def _who(task: Task, spoken: Sequence[Recording]) -> str:
    """Whose voices the figures are of."""
    people = [each for each in spoken if corpus.is_person(each)]
    made = [each for each in spoken if not corpus.is_person(each)]
    if task.personal:
        return f"{len(people)} recordings of one speaker, each by a model that never heard it"
    parts = [_recorded(task, people)] if people else ["synthesized speech only, no person"]
    if made:
        voices = len({each.speaker for each in made})
        by = ", ".join(synthesizers_of(made))
        parts.append(f"{len(made)} synthesized utterances in {voices} voices ({by})")
    whole = " and no other voice of their synthesizer" if is_left_out_whole(made, FOLDS) else ""
    judged = f"each judged by models and thresholds that had no part of them{whole}"
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
        f"{len(people) - whole} recordings of people saying only its end, with somebody "
        f"else's beginning put before it, and {whole} of all of it ({heads})"
    )
