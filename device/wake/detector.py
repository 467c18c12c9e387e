"""From scores to decisions: a mean over a short window, a threshold, a pause after a hit."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from device.wake.ending import EndingRule
from device.wake.engine import RATE_HZ, Score

_NEVER = 1.0 - 1e-9
"""No score lies above it."""


@dataclass(frozen=True, slots=True)
class DetectionRule:
    """When one word counts as heard."""

    threshold: float
    """The mean, or the second look where there is one, must rise above it."""
    window: int = 5
    """Scores in the mean."""
    refractory_s: float = 1.0
    """After a detection, how long no other counts."""
    ending: EndingRule = field(default_factory=EndingRule)
    """How the end of this word is found."""
    interest: float = 0.0
    """With a second look: the mean from which it is worth taking."""
    trust: float = 0.0
    """With a second look: how much the first model's opinion counts beside it."""
    trust_each: float = 0.0
    """With a second look and two first models: how much each of them counts, instead of the
    more certain one by ``trust``."""


def never(rules: Mapping[str, DetectionRule]) -> dict[str, DetectionRule]:
    """The same rules, by which nothing counts: for who wants all scores and no decision,
    after which a word would not be looked at for a second."""
    return {word: replace(rule, threshold=_NEVER) for word, rule in rules.items()}


@dataclass(frozen=True, slots=True)
class Detection:
    """A word was heard."""

    word: str
    score: float
    """The mean that crossed the threshold."""
    at_sample: int
    """Position after the last sample that was looked at when the decision fell."""


class Detector:
    """Watches the scores of one word; positions are those of the scores."""

    def __init__(self, rule: DetectionRule) -> None:
        if not 0.0 < rule.threshold < 1.0 or rule.window < 1:
            raise ValueError(f"a threshold between 0 and 1 was expected, got {rule}")
        self.rule = rule
        self.peak = 0.0
        """The highest mean since the last reset."""
        self._recent: deque[float] = deque(maxlen=rule.window)
        self._is_armed = True
        self._silent_until = -1

    def update(self, score: Score) -> Detection | None:
        """Take the next score; return a detection when it completes one."""
        self._recent.append(score.value)
        if len(self._recent) < self.rule.window:
            return None
        mean = sum(self._recent) / self.rule.window
        self.peak = max(self.peak, mean)
        if mean <= self.rule.threshold:
            self._is_armed = True
            return None
        if not self._is_armed or score.end_sample < self._silent_until:
            return None
        # One word is one detection, however long the scores stay up.
        self._is_armed = False
        self._silent_until = score.end_sample + round(self.rule.refractory_s * RATE_HZ)
        return Detection(score.word, mean, score.end_sample)

    def restart(self, silent_until: int = -1) -> None:
        """Forget the window because the engine was reset.

        ``silent_until`` carries a pause that still runs over into the new count of samples.
        """
        self._recent.clear()
        self._is_armed = True
        self._silent_until = silent_until

    @property
    def silent_until(self) -> int:
        """The position before which no detection counts."""
        return self._silent_until


def detect(scores: Iterable[Score], rule: DetectionRule) -> tuple[list[Detection], float]:
    """All detections in the scores of one word, and the highest mean reached."""
    detector = Detector(rule)
    found = [detection for score in scores if (detection := detector.update(score))]
    return found, detector.peak
