"""One word, two models: the first becomes interested, the second decides."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from device.wake.detector import Detection, DetectionRule, Detector
from device.wake.embedding import HOP_SAMPLES
from device.wake.engine import RATE_HZ, Score
from device.wake.second_look import SecondLook, Trail

HOLD_S = 0.4
"""How long the second model goes on looking after the first lost interest: the first one
may fire in the middle of the word, and the second wants to have heard its end."""

Past = Callable[[int, int], NDArray[np.int16]]
"""The sound between two positions, silence where nothing was heard yet."""


def agreed(second: float, first: float, trust: float) -> float:
    """What both models think together: a sum of logits, the first one's weighed by ``trust``.

    They hear differently: the features of the first one follow the noise of the room, the
    embedding knows more about speech. On the words of 32 people in noise, misses at the same
    number of false accepts fell by a tenth to a half with a weight of 0.6.
    """
    return agreed_by_each(second, (first,), trust)


def agreed_by_each(second: float, firsts: Sequence[float], trust: float) -> float:
    """The same with several first models, each weighed by ``trust``.

    Where two listen, one may be sure of what the other has never heard of. For "hey jarvis",
    with its two at 0.5 each instead of the more certain one at 0.6, voices that none of ours
    had learned from were missed at as many false accepts: 4 instead of 6 of 100 in quiet, 30
    instead of 35 at 5 dB. A floor under the second model's opinion, so that a first model that
    is very sure wins, missed more than either.
    """
    if trust == 0.0:
        return second
    logit = _logit(second, 1e-5) + trust * sum(_logit(each, 1e-3) for each in firsts)
    return 1.0 / (1.0 + math.exp(-logit))


def _logit(probability: float, least: float) -> float:
    inside = min(max(probability, least), 1.0 - least)
    return math.log(inside / (1.0 - inside))


class Watch:
    """Watches one word; positions are those of the scores.

    Without a second look it is a :class:`Detector` and nothing else. With one, the first
    model's mean above ``rule.interest`` begins a row of looks, 80 ms apart, and the word
    counts when both models together are above ``rule.threshold`` at one of them. All of it
    depends on the scores and the sound alone, not on the blocks in which they arrived.
    """

    def __init__(
        self, word: str, rule: DetectionRule, second: SecondLook | None, past: Past
    ) -> None:
        self._word = word
        self._rule = rule
        self._second = second if second is not None and word in second.words else None
        self._past = past
        self._detector = Detector(rule)
        self._looked_peak = 0.0
        self._suspicion_peak = 0.0
        self._recent: deque[float] = deque(maxlen=rule.window)
        self._trail: Trail | None = None
        self._trail_until = -1
        self._trail_mean = 0.0
        self._opinions: deque[tuple[float, ...]] = deque(maxlen=rule.window)
        self._trail_means: tuple[float, ...] = ()
        self._is_armed = True
        self._silent_until = -1

    @property
    def peak(self) -> float:
        """The highest score so far that was compared with the threshold."""
        return self._detector.peak if self._second is None else self._looked_peak

    @property
    def suspicion(self) -> float:
        """The highest mean of the first model so far."""
        return self._detector.peak if self._second is None else self._suspicion_peak

    @property
    def first_threshold(self) -> float:
        """What the first model's mean is compared with."""
        return self._rule.threshold if self._second is None else self._rule.interest

    @property
    def silent_until(self) -> int:
        """The position before which no detection counts."""
        return self._detector.silent_until if self._second is None else self._silent_until

    def forget_peak(self) -> None:
        """Begin to look for the highest scores again."""
        self._detector.peak = self._looked_peak = self._suspicion_peak = 0.0

    def restart(self, silent_until: int = -1) -> None:
        """Forget the sound; ``silent_until`` carries a pause over into the new count."""
        self._detector.restart(silent_until)
        self._recent.clear()
        self._opinions.clear()
        self._trail = None
        self._is_armed = True
        self._silent_until = silent_until

    def update(self, score: Score) -> Detection | None:
        """Take the next score of the first model; return a detection when one is complete."""
        if self._second is None:
            return self._detector.update(score)
        self._recent.append(score.value)
        self._opinions.append(score.opinions or (score.value,))
        if len(self._recent) < self._rule.window:
            return None
        mean = sum(self._recent) / self._rule.window
        self._suspicion_peak = max(self._suspicion_peak, mean)
        means = tuple(sum(each) / self._rule.window for each in zip(*self._opinions, strict=True))
        self._trail_mean = max(self._trail_mean, mean)
        self._trail_means = tuple(map(max, self._trail_means or means, means))
        if mean > self._rule.interest:
            self._trail_until = score.end_sample + round(HOLD_S * RATE_HZ)
            may_begin = self._is_armed and score.end_sample >= self._silent_until
            if self._trail is None and may_begin:
                self._trail_mean, self._trail_means = mean, means
                return self._begin(self._second, score.end_sample)
        else:
            self._is_armed = True
        return self._follow(self._second, score.end_sample)

    def _begin(self, second: SecondLook, at_sample: int) -> Detection | None:
        recent = self._past(at_sample - second.memory_samples, at_sample)
        self._trail = second.begin(recent, at_sample)
        return self._judge(second, self._trail, at_sample)

    def _follow(self, second: SecondLook, until: int) -> Detection | None:
        """Take the looks that are due."""
        found = None
        while self._trail is not None and self._trail.next_sample <= until and found is None:
            at_sample = self._trail.next_sample
            if at_sample > self._trail_until:
                self._trail = None
                break
            second.follow(self._trail, self._past(at_sample - HOP_SAMPLES, at_sample))
            found = self._judge(second, self._trail, at_sample)
        return found

    def _judge(self, second: SecondLook, trail: Trail, at_sample: int) -> Detection | None:
        value = self._agreed(second.score(self._word, trail))
        self._looked_peak = max(self._looked_peak, value)
        if value <= self._rule.threshold:
            return None
        # One word is one detection, however long the first model stays interested.
        self._trail = None
        self._is_armed = False
        self._silent_until = at_sample + round(self._rule.refractory_s * RATE_HZ)
        return Detection(self._word, value, at_sample)

    def _agreed(self, second: float) -> float:
        if self._rule.trust_each:
            return agreed_by_each(second, self._trail_means, self._rule.trust_each)
        return agreed(second, self._trail_mean, self._rule.trust)
