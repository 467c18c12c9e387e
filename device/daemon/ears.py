"""From the settings to a listening thread."""

from __future__ import annotations

from collections.abc import Callable

from device.audio.capture import Capture
from device.errors import EXIT_BAD_SETTINGS, BitternError
from device.listening import Listener, ListeningEvent, ListeningThread
from device.models import path_of
from device.settings import tree
from device.vad.endpointing import SpeechRule
from device.vad.gate import Gate
from device.vad.silero import Silero
from device.vad.speech import SpeechPipeline
from device.wake.detector import Rule
from device.wake.engine import WakeEngine
from device.wake.microwakeword import MicroWakeWord
from device.wake.openwakeword import OpenWakeWord
from device.wake.pipeline import WakePipeline

THRESHOLDS = {
    "microwakeword": {"low": 0.97, "normal": 0.9, "high": 0.7},
    "openwakeword": {"low": 0.7, "normal": 0.5, "high": 0.3},
}
WINDOWS = {"microwakeword": 5, "openwakeword": 1}


class UnknownWordError(BitternError):
    """No model for a word of the settings."""

    exit_code = EXIT_BAD_SETTINGS


def listening_thread(
    settings: tree.Settings,
    capture: Capture,
    on_event: Callable[[ListeningEvent], None],
    on_failure: Callable[[BaseException], None],
) -> ListeningThread:
    """Load the models and build the thread; raises a ``BitternError`` for what is missing."""
    engine = _engine(settings.wake)
    rules = {word: _rule(settings.wake) for word in engine.words}
    wake = WakePipeline(engine, rules, Gate() if settings.vad.gate else None)
    speech = SpeechPipeline(Silero(path_of("silero/silero_vad.onnx")), _speech_rule(settings.vad))
    listener = Listener(capture.rate_hz, wake, speech)
    return ListeningThread(capture, listener, on_event, on_failure)


def _engine(wake: tree.Wake) -> WakeEngine:
    names = {word: word.lower().replace(" ", "_") for word in wake.words}
    if wake.engine == "openwakeword":
        models = {word: path_of(f"openwakeword/{name}_v0.1.onnx") for word, name in names.items()}
        mel, embedding = (
            path_of(f"openwakeword/{part}.onnx") for part in ("melspectrogram", "embedding_model")
        )
        return OpenWakeWord(models, mel, embedding)
    return MicroWakeWord(
        {word: path_of(f"microwakeword/{name}.onnx") for word, name in names.items()}
    )


def _rule(wake: tree.Wake) -> Rule:
    threshold = wake.threshold or THRESHOLDS[wake.engine][wake.sensitivity]
    return Rule(threshold, WINDOWS[wake.engine], wake.refractory_s)


def _speech_rule(vad: tree.Vad) -> SpeechRule:
    return SpeechRule(
        start_threshold=vad.start_threshold,
        end_threshold=vad.end_threshold,
        min_speech_ms=vad.min_speech_ms,
        end_silence_ms=vad.end_silence_ms,
    )
