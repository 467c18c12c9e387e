"""A wake word of one's own from a handful of recordings.

``enroll`` makes a detector for any phrase, or, for a word that there is already, a verifier
that lets only the owner's voice pass. Both are what ``train`` makes, from three to five
recordings instead of a crowd's, a synthesized voice around them, and whatever recordings of
other speech the owner can give.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from device.errors import BitternError
from device.wake.card import WordCard, find, write
from device.wake.confidence import rate_between, share_between
from device.wake.open import own_folder
from device.workshop.training.wake.recipe import make_word
from device.workshop.training.wake.task import Result, Task

FEWEST, MOST = 3, 20
_SYNTHESIZED = 150
_COPIES = 40


class WrongEnrolmentError(BitternError):
    """What was given cannot become a wake word."""


@dataclass(frozen=True)
class Enrolment:
    """Who wants to be heard saying what."""

    word: str
    recordings: tuple[Path, ...]
    state: Path
    """The folder of the appliance's state: the model goes to ``wake`` inside it."""
    negatives: tuple[Path, ...] = ()
    noise: tuple[Path, ...] = ()
    verify: bool = False
    """Only a verifier for a word that there is; only this speaker passes it."""
    processes: int = 2


def enroll(wanted: Enrolment, folders: Sequence[Path], say: Callable[[str], None]) -> Result:
    """Make the model; ``folders`` is where an existing word is looked for.

    Raises :class:`WrongEnrolmentError` for too few recordings, ``UnknownWordError`` for a
    verifier of a word that nobody listens for.
    """
    if not FEWEST <= len(wanted.recordings) <= MOST:
        raise WrongEnrolmentError(
            f"{len(wanted.recordings)} recordings were given",
            f"{FEWEST} to {MOST} are needed, one utterance each",
        )
    card = find(wanted.word, "microwakeword", folders) if wanted.verify else None
    task = _task(wanted, card)
    result = make_word(task, say)
    if card is not None:
        return _beside(result, *card)
    return result


def accuracy_of(card: WordCard) -> list[str]:
    """What may be expected of it, said plainly."""
    lines = [f"measured on {card.measured_on}"]
    for figure in card.figures:
        if abs(figure.threshold - card.thresholds.normal) > 1e-5:
            continue
        low, high = share_between(figure.spoken - figure.missed, figure.spoken)
        worst = rate_between(figure.false_accepts, figure.hours)[1]
        lines.append(
            f"  {figure.condition:6} heard {figure.spoken - figure.missed} of {figure.spoken} "
            f"(anything from {low:.0%} to {high:.0%} may be the truth), "
            f"{figure.false_accepts} false in {figure.hours * 60:.0f} min "
            f"(up to {worst:.0f} an hour may be the truth)"
        )
    return [*lines, "so few recordings say little: give more, and recordings of others' speech"]


def _task(wanted: Enrolment, existing: tuple[Path, WordCard] | None) -> Task:
    word = wanted.word.strip().lower()
    name = f"{word.replace(' ', '_')}.microwakeword"
    pieces = tuple(part for part in word.split() if part != word)
    return Task(
        word=word,
        positives=wanted.recordings,
        negatives=wanted.negatives,
        out=own_folder(wanted.state) / f"{name}.onnx",
        noise=wanted.noise,
        synthetic=0 if wanted.verify else _SYNTHESIZED,
        # For one voice, the synthesizer saying the word is somebody else.
        confusable=(word, word, word) if wanted.verify else pieces,
        first=_placed(existing[0], existing[1].model) if existing else "",
        beside=_placed(existing[0], existing[1].beside) if existing else "",
        interest=_interest(existing[1]) if existing else 0.0,
        sentences=4,
        personal=True,
        copies=_COPIES,
        effort=0.4,
        processes=wanted.processes,
        folder=None,
        licence="made on this device, yours",
        about="personal verifier" if wanted.verify else "personal wake word",
    )


def _interest(card: WordCard) -> float:
    """Where the existing word's first model begins to be interested."""
    return card.interest or card.thresholds.high * 0.5


def _placed(path: Path, model: str) -> str:
    """A first model of an existing word: a name of the store, or where it lies."""
    return str((path.parent / model).resolve()) if model.startswith("./") else model


def _beside(result: Result, path: Path, card: WordCard) -> Result:
    """Keep first models that are not in the store beside the new card, where no update goes."""
    kept = {}
    for field, model in (("model", card.model), ("beside", card.beside)):
        if model.startswith("./"):
            own = result.card_path.with_suffix(f".{field}.onnx")
            shutil.copyfile(_placed(path, model), own)
            kept[field] = f"./{own.name}"
    if kept:
        result.card = msgspec.structs.replace(result.card, **kept)
        write(result.card, result.card_path)
    return result
