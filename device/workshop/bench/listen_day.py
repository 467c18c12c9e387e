"""``bittern bench listen --day``: a day of sound, as fast as it goes, through one Listener.

Once an hour, and in the last minute, somebody says the wake word. It must be found each time
at its place, to within a block, though the capture clock has gone past four billion samples;
and memory must be at the end what it was after the first hour.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from device.audio.resample import resample
from device.ears.heard import WakeWordEnded, WakeWordHeard
from device.ears.listener import Listener, VadSettings, build_listener
from device.wake.open import WakeSettings
from device.workshop.bench.listen_sounds import DAY, PIECE_S, RATE_HZ, Sound, make_scenes

NATIVE_HZ = 48_000
BLOCK = NATIVE_HZ * 3 // 50
"""60 ms: how the sound is cut makes no difference to the ears, and a day is long."""
WORD = "Hey Jarvis"
OF_EACH_S = 60.0
DRIFT_AIM_MS = 60.0
"""A block of the gate: further apart the places of two equal words must not be found."""
GROWTH_AIM_MB = 3.0
OBJECT_GROWTH_AIM = 500
"""Python objects; a list that is never emptied has thousands in an hour."""


@dataclass(slots=True)
class ListeningDay:
    """What happened."""

    seconds: float = 0.0
    said_at: list[int] = field(default_factory=list)
    found: list[tuple[int, int]] = field(default_factory=list)
    """For each word that was said and heard: its place, and where its end was found."""
    others: int = 0
    """Wake words heard where none was said."""
    resident_mb: list[float] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)
    is_exact: bool = False
    took_s: float = 0.0


def run_day(hours: float, as_json: bool) -> int:
    """Run the day, print the figures; 1 when something is not as it must be."""
    day = live(hours, told=lambda text: print(text, file=sys.stderr))
    figures = figures_of(day, hours)
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        print("\n".join(f"{name}: {value}" for name, value in figures.items()))
    return 0 if figures["is_well"] else 1


def figures_of(day: ListeningDay, hours: float) -> dict[str, Any]:
    """The day in figures, and whether all is well."""
    offsets_ms = [(found - said) * 1000 / NATIVE_HZ for said, found in day.found]
    spread_ms = max(offsets_ms) - min(offsets_ms) if offsets_ms else float("nan")
    grown_mb = day.resident_mb[-1] - day.resident_mb[0]
    grown_objects = day.objects[-1] - day.objects[0]
    heard_last = bool(day.found) and day.found[-1][0] == day.said_at[-1]
    return {
        "hours": hours,
        "took_s": round(day.took_s, 1),
        "positions_exact": day.is_exact,
        "words_said": len(day.said_at),
        "words_heard": len(day.found),
        "heard_in_the_last_minute": heard_last,
        "other_wake_words": day.others,
        "drift_of_found_ends_ms": round(spread_ms, 2),
        "resident_mb": {"first_hour": day.resident_mb[0], "end": day.resident_mb[-1]},
        "resident_grown_mb": round(grown_mb, 2),
        "python_objects_more": grown_objects,
        "is_well": day.is_exact
        and len(day.found) == len(day.said_at)
        and heard_last
        and spread_ms < DRIFT_AIM_MS
        and grown_mb < GROWTH_AIM_MB
        and grown_objects < OBJECT_GROWTH_AIM,
    }


def live(hours: float, told: Callable[[str], None] = lambda _: None) -> ListeningDay:
    """Let a Listener hear so many hours at 48 kHz, in blocks of 20 ms."""
    pieces = _pieces()
    ears = build_listener(NATIVE_HZ, WakeSettings(), VadSettings())
    ears.restart(0)
    day = ListeningDay()
    chance = np.random.default_rng(1)
    kinds, shares = list(DAY), list(DAY.values())
    count = round(hours * 3600 / PIECE_S)
    every = max(1, min(round(3600 / PIECE_S), count // 3))
    began_s = time.monotonic()
    for number in range(count):
        is_hour = number % every == 1 or number == count - 2
        kind = "word" if is_hour else str(chance.choice(kinds, p=shares))
        variants = pieces[kind]
        _hear(ears, variants[int(chance.integers(len(variants)))], is_hour, day)
        if number % every == every - 1 or number == count - 1:
            _take_stock(day)
            told(f"{number * PIECE_S / 3600:.1f} h")
    expected = count * round(PIECE_S * NATIVE_HZ)
    day.is_exact = ears.next_sample == expected
    day.took_s = time.monotonic() - began_s
    return day


def _pieces() -> dict[str, list[Sound]]:
    """Pieces of each kind at the microphone's rate, made once."""
    size = round(PIECE_S * RATE_HZ)
    sounds = {kind: scene.heard for kind, scene in make_scenes(OF_EACH_S, None).items()}
    kinds = {
        kind: [_native(sound[at : at + size]) for at in range(0, len(sound) - size + 1, size)]
        for kind, sound in sounds.items()
    }
    room = sounds["quiet"][:size].astype(np.int32)
    word = resample(_spoken_word(), 24_000, RATE_HZ)
    room[size // 2 : size // 2 + len(word)] += word
    kinds["word"] = [_native(np.clip(room, -32_768, 32_767).astype(np.int16))]
    return kinds


def _spoken_word() -> Sound:
    from device.audio.sounds import brain_voice

    return brain_voice()(WORD)


def _native(sound: Sound) -> Sound:
    size = round(len(sound) * NATIVE_HZ / RATE_HZ)
    return np.resize(resample(sound, RATE_HZ, NATIVE_HZ), size)


def _hear(ears: Listener, piece: Sound, has_word: bool, day: ListeningDay) -> None:
    begin = ears.next_sample
    said_at = begin + len(piece) // 2
    if has_word:
        day.said_at.append(said_at)
    for at in range(0, len(piece), BLOCK):
        for event in ears.process(piece[at : at + BLOCK]):
            is_it = (
                has_word and 0 <= event.end_sample - said_at < 2 * NATIVE_HZ
                if isinstance(event, WakeWordHeard | WakeWordEnded)
                else False
            )
            if isinstance(event, WakeWordEnded) and is_it:
                day.found.append((said_at, event.end_sample))
            elif isinstance(event, WakeWordHeard) and not is_it:
                day.others += 1
    day.seconds += len(piece) / NATIVE_HZ


def _take_stock(day: ListeningDay) -> None:
    gc.collect()
    day.objects.append(len(gc.get_objects()))
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            day.resident_mb.append(round(int(line.split()[1]) / 1024, 2))
