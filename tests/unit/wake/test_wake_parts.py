"""What is left out whole: a synthesizer with all its voices, a recorder with all who spoke."""

from __future__ import annotations

from pathlib import Path

from device.workshop.training.wake.corpus import Recording
from device.workshop.training.wake.parts import (
    is_left_out_whole,
    left_out_whole,
    synthesizers_of,
)

FOLDS = 3


def made(synthesizer: str, count: int) -> list[Recording]:
    return [
        Recording(Path(f"said/{synthesizer}{n}.wav"), f"synthesized {synthesizer} voice{n}")
        for n in range(count)
    ]


def parts_of(recordings: list[Recording]) -> set[int]:
    return {each.fold(FOLDS) for each in recordings}


def test_all_voices_of_a_synthesizer_are_judged_together() -> None:
    several = [*made("kokoro", 20), *made("flite", 5), *made("espeak-ng", 9), *made("pico", 2)]
    assert not is_left_out_whole(several, FOLDS), "parted by voices, as nobody has parted them"
    parted = left_out_whole(several, FOLDS)
    assert is_left_out_whole(parted, FOLDS)
    assert parts_of(parted) == {0, 1, 2}
    assert synthesizers_of(parted) == ["espeak-ng", "flite", "kokoro", "pico"]


def test_synthesizers_that_share_voices_are_one() -> None:
    several = [*made("kokoro", 9), *made("flite", 5), *made("pico", 2)]
    related = [*made("hibari", 3), *made("festival", 3)]
    parted = left_out_whole([*several, *related], FOLDS)
    assert parts_of(parted[:9]) == parts_of(parted[16:19])
    assert parts_of(parted[9:14]) == parts_of(parted[19:])


def test_fewer_synthesizers_than_parts_are_parted_by_their_voices() -> None:
    parted = left_out_whole([*made("kokoro", 30), *made("flite", 5)], FOLDS)
    assert parts_of(parted[:30]) == {0, 1, 2}


def test_a_recorder_is_left_out_whole_and_a_crowd_by_its_speakers() -> None:
    crowd = [Recording(Path(f"crowd/{n}.flac"), f"{n}") for n in range(40)]
    studio = [Recording(Path(f"studio/{n}.flac"), f"studio {n}") for n in range(12)]
    parted = left_out_whole([*crowd, *studio], FOLDS)
    assert parts_of(parted[:40]) == {0, 1, 2}
    assert len(parts_of(parted[40:])) == 1


def test_what_was_put_into_a_part_by_hand_stays_there() -> None:
    own = [Recording(Path(f"me/{n}.wav"), "me", part=n % 3) for n in range(6)]
    assert left_out_whole(own, FOLDS) == own
