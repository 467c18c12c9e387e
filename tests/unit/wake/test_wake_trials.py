"""What counts as a word, which conditions there are, and how thresholds are chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.workshop.training.measuring.curves import SystemScores, curve, scores_of, threshold_for
from device.workshop.training.measuring.run import TrialOutcome
from device.workshop.training.measuring.trials import WakeTrial, is_about, label_of, plan
from device.workshop.training.wake.corpus import Recording

WORDS = ("alexa", "hey jarvis", "okay nabu")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("wake/alexa/17.flac", "alexa"),
        ("wake/single/okay_nabu.flac", "okay nabu"),
        ("wake/hey_jarvis/a.wav", "hey jarvis"),
        ("wake/view_glass/3.flac", "view glass"),
        ("commands/coffee/x.flac", "coffee"),
        ("wake/single/jarvis.flac", "jarvis"),
    ],
)
def test_the_folder_or_the_file_names_the_word(path: str, label: str) -> None:
    assert label_of(Recording(Path(path), "x"), WORDS) == label


def test_a_part_of_a_word_is_neither_with_nor_without() -> None:
    assert is_about("hey jarvis", "jarvis")
    assert is_about("jarvis", "hey jarvis")
    assert not is_about("alexa", "alexander")


def outcome(label: str, peak: float) -> TrialOutcome:
    trial = WakeTrial(Path("x"), label, "quiet", length_s=3.6)
    return TrialOutcome(trial, {"bittern": {"hey jarvis": peak}})


def test_misses_and_false_accepts_are_counted_by_label() -> None:
    outcomes = [outcome("hey jarvis", 0.9), outcome("hey jarvis", 0.3)]
    outcomes += [outcome("jarvis", 0.99), outcome("coffee", 0.8), outcome("coffee", 0.1)]
    scores = scores_of(outcomes, "bittern", "hey jarvis", "quiet")
    figure = scores.figure("quiet", 0.5)
    assert (figure.missed, figure.spoken, figure.false_accepts) == (1, 2, 1)
    assert figure.hours == pytest.approx(2 * 3.6 / 3600)


def test_a_curve_trades_misses_for_false_accepts() -> None:
    random = np.random.default_rng(0)
    scores = SystemScores(np.sort(random.random(200)), np.sort(random.random(900) ** 4), 1.0)
    points = curve(scores)
    assert len(points) <= 80
    misses = [each["miss_rate"] for each in points]
    false = [each["false_per_hour"] for each in points]
    assert misses == sorted(misses)
    assert false == sorted(false, reverse=True)


def test_a_threshold_holds_on_recordings_it_was_not_chosen_on() -> None:
    """Peaks of a logistic law, an hour at a time: the asked rate is met on other hours."""
    random = np.random.default_rng(7)
    ratios = []
    for _ in range(60):
        logits = random.logistic(-8, 1.2, 2000)
        chosen = threshold_for(
            [SystemScores(np.zeros(0), np.sort(1 / (1 + np.exp(-logits))), 1.0)], 0.5
        )
        truth = 2000 * (1 - 1 / (1 + np.exp(-(np.log(chosen / (1 - chosen)) + 8) / 1.2)))
        ratios.append(truth / 0.5)
    assert 0.4 < np.median(ratios) < 2.0


def test_fewer_false_accepts_need_a_higher_threshold() -> None:
    logits = np.random.default_rng(1).logistic(-6, 1, 1500)
    scores = [SystemScores(np.zeros(0), np.sort(1 / (1 + np.exp(-logits))), 1.0)]
    steps = [threshold_for(scores, rate) for rate in (3.0, 0.3, 0.03)]
    assert steps == sorted(steps)
    assert len(set(steps)) == 3


def test_one_condition_is_enough_and_all_kinds_of_noise_take_turns(tmp_path: Path) -> None:
    paths = [tmp_path / "hum" / f"{n}.wav" for n in range(12)]
    paths[0].parent.mkdir()
    for path in paths:
        soundfile.write(path, np.zeros(16_000, np.int16), 16_000)
    recordings = [Recording(path, path.stem) for path in paths]
    assert len(plan(recordings, WORDS, ("quiet",), is_sparing=True)) == 12
    trials = plan(recordings, WORDS, is_sparing=True)
    assert len(trials) == 24
    met = {(each.condition, each.noise) for each in trials if each.noise}
    assert len(met) == 9
