"""What to train from what, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from device.wake.card import Figure, WordCard
from device.workshop.training.measuring.run import TrialOutcome
from device.workshop.training.wake import corpus
from device.workshop.training.wake.corpus import Recording
from device.workshop.training.wake.examples import Example
from device.workshop.training.wake.network import WakeNetwork

FOLDS = 3
ALL = -1
"""The part that leaves nothing out."""
WINDOW = 5
TRUST, OWN_TRUST, TRUST_EACH = 0.6, 1.0, 0.5
"""See :func:`device.wake.cascade.agreed` and, for two first models,
:func:`device.wake.cascade.agreed_by_each`; the second for a first model that learned from the
same recordings: of "jarvis" by people that it had not heard, at one false accept an hour,
14 instead of 15 % were missed with 5 dB of noise and 38 instead of 40 % with 0 dB."""
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
    it: somebody else says the rest before each; see
    :mod:`device.workshop.training.wake.joining`."""
    beginners: tuple[Path, ...] = ()
    """With ``endings``: recordings of people's phrases that begin as the word does ("hey
    computer"); their own "hey" is laid before the endings, too."""
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
    """Versions of each recording of a person; of a synthesized one half as many."""
    joints: int = 1
    """How often each ending is given a beginning, by somebody else each time."""
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
class TrainingMaterial:
    """All examples of a word, by fold."""

    words: list[Example]
    others: list[Example]
    first_depth: int
    second_depth: int
    others_hours: float = 0.0

    def all_but(self, fold: int) -> list[Example]:
        """What may be learned from when this fold is to be judged; of :data:`ALL` all."""
        return [each for each in (*self.words, *self.others) if each.fold != fold]


@dataclass
class Trained:
    """One set of networks."""

    first: WakeNetwork | None
    verifiers: list[WakeNetwork]


@dataclass
class Result:
    """What came out: the card that was written, and what it rests on."""

    card: WordCard
    card_path: Path
    outcomes: list[TrialOutcome] = field(default_factory=list)
    first_alone: list[list[Figure]] = field(default_factory=list)
    """Where only a verifier was trained: what the existing model does without it, for each
    step, at thresholds that allow as many false accepts."""
    seconds: float = 0.0


def verifier_path(out: Path) -> Path:
    """Where the verifier of a first model lies."""
    return out.with_suffix(".verifier.onnx")


def copies_of(task: Task, recording: Recording) -> int:
    """How many versions of a recording are learned from."""
    return task.copies if corpus.is_person(recording) else max(1, task.copies // 2)
