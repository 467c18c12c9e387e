"""How soon work stops that nobody wants any more: transcription, chat, speech.

A worker does the work as the brain does it, is told to stop after a part of the time that
the whole would take, and is timed until it has returned. What it goes on using of the
processor afterwards is measured too: a thread that comes back while the model behind it
goes on has freed nothing.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device.brain.base.abilities import Cancellation, CancelledWorkError
from device.workshop.bench.figures import spread

if TYPE_CHECKING:
    from device.brain.base.abilities import Abilities

PARTS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9)
"""How much of the work has been done when it is stopped: every phase of it has its turn
(preparing, encoding, generating; reading, telling; pronouncing, synthesis)."""
_AFTER_S = 0.1
_LONGEST_S = 3.0
"""A story is told for longer; its first seconds are like the others."""
_LONG = (
    "Please remind me to water the plants in the kitchen and in the living room every "
    "Tuesday at half past seven in the evening, and to close the windows before it gets dark."
)
_MURMUR_SAMPLES = 6 * 16_000
"""Noise that is heard as doubtful words, and therefore a second time with more silence."""
_CHAT = "Tell me a long story about a cat who lives in a lighthouse."
Work = Callable[[Cancellation], None]


def cancelling(abilities: Abilities, rounds: int = 4, *, with_chat: bool = False) -> dict[str, Any]:
    """Return, per kind of work, the seconds from cancelling to its end (``cancel_s``).

    With them: the processor time of that (which other programs do not lengthen), that of
    the tenth of a second after it, and how long the whole work would have taken.
    ``with_chat``: the abilities have a chat model.
    """
    return {name: _measure(work, rounds) for name, work in _works(abilities, with_chat)}


def _works(abilities: Abilities, with_chat: bool) -> Iterator[tuple[str, Work]]:
    import numpy as np

    from device.brain.base.abilities import Message, TextPart, ThinkRequest
    from device.brain.work.ear import resampled

    sound = np.concatenate(list(abilities.voice.speak(_LONG, "", 1.0, Cancellation())))
    heard = resampled(sound, 24_000, 16_000)
    request = ThinkRequest([Message("user", (TextPart(_CHAT),))], "")

    def transcribe(cancellation: Cancellation) -> None:
        stream = abilities.transcriber.start("en")
        stream.feed(heard, voiced=True)
        stream.finish(cancellation)

    murmur = np.random.default_rng(2).normal(0, 3000, _MURMUR_SAMPLES).astype(np.int16)

    def transcribe_twice(cancellation: Cancellation) -> None:
        abilities.transcriber.transcribe(murmur, "en", cancellation)

    def chat(cancellation: Cancellation) -> None:
        for _ in abilities.thinker.answer(request, cancellation):
            pass

    def speak(cancellation: Cancellation) -> None:
        for _ in abilities.voice.speak(_LONG, "", 1.0, cancellation):
            pass

    yield "transcription", transcribe
    yield "transcription_twice", transcribe_twice
    if with_chat:
        yield "chat", chat
    yield "speech", speak


def _measure(work: Work, rounds: int) -> dict[str, Any]:
    whole_s = min(_timed(work) for _ in range(2))
    stopped = [
        _stopped_after(work, min(whole_s, _LONGEST_S) * part)
        for part in itertools.chain.from_iterable(itertools.repeat(PARTS, rounds))
    ]
    return {
        "cancel_s": spread([one.took_s for one in stopped]),
        "processor_s": spread([one.used_s for one in stopped]),
        "processor_after_s": spread([one.used_after_s for one in stopped]),
        "whole_s": round(whole_s, 4),
    }


def _timed(work: Work) -> float:
    began = time.perf_counter()
    work(Cancellation())
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class _Stopped:
    """How long cancelled work went on, and what it used of the processor, then and after."""

    took_s: float
    used_s: float
    used_after_s: float


def _stopped_after(work: Work, delay_s: float) -> _Stopped:
    """Cancel work in its middle."""
    cancellation = Cancellation()
    ended: list[float] = []

    def run() -> None:
        try:
            work(cancellation)
        except CancelledWorkError:
            pass  # one of the two ways in which cancelled work ends
        finally:
            ended.append(time.perf_counter())

    worker = threading.Thread(target=run, name="bench-cancelling")
    worker.start()
    cancellation.wait(delay_s)
    asked, used_at_first = time.perf_counter(), time.process_time()
    cancellation.cancel()
    worker.join()
    used = time.process_time()
    time.sleep(_AFTER_S)
    return _Stopped(max(0.0, ended[0] - asked), used - used_at_first, time.process_time() - used)
