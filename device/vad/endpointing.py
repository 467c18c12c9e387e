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
    """Silence that ends speech where nobody judged, or the judge was in doubt."""
    finished_silence_ms: int = 350
    """Silence that is enough after a sentence that sounds finished."""
    unfinished_silence_ms: int = 1600
    """Silence that is waited for after a sentence that sounds unfinished."""


PAUSE_MS = 160
"""Silence that makes a pause, at which it is judged whether the sentence is finished: longer
than the closure of a consonant, short enough to leave time for the judgement."""
SURELY_FINISHED = 0.8
SURELY_UNFINISHED = 0.1
"""Probabilities from and up to which the judge is believed; see ``sentence_end.json``."""
IN_DOUBT = 0.45
"""In the middle the usual silence counts, and between these all that lies between."""


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began at this sample (16 kHz, since the reset)."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Speech ended at this sample: its last one, not the moment of the decision."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class Suspected:
    """A voice may have begun at this sample: one hop resembles one. :class:`Started` or
    :class:`Doubted` follows."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class Doubted:
    """What was suspected was no voice, or too short for one, as is known at this sample."""

    at_sample: int


class Endpointer:
    """Finds the beginning and the end of speech in a stream of probabilities.

    Speech has begun when the probability was at or above ``start_threshold`` for
    ``min_speech_ms``, dips above ``end_threshold`` allowed; the beginning is where it first
    was. It has ended when it was below ``end_threshold`` for ``end_silence_ms``; the end is
    where that silence began. Who knows more about the sentence says so by :meth:`judge` at
    the moment when :attr:`is_pausing`.
    """

    def __init__(self, rule: SpeechRule) -> None:
        if not 0 < rule.end_threshold <= rule.start_threshold < 1:
            raise ValueError(f"0 < end_threshold <= start_threshold < 1 expected, got {rule}")
        self.rule = rule
        self._needed = rule.min_speech_ms * RATE_HZ // 1000
        self._pause = PAUSE_MS * RATE_HZ // 1000
        self._silence_needed = self._usual = rule.end_silence_ms * RATE_HZ // 1000
        self.reset()

    def reset(self, position: int = 0) -> None:
        """Begin again in silence, with the next hop at this position."""
        self._position = position
        self._begin: int | None = None
        self._voiced_end = position
        self.is_speech = False
        self.is_pausing = False

    @property
    def is_suspected(self) -> bool:
        """Whether something has begun that may become speech."""
        return self._begin is not None and not self.is_speech

    def judge(self, finished: float) -> None:
        """Choose the silence that ends the speech, if this pause goes on.

        ``finished``: how likely it is that the sentence is. A word ends the effect.
        """
        rule = self.rule
        short_ms = min(rule.end_silence_ms, rule.finished_silence_ms)
        long_ms = max(rule.end_silence_ms, rule.unfinished_silence_ms)
        if finished >= IN_DOUBT:
            share = (finished - IN_DOUBT) / (SURELY_FINISHED - IN_DOUBT)
            silence_ms = rule.end_silence_ms + min(share, 1.0) * (short_ms - rule.end_silence_ms)
        else:
            share = (IN_DOUBT - finished) / (IN_DOUBT - SURELY_UNFINISHED)
            silence_ms = rule.end_silence_ms + min(share, 1.0) * (long_ms - rule.end_silence_ms)
        self._silence_needed = round(silence_ms * RATE_HZ / 1000)

    def update(self, probability: float) -> Started | Ended | None:
        """Take the probability of the next hop (512 samples at 16 kHz)."""
        start, end = self._position, self._position + HOP_SAMPLES
        self._position = end
        self.is_pausing = False
        if probability >= (self.rule.end_threshold if self.is_speech else self._entry()):
            if self._begin is None:
                self._begin = start
            self._voiced_end = end
            self._silence_needed = self._usual
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
        silence = now - self._voiced_end
        self.is_pausing = silence - HOP_SAMPLES < self._pause <= silence
        if silence < self._silence_needed:
            return None
        self.is_speech = False
        self._begin = None
        return Ended(self._voiced_end)
