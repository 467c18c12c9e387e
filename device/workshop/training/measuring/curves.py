"""From peak scores to miss rates and false accepts per hour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from device.wake.card import Figure
from device.wake.confidence import rate_between, share_between
from device.workshop.training.measuring.run import TrialOutcome
from device.workshop.training.measuring.trials import is_about


@dataclass(frozen=True)
class SystemScores:
    """What one system gave for one word in one condition."""

    spoken: np.ndarray
    """The peak of each recording of the word, ascending."""
    other: np.ndarray
    """The peak of each recording without it, ascending."""
    hours: float
    """How long the latter are together."""

    def figure(self, condition: str, threshold: float) -> Figure:
        """What a threshold does."""
        missed = int(np.searchsorted(self.spoken, threshold, side="right"))
        false = len(self.other) - int(np.searchsorted(self.other, threshold, side="right"))
        return Figure(
            condition, round(threshold, 6), missed, len(self.spoken), false, round(self.hours, 4)
        )


def scores_of(
    outcomes: Sequence[TrialOutcome], system: str, word: str, condition: str, noise: str = ""
) -> SystemScores:
    """Collect the peaks of one word; recordings of a part of it are neither with nor without."""
    spoken, other, seconds = [], [], 0.0
    for outcome in outcomes:
        trial = outcome.trial
        if trial.condition != condition or (noise and trial.noise != noise):
            continue
        peak = outcome.peaks[system].get(word)
        if peak is None:
            continue
        if trial.label == word:
            spoken.append(peak)
        elif not is_about(word, trial.label):
            other.append(peak)
            seconds += trial.length_s
    return SystemScores(np.sort(spoken), np.sort(other), seconds / 3600)


def curve(scores: SystemScores, most: int = 80) -> list[dict[str, float]]:
    """Points of the curve: at most so many, where something changes; with intervals."""
    every = np.unique(np.concatenate((scores.spoken, scores.other, [0.0])))
    if len(every) > most:
        # Dense at the top, where the rare events are.
        places = np.unique(np.geomspace(1, len(every), most).astype(int))
        every = every[len(every) - places][::-1]
    return [point(scores.figure("", float(threshold))) for threshold in every]


def point(figure: Figure) -> dict[str, float]:
    """A figure as shares and rates with their 95 % intervals."""
    miss_low, miss_high = share_between(figure.missed, figure.spoken)
    rate_low, rate_high = rate_between(figure.false_accepts, figure.hours)
    return {
        "threshold": figure.threshold,
        "missed": figure.missed,
        "spoken": figure.spoken,
        "miss_rate": figure.missed / figure.spoken if figure.spoken else math.nan,
        "miss_low": miss_low,
        "miss_high": miss_high,
        "false_accepts": figure.false_accepts,
        "hours": figure.hours,
        "false_per_hour": figure.false_accepts / figure.hours if figure.hours else math.nan,
        "false_low": rate_low,
        "false_high": rate_high,
    }


def threshold_missing(scores: SystemScores, share: float) -> float:
    """The highest threshold that misses no larger share of the spoken words.

    At it the word of the recording whose peak it is counts as heard no more, so that the
    next lower number stands for it.
    """
    most = math.floor(share * len(scores.spoken) + 1e-9)
    if most >= len(scores.spoken):
        return 1.0
    return max(0.0, math.nextafter(float(scores.spoken[most]), 0.0))


def threshold_for(others: Sequence[SystemScores], per_hour: float) -> float:
    """The threshold from which false accepts are expected so rarely, in all conditions together.

    Rates rarer than what was measured are read off a straight line through the tail: the
    forty highest logits of scores, above the lowest of them, fall off exponentially, and
    that fall is carried on. One lucky recording does not move it much.
    """
    peaks = np.sort(np.concatenate([each.other for each in others]))
    hours = sum(each.hours for each in others)
    if len(peaks) < 50 or hours <= 0:
        return 0.5
    clipped = np.clip(peaks, 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    count = min(40, len(peaks) // 5)
    base = logits[-count]
    fall = float(np.mean(logits[-count + 1 :] - base))
    wanted = per_hour * hours
    logit = base + max(fall, 0.1) * math.log(count / max(wanted, 1e-6))
    return round(float(1 / (1 + math.exp(-logit))), 5)
