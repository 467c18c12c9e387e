"""Where the wake word ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.wake.ending import EndingRule, RecentLevels, find_end

RATE_HZ = 16_000
RULE = EndingRule(lag_ms=150, after_ms=120)


def loud(seconds: float) -> NDArray[np.int16]:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (8000 * np.sin(2 * np.pi * 200 * time_s)).astype(np.int16)


def hush(seconds: float) -> NDArray[np.int16]:
    noise = np.random.default_rng(3).normal(size=round(seconds * RATE_HZ))
    return (noise * 5).astype(np.int16)


def end_s(sound: NDArray[np.int16], decided_at_s: float) -> tuple[float, bool]:
    levels = RecentLevels(sound, len(sound))
    end, may_change = find_end(levels, round(decided_at_s * RATE_HZ), RULE)
    return end / RATE_HZ, may_change


def test_a_pause_after_the_decision_is_where_the_word_ends() -> None:
    end, may_change = end_s(np.concatenate((hush(0.3), loud(0.6), hush(0.2))), 0.85)
    assert abs(end - 0.9) <= 0.011
    assert not may_change


def test_a_pause_before_the_decision_too() -> None:
    end, may_change = end_s(np.concatenate((hush(0.3), loud(0.6), hush(0.2))), 1.05)
    assert abs(end - 0.9) <= 0.011
    assert not may_change


def test_speech_that_goes_on_leaves_the_usual_lag() -> None:
    end, may_change = end_s(np.concatenate((hush(0.2), loud(1.0))), 0.95)
    assert abs(end - 0.8) < 0.001
    assert not may_change


def test_as_long_as_a_pause_may_still_follow_nothing_is_certain() -> None:
    _, may_change = end_s(np.concatenate((hush(0.2), loud(0.8))), 0.95)
    assert may_change


def test_the_closure_of_a_consonant_is_no_pause() -> None:
    sound = np.concatenate((hush(0.2), loud(0.6), hush(0.06), loud(0.5)))
    end, _ = end_s(sound, 0.9)
    assert abs(end - 0.75) < 0.001


def test_an_echo_does_not_hide_the_pause_behind_a_word_said_over_it() -> None:
    """Else the end is guessed 150 ms before the decision, and the word's rest is sent."""
    echo = (loud(0.3) / 10 ** (28 / 20)).astype(np.int16)
    sound = np.concatenate((hush(0.3), loud(0.6), echo))
    levels, decided_at = RecentLevels(sound, len(sound)), round(0.85 * RATE_HZ)
    assert find_end(levels, decided_at, RULE)[0] == round(0.7 * RATE_HZ)
    end, may_change = find_end(levels, decided_at, RULE, is_over_playback=True)
    assert abs(end / RATE_HZ - 0.9) <= 0.011
    assert not may_change


def test_the_end_is_never_before_the_beginning() -> None:
    assert find_end(RecentLevels(loud(0.1), 1600), 800, RULE)[0] == 0


def test_levels_know_their_places() -> None:
    levels = RecentLevels(loud(2.0), 40_000)
    recent, first = levels.since(30_000)
    assert first <= 30_000 < first + 160
    assert first + 160 * len(recent) == 40_000
    assert len(levels.levels_db) == 120


@given(
    parts=st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=12),
    decided=st.floats(0.0, 1.0),
    lag_ms=st.integers(0, 2_000),
    before_ms=st.integers(0, 2_000),
    is_over_playback=st.booleans(),
)
def test_no_end_is_further_before_the_decision_than_the_privacy_page_says(
    parts: list[tuple[bool, int]],
    decided: float,
    lag_ms: int,
    before_ms: int,
    is_over_playback: bool,
) -> None:
    sound = np.concatenate([loud(n / 100) if is_loud else hush(n / 100) for is_loud, n in parts])
    decided_at = round(decided * len(sound))
    rule = EndingRule(lag_ms=lag_ms, before_ms=before_ms)
    levels = RecentLevels(sound, len(sound))
    end, _ = find_end(levels, decided_at, rule, is_over_playback=is_over_playback)
    assert end >= decided_at - 250 * 16
