"""Order, cushion, underrun and the account of what was heard, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.audio.play_queue import REMEMBERED_ITEMS, ItemChange, PlayQueue

RATE_HZ = 48_000
SOURCE_HZ = 24_000
CUSHION = 4_800


def sound(count: int, value: int = 1_000) -> np.ndarray:
    return np.full(count, value, dtype=np.int16)


def queue(cushion_s: float = 0.1, fade_s: float = 0.004) -> PlayQueue:
    return PlayQueue(RATE_HZ, SOURCE_HZ, cushion_s, fade_s)


def test_waits_for_the_cushion_then_begins() -> None:
    plays = queue()
    plays.add("a", sound(CUSHION - 1), CUSHION // 2)
    out, changes = plays.take(480, 0)
    assert not out.any()
    assert changes == []
    plays.add("a", sound(1), 1)
    out, changes = plays.take(480, 0)
    assert out.all()
    assert changes == [(ItemChange.STARTED, "a")]


def test_a_complete_item_needs_no_cushion() -> None:
    plays = queue()
    plays.add("chime", sound(100), 50)
    plays.complete("chime")
    out, changes = plays.take(480, 0)
    assert (out[:100] == 1_000).all()
    assert not out[100:].any()
    assert changes == [(ItemChange.STARTED, "chime"), (ItemChange.FINISHED, "chime")]


def test_items_follow_each_other_without_a_gap_in_the_order_of_feeding() -> None:
    plays = queue()
    plays.add("a", sound(300, 1), 150)
    plays.add("b", sound(300, 2), 150)
    plays.add("a", sound(100, 1), 50)
    plays.complete("b")
    plays.complete("a")
    out, changes = plays.take(1_000, 0)
    assert out[:400].tolist() == [1] * 400
    assert out[400:700].tolist() == [2] * 300
    assert changes == [
        (ItemChange.STARTED, "a"),
        (ItemChange.STARTED, "b"),
        (ItemChange.FINISHED, "a"),
        (ItemChange.FINISHED, "b"),
    ]


def test_an_underrun_inserts_silence_that_nobody_heard_and_grows_the_cushion() -> None:
    plays = queue()
    plays.add("a", sound(CUSHION), CUSHION // 2)
    for _ in range(11):
        plays.take(480, 0)
    assert plays.underruns == 1
    assert plays.inserted_frames == 480
    assert plays.heard_source("a") == CUSHION // 2
    plays.add("a", sound(2 * CUSHION - 1), CUSHION)
    assert not plays.take(480, 0)[0].any()
    plays.add("a", sound(1), 1)
    assert plays.take(480, 0)[0].all()
    assert plays.underruns == 1


def test_the_cushion_is_bounded_and_shrinks_again() -> None:
    plays = queue()
    for _ in range(10):
        plays.add("a", sound(RATE_HZ), SOURCE_HZ)
        plays.take(RATE_HZ + 480, 0)
    assert plays.cushion_frames == RATE_HZ
    plays.complete("a")
    for number in range(20):
        plays.add(number, sound(10), 5)
        plays.complete(number)
        plays.take(480, 0)
    assert plays.cushion_frames == CUSHION


def test_the_latency_is_not_heard_yet() -> None:
    plays = queue(cushion_s=0)
    plays.add("a", sound(4_800), 2_400)
    plays.complete("a")
    plays.take(2_400, 960)
    assert plays.heard_source("a") == (2_400 - 960) // 2
    _, changes = plays.take(2_400, 960)
    assert changes == []
    assert plays.heard_source("a") == (4_800 - 960) // 2
    _, changes = plays.take(480, 960)
    assert changes == []
    _, changes = plays.take(480, 960)
    assert changes == [(ItemChange.FINISHED, "a")]
    assert plays.heard_source("a") == 2_400


def test_an_item_without_sound_finishes() -> None:
    plays = queue()
    plays.complete("nothing")
    assert plays.take(480, 0)[1] == [(ItemChange.FINISHED, "nothing")]


def test_an_item_that_is_never_complete_holds_back_those_behind_it() -> None:
    plays = queue(cushion_s=0)
    plays.add("a", sound(10), 5)
    plays.add("b", sound(10, 2), 5)
    plays.complete("b")
    plays.take(4_800, 0)
    assert plays.heard_source("b") == 0
    assert list(plays.stop(["a"])) == ["a"]
    out, changes = plays.take(480, 0)
    assert out[:10].tolist() == [2] * 10
    assert (ItemChange.FINISHED, "b") in changes


def test_stop_names_what_was_heard_and_fades() -> None:
    plays = queue()
    plays.add("a", sound(48_000), 24_000)
    plays.add("b", sound(100), 50)
    plays.take(4_800, 480)
    assert plays.stop() == {"a": 2_160, "b": 0}
    assert plays.waiting_frames == 0
    out, changes = plays.take(480, 480)
    assert changes == []
    fade = out[:192].astype(int)
    assert (np.diff(fade) <= 0).all()
    assert fade[0] == 1_000
    assert fade[-1] == 0
    assert np.abs(np.diff(fade)).max() < 10
    assert not out[192:].any()
    assert not plays.take(4_800, 480)[0].any()
    assert plays.heard_source("a") == 2_160


def test_stop_before_the_beginning_makes_no_sound() -> None:
    plays = queue()
    plays.add("a", sound(100), 50)
    plays.take(480, 0)
    assert plays.stop() == {"a": 0}
    assert not plays.take(480, 0)[0].any()


def test_stop_counts_what_was_handed_over_but_not_heard_to_its_end() -> None:
    plays = queue()
    plays.add("a", sound(480), 240)
    plays.complete("a")
    plays.take(480, 960)
    assert plays.stop() == {"a": 0}
    assert plays.take(4_800, 960)[1] == []


def test_a_name_can_be_used_again() -> None:
    plays = queue()
    for _ in range(2):
        plays.add("chime", sound(100), 50)
        plays.complete("chime")
        _, changes = plays.take(480, 0)
        assert changes == [(ItemChange.STARTED, "chime"), (ItemChange.FINISHED, "chime")]
    assert plays.received_source("chime") == 50


def test_remembers_a_bounded_number_of_past_items() -> None:
    plays = queue()
    for number in range(REMEMBERED_ITEMS + 10):
        plays.add(number, sound(20), 10)
        plays.complete(number)
        plays.take(480, 0)
    assert plays.heard_source(0) == 0
    assert plays.heard_source(REMEMBERED_ITEMS + 9) == 10
    assert len(plays._past) == REMEMBERED_ITEMS


def test_unknown_items_were_not_heard() -> None:
    assert queue().heard_source("x") == queue().received_source("x") == 0
    assert queue().stop() == {}
    assert queue().stop(["x"]) == {}


@settings(max_examples=60, stateful_step_count=40, deadline=None)
class AnyOrder(RuleBasedStateMachine):
    """Whatever is fed, taken and stopped in whatever order, the account is exact.

    Each item plays its own value, so what really left can be counted in the output.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plays = queue(cushion_s=0.01, fade_s=0)
        self.latency = 700
        self.fed: dict[int, int] = {}
        self.complete: set[int] = set()
        self.gone: set[int] = set()
        self.finished: list[int] = []
        self.out = np.zeros(0, dtype=np.int16)

    @rule(key=st.integers(1, 6), frames=st.integers(0, 3_000))
    def feed(self, key: int, frames: int) -> None:
        if key in self.complete or key in self.gone:
            return
        self.plays.add(key, sound(2 * frames, key), frames)
        self.fed[key] = self.fed.get(key, 0) + frames

    @rule(key=st.integers(1, 6))
    def finish(self, key: int) -> None:
        if key not in self.gone and key not in self.complete:
            self.fed.setdefault(key, 0)
            self.plays.complete(key)
            self.complete.add(key)

    @rule(frames=st.integers(1, 5_000))
    def take(self, frames: int) -> None:
        out, changes = self.plays.take(frames, self.latency)
        self.out = np.concatenate((self.out, out))
        for change, key in changes:
            if change is ItemChange.FINISHED:
                assert key in self.complete
                self.finished.append(key)  # type: ignore[arg-type]
                self.gone.add(key)  # type: ignore[arg-type]
                assert self.plays.heard_source(key) == self.fed[key]  # type: ignore[index]

    @precondition(lambda self: self.fed)
    @rule()
    def stop(self) -> None:
        stopped = self.plays.stop()
        assert set(stopped) == set(self.fed) - self.gone
        for key, heard in stopped.items():
            assert heard == self.really_heard(key)  # type: ignore[arg-type]
        self.gone |= set(stopped)  # type: ignore[arg-type]

    def really_heard(self, key: int) -> int:
        sounded = self.out[: max(0, len(self.out) - self.latency)]
        return int((sounded == key).sum()) // 2

    @invariant()
    def the_account_is_exact(self) -> None:
        for key in set(self.fed) - self.gone:
            assert self.plays.heard_source(key) == self.really_heard(key)

    @invariant()
    def nothing_is_lost_or_played_twice(self) -> None:
        waiting = sum(item.waiting for item in self.plays._items.values())
        assert waiting == self.plays.waiting_frames
        for key in set(self.fed) - self.gone:
            item = self.plays._items[key]
            assert item.handed == (self.out == key).sum()
            assert item.handed + item.waiting == 2 * self.fed[key]
        assert len(self.finished) == len(set(self.finished))

    def teardown(self) -> None:
        for key in set(self.fed) - self.gone - self.complete:
            self.plays.complete(key)
            self.complete.add(key)
        self.take(sum(self.fed.values()) * 2 + 10_000)
        assert self.complete <= self.gone


TestAnyOrder = AnyOrder.TestCase


def test_a_stop_of_some_leaves_the_others() -> None:
    plays = queue()
    plays.add("a", sound(100, 1), 50)
    plays.add("b", sound(100, 2), 50)
    plays.complete("b")
    with pytest.raises(KeyError):
        plays.stop(["a"])["b"]
    assert (plays.take(100, 0)[0] == 2).all()
