"""The speech path: Silero, the endpointer, how loud, and a judge of sentences, with positions."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.vad.endpointing import Doubted, Ended, Endpointer, SpeechRule, Started, Suspected
from device.vad.loudness import Loudness, LoudnessMeter
from device.vad.silero import HOP_SAMPLES, Silero

MEMORY_SAMPLES = 32_000
"""2 s of sound are kept for the judge."""


class Judge(Protocol):
    """Somebody who can hear whether a sentence is finished."""

    def probability(self, sound: NDArray[np.int16]) -> float:
        """How likely nothing more follows, 0 to 1; ``sound`` (16 kHz) ends in a pause."""


Decided = Suspected | Doubted | Started | Ended | Loudness
"""What the speech path tells."""


class SpeechPipeline:
    """Sound in, beginnings and ends of speech, and how loud it is, out; rests until it is begun.

    Positions count 16 kHz samples on whatever clock ``begin`` names. The judge is asked once
    in each pause, however the sound was cut into calls.
    """

    def __init__(self, silero: Silero, rule: SpeechRule, judge: Judge | None = None) -> None:
        """Without a ``judge`` every silence counts the same."""
        self._silero = silero
        self._endpointer = Endpointer(rule)
        self._judge = judge
        self._meter = LoudnessMeter()
        self._begin_at = 0
        self._position = 0
        self._waiting = np.zeros(0, dtype=np.int16)
        self._recent = np.zeros(0, dtype=np.int16)
        self._unheard = 0
        self._tells_suspicions = False
        self.is_on = False

    def begin(self, position: int, *, tells_suspicions: bool = False) -> None:
        """Listen from this position on; a hearing that was under way is forgotten.

        ``tells_suspicions``: tell of the first hop that resembles a voice, too.
        """
        self._tells_suspicions = tells_suspicions
        self._silero.reset()
        self._endpointer.reset(position)
        self._meter.reset()
        self._begin_at = self._position = position
        self._waiting = self._waiting[:0]
        self._recent = self._recent[:0]
        self._unheard = 0
        self.is_on = True

    def end(self) -> None:
        """Rest."""
        self.is_on = False

    def process(self, samples: NDArray[np.int16], position: int) -> list[Decided]:
        """Take the next samples, whose first lies at ``position``; return what was decided.

        What lies before the position that ``begin`` named is not listened to.
        """
        early = max(0, self._begin_at - position)
        if not self.is_on or early >= len(samples):
            return []
        probabilities = self._silero.process(samples[early:])
        if self._judge is not None:
            self._remember(samples[early:])
        sound = np.concatenate((self._waiting, samples[early:]))
        self._waiting = sound[len(probabilities) * HOP_SAMPLES :].copy()
        decided: list[Decided] = []
        for number, probability in enumerate(probabilities, start=1):
            was_suspected = self._endpointer.is_suspected
            event = self._endpointer.update(probability)
            decided += self._suspicion(was_suspected)
            hop = sound[(number - 1) * HOP_SAMPLES : number * HOP_SAMPLES]
            loudness = self._measure(hop, probability)
            if isinstance(event, Started):
                decided.append(event)
            if loudness is not None:
                decided.append(loudness)
            if isinstance(event, Ended):
                decided.append(event)
            if event is None and self._endpointer.is_pausing and self._judge is not None:
                self._ask(self._judge, len(probabilities) - number)
        return decided

    def _suspicion(self, was_suspected: bool) -> list[Decided]:
        """What the hop just looked at changed about a suspicion."""
        here = self._endpointer
        if not self._tells_suspicions or here.is_suspected is was_suspected:
            return []
        if here.is_suspected:
            return [Suspected(self._position)]
        return [] if here.is_speech else [Doubted(self._position)]

    def _measure(self, hop: NDArray[np.int16], probability: float) -> Loudness | None:
        """How loud a stretch of speech was that ends with this hop."""
        at_sample, self._position = self._position, self._position + HOP_SAMPLES
        if self._endpointer.is_pausing:
            return self._meter.pause()
        is_voiced = probability >= self._endpointer.rule.start_threshold
        return self._meter.update(hop, at_sample, is_voiced)

    def _remember(self, samples: NDArray[np.int16]) -> None:
        """Keep what the judge may want to hear; count what the detector has not looked at."""
        self._unheard = (self._unheard + len(samples)) % HOP_SAMPLES
        kept = len(samples) + MEMORY_SAMPLES
        self._recent = np.concatenate((self._recent, samples))[-kept:]

    def _ask(self, judge: Judge, hops_after: int) -> None:
        """Ask about the sound up to the hop that made the pause."""
        end = len(self._recent) - self._unheard - hops_after * HOP_SAMPLES
        self._endpointer.judge(judge.probability(self._recent[:end]))
