"""Opens the engine and the rules for the words that the settings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from device.models import ModelStore, store
from device.wake.card import SHIPPED, Engine, Sensitivity, WordCard, find
from device.wake.detector import DetectionRule
from device.wake.engine import WakeEngine
from device.wake.microwakeword import MicroWakeWord
from device.wake.openwakeword import OpenWakeWord
from device.wake.second_look import SecondLook, StreamedEmbedding

MEL = "openwakeword/melspectrogram.onnx"
EMBEDDING = "openwakeword/embedding_model.onnx"
STREAMED_EMBEDDING = "openwakeword/embedding_stream.onnx"


@dataclass(frozen=True, slots=True)
class Own:
    """What one word has for itself."""

    sensitivity: Sensitivity = "normal"
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class WakeSettings:
    """What to listen for."""

    words: tuple[str, ...] = ("hey jarvis",)
    engine: Engine = "microwakeword"
    sensitivity: Sensitivity = "normal"
    threshold: float = 0.0
    """Counts instead of the sensitivity, unless 0."""
    refractory_s: float = 1.0
    near_misses: bool = False
    """Whether what was nearly taken for a word is told as well."""
    own: Mapping[str, Own] = field(default_factory=dict)
    """Words with a sensitivity or threshold of their own."""
    folders: tuple[Path, ...] = (SHIPPED,)
    """Where cards are looked for."""
    models: ModelStore = field(default_factory=store)
    """Where the models that the cards name lie."""

    def rule_of(self, card: WordCard) -> DetectionRule:
        """When the word of a card counts as heard."""
        own = self.own.get(card.word, Own(self.sensitivity, self.threshold))
        return card.rule(own.sensitivity, own.threshold, self.refractory_s)


def open_words(
    settings: WakeSettings,
) -> tuple[WakeEngine, dict[str, DetectionRule], SecondLook | None]:
    """Load the models of the words; returns the engine, a rule for each word, the verifiers.

    Raises ``UnknownWordError`` for a word without a card, ``MissingModel`` for a model
    that was not fetched, ``WrongModelError`` for one that cannot be read.
    """
    # In names, not in one expression: a session that is let go of while an exception leaves the
    # expression loses it in Python 3.11, and a missing model ends as SystemError.
    second = _second_look(_found(settings), settings.models)
    engine, rules = open_engine(settings)
    return engine, rules, second


def open_engine(settings: WakeSettings) -> tuple[WakeEngine, dict[str, DetectionRule]]:
    """As :func:`open_words`, without the verifiers."""
    found = _found(settings)
    here = settings.models
    models = {card.word: _stored(path, card.model, here) for path, card in found}
    beside = {card.word: _stored(path, card.beside, here) for path, card in found if card.beside}
    rules = {card.word: settings.rule_of(card) for _, card in found}
    if settings.engine == "openwakeword":
        return OpenWakeWord(models, here.path_of(MEL), here.path_of(EMBEDDING)), rules
    return MicroWakeWord(models, beside), rules


def _found(settings: WakeSettings) -> list[tuple[Path, WordCard]]:
    return [find(word, settings.engine, settings.folders) for word in settings.words]


def _second_look(found: Sequence[tuple[Path, WordCard]], here: ModelStore) -> SecondLook | None:
    verifiers = {
        card.word: _stored(path, card.verifier, here) for path, card in found if card.verifier
    }
    if not verifiers:
        return None
    embedding = _embedding(here.path_of(MEL), here.path_of(STREAMED_EMBEDDING))
    return SecondLook(embedding, verifiers)


@lru_cache(maxsize=1)
def _embedding(mel: Path, embedding: Path) -> StreamedEmbedding:
    """One for all who look: it keeps nothing of what it hears, and is a tenth of the memory."""
    return StreamedEmbedding(mel, embedding)


def card_folders(state: Path) -> tuple[Path, ...]:
    """Where cards are looked for, given the folder of the appliance's state.

    The owner's own words come first: one of them counts instead of a shipped one.
    """
    return own_folder(state), SHIPPED


def own_folder(state: Path) -> Path:
    """Where the owner's own wake words lie."""
    return state / "wake"


def shipped_words(engine: Engine, folders: Sequence[Path] = (SHIPPED,)) -> tuple[str, ...]:
    """The words that have a card for this engine."""
    from device.wake.card import cards

    return tuple(card.word for _, card in cards(folders) if card.engine == engine)


def _stored(card: Path, model: str, here: ModelStore) -> Path:
    """A model beside its card, at a place of its own, or in the store."""
    if model.startswith(("./", "/")):
        return card.parent / model
    return here.path_of(model)
