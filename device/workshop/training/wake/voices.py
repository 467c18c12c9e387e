"""Who speaks, where nobody wrote it down: recordings that sound like one sitting.

Crowds are recorded several takes at a time, and the takes of one person must not be on both
sides of a trial. What gives a sitting away is what does not depend on the word: the colour
of the microphone and the room in the quiet parts and in the voice, the hiss, the pitch.
Nearest neighbours in one folder of "jarvis" lie at 0.25 of these units, recordings of "jarvis"
and "computer" (other sittings) at 0.64; groups are joined below 0.5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.wake.engine import RATE_HZ
from device.workshop.training.wake.corpus import Recording, Sound, is_known, read, span
from device.workshop.training.wake.pitch import pitch_hz

Distances = NDArray[np.float64]
SAME = 0.5
_FRAME, _HOP = 512, 256
_BANDS = 24
_LONGEST_S = 20.0
_SPREAD = np.repeat((1.0, 2.3, 1.4, 0.85), (_BANDS, 1, _BANDS, 1))
"""How far each trait varied in a crowd of some three hundred recordings."""


def told_apart(recordings: Sequence[Recording]) -> list[Recording]:
    """The same recordings, with a speaker for each sitting where none is known.

    Only recordings of one folder are put together; those with a speaker of their own, by
    ``speakers.json`` or by hand, stay as they are.
    """
    folders: dict[Path, list[int]] = defaultdict(list)
    for index, each in enumerate(recordings):
        if each.part < 0 and not is_known(each):
            folders[each.path.parent].append(index)
    named = list(recordings)
    unknown = [index for places in folders.values() for index in places]
    traits = {index: traits_of(read(recordings[index].path)) for index in unknown}
    for places in folders.values():
        groups = grouped(distances_between(np.array([traits[i] for i in places])), SAME)
        for index, group in zip(places, groups, strict=True):
            first = recordings[places[groups.index(group)]]
            named[index] = replace(recordings[index], speaker=first.speaker)
    return named


def traits_of(sound: Sound) -> NDArray[np.float64]:
    """What a sitting sounds like: colour of the quiet, its level, colour of the voice, pitch."""
    sound = sound[: round(_LONGEST_S * RATE_HZ)]
    bands = _bands(np.pad(sound, (0, max(0, 2 * _FRAME - len(sound)))))
    loudness = bands.mean(axis=1)
    quiet = bands[loudness <= np.percentile(loudness, 25)].mean(axis=0)
    start, end = span(sound)
    inside = bands[start // _HOP : max(end // _HOP - 1, start // _HOP + 1)]
    inside = inside if len(inside) else bands
    loud = inside.mean(axis=1)
    voice = inside[loud >= np.percentile(loud, 40)].mean(axis=0)
    pitch = 2.5 * np.log(max(60.0, pitch_hz(sound)))
    traits = (quiet - quiet.mean(), [quiet.mean()], voice - voice.mean(), [pitch])
    even: NDArray[np.float64] = np.concatenate(traits) / _SPREAD
    return even


def _bands(sound: Sound) -> NDArray[np.float64]:
    """The logarithm of the power in bands of equal width in octaves, each 16 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP] * np.hanning(_FRAME)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    edges = np.geomspace(100, 7600, _BANDS + 1) / RATE_HZ * _FRAME
    places = np.arange(power.shape[1])
    columns = []
    for low, high in pairwise(edges):
        share = np.clip(np.minimum(places + 0.5, high) - np.maximum(places - 0.5, low), 0, 1)
        columns.append(power @ share)
    # One step of int16 over the whole band, so that digital silence has a level.
    return np.log(np.array(columns).T + 50.0)


def distances_between(traits: NDArray[np.float64]) -> Distances:
    """The root mean square difference of each two."""
    squares = (traits**2).sum(axis=1)
    between = squares[:, None] + squares[None] - 2 * traits @ traits.T
    apart: Distances = np.sqrt(np.maximum(between, 0) / traits.shape[1])
    return apart


def grouped(apart: Distances, limit: float) -> list[int]:
    """A number for each: groups are joined while their mean distance is below ``limit``."""
    between = apart.copy()
    np.fill_diagonal(between, np.inf)
    count = len(between)
    sizes, groups = np.ones(count), [[index] for index in range(count)]
    while count:
        one, other = divmod(int(between.argmin()), count)
        if not between[one, other] < limit:
            break
        total = sizes[one] + sizes[other]
        mean = (between[one] * sizes[one] + between[other] * sizes[other]) / total
        between[one], between[:, one] = mean, mean
        between[one, one] = np.inf
        between[other], between[:, other] = np.inf, np.inf
        sizes[one] = total
        groups[one] += groups[other]
        groups[other] = []
    numbers = [0] * count
    for number, members in enumerate(groups):
        for member in members:
            numbers[member] = number
    return numbers
