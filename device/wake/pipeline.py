"""The wake path: engine, second look and the end of the word, in blocks of sound."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.wake.cascade import Watch
from device.wake.detector import DetectionRule
from device.wake.ending import FRAME_SAMPLES, MEMORY_FRAMES, RecentLevels, find_end
from device.wake.engine import RATE_HZ, WakeEngine
from device.wake.second_look import SecondLook

CALM_SAMPLES = 2880
"""180 ms: what is scored at once while no word is in sight."""
ALERT_SAMPLES = 960
"""60 ms: what is scored at once from the first suspicion on."""
SUSPICION = 0.3
"""A single score above this share of a word's threshold is a suspicion."""
LEAST_SUSPICION = 0.02
"""And none below this one, however low the threshold: small models are never quite sure."""


@dataclass(frozen=True, slots=True)
class WakeDetected:
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
    """Sound in, what was heard out; positions count 16 kHz samples since the restart.

    Everything happens in blocks counted from the restart, so that nothing depends on how
    the sound was cut into calls. A block is 180 ms long while no word is in sight, which
    halves the cost, and 60 ms from the first suspicion on. A decision falls on a mean over
    150 ms of sound, so that the longer blocks delay it by 30 ms at most.
    """

    def __init__(
        self,
        engine: WakeEngine,
        rules: Mapping[str, DetectionRule],
        second: SecondLook | None = None,
        blocks: tuple[int, int] = (CALM_SAMPLES, ALERT_SAMPLES),
    ) -> None:
        """``rules``: one for each word of the engine; ``second`` may verify some of them.

        ``blocks``: their lengths in samples, calm and alert; who only wants the scores of
        recordings takes long ones, which cost less.
        """
        self._engine = engine
        self._rules = rules
        self._calm_samples, self._alert_samples = blocks
        self._watches = {w: Watch(w, rules[w], second, self._past) for w in engine.words}
        lowest = min(watch.first_threshold for watch in self._watches.values())
        self._suspicion = max(LEAST_SUSPICION, SUSPICION * lowest)
        self._second_memory = second.memory_samples if second is not None else 0
        looked_at = self._second_memory + 2 * self._calm_samples
        remembered = max(MEMORY_FRAMES * FRAME_SAMPLES, looked_at)
        self._remembered_blocks = -(-remembered // self._alert_samples)
        self.is_over_playback = False
        """Whether the speaker sounds in what is heard now."""
        self.samples_scored = 0
        """What the engine has been given so far; never reset."""
        self.restart()

    @property
    def settling_samples(self) -> int:
        """How much sound after a restart makes scores what they would be without it."""
        return max(self._engine.settling_samples, self._second_memory)

    def restart(self, elapsed: int | None = None) -> None:
        """Begin again: the sound that comes next does not continue what came before.

        ``elapsed``: samples from the last restart to this one, where that is known; a pause
        after a detection then goes on.
        """
        self._waiting = np.zeros(0, dtype=np.int16)
        self._position = 0
        self._recent: deque[NDArray[np.int16]] = deque(maxlen=self._remembered_blocks)
        self._ending: WakeDetected | None = None
        self._ends_over_playback = False
        self._is_suspicious = False
        self._engine.reset()
        for watch in self._watches.values():
            watch.restart(-1 if elapsed is None else watch.silent_until - elapsed)

    @property
    def is_suspicious(self) -> bool:
        """Whether a word is in sight, or the end of one: the next block should come soon."""
        return self._is_suspicious

    @property
    def peaks(self) -> dict[str, float]:
        """The highest score of each word so far that was compared with its threshold."""
        return {word: watch.peak for word, watch in self._watches.items()}

    def forget_peaks(self) -> None:
        """Begin to look for the highest scores again."""
        for watch in self._watches.values():
            watch.forget_peak()

    @property
    def suspicions(self) -> dict[str, float]:
        """The highest mean of the first model for each word so far."""
        return {word: watch.suspicion for word, watch in self._watches.items()}

    @property
    def seconds_scored(self) -> float:
        """How much sound the engine had to look at so far."""
        return self.samples_scored / RATE_HZ

    def process(self, samples: NDArray[np.int16]) -> list[WakeDetected | EndKnown]:
        """Take the next samples, mono 16 kHz, any number; return what was heard."""
        sound = np.concatenate((self._waiting, samples)) if len(self._waiting) else samples
        found: list[WakeDetected | EndKnown] = []
        at = 0
        while len(sound) - at >= self._block_samples:
            length = self._block_samples
            found += self._block(sound[at : at + length])
            at += length
        # A copy: the caller's buffer may be large, or used again.
        self._waiting = sound[at:].copy()
        return found

    def flush(self) -> list[WakeDetected | EndKnown]:
        """Hear what is left at the end of a file, followed by half a second of silence."""
        silence = max(4 * CALM_SAMPLES, self._calm_samples) - len(self._waiting)
        return self.process(np.zeros(silence, dtype=np.int16))

    @property
    def _block_samples(self) -> int:
        return self._alert_samples if self._is_suspicious else self._calm_samples

    def _block(self, block: NDArray[np.int16]) -> list[WakeDetected | EndKnown]:
        self._position += len(block)
        self._recent.append(block)
        self.samples_scored += len(block)
        found = self._score(block)
        if self._ending is not None:
            found += self._settle(self._ending)
        return found

    def _score(self, sound: NDArray[np.int16]) -> list[WakeDetected | EndKnown]:
        found: list[WakeDetected | EndKnown] = []
        highest = 0.0
        for score in self._engine.process(sound):
            highest = max(highest, score.value)
            detection = self._watches[score.word].update(score)
            if detection is not None:
                at = detection.at_sample
                self._ends_over_playback = self.is_over_playback
                end, _ = self._end(score.word, at)
                self._ending = WakeDetected(detection.word, detection.score, at, end)
                found.append(self._ending)
        self._is_suspicious = highest > self._suspicion or self._ending is not None
        return found

    def _settle(self, heard: WakeDetected) -> list[EndKnown]:
        """Say where the word ended, once what follows it has told."""
        end, may_change = self._end(heard.word, heard.at_sample)
        if may_change:
            return []
        self._ending = None
        return [EndKnown(heard.word, end)]

    def _end(self, word: str, at_sample: int) -> tuple[int, bool]:
        return find_end(
            RecentLevels(np.concatenate(self._recent), self._position),
            at_sample,
            self._rules[word].ending,
            is_over_playback=self._ends_over_playback,
        )

    def _past(self, from_sample: int, to_sample: int) -> NDArray[np.int16]:
        """The sound between two positions, silence before the restart."""
        sound = np.concatenate(self._recent)
        first = self._position - len(sound)
        cut = sound[max(0, from_sample - first) : to_sample - first]
        return np.concatenate((np.zeros(to_sample - from_sample - len(cut), np.int16), cut))
