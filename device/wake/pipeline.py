"""The wake path: gate, engine, detectors, in fixed blocks of sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.vad.gate import BLOCK_SAMPLES, Gate
from device.wake.detector import Detector, Rule
from device.wake.ending import Levels, find_end
from device.wake.engine import RATE_HZ, WakeEngine


class History:
    """The last seconds at 16 kHz, for the moment the gate opens."""

    def __init__(self, length: int) -> None:
        blocks = -(-length // BLOCK_SAMPLES)
        self._blocks: list[NDArray[np.int16]] = []
        self._most = blocks

    def append(self, block: NDArray[np.int16]) -> None:
        """Keep one more block, forget the oldest."""
        self._blocks.append(block)
        if len(self._blocks) > self._most:
            del self._blocks[0]

    def take(self) -> NDArray[np.int16]:
        """All that is kept, oldest first; empty afterwards."""
        if not self._blocks:
            return np.zeros(0, dtype=np.int16)
        everything = np.concatenate(self._blocks)
        self._blocks.clear()
        return everything


@dataclass(frozen=True, slots=True)
class Heard:
    """A word was heard; positions are 16 kHz samples since the restart."""

    word: str
    score: float
    at_sample: int
    """Where the decision fell."""
    end_sample: int
    """Where the word ends, as far as is known at this moment."""


@dataclass(frozen=True, slots=True)
class EndKnown:
    """Where the word that was heard last ends, now that what follows it was heard too."""

    word: str
    end_sample: int


class WakePipeline:
    """Sound in, detections out; positions count 16 kHz samples since the last restart.

    Everything happens in blocks of 60 ms counted from the restart, so that neither scores
    nor gate depend on how the sound was cut into calls. While the gate is shut the engine
    rests; when it opens, the engine is reset and hears what came before as well, enough of
    it that its scores are what they would have been without a gate.
    """

    def __init__(
        self, engine: WakeEngine, rules: Mapping[str, Rule], gate: Gate | None = None
    ) -> None:
        """``rules``: one for each word of the engine; without a gate it never rests."""
        self._engine = engine
        self._gate = gate
        self._rules = rules
        self._detectors = {word: Detector(rules[word]) for word in engine.words}
        self._history = History(engine.settling_samples)
        self._levels = Levels()
        self.samples_scored = 0
        """What the engine has been given so far, replays included; never reset."""
        self.restart()

    def restart(self) -> None:
        """Begin again: the sound that comes next does not continue what came before."""
        self._waiting = np.zeros(0, dtype=np.int16)
        self._position = 0
        self._history.take()
        self._is_resting = False
        self._engine_began = 0
        self._ending: Heard | None = None
        self._engine.reset()
        self._levels.restart(0)
        if self._gate is not None:
            self._gate.reset()
        for detector in self._detectors.values():
            detector.restart()

    @property
    def peaks(self) -> dict[str, float]:
        """The highest score of each word so far, as the detectors see it."""
        return {word: detector.peak for word, detector in self._detectors.items()}

    @property
    def seconds_scored(self) -> float:
        """How much sound the engine had to look at so far, replays included."""
        return self.samples_scored / RATE_HZ

    def process(self, samples: NDArray[np.int16]) -> list[Heard | EndKnown]:
        """Take the next samples, mono 16 kHz, any number; return what was heard."""
        sound = np.concatenate((self._waiting, samples)) if len(self._waiting) else samples
        whole = len(sound) - len(sound) % BLOCK_SAMPLES
        found: list[Heard | EndKnown] = []
        for start in range(0, whole, BLOCK_SAMPLES):
            found += self._block(sound[start : start + BLOCK_SAMPLES])
        self._waiting = sound[whole:].copy()
        return found

    def flush(self) -> list[Heard | EndKnown]:
        """Hear what is left at the end of a file, followed by a moment of silence."""
        missing = -len(self._waiting) % BLOCK_SAMPLES
        return self.process(np.zeros(missing + 8 * BLOCK_SAMPLES, dtype=np.int16))

    def _block(self, block: NDArray[np.int16]) -> list[Heard | EndKnown]:
        start = self._position
        self._position += BLOCK_SAMPLES
        if self._gate is not None and not self._gate.update(block):
            self._is_resting = True
            # A copy: the caller's buffer may be large, or used again.
            self._history.append(block.copy())
            return []
        if self._is_resting:
            past = self._history.take()
            self._wake_up(start - len(past))
            block = np.concatenate((past, block))
        self._levels.append(block)
        self.samples_scored += len(block)
        return [*self._score(block), *self._settle()]

    def _wake_up(self, began: int) -> None:
        self._is_resting = False
        self._engine.reset()
        self._levels.restart(began)
        for detector in self._detectors.values():
            absolute = detector.silent_until + self._engine_began
            detector.restart(absolute - began)
        self._engine_began = began

    def _score(self, sound: NDArray[np.int16]) -> list[Heard | EndKnown]:
        found: list[Heard | EndKnown] = []
        for score in self._engine.process(sound):
            detection = self._detectors[score.word].update(score)
            if detection is not None:
                at = detection.at_sample + self._engine_began
                end, _ = find_end(self._levels, at, self._rules[score.word].ending)
                self._ending = Heard(detection.word, detection.score, at, end)
                found.append(self._ending)
        return found

    def _settle(self) -> list[EndKnown]:
        """Say where the word ended, once what follows it has told."""
        heard = self._ending
        if heard is None:
            return []
        end, may_change = find_end(self._levels, heard.at_sample, self._rules[heard.word].ending)
        if may_change:
            return []
        self._ending = None
        return [EndKnown(heard.word, end)]
