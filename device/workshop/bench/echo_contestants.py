"""Who listens in ``bench echo``: our echo guard, two cancellers by themselves, and none."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from device.workshop.bench.echo_sounds import RATE_HZ, SPEAKER_HZ, Sound

BLOCK_S = 0.02


@dataclass(frozen=True, slots=True)
class EchoContestant:
    """One of the contestants, and what it listens for."""

    name: str
    word: str

    def guard(self, reference: Any) -> Any:
        """What takes the echo out; None for nothing."""
        return CONTESTANTS[self.name](reference, self.word)


@dataclass(slots=True)
class EchoOutcome:
    """What one listener made of one sound."""

    wakes: list[int] = field(default_factory=list)
    """Ends of the wake words, samples at 16 kHz."""
    voices: list[int] = field(default_factory=list)
    """Where somebody began to speak."""
    clean: Sound = field(default_factory=lambda: np.zeros(0, dtype=np.int16))
    """What the wake word model, and the uplink, got."""
    voice: Sound = field(default_factory=lambda: np.zeros(0, dtype=np.int16))
    """What the voice detector got."""
    cpu_s: float = 0.0
    status: Any = None


def _no_guard(_reference: Any, _word: str) -> Any:
    return None


def _our_guard(reference: Any, word: str) -> Any:
    from device.audio.echo.guard import EchoGuard
    from device.audio.echo.speexdsp import SpeexCanceller
    from device.ears.opening import own_voice
    from device.wake.open import WakeSettings

    return EchoGuard(reference, SpeexCanceller(), own_voice(WakeSettings(words=(word,))))


def _speex_alone(reference: Any, _word: str) -> Any:
    from device.audio.echo.speexdsp import SpeexCanceller

    canceller = SpeexCanceller()
    return _alone(reference, lambda heard, played: canceller.process(heard, played).plain)


def _aec3_alone(reference: Any, _word: str) -> Any:
    from pywebrtc_audio import EchoCanceller

    canceller = EchoCanceller(RATE_HZ, 1, 0)

    def process(heard: Sound, played: Sound) -> Sound:
        frames = range(0, len(heard), 160)
        return np.concatenate(
            [canceller.process(heard[at : at + 160], played[at : at + 160]) for at in frames]
        )

    return _alone(reference, process)


def _alone(reference: Any, cancel: Callable[[Sound, Sound], Sound]) -> Any:
    """A canceller by itself: no delay found, no drift followed, no knowledge of words."""
    from device.audio.echo.guard import Cleaned, EchoGuard

    class Alone(EchoGuard):
        def may_hear_echo(self, _begin: int, _end: int) -> bool:
            return True

        def process(self, samples: Sound) -> Cleaned:
            at_s = self._next / RATE_HZ - (reference.anchor_s or 0.0)
            played = np.rint(reference.read(at_s, 1.0, len(samples))).astype(np.int16)
            self._next += len(samples)
            clean = cancel(samples, played)
            return Cleaned(clean, clean)

    return Alone(reference, None)


CONTESTANTS: dict[str, Callable[[Any, str], Any]] = {
    "none": _no_guard,
    "speex": _speex_alone,
    "aec3": _aec3_alone,
    "bittern": _our_guard,
}


def missing(name: str) -> str:
    """Why a contestant cannot take part; empty when it can."""
    if name == "aec3" and importlib.util.find_spec("pywebrtc_audio") is None:
        return "pywebrtc-audio is not installed"
    if name in ("speex", "bittern"):
        from device.audio.echo.speexdsp import MissingCancellerError, load_library

        try:
            load_library()
        except MissingCancellerError as missing:
            return str(missing)
    return ""


def listen(who: EchoContestant, played: Sound, heard_sound: Sound, drift_ppm: float) -> EchoOutcome:
    """Let a contestant hear a sound, while the speaker's blocks go by on their own clock."""
    from device.audio.echo.reference import Reference
    from device.ears.heard import SpeechStarted, WakeWordHeard
    from device.ears.listener import VadSettings, build_listener
    from device.wake.open import WakeSettings

    now = [0.0]
    reference = Reference(lambda: SPEAKER_HZ, lambda: now[0])
    guard = who.guard(reference)
    outcome, clean, voice = EchoOutcome(), list[Sound](), list[Sound]()
    if guard is not None:
        _keep(guard, clean, voice)
    listener = build_listener(RATE_HZ, WakeSettings(words=(who.word,)), VadSettings(), guard)
    listener.restart(0)
    listener.listen_for_speech(0, interrupts=True)
    size, given = round(RATE_HZ * BLOCK_S), 0
    began_s = time.process_time()
    for at in range(0, len(heard_sound) - size + 1, size):
        due = round((at + size) / RATE_HZ * SPEAKER_HZ * (1 + drift_ppm * 1e-6))
        reference.take(_cut(played, given, due), given)
        given, now[0] = due, (at + size) / RATE_HZ
        for event in listener.process(heard_sound[at : at + size]):
            if isinstance(event, WakeWordHeard):
                outcome.wakes.append(event.end_sample)
            elif isinstance(event, SpeechStarted):
                outcome.voices.append(event.at_sample)
    outcome.cpu_s = time.process_time() - began_s
    outcome.clean = np.concatenate(clean) if clean else heard_sound
    outcome.voice = np.concatenate(voice) if voice else heard_sound
    outcome.status = None if guard is None else guard.status
    return outcome


def _keep(guard: Any, clean: list[Sound], voice: list[Sound]) -> None:
    process = guard.process

    def kept(samples: Sound) -> Any:
        cleaned = process(samples)
        clean.append(cleaned.wake)
        voice.append(cleaned.voice)
        return cleaned

    guard.process = kept


def _cut(sound: Sound, begin: int, end: int) -> Sound:
    part = sound[begin:end]
    return np.concatenate((part, np.zeros(end - begin - len(part), dtype=np.int16)))
