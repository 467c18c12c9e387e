"""Step: the wake word, said three times, with its scores."""

from __future__ import annotations

import dataclasses
import queue
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from device.audio.microphone import Microphone
from device.audio.resample import Resampler
from device.audio.samples import Samples
from device.ears.opening import wake_settings
from device.settings import tree
from device.settings.setup_errors import SetupError
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
        settings = visit.settings
        words = ", ".join(_described(word, settings) for word in settings.wake_words())
        return f"{words}, sensitivity {settings.wake.sensitivity}"

    def run(self, visit: Visit) -> None:
        """Do it."""
        self._choose_word(visit)
        settings = visit.settings
        word = _word_to_say(visit, settings)
        alone = dataclasses.replace(wake_settings(settings), words=(word,))
        _, card = find(word, alone.engine, alone.folders)
        threshold = alone.rule_of(card).threshold
        visit.dialogue.say(
            f'Say "{word}" {TIMES} times, each time when you are asked to, from where you will '
            f"stand. It counts from a score of {threshold:.2f} on."
        )
        microphone = visit.bench.microphone(settings.microphone)
        with _open(microphone) as blocks:
            scores = [self._once(visit, alone, number, blocks) for number in range(1, TIMES + 1)]
        heard = sum(score > threshold for score in scores)
        visit.dialogue.say(f"{heard} of {TIMES} were heard.")
        if heard < TIMES:
            helps = _higher_would_help(alone, card, min(scores))
            self._advise(visit, _profile_of(word, settings), helps=helps)

    def _choose_word(self, visit: Visit) -> None:
        """The first word of ``[wake]``; what else is listened for stays."""
        wake = visit.settings.wake
        words = shipped_words(wake.engine, wake_settings(visit.settings).folders)
        first, *others = (tree.plain_word(word) for word in wake.words)
        current = words.index(first) if first in words else None
        chosen = visit.dialogue.choose("Which word?", words, current)
        if chosen is not None and words[chosen] != first:
            kept = (word for word in others if word != words[chosen])
            visit.change((words[chosen], *kept), "wake", "words")

    def _once(self, visit: Visit, alone: WakeSettings, number: int, blocks: Blocks) -> float:
        (word,) = alone.words
        pipeline = WakePipeline(*open_words(alone))
        visit.dialogue.say(f"{number}: say it now.")
        until_s, is_heard = time.monotonic() + WAIT_S, False
        while time.monotonic() < until_s:
            found = pipeline.process(blocks.next())
            if not is_heard and any(isinstance(each, Heard) for each in found):
                is_heard, until_s = True, time.monotonic() + AFTER_S
        score = pipeline.peaks[word]
        visit.dialogue.say(f"   {'heard' if is_heard else 'not heard'}, score {score:.2f}")
        return score

    def _advise(self, visit: Visit, profile: tree.Profile | None, *, helps: bool) -> None:
        """``helps``: a higher sensitivity would have."""
        if not helps:
            visit.dialogue.say(
                "Try again nearer, or with less noise; the step of the microphone shows how loud "
                "you are."
            )
            return
        visit.dialogue.say(
            "A higher sensitivity would have heard all of them; it wakes by mistake more often."
        )
        if profile is not None:
            visit.dialogue.say(f'For it, write sensitivity = "high" in [[profile]] {profile.name}.')
        elif visit.dialogue.agrees("Use it?"):
            visit.change("high", "wake", "sensitivity")


def _higher_would_help(alone: WakeSettings, card: Card, least_score: float) -> bool:
    """Whether a sensitivity counts here, is not the highest, and that one would have heard."""
    own = alone.own.get(alone.words[0])
    is_number = bool(own.threshold if own is not None else alone.threshold)
    high = card.thresholds.high
    return not is_number and alone.rule_of(card).threshold > high and least_score > high


def _profile_of(word: str, settings: tree.Settings) -> tree.Profile | None:
    """Whose word it is, where that is not everybody's."""
    return next(
        (each for each in settings.profile if word in map(tree.plain_word, each.words)), None
    )


def _described(word: str, settings: tree.Settings) -> str:
    profile = _profile_of(word, settings)
    return f'"{word}"' if profile is None else f'"{word}" ({profile.name})'


def _word_to_say(visit: Visit, settings: tree.Settings) -> str:
    """The only one there is, or the one that somebody wants to try."""
    words = settings.wake_words()
    if len(words) == 1:
        return words[0]
    described = [_described(word, settings) for word in words]
    chosen = visit.dialogue.choose("Which one do you want to say?", described, 0)
    return words[chosen or 0]


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
