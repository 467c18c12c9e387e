"""Brings every voice to one loudness: a gain that follows what was measured, and soft peaks."""

from __future__ import annotations

import numpy as np

from device.audio.lufs import LufsMeter, loudness_lufs
from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Floats, Samples, silence, to_float, to_int16

TARGET_LUFS = -16.0
"""At 100 %: what phones and other speakers play speech at."""
MOST_GAIN_DB = 24.0
"""Up or down; what is softer than -40 LUFS is meant to be, or is noise."""
FIRST_GAIN_DB = 16.0
"""Up, while less than ``KNOWN_BLOCKS`` of an unknown voice were heard."""
KNOWN_BLOCKS = 5
BEFORE_BLOCKS = 4
"""The voice of the item before counts as so many tenths of a second of the new one's."""
RAMP_SAMPLES = WIRE_RATE_HZ // 10
"""A gain moves without a click; how far it moves is soon little."""
SILENT_PEAK = 100
"""Of 32,768: -50 dBFS, softer than any consonant of a voice."""
KEPT_BEFORE_SAMPLES = WIRE_RATE_HZ // 50
KEPT_AFTER_SAMPLES = WIRE_RATE_HZ // 20
BREATH_SAMPLES = WIRE_RATE_HZ * 3 // 20
"""A sentence that follows an answer is not glued to it."""
KNEE, CEILING = 0.7, 0.98
"""Of full scale: what is louder than the first is bent, and never reaches more than the second."""


def limited(sound: Floats) -> Samples:
    """Int16 of a sound with full scale 1, peaks beyond the knee bent below full scale."""
    size = np.abs(sound)
    over = size > KNEE
    if over.any():
        bend = CEILING - KNEE
        bent = KNEE + bend * np.tanh((size[over] - KNEE) / bend)
        sound = sound.copy()
        sound[over] = np.copysign(bent, sound[over])
    return to_int16(sound)


def trimmed(pcm24k: Samples) -> Samples:
    """Cut silence before and after a sound (int16, 24 kHz), but for soft beginnings and ends."""
    loud = np.flatnonzero(np.abs(pcm24k.astype(np.int32)) > SILENT_PEAK)
    if not len(loud):
        return pcm24k
    begin = max(0, int(loud[0]) - KEPT_BEFORE_SAMPLES)
    return pcm24k[begin : int(loud[-1]) + 1 + KEPT_AFTER_SAMPLES]


def levelled(pcm24k: Samples) -> Samples:
    """A whole sound (mono int16, 24 kHz) at ``TARGET_LUFS``; silence stays silence."""
    lufs = loudness_lufs(pcm24k)
    if lufs is None:
        return pcm24k
    gain_db = float(np.clip(TARGET_LUFS - lufs, -MOST_GAIN_DB, MOST_GAIN_DB))
    return limited(to_float(pcm24k) * np.float32(10 ** (gain_db / 20)))


class Leveller:
    """Levels whole sounds, and answers while they come, one item after the other.

    One for a mouth.

    An item begins with the gain of the one before, which mostly is of the same voice, and
    goes over to its own within about a second.
    """

    def __init__(self) -> None:
        self._item: object = None
        self._meter = LufsMeter()
        self._before_lufs: float | None = None
        self._gain_db: float | None = None

    def sentence(self, pcm24k: Samples) -> Samples:
        """A sentence of our own: a breath, the words, and no silence after them."""
        return np.concatenate((silence(BREATH_SAMPLES), levelled(trimmed(pcm24k))))

    def tone(self, pcm24k: Samples) -> Samples:
        """A tone of what rings, as long as it was."""
        return levelled(pcm24k)

    def piece(self, item: object, pcm24k: Samples) -> Samples:
        """Return the next piece of an item (mono int16, 24 kHz), as long as it was."""
        if item != self._item:
            self._begin(item)
        self._meter.add(pcm24k)
        wanted_db = self._wanted_db()
        begin_db = wanted_db if self._gain_db is None else self._gain_db
        steps = np.minimum(np.arange(1, len(pcm24k) + 1) / RAMP_SAMPLES, 1.0)
        gains_db = begin_db + (wanted_db - begin_db) * steps
        self._gain_db = float(gains_db[-1]) if len(gains_db) else begin_db
        factors = np.asarray(10 ** (gains_db / 20), dtype=np.float32)
        return limited(to_float(pcm24k) * factors)

    def _begin(self, item: object) -> None:
        lufs, count = self._meter.measured()
        if lufs is not None and count >= KNOWN_BLOCKS:
            self._before_lufs = lufs
        self._item, self._meter = item, LufsMeter()
        self._gain_db = None

    def _wanted_db(self) -> float:
        (lufs, count), before = self._meter.measured(), self._before_lufs
        if lufs is None:
            lufs = TARGET_LUFS if before is None else before
        elif before is not None:
            lufs = (lufs * count + before * BEFORE_BLOCKS) / (count + BEFORE_BLOCKS)
        most_db = FIRST_GAIN_DB if before is None and count < KNOWN_BLOCKS else MOST_GAIN_DB
        return float(np.clip(TARGET_LUFS - lufs, -MOST_GAIN_DB, most_db))
