"""Who listens: our cascade, and the two projects we measure ourselves against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from device.wake.card import SHIPPED, Sensitivity, find
from device.wake.engine import RATE_HZ
from device.wake.evaluation.trials import plain
from device.wake.open import WakeSettings, open_words, shipped_words
from device.wake.pipeline import WakePipeline

SENSITIVITIES: tuple[Sensitivity, ...] = ("low", "normal", "high")
_NEVER = 0.9999999
_WARM_UP_S = 1.2
"""Scores before this are of what came before the trial."""


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
        # Nothing may count as heard, or what follows would not be looked at.
        never = {word: replace(rule, threshold=_NEVER) for word, rule in rules.items()}
        self._pipeline = WakePipeline(engine, never, second)

    def peaks(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """The highest score of each word that is compared with its threshold."""
        self._pipeline.forget_peaks()
        self._pipeline.restart()
        self._pipeline.process(sound)
        self._pipeline.flush()
        return self._pipeline.peaks


class PymicroWakeword:
    """pymicro-wakeword as it comes, at its own cut-off."""

    name = "pymicro-wakeword"

    def __init__(self) -> None:
        from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

        self._features_of: Callable[[], Any] = MicroWakeWordFeatures
        found = [MicroWakeWord.from_builtin(model) for model in Model]
        self._models = {plain(each.wake_word): each for each in found}
        self.thresholds = {
            word: {"usual": 0.9, "its author's": round(model.probability_cutoff, 3)}
            for word, model in self._models.items()
        }

    def peaks(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """The highest mean of each word over its author's window."""
        peaks = dict.fromkeys(self._models, 0.0)
        for model in self._models.values():
            model.reset()
        for frame in self._features_of().process_streaming(sound.tobytes()):
            for word, model in self._models.items():
                peaks[word] = max(peaks[word], model.process_streaming_prob(frame) or 0.0)
        return peaks


class OpenWakeWord:
    """openWakeWord as it comes, at 0.5."""

    name = "openwakeword"
    _WORDS = ("alexa", "hey_jarvis", "hey_mycroft")

    def __init__(self) -> None:
        from openwakeword.model import Model

        self._model = Model(wakeword_models=list(self._WORDS), inference_framework="onnx")
        self.thresholds = {plain(word): {"usual": 0.5} for word in self._WORDS}

    def peaks(self, sound: NDArray[np.int16]) -> dict[str, float]:
        """The highest score of each word."""
        self._model.reset()
        peaks = {plain(word): 0.0 for word in self._WORDS}
        for at in range(0, len(sound) - 1279, 1280):
            scores = self._model.predict(sound[at : at + 1280])
            # It cannot forget its buffers; our trials begin with enough else.
            if at < _WARM_UP_S * RATE_HZ:
                continue
            for name, score in scores.items():
                word = plain(name)
                peaks[word] = max(peaks[word], float(score))
        return peaks


@dataclass(frozen=True)
class Choice:
    """Which systems listen; small enough to be sent to another process."""

    folders: tuple[Path, ...] = (SHIPPED,)
    words: tuple[str, ...] = ()
    peers: bool = True

    def open(self) -> list[System]:
        """Load them; a peer that is not installed is left out."""
        systems: list[System] = [Bittern(self.folders, self.words)]
        if self.peers:
            kinds: tuple[Callable[[], System], ...] = (PymicroWakeword, OpenWakeWord)
            for peer in kinds:
                try:
                    systems.append(peer())
                except ImportError:
                    continue
        return systems
