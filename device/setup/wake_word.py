"""Step: the wake word, said three times, with its scores."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from device.audio.microphone import Microphone
from device.audio.resample import Resampler
from device.audio.samples import Samples
from device.settings import tree
from device.setup.errors import SetupError
from device.setup.visit import Visit
from device.wake.card import Card, find
from device.wake.engine import RATE_HZ
from device.wake.open import WakeSettings, open_words, shipped_words
from device.wake.pipeline import Heard, WakePipeline

TIMES = 3
WAIT_S = 8.0
"""For one of them."""
AFTER_S = 0.8
"""The score goes on rising after it has crossed the threshold."""
BLOCK_WITHIN_S = 3.0


class WakeWordStep:
    """Choose it, say it, see whether it was heard and how surely."""

    name = "wake"
    title = "The wake word"
    takes_hardware = True

    def now(self, visit: Visit) -> str:
        """What is chosen at present."""
        wake = visit.settings.wake
        return f'"{", ".join(wake.words)}", sensitivity {wake.sensitivity}'

    def run(self, visit: Visit) -> None:
        """Do it."""
        word = self._chosen_word(visit)
        wake = visit.settings.wake
        _, card = find(word, wake.engine)
        threshold = _threshold(wake, card)
        visit.dialogue.say(
            f'Say "{word}" {TIMES} times, each time when you are asked to, from where you will '
            f"stand. It counts from a score of {threshold:.2f} on."
        )
        microphone = visit.bench.microphone(visit.settings.microphone)
        with _open(microphone) as blocks:
            scores = [self._once(visit, word, number, blocks) for number in range(1, TIMES + 1)]
        heard = sum(score > threshold for score in scores)
        visit.dialogue.say(f"{heard} of {TIMES} were heard.")
        if heard < TIMES:
            self._advise(visit, card, scores)

    def _chosen_word(self, visit: Visit) -> str:
        wake = visit.settings.wake
        words = shipped_words(wake.engine)
        current = words.index(wake.words[0]) if wake.words[0] in words else None
        chosen = visit.dialogue.choose("Which word?", words, current)
        if chosen is not None and (words[chosen],) != wake.words:
            visit.change((words[chosen],), "wake", "words")
        return visit.settings.wake.words[0]

    def _once(self, visit: Visit, word: str, number: int, blocks: Blocks) -> float:
        wake = visit.settings.wake
        one = WakeSettings((word,), wake.engine, wake.sensitivity, wake.threshold)
        pipeline = WakePipeline(*open_words(one))
        visit.dialogue.say(f"{number}: say it now.")
        until_s, is_heard = time.monotonic() + WAIT_S, False
        while time.monotonic() < until_s:
            found = pipeline.process(blocks.next())
            if not is_heard and any(isinstance(each, Heard) for each in found):
                is_heard, until_s = True, time.monotonic() + AFTER_S
        score = pipeline.peaks[word]
        visit.dialogue.say(f"   {'heard' if is_heard else 'not heard'}, score {score:.2f}")
        return score

    def _advise(self, visit: Visit, card: Card, scores: list[float]) -> None:
        wake = visit.settings.wake
        if not wake.threshold and min(scores) > card.thresholds.high and wake.sensitivity != "high":
            visit.dialogue.say(
                "A higher sensitivity would have heard all of them; it wakes by mistake more often."
            )
            if visit.dialogue.agrees("Use it?"):
                visit.change("high", "wake", "sensitivity")
        else:
            visit.dialogue.say(
                "Try again nearer, or with less noise; the step of the microphone shows how loud "
                "you are."
            )


def _threshold(wake: tree.Wake, card: Card) -> float:
    return wake.threshold or card.thresholds.at(wake.sensitivity)


class Blocks:
    """Sound from a microphone, 16 kHz, as it comes."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self._resampler = Resampler(microphone.rate_hz, RATE_HZ)
        self._queue: queue.Queue[Samples] = queue.Queue()

    def open(self) -> None:
        """Begin."""
        self._microphone.open(self._queue.put)

    def close(self) -> None:
        """End."""
        self._microphone.close()

    def next(self) -> Samples:
        """Wait for the next; raises ``SetupError`` when the microphone has stopped."""
        try:
            return self._resampler.process(self._queue.get(timeout=BLOCK_WITHIN_S))
        except queue.Empty:
            raise SetupError(f"{self._microphone.name} has stopped", "Is it plugged in?") from None


@contextmanager
def _open(microphone: Microphone) -> Iterator[Blocks]:
    blocks = Blocks(microphone)
    blocks.open()
    with closing(blocks):
        yield blocks
