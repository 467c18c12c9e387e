"""Thresholds, and what they do to people who had no part in choosing them."""

from __future__ import annotations

from collections.abc import Sequence

from device.wake.card import Figure
from device.workshop.training.measuring.curves import SystemScores, scores_of, threshold_for
from device.workshop.training.measuring.run import TrialOutcome
from device.workshop.training.measuring.trials import CONDITIONS


def scores_by_condition(
    outcomes: Sequence[TrialOutcome], system: str, word: str
) -> dict[str, SystemScores]:
    """The peaks of one system for one word."""
    return {name: scores_of(outcomes, system, word, name) for name in CONDITIONS}


def thresholds_for(
    outcomes: Sequence[TrialOutcome], system: str, word: str, rates: Sequence[float]
) -> list[float]:
    """The thresholds from which false accepts are as rare as the rates per hour say."""
    scores = list(scores_by_condition(outcomes, system, word).values())
    return [threshold_for(scores, rate) for rate in rates]


def figures_without_them(
    by_fold: Sequence[Sequence[TrialOutcome]], system: str, word: str, rates: Sequence[float]
) -> list[list[Figure]]:
    """For each rate and condition what its threshold does, counted over all folds.

    The trials of each fold are judged with thresholds chosen on the trials of the others, so
    that nobody had a part in the thresholds by which they are judged. The threshold written
    in the figures is the one chosen on all: the one that is used.
    """
    everything = [outcome for fold in by_fold for outcome in fold]
    used = thresholds_for(everything, system, word, rates)
    parts = []
    for index, fold in enumerate(by_fold):
        rest = [each for k, other in enumerate(by_fold) if k != index for each in other]
        chosen = thresholds_for(rest, system, word, rates)
        parts.append(_figures(fold, system, word, chosen))
    return [
        [
            _sum([part[step][place] for part in parts], used[step])
            for place in range(len(CONDITIONS))
        ]
        for step in range(len(rates))
    ]


def _figures(
    outcomes: Sequence[TrialOutcome], system: str, word: str, thresholds: Sequence[float]
) -> list[list[Figure]]:
    scores = scores_by_condition(outcomes, system, word)
    return [[each.figure(name, t) for name, each in scores.items()] for t in thresholds]


def _sum(figures: Sequence[Figure], threshold: float) -> Figure:
    return Figure(
        figures[0].condition,
        round(threshold, 6),
        sum(each.missed for each in figures),
        sum(each.spoken for each in figures),
        sum(each.false_accepts for each in figures),
        round(sum(each.hours for each in figures), 4),
    )
