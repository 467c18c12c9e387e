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
from device.doctor.levels import BLOCK_S, judge, measure
from device.doctor.recording import record
from device.errors import BitternError

LISTEN_S = 1.5
_DEVICES = "See `bittern devices`, and [microphone] device in the settings."


def check_microphone(microphone: Callable[[], Microphone]) -> Finding:
    """Listen for a moment: is there sound, and how much of it?"""
    try:
        one = microphone()
        sound = record(one, LISTEN_S)
    except BitternError as failure:
        return Finding("microphone", Verdict.BAD, failure.what, failure.advice or _DEVICES)
    found = f"{one.name}, {one.rate_hz} Hz"
    if len(sound) < round(BLOCK_S * one.rate_hz):
        return Finding("microphone", Verdict.BAD, f"{found}: delivers nothing", _DEVICES)
    judgement = judge(measure(sound, one.rate_hz))
    return Finding("microphone", judgement.verdict, f"{found}: {judgement.found}", judgement.advice)


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
