"""From the settings to a listening thread."""

from __future__ import annotations

from collections.abc import Callable

from device.audio.capture import Capture
from device.listening import ListeningEvent, ListeningThread, VadSettings
from device.settings import tree
from device.vad.endpointing import SpeechRule
from device.wake.open import WakeSettings


def listening_thread(
    settings: tree.Settings,
    capture: Capture,
    on_event: Callable[[ListeningEvent], None],
    on_failure: Callable[[BaseException], None],
) -> ListeningThread:
    """Load the models and build the thread; raises a ``BitternError`` for what is missing."""
    return ListeningThread.build(
        capture, on_event, on_failure, _wake(settings.wake), _vad(settings.vad)
    )


def _wake(wake: tree.Wake) -> WakeSettings:
    return WakeSettings(
        words=wake.words,
        engine=wake.engine,
        sensitivity=wake.sensitivity,
        threshold=wake.threshold,
        refractory_s=wake.refractory_s,
    )


def _vad(vad: tree.Vad) -> VadSettings:
    speech = SpeechRule(
        start_threshold=vad.start_threshold,
        end_threshold=vad.end_threshold,
        min_speech_ms=vad.min_speech_ms,
        end_silence_ms=vad.end_silence_ms,
    )
    return VadSettings(vad.gate, speech)
