"""What an engine makes of one recording: its peak score and what it would have detected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.audio.files import read_sound
from device.audio.resample import resample
from device.wake.detector import DetectionRule
from device.wake.engine import RATE_HZ, WakeEngine
from device.wake.pipeline import EndKnown, WakeDetected, WakePipeline
from device.wake.second_look import SecondLook

LEAD_S = 1.5
"""Silence put before a recording: on the device no word comes in the first second."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One detection; times count from the beginning of the recording."""

    word: str
    score: float
    at_s: float
    """When the decision fell."""
    end_s: float
    """Where the word ends."""


@dataclass(slots=True)
class FileScores:
    """What was found in one recording."""

    peaks: dict[str, float]
    """The highest score of each word that was compared with its threshold."""
    hits: list[Hit] = field(default_factory=list)


def load(path: Path) -> NDArray[np.int16]:
    """A recording as mono int16 at 16 kHz; raises ``SoundFileError``, a ``BitternError``."""
    samples, rate_hz = read_sound(path)
    return resample(samples, rate_hz, RATE_HZ)


def score_sound(
    engine: WakeEngine,
    rules: Mapping[str, DetectionRule],
    sound: NDArray[np.int16],
    second: SecondLook | None = None,
) -> FileScores:
    """Listen to one recording from a fresh start, without the gate."""
    pipeline = WakePipeline(engine, rules, second)
    lead = round(LEAD_S * RATE_HZ)
    found = pipeline.process(np.concatenate((np.zeros(lead, dtype=np.int16), sound)))
    found += pipeline.flush()
    scores = FileScores(pipeline.peaks)
    for each in found:
        end_s = (each.end_sample - lead) / RATE_HZ
        if isinstance(each, WakeDetected):
            at_s = (each.at_sample - lead) / RATE_HZ
            scores.hits.append(Hit(each.word, each.score, at_s, end_s))
        elif isinstance(each, EndKnown) and scores.hits:
            last = scores.hits[-1]
            scores.hits[-1] = Hit(last.word, last.score, last.at_s, end_s)
    return scores
