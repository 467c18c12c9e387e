"""Some minutes of the day that ``bittern bench listen --day`` lives through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from device.workshop.bench.listen_day import ListeningDay, figures_of, live

HOURS = 0.1


@pytest.fixture(scope="module")
def day() -> ListeningDay:
    return live(HOURS)


@pytest.fixture(autouse=True)
def _models(model: Callable[[str], Path]) -> None:
    pytest.importorskip("hibari")
    model("microwakeword/hey_jarvis.onnx")


def test_every_word_is_found_at_its_place_the_last_one_too(day: ListeningDay) -> None:
    figures = figures_of(day, HOURS)
    assert figures["words_said"] >= 3
    assert figures["words_heard"] == figures["words_said"]
    assert figures["heard_in_the_last_minute"]
    assert figures["drift_of_found_ends_ms"] < 60.0
    assert figures["other_wake_words"] == 0


def test_the_clock_is_exact(day: ListeningDay) -> None:
    assert day.is_exact
    assert day.seconds == pytest.approx(HOURS * 3600)


def test_a_word_that_is_missed_or_memory_that_grows_is_told() -> None:
    good = ListeningDay(
        said_at=[0, 48_000],
        found=[(0, 24_000), (48_000, 72_000)],
        resident_mb=[50.0, 50.0],
        objects=[1000, 1000],
        is_exact=True,
    )
    assert figures_of(good, 1.0)["is_well"]
    for wrong in (
        {"found": [(0, 24_000)]},
        {"found": [(0, 24_000), (48_000, 82_000)]},
        {"resident_mb": [50.0, 90.0]},
        {"objects": [1000, 9000]},
        {"is_exact": False},
    ):
        bad = ListeningDay(**{**{f: getattr(good, f) for f in good.__slots__}, **wrong})
        assert not figures_of(bad, 1.0)["is_well"], wrong
