"""What counts as a near miss."""

from __future__ import annotations

from device.nearmisses.spotter import EPISODE_SAMPLES, NearMiss, Spotter

BLOCK = 960


class Row:
    """Scores as the wake path shows them: the highest since somebody forgot."""

    def __init__(self) -> None:
        self.peaks: dict[str, float] = {"jarvis": 0.0, "alexa": 0.0}
        self.suspicions: dict[str, float] = {"jarvis": 0.0, "alexa": 0.0}

    def hear(self, jarvis: float, first: float = 0.0) -> None:
        self.peaks["jarvis"] = max(self.peaks["jarvis"], jarvis)
        self.suspicions["jarvis"] = max(self.suspicions["jarvis"], first)

    def forget_peaks(self) -> None:
        self.peaks = dict.fromkeys(self.peaks, 0.0)
        self.suspicions = dict.fromkeys(self.suspicions, 0.0)


def play(*scores: float, heard_at: int = -1, first: float = 0.0) -> list[NearMiss]:
    """One score of "jarvis" a block, then silence for two seconds; ``first`` by the first model."""
    row, spotter = Row(), Spotter({"jarvis": 0.4, "alexa": 0.8})
    found = []
    for number, score in enumerate((*scores, *([0.0] * 34))):
        row.hear(score, first if score else 0.0)
        missed = spotter.look(row, BLOCK * (number + 1), number == heard_at)
        found += [missed] if missed is not None else []
    return found


def test_a_word_that_counted_is_no_near_miss() -> None:
    assert play(0.1, 0.3, 0.9, heard_at=2) == []


def test_interest_that_came_to_nothing_is_one_with_its_highest_score() -> None:
    assert play(0.1, 0.3, 0.35, 0.2) == [NearMiss("jarvis", 0.35, 2 * BLOCK)]


def test_what_is_not_near_is_not_kept() -> None:
    assert play(0.1, 0.19, 0.0) == []


def test_mere_interest_of_the_first_model_is_nothing() -> None:
    assert play(0.01, 0.02, first=0.3) == []


def test_what_the_first_model_believed_and_the_second_did_not_is_one() -> None:
    assert play(0.01, 0.02, first=0.7) == [NearMiss("jarvis", 0.7, BLOCK)]


def test_two_seconds_apart_there_are_two() -> None:
    pause = [0.0] * (2 * EPISODE_SAMPLES // BLOCK)
    assert len(play(0.3, *pause, 0.3)) == 2


def test_a_gap_in_the_sound_ends_it() -> None:
    row, spotter = Row(), Spotter({"jarvis": 0.4, "alexa": 0.8})
    row.hear(0.3)
    assert spotter.look(row, BLOCK, False) is None
    spotter.restart()
    row.forget_peaks()
    assert spotter.look(row, 40 * BLOCK, False) is None
