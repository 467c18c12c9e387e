"""The listening thread on a capture: events, failures, the past, the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.audio.capture import Capture
from device.audio.files import FileMicrophone, write_sound
from device.ears.heard import ListeningEvent, SpeechStarted, WakeWordHeard
from device.ears.listener import Listener, VadSettings
from device.ears.thread import ListeningThread
from device.vad.silero import Silero
from device.vad.speech import SpeechPipeline, SpeechRule
from device.wake.detector import DetectionRule
from device.wake.engine import Score
from device.wake.open import WakeSettings
from device.wake.pipeline import WakePipeline

Sound = NDArray[np.int16]


@pytest.fixture
def recording(say: Callable[..., Sound], tmp_path: Path, model: Callable[[str], Path]) -> Path:
    model("microwakeword/hey_jarvis.onnx")
    model("silero/silero_vad.onnx")
    spoken = say("Hey Jarvis, what time is it?")
    sound = (np.random.default_rng(1).normal(size=16_000 * 9) * 20).astype(np.int16)
    sound[48_000 : 48_000 + len(spoken)] += spoken
    path = tmp_path / "scene.wav"
    write_sound(path, sound, 16_000)
    return path


class Heard:
    """Collects what the thread says."""

    def __init__(self) -> None:
        self.events: list[ListeningEvent] = []
        self.failures: list[BaseException] = []
        self.changed = threading.Condition()

    def on_event(self, event: ListeningEvent) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def on_failure(self, failure: BaseException) -> None:
        with self.changed:
            self.failures.append(failure)
            self.changed.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, 30.0), (self.events, self.failures)


def test_a_recording_is_heard_and_the_past_can_be_asked_for(recording: Path) -> None:
    others = set(threading.enumerate())
    capture = Capture(FileMicrophone(recording))
    heard = Heard()
    thread = ListeningThread.build(
        capture, heard.on_event, heard.on_failure, WakeSettings(), VadSettings()
    )
    thread.start()
    try:
        capture.open()
        heard.wait(lambda: any(isinstance(e, WakeWordHeard) for e in heard.events))
        wake = next(e for e in heard.events if isinstance(e, WakeWordHeard))
        thread.listen_for_speech(True, from_sample=wake.end_sample)
        heard.wait(lambda: any(isinstance(e, SpeechStarted) for e in heard.events))
    finally:
        capture.close()
        thread.stop()
    started = next(e for e in heard.events if isinstance(e, SpeechStarted))
    assert 0 <= started.at_sample - wake.end_sample < 16_000
    assert thread.counts.blocks > 50
    assert thread.counts.worst_block_ms > 0
    assert heard.failures == []
    assert "listening" not in [each.name for each in set(threading.enumerate()) - others]


class BrokenEngine:
    """Fails like a model whose file went bad, but only once it runs."""

    words = ("hey jarvis",)
    settling_samples = 16_000

    def process(self, samples: Sound) -> list[Score]:
        raise RuntimeError("the model broke")

    def reset(self) -> None:
        """Nothing to forget."""


def test_a_thread_that_dies_says_so(recording: Path, model: Callable[[str], Path]) -> None:
    capture = Capture(FileMicrophone(recording))
    heard = Heard()
    wake = WakePipeline(BrokenEngine(), {"hey jarvis": DetectionRule(threshold=0.5)})
    speech = SpeechPipeline(Silero(model("silero/silero_vad.onnx")), SpeechRule())
    thread = ListeningThread(
        capture, Listener(16_000, wake, speech), heard.on_event, heard.on_failure
    )
    thread.start()
    try:
        capture.open()
        heard.wait(lambda: bool(heard.failures))
    finally:
        capture.close()
        thread.stop()
    assert [str(failure) for failure in heard.failures] == ["the model broke"]


def test_it_stops_soon_when_nothing_comes(recording: Path) -> None:
    heard = Heard()
    thread = ListeningThread.build(
        Capture(FileMicrophone(recording)),
        heard.on_event,
        heard.on_failure,
        WakeSettings(),
        VadSettings(),
    )
    thread.start()
    with pytest.raises(RuntimeError, match="already"):
        thread.start()
    began_s = time.monotonic()
    thread.stop()
    thread.stop()
    assert time.monotonic() - began_s < 2.0
