"""Cancelled work frees its core, whatever it was at: counted in processor time, not by a clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from device.brain.base.abilities import Cancellation, CancelledWorkError
from device.brain.hearing import stt
from device.brain.hearing.stt import WhisperTranscriber
from device.brain.hearing.whisper import Whisper
from device.brain.speaking import tts
from device.brain.speaking.tts import HibariVoice

MOST_OF_IT = 0.12
"""Part of the whole work that may still be done after it was cancelled: 8 to 60 ms here."""
TRIES = 20
"""On a busy machine the test may be held up between reading the clock and cancelling."""
SENTENCE = (
    "Please remind me to water the plants in the kitchen and in the living room every "
    "Tuesday at half past seven in the evening."
)


@dataclass
class Phases:
    """Tells when a part of the work begins, and which parts were finished."""

    begun: dict[str, threading.Event]
    finished: list[str]

    def forget(self) -> None:
        self.finished.clear()
        for begun in self.begun.values():
            begun.clear()


@pytest.fixture
def phases(monkeypatch: pytest.MonkeyPatch) -> Phases:
    """Watch the parts of a transcription: encoding, generating, and the same once more."""
    names = ("encoding", "generating", "encoding again", "generating again")
    seen = Phases({name: threading.Event() for name in names}, [])

    def watched(kind: str, function: Callable[..., object]) -> Callable[..., object]:
        def watch(*given: object) -> object:
            name = kind if kind not in seen.finished else f"{kind} again"
            seen.begun[name].set()
            made = function(*given)
            seen.finished.append(name)
            return made

        return watch

    monkeypatch.setattr(Whisper, "hear", watched("encoding", Whisper.hear))
    monkeypatch.setattr(Whisper, "write", watched("generating", Whisper.write))
    return seen


class Worker:
    """Does work on a thread of its own, whose processor time is counted."""

    def __init__(self, work: Callable[[Cancellation], object]) -> None:
        self.cancellation = Cancellation()
        self.result: object = None
        self._work = work
        self._ended, self._read = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="test-worker")
        self._thread.start()
        self._clock = time.pthread_getcpuclockid(self._thread.ident or 0)

    def _run(self) -> None:
        try:
            self.result = self._work(self.cancellation)
        except CancelledWorkError as cancelled:
            self.result = cancelled
        self._ended.set()
        self._read.wait(30)  # a thread that is gone has no clock

    def used_s(self) -> float:
        return time.clock_gettime(self._clock)

    def work_until(self, used_s: float) -> None:
        while self.used_s() < used_s and not self._ended.is_set():
            self._ended.wait(0.0005)

    def end(self) -> float:
        assert self._ended.wait(60)
        used_s = self.used_s()
        self._read.set()
        self._thread.join()
        return used_s


def used_by(work: Callable[[Cancellation], object]) -> float:
    """Processor seconds of the whole work, the less of two times."""
    return min(Worker(work).end() for _ in range(2))


@pytest.mark.parametrize("phase", ["encoding", "generating", "encoding again", "generating again"])
def test_a_cancelled_transcription_frees_its_core_in_every_phase(
    phase: str, transcriber: WhisperTranscriber, phases: Phases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stt, "DOUBTFUL_SCORE", 1.0)  # whatever is heard is heard again
    noise = np.random.default_rng(2).normal(0, 3000, 6 * 16_000).astype(np.int16)

    def transcribe(cancellation: Cancellation) -> object:
        return transcriber.decode(noise, "en", "", cancellation)

    whole_s = used_by(transcribe)
    assert phases.finished[:4] == ["encoding", "generating", "encoding again", "generating again"]
    for _ in range(TRIES):
        phases.forget()
        worker = Worker(transcribe)
        assert phases.begun[phase].wait(60)
        asked_s = worker.used_s()
        worker.cancellation.cancel()
        used_s = worker.end() - asked_s
        if phase not in phases.finished and used_s < whole_s * MOST_OF_IT:
            break
    assert phase not in phases.finished, "it was never stopped in its middle"
    assert used_s < whole_s * MOST_OF_IT
    assert isinstance(worker.result, CancelledWorkError)
    assert transcriber.decode(noise, "en", "", Cancellation()) is not None, "it is still there"


@pytest.mark.parametrize("part", [0.02, 0.2, 0.5, 0.8, 0.95])
def test_a_cancelled_sentence_frees_its_core(part: float, voice: HibariVoice) -> None:
    def speak(cancellation: Cancellation) -> int:
        return sum(map(len, voice.speak(SENTENCE, "", 1.0, cancellation)))

    whole_s = used_by(speak)
    for _ in range(TRIES):
        worker = Worker(speak)
        worker.work_until(whole_s * part)
        asked_s = worker.used_s()
        worker.cancellation.cancel()
        used_s = worker.end() - asked_s
        if used_s < whole_s * 0.25:
            break
    assert used_s < whole_s * 0.25
    assert isinstance(worker.result, (CancelledWorkError, int))
    assert speak(Cancellation()) > tts.CHUNK_SAMPLES, "the voice is still there"
