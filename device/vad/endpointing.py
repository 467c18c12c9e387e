"""Where speech begins and ends, from probabilities: two thresholds, two durations."""

from __future__ import annotations

from dataclasses import dataclass

from device.vad.silero import HOP_SAMPLES, RATE_HZ


@dataclass(frozen=True, slots=True)
class SpeechRule:
    """What counts as speech, and what as its end."""

    start_threshold: float = 0.5
    """Silero's own default; people are found in 94 % of their frames, no false frame
    in room silence and music."""
    end_threshold: float = 0.35
    min_speech_ms: int = 100
    end_silence_ms: int = 600


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began at this sample (16 kHz, since the reset)."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Speech ended at this sample: its last one, not the moment of the decision."""

    at_sample: int


class Endpointer:
    """Finds the beginning and the end of speech in a stream of probabilities.

    Speech has begun when the probability was at or above ``start_threshold`` for
    ``min_speech_ms``, dips above ``end_threshold`` allowed; the beginning is where it first
    was. It has ended when it was below ``end_threshold`` for ``end_silence_ms``; the end is
    where that silence began.
    """

    def __init__(self, rule: SpeechRule) -> None:
        if not 0 < rule.end_threshold <= rule.start_threshold < 1:
            raise ValueError(f"0 < end_threshold <= start_threshold < 1 expected, got {rule}")
        self.rule = rule
        self._needed = rule.min_speech_ms * RATE_HZ // 1000
        self._silence_needed = rule.end_silence_ms * RATE_HZ // 1000
        self.reset()

    def reset(self, position: int = 0) -> None:
        """Begin again in silence, with the next hop at this position."""
        self._position = position
        self._begin: int | None = None
        self._voiced_end = position
        self.is_speech = False

    def update(self, probability: float) -> Started | Ended | None:
        """Take the probability of the next hop (512 samples at 16 kHz)."""
        start, end = self._position, self._position + HOP_SAMPLES
        self._position = end
        if probability >= (self.rule.end_threshold if self.is_speech else self._entry()):
            if self._begin is None:
                self._begin = start
            self._voiced_end = end
            if not self.is_speech and end - self._begin >= self._needed:
                self.is_speech = True
                return Started(self._begin)
            return None
        return self._quiet(end)

    def _entry(self) -> float:
        """A beginning that is under way survives a dip down to the lower threshold."""
        return self.rule.start_threshold if self._begin is None else self.rule.end_threshold

    def _quiet(self, now: int) -> Ended | None:
        if not self.is_speech:
            self._begin = None
            return None
        if now - self._voiced_end < self._silence_needed:
            return None
        self.is_speech = False
        self._begin = None
        return Ended(self._voiced_end)
