"""What is listened to when wake words are judged: recordings, quiet and in noise.

The word of a recording is the name of its folder, or its own name where that is a word
somebody listens for (``single/okay_nabu.flac``). Everything else is without the word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from device.wake.engine import RATE_HZ
from device.workshop.training.wake import noises
from device.workshop.training.wake.augment import in_room
from device.workshop.training.wake.corpus import Recording, Sound, active_level, read
from device.workshop.training.wake.rooms import room_with

ROOM = "room"
CONDITIONS: dict[str, float | None] = {
    "quiet": None,
    ROOM: None,
    "10 dB": 10.0,
    "5 dB": 5.0,
    "0 dB": 0.0,
}
"""The level of the voice above the noise, where there is noise."""
ROOM_RT60_S, ROOM_M = 0.6, (1.0, 3.0)
"""The rooms of the condition of that name, a new one for each trial; nobody learns in them."""
LEAD_S, TAIL_S = 1.5, 0.8
"""The noise begins before the recording and goes on after it."""
PIECE_S = 15.0
"""Long recordings are judged in pieces of that length."""
_ROOM_LEVEL = 8.0
"""A very quiet room, -72 dBFS, under every recording: many hold digital silence."""


@dataclass(frozen=True, slots=True)
class WakeTrial:
    """One recording, or a piece of it, in one condition."""

    path: Path
    label: str
    """The word, or the name of the folder."""
    condition: str
    noise: str = ""
    """What kind, where there is any."""
    from_s: float = 0.0
    length_s: float = PIECE_S

    @property
    def seed(self) -> int:
        """Always the same for the same trial, different for every other."""
        name = f"{self.path.name} {self.label} {self.condition} {self.noise} {self.from_s}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What noise is made of."""

    recorded: tuple[Path, ...] = ()
    voices: tuple[Path, ...] = ()
    music: tuple[Path, ...] = ()


def plain(name: str) -> str:
    """A word as it is written in cards, from the name of a file or folder."""
    return name.strip().lower().replace("_", " ").replace("-", " ")


def label_of(recording: Recording, words: Sequence[str]) -> str:
    """The word of a recording by its own name or its folder's."""
    own = plain(recording.path.stem)
    is_word = any(is_about(word, own) for word in words)
    return own if is_word else plain(recording.path.parent.name)


def is_about(word: str, label: str) -> bool:
    """Whether a label holds the word or is part of it: "jarvis" and "hey jarvis"."""
    return f" {word} " in f" {label} " or f" {label} " in f" {word} "


def plan(
    recordings: Sequence[Recording],
    words: Sequence[str],
    conditions: Sequence[str] = tuple(CONDITIONS),
    kinds: Sequence[str] = ("recorded", "babble", "music"),
    *,
    is_sparing: bool = False,
) -> list[WakeTrial]:
    """All trials; in noise each recording meets one kind, so that all kinds take turns.

    ``is_sparing``: recordings of none of the words are heard quiet and in one other condition
    only, in turns; that halves the time.
    """
    trials = []
    for index, recording in enumerate(recordings):
        label = label_of(recording, words)
        length_s = soundfile.info(str(recording.path)).duration
        for at_s in np.arange(0.0, max(length_s - 0.3, 0.1), PIECE_S):
            rest_s = min(PIECE_S, length_s - float(at_s))
            chosen, kinds_met = conditions, index + index // len(kinds)
            if is_sparing and label not in words and len(conditions) > 2:
                chosen = [conditions[0], conditions[1 + index % (len(conditions) - 1)]]
                kinds_met = index // (len(conditions) - 1)
            for turn, name in enumerate(chosen):
                # Turning once more each round, or a condition would always meet the same kind.
                at_kind = (kinds_met + turn) % len(kinds)
                kind = "" if CONDITIONS[name] is None else kinds[at_kind]
                trials.append(WakeTrial(recording.path, label, name, kind, float(at_s), rest_s))
    return trials


def sound_of(trial: WakeTrial, backdrop: Backdrop) -> NDArray[np.int16]:
    """The trial as a microphone would deliver it, mono 16 kHz."""
    random = np.random.default_rng(trial.seed)
    first = round(trial.from_s * RATE_HZ)
    speech = _kept(trial.path)[first : first + round(trial.length_s * RATE_HZ)]
    if trial.condition == ROOM:
        response = room_with(random, ROOM_RT60_S, random.uniform(*ROOM_M))
        speech = in_room(speech, response)[: len(speech) + RATE_HZ // 4]
    lead, tail = round(LEAD_S * RATE_HZ), round(TAIL_S * RATE_HZ)
    whole = np.pad(speech, (lead, tail))
    whole = whole + random.standard_normal(len(whole)).astype(np.float32) * _ROOM_LEVEL
    ratio_db = CONDITIONS[trial.condition]
    if ratio_db is not None:
        noise = _noise(trial.noise, len(whole), backdrop, random)
        whole = whole + noise * np.float32(active_level(speech) * 10 ** (-ratio_db / 20))
    peak = float(np.abs(whole).max())
    if peak > 32767:
        whole = whole * np.float32(32767 / peak)
    return whole.astype(np.int16)


def _noise(kind: str, count: int, backdrop: Backdrop, random: np.random.Generator) -> Sound:
    if kind == "babble" and backdrop.voices:
        chosen = random.choice(len(backdrop.voices), min(12, len(backdrop.voices)), replace=False)
        voices = [_kept(backdrop.voices[int(index)]) for index in chosen]
        return noises.babble(count, voices, random)
    if kind == "music" and not backdrop.music:
        return noises.music(count, random)
    pool = backdrop.music if kind == "music" else backdrop.recorded
    if not pool:
        return noises.restless(count, random)
    return noises.piece_of(count, _kept(pool[int(random.integers(len(pool)))]), random)


@lru_cache(maxsize=400)
def _kept(path: Path) -> Sound:
    return read(path)
