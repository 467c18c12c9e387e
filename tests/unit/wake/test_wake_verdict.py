"""Nobody has a part in the thresholds by which they are judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.workshop.training.measuring.curves import SystemScores, threshold_missing
from device.workshop.training.measuring.run import TrialOutcome
from device.workshop.training.measuring.trials import CONDITIONS, WakeTrial
from device.workshop.training.wake.verdict import figures_without_them, thresholds_for

WORD = "jarvis"


def outcome(label: str, condition: str, peak: float) -> TrialOutcome:
    trial = WakeTrial(Path(f"{label}.wav"), label, condition, length_s=3.6)
    return TrialOutcome(trial, {"bittern": {WORD: peak}})


def fold(random: np.random.Generator, shift: float) -> list[TrialOutcome]:
    """Other speech whose logits lie around ``shift``, and words around 4."""
    made = []
    for condition in CONDITIONS:
        others = 1 / (1 + np.exp(-random.logistic(shift, 1, 200)))
        words = 1 / (1 + np.exp(-random.logistic(4, 1, 30)))
        made += [outcome("coffee", condition, float(peak)) for peak in others]
        made += [outcome(WORD, condition, float(peak)) for peak in words]
    return made


def test_a_fold_is_judged_by_thresholds_of_the_others() -> None:
    random = np.random.default_rng(3)
    folds = [fold(random, shift) for shift in (-6.0, -6.0, -1.0)]
    honest = figures_without_them(folds, "bittern", WORD, (1.0,))[0]
    # The third fold's other speech sounds like the word; who had known it would ask for more.
    known = thresholds_for([each for part in folds for each in part], "bittern", WORD, (1.0,))[0]
    peaks = [o.peaks["bittern"][WORD] for o in folds[2] if o.trial.label == "coffee"]
    told = sum(each.false_accepts for each in honest)
    assert told > 2 * sum(peak > known for peak in peaks)
    assert [each.condition for each in honest] == list(CONDITIONS)
    assert all(each.threshold == pytest.approx(known, abs=1e-6) for each in honest)


def test_every_trial_is_counted_once() -> None:
    random = np.random.default_rng(4)
    folds = [fold(random, -6.0) for _ in range(3)]
    for step in figures_without_them(folds, "bittern", WORD, (0.2, 1.0, 4.0)):
        for figure in step:
            assert figure.spoken == 90
            assert figure.hours == pytest.approx(600 * 3.6 / 3600, abs=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.35, 1.0])
def test_the_threshold_for_a_miss_rate_is_the_highest_that_keeps_it(share: float) -> None:
    spoken = np.sort(np.random.default_rng(5).random(40))
    scores = SystemScores(spoken, np.zeros(0), 1.0)
    threshold = threshold_missing(scores, share)
    assert scores.figure("", threshold).missed <= share * 40
    if share < 1.0:
        above = float(np.nextafter(threshold, 1.0)) + 1e-9
        assert np.searchsorted(spoken, above, side="right") > share * 40
