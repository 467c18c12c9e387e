"""How far the decision lies behind the word when the question follows in the same breath."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from device.wake.card import WordCard, read, write
from device.wake.ending import MOST_BEFORE_MS
from device.wake.engine import RATE_HZ
from device.wake.open import WakeSettings, open_words
from device.wake.pipeline import WakeDetected, WakePipeline
from device.workshop.training.wake import corpus
from device.workshop.training.wake.corpus import Recording, Sound

MOST = 40
_LATE_SHARE = 95
"""Per cent of the delays that the lag covers: what is sent too early is a rest of the wake
word and does no harm, what is sent too late is the first syllable of the question."""
_DRAWN_MS = 100
"""A word said by itself is drawn out at its end; with a question behind it it is shorter."""


def settle_lag(
    card_path: Path, people: Sequence[Recording], others: Sequence[Recording]
) -> WordCard:
    """Measure the lag with the written models and put it into the card.

    Each recording of the word is cut where its level falls, and somebody else goes on at
    once. Nearly the longest of the delays counts, and somewhat more for how words shorten.
    """
    card = read(card_path)
    settings = WakeSettings(words=(card.word,), folders=(card_path.parent,))
    pipeline = WakePipeline(*open_words(settings))
    late_ms = []
    for index, each in enumerate(people[:: -(-len(people) // MOST)]):
        other = others[(index * 7) % len(others)]
        sound, end = _one_breath(corpus.read(each.path), corpus.read(other.path))
        heard = _heard(pipeline, sound)
        if heard is not None:
            late_ms.append((heard.at_sample - end) * 1000 / RATE_HZ)
    if late_ms:
        late = float(np.percentile(late_ms, _LATE_SHARE)) + _DRAWN_MS
        lag_ms = int(np.clip(late, 0, MOST_BEFORE_MS))
        ending = msgspec.structs.replace(card.ending, lag_ms=lag_ms)
        card = msgspec.structs.replace(card, ending=ending)
        write(card, card_path)
    return card


def _one_breath(word: Sound, other: Sound) -> tuple[Sound, int]:
    start, end = corpus.span(word)
    begin, finish = corpus.span(other)
    question = other[begin:finish] * corpus.active_level(word) / corpus.active_level(other)
    lead = np.random.default_rng(1).standard_normal(2 * RATE_HZ).astype(np.float32) * 8
    sound = np.concatenate((lead, word[start:end], question.astype(np.float32), lead[:RATE_HZ]))
    return sound, len(lead) + end - start


def _heard(pipeline: WakePipeline, sound: Sound) -> WakeDetected | None:
    pipeline.restart()
    found = pipeline.process(np.clip(sound, -32768, 32767).astype(np.int16))
    return next((each for each in found if isinstance(each, WakeDetected)), None)
