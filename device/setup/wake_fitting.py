"""What helps an owner who is not heard: a lower threshold, a model of one's own, another word.

Who a model was made from decides whom it fails: children, and people with accents that nobody
recorded. Whoever sets the appliance up must not be left with one that does not hear them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.audio.files import write_sound
from device.audio.samples import Samples
from device.settings.places import state_folder
from device.setup.visit import SetupVisit
from device.wake.card import Sensitivity, WordCard
from device.wake.engine import RATE_HZ
from device.wake.open import WakeSettings, own_folder

STEPS: tuple[Sensitivity, ...] = ("low", "normal", "high")
_FRAME = RATE_HZ // 100
_AROUND_S = 0.6
_LONGEST_S = 2.5


@dataclass(frozen=True, slots=True)
class Take:
    """The word, said once."""

    score: float
    """The highest that was compared with the threshold."""
    sound: Samples
    """What the microphone heard meanwhile, 16 kHz."""


Fit = Callable[[str, Sequence[Path], Path, Sequence[Path]], None]
"""Fits a word to whoever speaks in the recordings: word, recordings, the state's folder, and
where cards are looked for. Raises a ``BitternError`` where that cannot be done here."""


def fit_to_voice(word: str, recordings: Sequence[Path], state: Path, cards: Sequence[Path]) -> None:
    """Make a verifier for this speaker, as ``bittern wake enroll --verify`` does."""
    from device.workshop.training.enrolment import Enrolment, enroll

    wanted = Enrolment(word, tuple(recordings), state, verify=True)
    enroll(wanted, cards, lambda _: None)


def step_that_hears(
    card: WordCard, wake: WakeSettings, takes: Sequence[Take]
) -> Sensitivity | None:
    """The least sensitive step above the present one at which every take would have counted.

    ``None`` where there is none, or where a number counts instead of a step.
    """
    own = wake.own.get(card.word)
    if own.threshold if own is not None else wake.threshold:
        return None
    present = own.sensitivity if own is not None else wake.sensitivity
    least = min(take.score for take in takes)
    further = STEPS[STEPS.index(present) + 1 :]
    return next((step for step in further if least > card.thresholds.at(step)), None)


def false_accepts_at(card: WordCard, step: Sensitivity) -> str:
    """What a step was measured to do to a room in which others speak."""
    threshold = card.thresholds.at(step)
    row = [each for each in card.figures if abs(each.threshold - threshold) < 1e-5]
    hours = sum(each.hours for each in row)
    if not hours:
        return "how often it then wakes by mistake was not measured"
    false = sum(each.false_accepts for each in row)
    return f"it then woke by mistake {false} times in {hours:.1f} hours of others' speech"


def fitted(
    visit: SetupVisit, word: str, takes: Sequence[Take], folders: Sequence[Path], fit: Fit
) -> None:
    """Fit the word to the takes; raises a ``BitternError`` where that cannot be done here."""
    with tempfile.TemporaryDirectory(prefix="bittern-takes-") as folder:
        paths = []
        for number, take in enumerate(takes, start=1):
            paths.append(Path(folder) / f"take{number}.wav")
            write_sound(paths[-1], said_in(take.sound), RATE_HZ)
        fit(word, paths, state_folder(visit.settings.paths), folders)


def unfitted(visit: SetupVisit, word: str) -> None:
    """Take back what :func:`fitted` has made."""
    folder = own_folder(state_folder(visit.settings.paths))
    for path in folder.glob(f"{word.replace(' ', '_')}.microwakeword.*"):
        path.unlink()


def is_fitted(visit: SetupVisit, word: str) -> bool:
    """Whether the owner has had a model made of this word already."""
    folder = own_folder(state_folder(visit.settings.paths))
    return (folder / f"{word.replace(' ', '_')}.microwakeword.json").is_file()


def said_in(sound: Samples) -> Samples:
    """The loudest two and a half seconds at most, so that no silence is learned from."""
    frames = len(sound) // _FRAME
    if frames == 0:
        return sound
    power = (sound[: frames * _FRAME].astype(np.float64).reshape(frames, -1) ** 2).mean(axis=1)
    within = round(_LONGEST_S * RATE_HZ / _FRAME)
    sums = np.convolve(power, np.ones(min(within, frames)), "valid")
    start = int(sums.argmax())
    loud = np.flatnonzero(power[start : start + within] > power.max() / 1000)
    around = round(_AROUND_S * RATE_HZ)
    first = max(0, (start + int(loud[0])) * _FRAME - around)
    last = (start + int(loud[-1]) + 1) * _FRAME + around
    return sound[first:last]


def others_in_order(known: Sequence[WordCard], word: str) -> list[WordCard]:
    """The other words, those first that miss least at ``normal`` in quiet and at 5 dB."""

    def missed(card: WordCard) -> float:
        normal = card.thresholds.normal
        shares = [
            each.missed / each.spoken
            for each in card.figures
            if abs(each.threshold - normal) < 1e-5
            and each.spoken
            and each.condition in ("quiet", "5 dB")
        ]
        return sum(shares) if shares else 9.0

    return sorted((card for card in known if card.word != word), key=missed)
