"""A wake word's card: its model, its thresholds, what they were measured to do, its licence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from device.errors import EXIT_BAD_SETTINGS, BitternError
from device.wake.detector import DetectionRule
from device.wake.ending import EndingRule

SHIPPED = Path(__file__).parent / "cards"
"""The cards that come with Bittern, and the models of our own beside them."""

Engine = Literal["microwakeword", "openwakeword"]
Sensitivity = Literal["low", "normal", "high"]


class UnknownWordError(BitternError):
    """There is no model for this wake word: the settings are wrong, a restart cannot help."""

    exit_code = EXIT_BAD_SETTINGS


class BadCardError(BitternError):
    """A card is not what a card must be."""


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The score from which a word counts, per sensitivity."""

    low: float
    normal: float
    high: float

    def at(self, sensitivity: Sensitivity) -> float:
        """The threshold of one step."""
        value: float = getattr(self, sensitivity)
        return value


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the end of this word is found; see :class:`device.wake.ending.EndingRule`."""

    lag_ms: int
    after_ms: int


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one threshold was measured to do in one condition."""

    condition: str
    """``quiet``, ``10 dB``, ``5 dB`` or ``0 dB``: speech above noise."""
    threshold: float
    missed: int
    spoken: int
    """How many words were spoken; ``missed`` of them went unheard."""
    false_accepts: int
    hours: float
    """How much sound without the word was listened to."""


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``normal`` was measured to do for some of the voices."""

    voices: str
    """``people``, or a synthesizer."""
    condition: str
    missed: int
    spoken: int


class WordCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known about one wake word in one engine."""

    word: str
    engine: Engine
    model: str
    """The ONNX file: a name in the model store, or one beside the card (``./name.onnx``)."""
    thresholds: Thresholds
    window: int
    """Scores in the mean."""
    ending: Ending
    licence: str
    about: str = ""
    beside: str = ""
    """A further first model, named like ``model``: at each step the more certain one counts."""
    verifier: str = ""
    """The model of the second look, named like ``model``; without one there is none."""
    interest: float = 0.0
    """With a verifier: the first model's mean from which it looks."""
    trust: float = 0.0
    """With a verifier: how much the first model's opinion counts beside it."""
    trust_each: float = 0.0
    """With a verifier and a model beside: how much each of the two counts, instead of the more
    certain one by ``trust``."""
    measured_on: str = ""
    """Whose voices the figures are of, in words."""
    figures: tuple[Figure, ...] = ()
    """The table: each threshold in each condition."""
    groups: tuple[Group, ...] = ()
    """The same at ``normal``, by whose voices they are."""

    def rule(
        self, sensitivity: Sensitivity, threshold: float = 0.0, refractory_s: float = 1.0
    ) -> DetectionRule:
        """The detector's rule; a ``threshold`` other than 0 counts instead of the step."""
        ending = EndingRule(lag_ms=self.ending.lag_ms, after_ms=self.ending.after_ms)
        chosen = threshold or self.thresholds.at(sensitivity)
        return DetectionRule(
            chosen,
            self.window,
            refractory_s,
            ending,
            self.interest,
            self.trust,
            self.trust_each,
        )


def read(path: Path) -> WordCard:
    """Read one card; raises :class:`BadCardError` with the reason."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=WordCard)
    except (msgspec.DecodeError, OSError) as failure:
        raise BadCardError(f"{path} is not a wake word's card: {failure}") from failure


def write(card: WordCard, path: Path) -> None:
    """Write one card, as people like to read JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")


def cards(folders: Iterable[Path] = (SHIPPED,)) -> list[tuple[Path, WordCard]]:
    """All cards in the folders, in the order of their file names."""
    return [(path, read(path)) for folder in folders for path in sorted(folder.glob("*.json"))]


def find(word: str, engine: Engine, folders: Iterable[Path] = (SHIPPED,)) -> tuple[Path, WordCard]:
    """The card of a word; its name may be written in any case, with ``_`` for spaces.

    Raises :class:`UnknownWordError`, which lists the words that there are.
    """
    wanted = word.strip().lower().replace("_", " ")
    known = [(path, card) for path, card in cards(folders) if card.engine == engine]
    for path, card in known:
        if card.word == wanted:
            return path, card
    names = ", ".join(f'"{card.word}"' for _, card in known) or "none"
    raise UnknownWordError(f'no {engine} model listens for "{word}"', f"there are: {names}")
