"""Noises that do not repeat: recorded, of many voices, of music, of colour and of things."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from device.wake.engine import RATE_HZ
from device.workshop.training.wake.corpus import Sound, active_level

Random = np.random.Generator


def coloured(count: int, slope: float, random: Random) -> Sound:
    """Noise whose power falls with frequency to the power of ``slope``; level 1."""
    spectrum = np.fft.rfft(random.standard_normal(count).astype(np.float32))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 30.0)
    return _unit(np.fft.irfft(spectrum * hertz ** (-slope / 2), count))


def restless(count: int, random: Random) -> Sound:
    """Coloured noise that swells, and things that are put down in it."""
    noise = coloured(count, random.uniform(-0.3, 2.2), random)
    if random.random() < 0.5:
        points = np.arange(0, count + 1600, 1600)
        swell = np.exp(random.standard_normal(len(points)) * 0.7)
        noise = noise * np.interp(np.arange(count), points, swell).astype(np.float32)
    if random.random() < 0.4:
        for _ in range(random.integers(1, 12)):
            at = int(random.integers(0, max(1, count - 1600)))
            length = min(1600, count - at)
            fading = np.exp(-np.arange(length) / random.uniform(40, 400))
            clink = coloured(1600, random.uniform(-0.5, 1), random)[:length] * fading
            noise[at : at + length] += clink * random.uniform(2, 15)
    return _unit(noise)


def music(count: int, random: Random) -> Sound:
    """Chords of decaying tones, a new one each half second."""
    time_s = np.arange(RATE_HZ // 2, dtype=np.float32) / RATE_HZ
    base_hz, decay = random.uniform(80, 200), random.uniform(1, 8)
    chords = []
    for _ in range(-(-count // len(time_s))):
        steps = random.choice([0, 2, 3, 4, 5, 7, 9, 10, 12, 14, 16], random.integers(1, 4))
        tones = [
            np.sin(2 * np.pi * base_hz * 2 ** (step / 12) * k * time_s + random.uniform(0, 6))
            / k ** random.uniform(0.5, 2)
            for step in steps
            for k in range(1, 6)
        ]
        chords.append(np.sum(tones, axis=0) * np.exp(-decay * time_s))
    return _unit(np.concatenate(chords)[:count])


def babble(count: int, voices: Sequence[Sound], random: Random) -> Sound:
    """Two to five people talking over each other."""
    mixed = np.zeros(count, dtype=np.float32)
    for _ in range(random.integers(2, 6)):
        line = row_of(count, voices, random)
        mixed += line * np.float32(random.uniform(0.3, 1.0))
    return _unit(mixed)


def row_of(count: int, voices: Sequence[Sound], random: Random) -> Sound:
    """Recordings one after the other, each at the level 1, from a random place on."""
    parts: list[Sound] = []
    missing = count + RATE_HZ
    while missing > 0:
        voice = voices[int(random.integers(len(voices)))]
        parts.append(voice / np.float32(active_level(voice)))
        missing -= len(voice)
    at = int(random.integers(0, RATE_HZ))
    return np.concatenate(parts)[at : at + count]


def piece_of(count: int, recording: Sound, random: Random) -> Sound:
    """A random piece of a long recording, at the level 1."""
    if len(recording) <= count:
        recording = np.tile(recording, 1 + -(-count // len(recording)))
    at = int(random.integers(0, len(recording) - count))
    return _unit(recording[at : at + count])


Maker = Callable[[int, Random], Sound]


def makers(recorded: Sequence[Sound], voices: Sequence[Sound]) -> Mapping[str, Maker]:
    """All kinds of noise that can be made from what there is; each gives the level 1."""
    kinds: dict[str, Maker] = {"restless": restless, "music": music}
    if recorded:
        kinds["recorded"] = lambda count, random: piece_of(
            count, recorded[int(random.integers(len(recorded)))], random
        )
    if voices:
        kinds["babble"] = lambda count, random: babble(count, voices, random)
    return kinds


def _unit(sound: NDArray[np.floating]) -> Sound:
    level = np.sqrt(np.mean(np.square(sound)) + 1e-9)
    even: Sound = (sound / level).astype(np.float32)
    return even
