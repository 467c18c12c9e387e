"""From the settings to a listening thread."""

from __future__ import annotations

from collections.abc import Callable

from device.audio.capture import Capture
from device.listening import ListeningEvent, ListeningThread, VadSettings
from device.settings import tree
from device.vad.endpointing import SpeechRule
from device.wake.open import Own, WakeSettings


def listening_thread(
    settings: tree.Settings,
    capture: Capture,
    on_event: Callable[[ListeningEvent], None],
    on_failure: Callable[[BaseException], None],
) -> ListeningThread:
    """Load the models and build the thread; raises a ``BitternError`` for what is missing."""
    return ListeningThread.build(capture, on_event, on_failure, _wake(settings), _vad(settings))


def _wake(settings: tree.Settings) -> WakeSettings:
    wake = settings.wake
    return WakeSettings(
        words=settings.wake_words(),
        engine=wake.engine,
        sensitivity=wake.sensitivity,
        threshold=wake.threshold,
        refractory_s=wake.refractory_s,
        near_misses=wake.keep_recordings > 0,
        own={
            tree.plain_word(word): Own(each.sensitivity or wake.sensitivity, each.threshold)
            for each in settings.profile
            for word in each.words
            if each.sensitivity or each.threshold
        },
    )


def _vad(settings: tree.Settings) -> VadSettings:
    """Sentences are judged only where some endpoint leaves it to the device when to answer."""
    vad = settings.vad
    decides = any(each.turn_detection == "local" for each in settings.endpoints())
    speech = SpeechRule(
        start_threshold=vad.start_threshold,
        end_threshold=vad.end_threshold,
        min_speech_ms=vad.min_speech_ms,
        end_silence_ms=vad.end_silence_ms,
        finished_silence_ms=vad.finished_silence_ms,
        unfinished_silence_ms=vad.unfinished_silence_ms,
    )
    return VadSettings(vad.gate, speech, judges=vad.sentence_end and decides)
