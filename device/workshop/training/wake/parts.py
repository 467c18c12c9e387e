"""What is left out whole when a word is judged: speakers, recorders and synthesizers.

A network that has heard a synthesizer, or a microphone in its room, does better on what else
came out of it. So a part that is judged holds all of a synthesizer's utterances, and all that
one recorder took down; a crowd, which recorded itself, is parted by its speakers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from device.workshop.training.wake.corpus import SYNTHESIZED, Recording, is_person

_RELATED = {"hibari": "kokoro", "festival": "flite"}
"""Hibari's voice was made from one of Kokoro's; flite and Festival share voices."""


def family_of(recording: Recording) -> str:
    """The synthesizer that spoke, or that whose voices it shares; nothing for a person."""
    if is_person(recording):
        return ""
    name = recording.speaker.removeprefix(SYNTHESIZED).split()[0]
    return _RELATED.get(name, name)


def left_out_whole(recordings: Sequence[Recording], folds: int) -> list[Recording]:
    """The same recordings, each synthesizer and each recorder in one part.

    Synthesizers stay parted by their voices where there are fewer of them than parts. Of the
    people's recordings the folder that holds most is the crowd, every other a recorder's.
    """
    placed = _balanced(Counter(map(family_of, filter(_is_made, recordings))), folds)
    recorders = _recorders(recordings)
    parted = []
    for each in recordings:
        if each.part >= 0:
            parted.append(each)
        elif not is_person(each) and placed:
            parted.append(replace(each, part=placed[family_of(each)]))
        elif is_person(each) and each.path.parent in recorders:
            parted.append(replace(each, part=recorders[each.path.parent] % folds))
        else:
            parted.append(each)
    return parted


def is_left_out_whole(recordings: Sequence[Recording], folds: int) -> bool:
    """Whether there are synthesizers, each in one part only."""
    parts: dict[str, set[int]] = defaultdict(set)
    for each in filter(_is_made, recordings):
        parts[family_of(each)].add(each.fold(folds))
    return bool(parts) and all(len(each) == 1 for each in parts.values())


def synthesizers_of(recordings: Sequence[Recording]) -> list[str]:
    """The names of the synthesizers that spoke, sorted."""
    made = filter(_is_made, recordings)
    return sorted({each.speaker.removeprefix(SYNTHESIZED).split()[0] for each in made})


def _is_made(recording: Recording) -> bool:
    return not is_person(recording)


def _balanced(counts: Counter[str], folds: int) -> dict[str, int]:
    """The part of each synthesizer, the largest first into the emptiest; none if too few."""
    if len(counts) < folds:
        return {}
    filled = [0] * folds
    placed = {}
    for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        part = filled.index(min(filled))
        placed[name] = part
        filled[part] += count
    return placed


def _recorders(recordings: Sequence[Recording]) -> dict[Path, int]:
    """The folders of people's recordings but the largest, numbered."""
    sizes: dict[Path, int] = defaultdict(int)
    for each in filter(is_person, recordings):
        sizes[each.path.parent] += 1
    largest = max(sizes, key=lambda folder: sizes[folder], default=None)
    return {folder: n for n, folder in enumerate(sorted(sizes)) if folder != largest}
