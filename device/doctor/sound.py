"""Microphone and speaker, tried for real unless the running appliance has them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from device.audio.all_channels import AllChannelsMicrophone
from device.audio.devices import Direction, SoundDevice
from device.audio.levels import BLOCK_S, measure
from device.audio.microphone import Microphone
from device.audio.samples import Samples
from device.audio.sounds import Sounds
from device.audio.speaker import Speaker
from device.doctor.findings import Finding, Verdict
from device.doctor.hearing import judge
from device.doctor.mic_test import run_mic_test
from device.doctor.recording import record
from device.errors import BitternError

if TYPE_CHECKING:
    from device.models import ModelStore

LISTEN_S = 1.5
MOST_LISTED = 6
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


def check_channels(microphone: AllChannelsMicrophone, used: int | None) -> Finding:
    """Listen with every channel; ``used`` is the one of the settings, None for all mixed."""
    try:
        done = run_mic_test(microphone, LISTEN_S, used, was_spoken=False)
    except BitternError as failure:
        return Finding("microphone", Verdict.BAD, failure.what, failure.advice or _DEVICES)
    found = f"{done.name}, {done.rate_hz} Hz"
    if not done.channels:
        return Finding("microphone", Verdict.BAD, f"{found}: delivers nothing", _DEVICES)
    chosen = next((each for each in done.channels if each.number == used), None) or done.best
    if chosen is None:
        chosen = done.channels[0]
    judgement = chosen.judgement
    dead = [str(each.number) for each in done.channels if each.levels.is_dead]
    text = f"{found}: channel {chosen.number}: {judgement.found}"
    if dead and not chosen.levels.is_dead:
        text += f"; dead: {', '.join(dead)} of {len(done.channels)}"
        if used is None and judgement.verdict is Verdict.GOOD:
            advice = "Dead channels make a mix faint: choose one ([microphone] channel)."
            return Finding("microphone", Verdict.WARNING, text, advice)
    return Finding("microphone", judgement.verdict, text, judgement.advice)


def check_devices(devices: Callable[[], list[SoundDevice]]) -> Finding:
    """Which microphones and speakers the machine has, and at what rates they run."""
    try:
        found = devices()
    except BitternError as failure:
        return Finding("sound devices", Verdict.BAD, failure.what, failure.advice)
    ways = ((Direction.IN, "microphones"), (Direction.OUT, "speakers"))
    there = {name: [each for each in found if each.channels(way)] for way, name in ways}
    text = "; ".join(f"{name}: {_listed(each)}" for name, each in there.items())
    if not all(there.values()):
        return Finding("sound devices", Verdict.BAD, text, "Plug one in, or set up the HAT.")
    return Finding("sound devices", Verdict.GOOD, text)


def _listed(devices: list[SoundDevice]) -> str:
    names = [f"{each.name} ({each.default_rate_hz} Hz)" for each in devices[:MOST_LISTED]]
    more = len(devices) - MOST_LISTED
    return (", ".join(names) or "none") + (f" and {more} more" if more > 0 else "")


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


def check_stores(here: ModelStore) -> Iterator[Finding]:
    """The models, each hashed anew, and the notices."""
    from device.models.model_store import Condition

    for chosen in here.manifest.select(()):
        try:
            condition = here.condition_of_set(chosen, here.full_condition)
        except BitternError as failure:
            yield Finding(f"model {chosen.name}", Verdict.BAD, failure.what, failure.advice)
            continue
        is_sound = condition is Condition.SOUND
        verdict = Verdict.GOOD if is_sound else Verdict.BAD
        advice = "" if is_sound else "Run `bittern models fetch`."
        yield Finding(f"model {chosen.name}", verdict, str(condition), advice)
    missing = Sounds.of_store(here.folder).missing
    if missing:
        found = f"{len(missing)} were never spoken and are a chime: {', '.join(missing)}"
        yield Finding("notices", Verdict.WARNING, found, "Run `bittern sounds make`.")
    else:
        yield Finding("notices", Verdict.GOOD, "all spoken")
