"""``bittern bench loudness``: how loud what the appliance says comes out, measured by a library."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from device.audio.chimes import chime
from device.audio.files import read_sound
from device.audio.leveller import TARGET_LUFS, Leveller
from device.audio.resample import WIRE_RATE_HZ, resample
from device.audio.samples import Samples, scaled
from device.errors import BitternError
from device.models.location import chosen_folder
from device.workshop.bench.figures import spread

WITHIN_LU = 2.0
DELTA_SAMPLES = WIRE_RATE_HZ // 10
"""An endpoint sends its answer in pieces of about this size."""
LOUDER_DB = (0, -6, -12)
"""Endpoints differ by as much, and voices of one do."""
SHORTEST_S = 1.0
LONGEST_S = 10.0
Measure = Callable[[Samples], float]
"""LUFS of a sound (int16, 24 kHz)."""


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench loudness``."""
    parser = benches.add_parser(
        "loudness",
        help="how loud answers, notices and alarms come out at 100 %%",
        description=(
            "Levels recordings of speech as notices, as answers of a voice not heard before and as "
            "answers of one heard before, each as it is and 6 and 12 dB softer, and the tone of a "
            f"timer; pyloudnorm measures them. Wanted: {TARGET_LUFS:g} LUFS, "
            f"{WITHIN_LU:g} more or less. Exit status 1: a median is outside."
        ),
    )
    parser.add_argument(
        "--recordings", type=Path, metavar="FOLDER", help="sounds of speech (the notices)"
    )
    parser.add_argument("--count", type=int, default=50, help="recordings at most (50)")
    parser.add_argument("--json", action="store_true", help="one object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and tell; raises a ``BitternError`` where nothing can be measured."""
    folder = arguments.recordings or chosen_folder("") / "notices"
    voices = list(islice(_voices(folder), arguments.count))
    if not voices:
        raise BitternError(f"{folder} holds no recording of {SHORTEST_S:g} s or more")
    table = measured(voices, library())
    figures = {kind: _row(values) for kind, values in table.items()}
    if arguments.json:
        print(json.dumps({"recordings": len(voices), **figures}))
    else:
        print(f"LUFS at 100 %, {len(voices)} recordings")
        for kind, row in figures.items():
            print(f"{kind:<14} {'  '.join(f'{name} {value:g}' for name, value in row.items())}")
    medians = [float(np.median(values)) for values in table.values()]
    return 0 if all(abs(median - TARGET_LUFS) <= WITHIN_LU for median in medians) else 1


def measured(voices: Sequence[Samples], lufs_of: Measure) -> dict[str, list[float]]:
    """LUFS of everything that is heard, by what it is."""
    table: dict[str, list[float]] = {"notice": [], "first answer": [], "next answer": []}
    for voice in voices:
        for gain_db in LOUDER_DB:
            sound = scaled(voice, 10 ** (gain_db / 20))
            leveller = Leveller()
            table["notice"].append(lufs_of(leveller.sentence(sound)))
            table["first answer"].append(lufs_of(_streamed(leveller, 1, sound)))
            table["next answer"].append(lufs_of(_streamed(leveller, 2, sound)))
    table["timer"] = [lufs_of(Leveller().tone(chime("timer")))]
    return table


def library() -> Measure:
    """The measure of pyloudnorm; raises a ``BitternError`` where it is not installed."""
    try:
        import pyloudnorm
    except ImportError:
        raise BitternError(
            "pyloudnorm is not installed", "Install it: `pip install bittern[test]`."
        ) from None
    meter = pyloudnorm.Meter(WIRE_RATE_HZ)
    return lambda sound: float(meter.integrated_loudness(sound / 32_768))


def _streamed(leveller: Leveller, item: int, sound: Samples) -> Samples:
    begins = range(0, len(sound), DELTA_SAMPLES)
    return np.concatenate([leveller.piece(item, sound[b : b + DELTA_SAMPLES]) for b in begins])


def _row(values: Sequence[float]) -> dict[str, float | int]:
    within = np.abs(np.asarray(values) - TARGET_LUFS) <= WITHIN_LU
    return {**spread(values, 1), "within_percent": round(100 * float(within.mean()), 1)}


def _voices(folder: Path) -> Iterator[Samples]:
    """The recordings of a folder, mono at 24 kHz, those long enough to be measured."""
    for path in sorted([*folder.rglob("*.wav"), *folder.rglob("*.flac")]):
        sound, rate_hz = read_sound(path)
        mono = sound if sound.ndim == 1 else sound[:, 0]
        if len(mono) >= SHORTEST_S * rate_hz:
            yield resample(mono[: round(LONGEST_S * rate_hz)], rate_hz, WIRE_RATE_HZ)
