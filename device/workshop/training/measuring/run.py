"""Runs all trials through all systems, in as many processes as are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context

from device.workshop.training.measuring.systems import Choice, System
from device.workshop.training.measuring.trials import Backdrop, WakeTrial, sound_of
from device.workshop.training.wake.network import nobody

Peaks = dict[str, dict[str, float]]
"""System to word to the highest score."""
_PORTION = 16


@dataclass(frozen=True)
class TrialOutcome:
    """What every system made of one trial."""

    trial: WakeTrial
    peaks: Peaks


def run(
    trials: Sequence[WakeTrial],
    backdrop: Backdrop,
    choice: Choice,
    processes: int = 2,
    say: Callable[[int, int], None] = nobody,
) -> list[TrialOutcome]:
    """Listen to all trials; outcomes in their order."""
    outcomes: list[TrialOutcome] = []
    portions = [trials[at : at + _PORTION] for at in range(0, len(trials), _PORTION)]
    for found in _each(portions, backdrop, choice, processes):
        start = len(outcomes)
        outcomes += [
            TrialOutcome(trials[start + index], peaks) for index, peaks in enumerate(found)
        ]
        say(len(outcomes), len(trials))
    return outcomes


def now_and_then(say: Callable[[str], None], what: str) -> Callable[[int, int], None]:
    """For the ``say`` of :func:`run`: tell in words after some twenty portions, and at the end."""

    def tell(done: int, total: int) -> None:
        if done % (20 * _PORTION) == 0 or done == total:
            say(f"{what} {done} of {total}")

    return tell


def _each(
    portions: Sequence[Sequence[WakeTrial]], backdrop: Backdrop, choice: Choice, processes: int
) -> Iterator[list[Peaks]]:
    if processes <= 1:
        yield from (_listen(portion, backdrop, choice) for portion in portions)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        count = len(portions)
        yield from pool.map(_listen, portions, [backdrop] * count, [choice] * count)


def _listen(portion: Sequence[WakeTrial], backdrop: Backdrop, choice: Choice) -> list[Peaks]:
    found = []
    for trial in portion:
        sound = sound_of(trial, backdrop)
        found.append({system.name: system.peaks(sound) for system in _opened(choice)})
    return found


@lru_cache(maxsize=2)
def _opened(choice: Choice) -> list[System]:
    return choice.open()
