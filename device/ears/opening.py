"""From the settings to a listening thread."""

from __future__ import annotations

import logging
from collections.abc import Callable

from device.audio.capture import Capture
from device.audio.echo.eraser import RingEraser
from device.audio.echo.guard import EchoGuard
from device.audio.echo.own_voice import OwnVoice
from device.audio.echo.reference import Reference
from device.audio.echo.speexdsp import MissingCancellerError, SpeexCanceller
from device.audio.playback import Playback
from device.ears.heard import ListeningEvent
from device.ears.listener import VadSettings
from device.ears.thread import ListeningThread
from device.models import store_of
from device.settings import tree
from device.settings.places import state_folder
from device.vad.endpointing import SpeechRule
from device.wake.detector import never
from device.wake.open import Own, WakeSettings, card_folders, open_words
from device.wake.pipeline import ALERT_SAMPLES, WakePipeline

log = logging.getLogger(__name__)


def listening_thread(
    settings: tree.Settings,
    capture: Capture,
    playback: Playback,
    on_event: Callable[[ListeningEvent], None],
    on_failure: Callable[[BaseException], None],
) -> ListeningThread:
    """Load the models and build the thread; raises a ``BitternError`` for what is missing."""
    wake, vad = wake_settings(settings), _vad(settings)
    echo = echo_guard(settings.echo.mode, capture, playback, wake)
    return ListeningThread.build(capture, on_event, on_failure, wake, vad, echo)


def echo_guard(
    mode: str, capture: Capture, playback: Playback, wake: WakeSettings
) -> EchoGuard | None:
    """What takes the playback out of the capture; raises a ``BitternError`` for what is missing.

    Has the playback tell what it plays: call it before the playback is opened.
    """
    if mode == "off":
        return None
    ring = capture.ring
    reference = Reference(lambda: playback.speaker.rate_hz, capture.now_s)
    playback.on_played = reference.take
    playback.follow_clock(capture.now_s)
    canceller = None if mode == "half_duplex" else _canceller()
    return EchoGuard(reference, canceller, own_voice(wake), RingEraser(ring))


def own_voice(wake: WakeSettings) -> OwnVoice:
    """Ears for what is played: the same models with a state of their own.

    What is wanted is how much each moment resembles a word. Short blocks, so that they are
    not behind.
    """
    engine, rules, second = open_words(wake)
    path = WakePipeline(engine, never(rules), second, (ALERT_SAMPLES, ALERT_SAMPLES))
    return OwnVoice(path, {word: rule.threshold for word, rule in rules.items()})


def _canceller() -> SpeexCanceller | None:
    try:
        return SpeexCanceller()
    except MissingCancellerError as missing:
        log.warning("%s", missing)
        return None


def wake_settings(settings: tree.Settings) -> WakeSettings:
    """What to listen for: the words of ``[wake]`` and those of all profiles."""
    wake = settings.wake
    return WakeSettings(
        words=settings.wake_words(),
        engine=wake.engine,
        sensitivity=wake.sensitivity,
        threshold=wake.threshold,
        refractory_s=wake.refractory_s,
        near_misses=wake.keep_recordings > 0,
        models=store_of(settings.paths.models),
        folders=card_folders(state_folder(settings.paths)),
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
