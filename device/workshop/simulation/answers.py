"""The sound of a scripted answer: a file, a tone, or a synthetic voice. 24 kHz mono int16."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from device.realtime.events import WIRE_RATE_HZ
from device.workshop.simulation.script import AnswerItem, BadScriptError

MS_PER_LETTER = 65
"""Speech at a calm pace is about 15 letters a second; how long a tone stands for words."""
DEFAULT_TONE_HZ = 440.0
_LOUDNESS = 0.25
_FADE_MS = 5

Samples = NDArray[np.int16]


def sound_of(item: AnswerItem, folder: Path, voice: Literal["tone", "speech"]) -> Samples:
    """Return an item's audio; empty for an item without words.

    Raises :class:`BadScriptError` for a file that cannot be read, or a missing voice.
    """
    if item.say is None:
        return np.zeros(0, dtype=np.int16)
    if item.audio is not None:
        return _from_file(folder / item.audio)
    if voice == "speech" and item.tone_hz is None:
        return _spoken(item.say)
    ms = item.audio_ms if item.audio_ms is not None else MS_PER_LETTER * len(item.say)
    return tone(item.tone_hz or DEFAULT_TONE_HZ, ms)


def tone(hz: float, ms: int) -> Samples:
    """Return a sine of ``ms`` milliseconds, faded in and out."""
    count = ms * WIRE_RATE_HZ // 1_000
    wave = _LOUDNESS * np.sin(2 * np.pi * hz * np.arange(count) / WIRE_RATE_HZ)
    fade = min(_FADE_MS * WIRE_RATE_HZ // 1_000, count // 2)
    ramp = np.linspace(0.0, 1.0, fade, endpoint=False)
    wave[:fade] *= ramp
    wave[count - fade :] *= ramp[::-1]
    return _to_int16(wave)


def _from_file(path: Path) -> Samples:
    try:
        sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise BadScriptError(f"cannot read the sound file {path}: {error}") from None
    mono = sound.mean(axis=1)
    return _to_int16(
        soxr.resample(mono, rate_hz, WIRE_RATE_HZ) if rate_hz != WIRE_RATE_HZ else mono
    )


@cache
def _voice() -> Any:
    try:
        hibari = importlib.import_module("hibari")
        model = importlib.import_module("hibari.voices").voice_path("heart", download_missing=False)
        return hibari.Hibari(voice="heart", model=model)
    except (ImportError, OSError, RuntimeError) as error:
        raise BadScriptError(
            f'voice = "speech" needs the package hibari-tts: {error}',
            'Install bittern[brain], or use voice = "tone".',
        ) from None


@cache
def _spoken(text: str) -> Samples:
    voice = _voice()
    pieces = [voice.from_phonemes(clause, speed=1.0, seed=0) for clause in voice.phonemize(text)]
    sound = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)
    return _to_int16(sound)


def _to_int16(sound: Any) -> Samples:
    clipped = np.clip(sound, -1.0, 1.0) * 32_767.0
    return np.asarray(clipped, dtype=np.int16)
