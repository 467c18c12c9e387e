"""Step: the wake word, said three times, with its scores."""

from __future__ import annotations

import dataclasses
import queue
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from device.audio.microphone import Microphone
from device.audio.resample import Resampler
from device.audio.samples import Samples
from device.ears.opening import wake_settings
from device.errors import BitternError
from device.settings import tree
from device.settings.setup_errors import SetupError
from device.setup.visit import SetupVisit
from device.setup.wake_fitting import (
    Fit,
    Take,
    false_accepts_at,
    fit_to_voice,
    fitted,
    is_fitted,
    others_in_order,
    step_that_hears,
    unfitted,
)
from device.wake.card import WordCard, cards, find
from device.wake.engine import RATE_HZ
from device.wake.open import WakeSettings, open_words, shipped_words
from device.wake.pipeline import WakeDetected, WakePipeline

TIMES = 3
WAIT_S = 8.0
"""For one of them."""
NOTHING = 0.02
"""No take scored higher: nobody spoke, or from too far off for any threshold."""
AFTER_S = 0.8
"""The score goes on rising after it has crossed the threshold."""
BLOCK_WITHIN_S = 3.0


class WakeWordStep:
    """Choose it, say it, see whether it was heard and how surely; and what helps if it was not."""

    name = "wake"
    title = "The wake word"
    takes_hardware = True

    def __init__(self, fit: Fit = fit_to_voice) -> None:
        self._fit = fit

    def now(self, visit: SetupVisit) -> str:
        """What is chosen at present."""
        settings = visit.settings
        words = ", ".join(_described(word, settings) for word in settings.wake_words())
        return f"{words}, sensitivity {settings.wake.sensitivity}"

    def run(self, visit: SetupVisit) -> None:
        """Do it."""
        self._choose_word(visit)
        word = _word_to_say(visit, visit.settings)
        while True:
            takes = self._said(visit, word)
            if self._were_heard(visit, word, takes) or self._helped(visit, word, takes):
                return
            other = self._other(visit, word)
            if other is None:
                return
            word = other

    def _choose_word(self, visit: SetupVisit) -> None:
        """The first word of ``[wake]``; what else is listened for stays."""
        wake = visit.settings.wake
        words = shipped_words(wake.engine, wake_settings(visit.settings).folders)
        words = tuple(dict.fromkeys(words))
        first = tree.plain_word(wake.words[0])
        current = words.index(first) if first in words else None
        chosen = visit.dialogue.choose("Which word?", words, current)
        if chosen is not None:
            _use(visit, words[chosen])

    def _said(self, visit: SetupVisit, word: str) -> list[Take]:
        """The word, said three times."""
        alone, card = _alone(visit, word)
        visit.dialogue.say(
            f'Say "{word}" {TIMES} times, each time when you are asked to, from where you will '
            f"stand. It counts from a score of {alone.rule_of(card).threshold:.2f} on."
        )
        microphone = visit.bench.microphone(visit.settings.microphone)
        with _open(microphone) as blocks:
            return [self._once(visit, alone, number, blocks) for number in range(1, TIMES + 1)]

    def _once(self, visit: SetupVisit, alone: WakeSettings, number: int, blocks: Blocks) -> Take:
        (word,) = alone.words
        pipeline = WakePipeline(*open_words(alone))
        visit.dialogue.say(f"{number}: say it now.")
        parts: list[Samples] = []
        missing, is_heard = round(WAIT_S * RATE_HZ), False
        while missing > 0:
            parts.append(blocks.next())
            missing -= len(parts[-1])
            found = pipeline.process(parts[-1])
            if not is_heard and any(isinstance(each, WakeDetected) for each in found):
                is_heard, missing = True, round(AFTER_S * RATE_HZ)
        score = pipeline.peaks[word]
        visit.dialogue.say(f"   {'heard' if is_heard else 'not heard'}, score {score:.2f}")
        return Take(score, np.concatenate(parts))

    def _were_heard(self, visit: SetupVisit, word: str, takes: Sequence[Take]) -> bool:
        alone, card = _alone(visit, word)
        threshold = alone.rule_of(card).threshold
        heard = sum(take.score > threshold for take in takes)
        visit.dialogue.say(f"{heard} of {TIMES} were heard.")
        return heard == len(takes)

    def _helped(self, visit: SetupVisit, word: str, takes: Sequence[Take]) -> bool:
        """Whether a lower threshold, or a model of one's own, hears all of them now."""
        if max(take.score for take in takes) < NOTHING:
            visit.dialogue.say(
                "Nothing like it came in. Try again nearer, or with less noise; the step of the "
                "microphone shows how loud you are."
            )
            return True
        return self._lowered(visit, word, takes) or self._is_fitted_now(visit, word, takes)

    def _lowered(self, visit: SetupVisit, word: str, takes: Sequence[Take]) -> bool:
        alone, card = _alone(visit, word)
        step = step_that_hears(card, alone, takes)
        if step is None:
            return False
        visit.dialogue.say(
            f'At the sensitivity "{step}", from {card.thresholds.at(step):.2f} on, all {TIMES} '
            f"count; {false_accepts_at(card, step)}."
        )
        profile = _profile_of(word, visit.settings)
        if profile is None:
            visit.change(step, "wake", "sensitivity")
            visit.dialogue.say(f'The sensitivity is "{step}" now.')
        else:
            visit.dialogue.say(
                f'For it, write sensitivity = "{step}" in [[profile]] {profile.name}.'
            )
        return True

    def _is_fitted_now(self, visit: SetupVisit, word: str, takes: Sequence[Take]) -> bool:
        alone, _ = _alone(visit, word)
        if alone.engine != "microwakeword" or is_fitted(visit, word):
            return False
        visit.dialogue.say("No sensitivity would have heard all of them.")
        if not visit.dialogue.agrees(
            f'Fit "{word}" to your voice, from what you just said? It takes some minutes, and '
            "then hardly anybody else wakes it"
        ):
            return False
        try:
            fitted(visit, word, takes, alone.folders, self._fit)
        except BitternError as failure:
            visit.dialogue.say(f"That cannot be done here: {failure.what}")
            return False
        visit.dialogue.say("Done. Now see whether it hears you.")
        if self._were_heard(visit, word, self._said(visit, word)):
            visit.dialogue.say(f'"{word}" is fitted to your voice, and stays so.')
            return True
        unfitted(visit, word)
        visit.dialogue.say("That did not help, and was taken back.")
        return False

    def _other(self, visit: SetupVisit, word: str) -> str | None:
        """Another word, where the owner wants one; noted as the first of ``[wake]``."""
        if _profile_of(word, visit.settings) is not None:
            visit.dialogue.say("Another word may hear you better: write it into the profile.")
            return None
        alone, _ = _alone(visit, word)
        known = [card for _, card in cards(alone.folders) if card.engine == alone.engine]
        others = others_in_order(known, word)
        visit.dialogue.say("Another word may hear you better; those that miss least come first.")
        chosen = visit.dialogue.choose("Which one instead?", [card.word for card in others])
        if chosen is None:
            return None
        _use(visit, others[chosen].word)
        return others[chosen].word


def _use(visit: SetupVisit, word: str) -> None:
    """Listen for this word first; the other words stay."""
    first, *others = (tree.plain_word(each) for each in visit.settings.wake.words)
    if word != first:
        visit.change((word, *(each for each in others if each != word)), "wake", "words")


def _alone(visit: SetupVisit, word: str) -> tuple[WakeSettings, WordCard]:
    """What listens for this word and nothing else, and its card."""
    alone = dataclasses.replace(wake_settings(visit.settings), words=(word,))
    _, card = find(word, alone.engine, alone.folders)
    return alone, card


def _profile_of(word: str, settings: tree.Settings) -> tree.Profile | None:
    """Whose word it is, where that is not everybody's."""
    return next(
        (each for each in settings.profile if word in map(tree.plain_word, each.words)), None
    )


def _described(word: str, settings: tree.Settings) -> str:
    profile = _profile_of(word, settings)
    return f'"{word}"' if profile is None else f'"{word}" ({profile.name})'


def _word_to_say(visit: SetupVisit, settings: tree.Settings) -> str:
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
