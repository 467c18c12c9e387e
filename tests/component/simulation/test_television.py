"""Others talk after an answer, and who asked asks on: a few of ``bittern bench television``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from device.assistant.policy import Policy
from device.workshop.bench.television import People, asking_on, evening

POLICY = Policy(chime=False, say_notices=False)
ANY_VOICE = dataclasses.replace(
    POLICY, follow_up_drop_db=200.0, follow_ups=99, follow_up_limit_s=30.0
)
LENGTH_S = 25.0


@pytest.mark.parametrize("ends", ["server", "local"])
def test_a_television_is_not_answered_and_keeps_nothing_open(recordings: Path, ends: str) -> None:
    people = People(recordings)
    for seed in (1, 8):
        seen = evening(people, seed, -45.0, ends, POLICY, LENGTH_S)
        assert seen.mistaken <= 1
        assert seen.sent_s <= 8.0
        assert seen.idle_after_s <= 15.0
    taken_for_it = evening(people, 1, -45.0, ends, ANY_VOICE, LENGTH_S)
    assert taken_for_it.mistaken > 1 or taken_for_it.sent_s > 8.0, "the scene would show it"


def test_who_asked_may_ask_on_over_it(recordings: Path) -> None:
    asked = asking_on(People(recordings), "server", -45.0, POLICY, count=8)
    assert asked["taken"] == 8
