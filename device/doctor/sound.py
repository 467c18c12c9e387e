"""Microphone and speaker, tried for real unless the running appliance has them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np

from device.audio.microphone import Microphone
from device.audio.samples import Samples
from device.audio.sounds import Sounds
from device.audio.speaker import Speaker
from device.doctor.findings import Finding, Verdict
from device.errors import BitternError

LISTEN_S = 1.5
SETTLE_S = 0.3
"""Sound cards click when they are opened; that is not the room."""
LOUD_ROOM_DBFS = -35.0
CLIPPED = 32_700


def check_microphone(microphone: Callable[[], Microphone]) -> Finding:
    """Listen for a moment: is there sound, and how much of it?"""
    try:
        sound, rate_hz, name = _listen(microphone())
    except BitternError as failure:
        return Finding("microphone", Verdict.BAD, failure.what, failure.advice or _DEVICES)
    sound = sound[round(SETTLE_S * rate_hz) :]
    found = f"{name}, {rate_hz} Hz"
    if not len(sound):
        return Finding("microphone", Verdict.BAD, f"{found}: delivers nothing", _DEVICES)
    if not np.any(sound != sound[0]):
        advice = "Is it muted, or is this the wrong channel ([microphone] channel)?"
        return Finding("microphone", Verdict.BAD, f"{found}: dead, every sample the same", advice)
    level = 20 * np.log10(np.sqrt(np.mean(np.square(sound.astype(np.float64)))) / 32_768 + 1e-9)
    found += f", noise {level:.0f} dBFS"
    if np.mean(np.abs(sound.astype(np.int32)) >= CLIPPED) > 0.001:
        return Finding("microphone", Verdict.WARNING, f"{found}, clipping", "Lower its gain.")
    if level > LOUD_ROOM_DBFS:
        return Finding("microphone", Verdict.WARNING, found, "Loud: lower its gain, or try later.")
    return Finding("microphone", Verdict.GOOD, found)


_DEVICES = "See `bittern devices`, and [microphone] device in the settings."


def _listen(microphone: Microphone) -> tuple[Samples, int, str]:
    blocks: list[Samples] = []
    enough = threading.Event()
    wanted = round((LISTEN_S + SETTLE_S) * microphone.rate_hz)

    def deliver(samples: Samples) -> None:
        blocks.append(samples)
        if sum(map(len, blocks)) >= wanted:
            enough.set()

    microphone.open(deliver)
    try:
        enough.wait(LISTEN_S + SETTLE_S + 2.0)
    finally:
        microphone.close()
    sound = np.concatenate(blocks) if blocks else np.zeros(0, np.int16)
    return sound, microphone.rate_hz, microphone.name


def check_speaker(speaker: Callable[[], Speaker]) -> Finding:
    """Open it and let it ask for silence."""
    asked = threading.Event()

    def fill(frames: int) -> Samples:
        asked.set()
        return np.zeros(frames, np.int16)

    try:
        one = speaker()
        one.open(fill)
        try:
            is_alive = asked.wait(2.0)
        finally:
            one.close()
    except BitternError as failure:
        return Finding("speaker", Verdict.BAD, failure.what, failure.advice or _DEVICES)
    found = f"{one.name}, {one.rate_hz} Hz"
    if not is_alive:
        return Finding("speaker", Verdict.BAD, f"{found}: takes no sound", _DEVICES)
    return Finding("speaker", Verdict.GOOD, found)


def check_stores() -> Iterator[Finding]:
    """The models (by size and date; `bittern models verify` hashes them) and the notices."""
    from device.models import store
    from device.models.model_store import Condition

    here = store()
    for chosen in here.manifest.select(()):
        condition = here.condition_of_set(chosen)
        is_sound = condition is Condition.SOUND
        verdict = Verdict.GOOD if is_sound else Verdict.BAD
        advice = "" if is_sound else "Run `bittern models fetch`."
        yield Finding(f"model {chosen.name}", verdict, str(condition), advice)
    missing = Sounds().missing
    if missing:
        found = f"{len(missing)} were never spoken and are a chime: {', '.join(missing)}"
        yield Finding("notices", Verdict.WARNING, found, "Run `bittern sounds make`.")
    else:
        yield Finding("notices", Verdict.GOOD, "all spoken")
