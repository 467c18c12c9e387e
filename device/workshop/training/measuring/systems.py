"""Who listens: our cascade, and the two projects we measure ourselves against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from device.models import path_of
from device.wake.card import SHIPPED, Sensitivity, find
from device.wake.detector import never
from device.wake.embedding import CONTEXT_SAMPLES, HOP_SAMPLES
from device.wake.microwakeword import MicroWakeWord as ConvertedMicroWakeWord
from device.wake.open import (
    MEL,
    STREAMED_EMBEDDING,
    WakeSettings,
    open_engine,
    open_words,
    shipped_words,
)
from device.wake.pipeline import WakePipeline
from device.wake.second_look import StreamedEmbedding
from device.workshop.training.measuring.trials import plain

SENSITIVITIES: tuple[Sensitivity, ...] = ("low", "normal", "high")
FIRST_ALONE = "first model alone"
_BLOCKS = (14_400, 14_400)
"""0.9 s at once: nobody waits for the scores, and the fewer calls the less they cost."""
_UNSETTLED = 9
"""Embeddings of a fresh stream that have not seen their 0.76 s yet."""


class NothingToHearError(Exception):
    """A peer knows none of the words."""


class System(Protocol):
    """Something that listens for words."""

    name: str
    thresholds: dict[str, dict[str, float]]
    """For each word its usual thresholds, by name."""

    def peaks(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """The highest score of each word in a sound of its own, mono 16 kHz."""


class Bittern:
    """The cascade of the live path, without the gate."""

    name = "bittern"

    def __init__(self, folders: Sequence[Path] = (SHIPPED,), words: Sequence[str] = ()) -> None:
        chosen = tuple(words) or shipped_words("microwakeword", folders)
        cards = {word: find(word, "microwakeword", folders)[1] for word in chosen}
        self.thresholds: dict[str, dict[str, float]] = {
            word: {step: card.thresholds.at(step) for step in SENSITIVITIES}
            for word, card in cards.items()
        }
        engine, rules, second = open_words(WakeSettings(words=chosen, folders=tuple(folders)))
        self._pipeline = WakePipeline(engine, never(rules), second, _BLOCKS)

    def peaks(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """The highest score of each word that is compared with its threshold."""
        return _peaks(self._pipeline, sound)


def _peaks(pipeline: WakePipeline, sound: NDArray[np.int16]) -> dict[str, float]:
    pipeline.forget_peaks()
    pipeline.restart()
    pipeline.process(sound)
    pipeline.flush()
    return pipeline.peaks


class FirstModels:
    """The first models of the cascade deciding alone, as if there were no second look."""

    name = FIRST_ALONE

    def __init__(self, folders: Sequence[Path], words: Sequence[str]) -> None:
        settings = WakeSettings(words=tuple(words), folders=tuple(folders))
        engine, rules = open_engine(settings)
        self.thresholds: dict[str, dict[str, float]] = {word: {} for word in rules}
        self._pipeline = WakePipeline(engine, never(rules), None, _BLOCKS)

    def peaks(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """The highest mean of each word."""
        return _peaks(self._pipeline, sound)


class _Peer:
    """Another project, heard by its own models in a cheaper way.

    So that nobody has to believe that they give the same numbers, the package itself hears
    the first trials as well, and then one in fifty; where it hears anything else, it hears
    all that follow.
    """

    _CHECKED_FIRST, _CHECK_EVERY = 3, 50
    _SAME = 0.02

    def __init__(self) -> None:
        self.furthest = 0.0
        """The largest difference to the package that was seen so far."""
        self._heard = 0

    def peaks(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """The highest score of each word."""
        self._heard += 1
        is_checked = self._heard <= self._CHECKED_FIRST or self._heard % self._CHECK_EVERY == 0
        if self.furthest > self._SAME:
            return self.peaks_by_package(sound)
        found = self.peaks_by_stream(sound)
        if is_checked:
            package = self.peaks_by_package(sound)
            self.furthest = max(self.furthest, *(abs(found[w] - package[w]) for w in found))
        return found

    def peaks_by_stream(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """As :meth:`peaks`, the cheap way."""
        raise NotImplementedError

    def peaks_by_package(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """As :meth:`peaks`, by the package as it comes."""
        raise NotImplementedError


class PymicroWakeword(_Peer):
    """pymicro-wakeword at its own cut-off, its models run in the form converted to ONNX."""

    name = "pymicro-wakeword"

    def __init__(self, words: Sequence[str] = ()) -> None:
        """Raises ``ImportError`` without the package, ``NothingToHearError`` for other words."""
        from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

        super().__init__()
        self._features_of: Callable[[], Any] = MicroWakeWordFeatures
        found = [MicroWakeWord.from_builtin(model) for model in Model]
        named = {plain(each.wake_word): each for each in found}
        self._models = {w: each for w, each in named.items() if not words or w in words}
        if not self._models:
            raise NothingToHearError
        self.thresholds = {
            word: {"usual": 0.9, "its author's": round(model.probability_cutoff, 3)}
            for word, model in self._models.items()
        }
        converted = {
            word: path_of(f"microwakeword/{word.replace(' ', '_')}.onnx") for word in self._models
        }
        self._engine = ConvertedMicroWakeWord(converted)

    def peaks_by_stream(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """As :meth:`peaks`, by the converted models."""
        self._engine.reset()
        scores: dict[str, list[float]] = {word: [] for word in self._models}
        for at in range(0, len(sound), _BLOCKS[0]):
            for score in self._engine.process(sound[at : at + _BLOCKS[0]]):
                scores[score.word].append(score.value)
        return {
            word: _highest_mean(scores[word], model.sliding_window_size)
            for word, model in self._models.items()
        }

    def peaks_by_package(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """As :meth:`peaks`, by the package as it comes: the highest mean over its window."""
        peaks = dict.fromkeys(self._models, 0.0)
        for model in self._models.values():
            model.reset()
        for frame in self._features_of().process_streaming(sound.tobytes()):
            for word, model in self._models.items():
                peaks[word] = max(peaks[word], model.process_streaming_prob(frame) or 0.0)
        return peaks


def _highest_mean(values: Sequence[float], window: int) -> float:
    if len(values) < window:
        return 0.0
    return float(np.convolve(values, np.ones(window) / window, "valid").max())


class OpenWakeWordPeer(_Peer):
    """openWakeWord's own classifiers, at 0.5, on the streaming form of its embedding.

    The package makes each embedding anew from 0.76 s of sound, which is five times the work
    for the same numbers.
    """

    name = "openwakeword"
    _WORDS = ("alexa", "hey_jarvis", "hey_mycroft")

    def __init__(self, words: Sequence[str] = ()) -> None:
        """Raises ``ImportError`` without the package, ``NothingToHearError`` for other words."""
        from openwakeword.model import Model

        super().__init__()
        chosen = [each for each in self._WORDS if not words or plain(each) in words]
        if not chosen:
            raise NothingToHearError
        self._package = Model(wakeword_models=list(chosen), inference_framework="onnx")
        self._names = {self._name_of(each): plain(each) for each in chosen}
        self._embedding = StreamedEmbedding(path_of(MEL), path_of(STREAMED_EMBEDDING))
        self.thresholds = {plain(word): {"usual": 0.5} for word in chosen}
        self._settled = _UNSETTLED + max(self._package.model_inputs.values())

    def _name_of(self, word: str) -> str:
        return next(str(each) for each in self._package.models if word in each)

    def peaks_by_stream(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """As :meth:`peaks`, every embedding made once."""
        # The package's embeddings end with its blocks of 80 ms; so must these.
        sound = sound[HOP_SAMPLES - CONTEXT_SAMPLES :]
        # So must the spectrum be made: what is quiet in it depends on the loudest at hand.
        last = len(sound) - HOP_SAMPLES - CONTEXT_SAMPLES
        blocks = [
            self._embedding.spectrogram(sound[at : at + HOP_SAMPLES + CONTEXT_SAMPLES])
            for at in range(0, last + 1, HOP_SAMPLES)
        ]
        spectrum = np.concatenate(blocks)
        history = self._embedding.embed(spectrum, self._embedding.begin())
        peaks = dict.fromkeys(self._names.values(), 0.0)
        for name, word in self._names.items():
            depth = self._package.model_inputs[name]
            predict = self._package.model_prediction_function[name]
            for end in range(self._settled, len(history) + 1):
                score = predict(history[None, end - depth : end])[0][0][0]
                peaks[word] = max(peaks[word], float(score))
        return peaks

    def peaks_by_package(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """As :meth:`peaks`, by the package as it comes."""
        self._package.reset()
        peaks = dict.fromkeys(self._names.values(), 0.0)
        for at in range(0, len(sound) - HOP_SAMPLES + 1, HOP_SAMPLES):
            scores = self._package.predict(sound[at : at + HOP_SAMPLES])
            # It cannot forget its buffers; our trials begin with enough else.
            if at < self._settled * HOP_SAMPLES:
                continue
            for name, score in scores.items():
                word = self._names[name]
                peaks[word] = max(peaks[word], float(score))
        return peaks


@dataclass(frozen=True)
class Choice:
    """Which systems listen; small enough to be sent to another process."""

    folders: tuple[Path, ...] = (SHIPPED,)
    words: tuple[str, ...] = ()
    peers: bool = True
    first_alone: bool = False
    """Whether the first models are also judged without the second look."""

    def open(self) -> list[System]:
        """Load them; a peer that is not installed, or knows none of the words, is left out."""
        systems: list[System] = [Bittern(self.folders, self.words)]
        if self.first_alone:
            systems.append(FirstModels(self.folders, self.words))
        if self.peers:
            kinds: tuple[Callable[[Sequence[str]], System], ...] = (
                PymicroWakeword,
                OpenWakeWordPeer,
            )
            for peer in kinds:
                try:
                    systems.append(peer(self.words))
                except (ImportError, NothingToHearError):
                    continue
        return systems
