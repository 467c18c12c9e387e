"""Recordings in folders: which there are, who speaks, where the word lies in them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.audio.files import read_sound
from device.audio.resample import resample
from device.errors import BitternError
from device.wake.engine import RATE_HZ

SUFFIXES = frozenset({".flac", ".wav", ".ogg", ".opus", ".mp3"})
SPEAKERS = "speakers.json"
"""A file in a folder of recordings that says who speaks: file name to speaker."""
SYNTHESIZED = "synthesized "
"""How the name of a speaker begins that is none."""
_FRAME = 160

Sound = NDArray[np.float32]
"""Mono, 16 kHz, in the range of int16."""


class NoRecordingsError(BitternError):
    """There is nothing to learn or to measure from."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One sound file and who speaks in it, as far as is known."""

    path: Path
    speaker: str
    part: int = -1
    """Which fold it was put into by hand, because all of them are by one speaker."""

    def fold(self, folds: int) -> int:
        """Which part it belongs to; all recordings of a speaker belong to the same.

        Where speakers are not known, files of one name count as one speaker's: crowds are
        often recorded word by word under the same numbers.
        """
        if self.part >= 0:
            return self.part % folds
        return zlib.crc32(b"fold " + self.speaker.encode()) % folds


def find(places: Iterable[Path]) -> list[Recording]:
    """All recordings in files and folders, sorted; raises for a place that is none."""
    found: dict[Path, Recording] = {}
    for place in places:
        if not place.exists():
            raise NoRecordingsError(f"{place} does not exist")
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        for path in inside:
            if path.suffix.lower() in SUFFIXES and path.is_file():
                found[path] = Recording(path, _speakers(path.parent).get(path.name, path.stem))
    return list(found.values())


@lru_cache(maxsize=64)
def _speakers(folder: Path) -> dict[str, str]:
    path = folder / SPEAKERS
    if not path.is_file():
        return {}
    named: dict[str, str] = json.loads(path.read_text())
    return named


def is_person(recording: Recording) -> bool:
    """Whether somebody speaks, and no synthesizer."""
    return not recording.speaker.startswith(SYNTHESIZED)


def is_known(recording: Recording) -> bool:
    """Whether a file beside the recording says who speaks."""
    return recording.path.name in _speakers(recording.path.parent)


def read(path: Path) -> Sound:
    """A recording as float32 in the range of int16; raises ``SoundFileError``."""
    samples, rate_hz = read_sound(path)
    return resample(samples, rate_hz, RATE_HZ).astype(np.float32)


def levels(sound: Sound) -> NDArray[np.float32]:
    """The root mean square of each 10 ms."""
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME)
    rms: NDArray[np.float32] = np.sqrt((frames**2).mean(axis=1) + 1e-3)
    return rms


def active_level(sound: Sound) -> float:
    """The level of the speech in a sound: of its frames within 20 dB of the loudest."""
    if len(sound) < _FRAME:
        return 1.0
    rms = levels(sound)
    return max(1.0, float(np.sqrt((rms[rms > 0.1 * rms.max()] ** 2).mean())))


def span(sound: Sound) -> tuple[int, int]:
    """Where the one word in a recording begins and ends, in samples.

    What is within 26 dB of its loudest and twice as loud as its quiet parts.
    """
    rms = np.convolve(levels(sound), np.ones(3) / 3, "same")
    peak = float(np.percentile(rms, 99))
    floor = float(np.percentile(rms[rms > 1], 10)) if (rms > 1).any() else 1.0
    limit = min(max(peak * 10 ** (-26 / 20), floor * 2), peak * 0.5)
    loud = np.flatnonzero(rms > limit)
    if len(loud) == 0:
        return 0, len(sound)
    return int(loud[0]) * _FRAME, int(loud[-1] + 1) * _FRAME


def typical_length_s(recordings: Sequence[Recording]) -> float:
    """How long the word takes nine speakers of ten."""
    lengths = [end - start for start, end in (span(read(each.path)) for each in recordings)]
    return float(np.percentile(lengths, 90)) / RATE_HZ
