"""Presses told apart by time, without any clock."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.panel.debounce import Debouncer
from device.panel.gestures import Expected, Gesture, GestureRecogniser, Timing

Script = list[tuple[float, bool]]
"""When the contact moves, and whether it is closed then."""

ALL = Expected(double=True, long=True, very_long=True)


def play(
    script: Script, expected: Expected, *, is_down: bool = False, until_s: float = 30.0
) -> list[tuple[str, float, float]]:
    """Return each gesture with when it was told and when its press went down."""
    recogniser = GestureRecogniser(expected, is_down=is_down)
    told = []
    for at_s, down in [*script, (until_s, None)]:
        while (due_s := recogniser.deadline_s) is not None and due_s <= at_s:
            told += [(t.gesture.value, due_s, t.pressed_at_s) for t in recogniser.passed(due_s)]
        if down is not None:
            told += [(t.gesture.value, at_s, t.pressed_at_s) for t in recogniser.edge(down, at_s)]
    return [(name, round(at_s, 3), round(down_s, 3)) for name, at_s, down_s in told]


def press(at_s: float, for_s: float = 0.1) -> Script:
    return [(at_s, True), (at_s + for_s, False)]


def test_a_button_without_other_meanings_is_told_when_it_goes_down() -> None:
    assert play(press(1.0), Expected()) == [("press", 1.0, 1.0)]
    assert play(press(1.0, 9.0), Expected()) == [("press", 1.0, 1.0)]


def test_with_a_long_press_a_short_one_is_told_on_release() -> None:
    assert play(press(1.0, 0.3), Expected(long=True)) == [("press", 1.3, 1.0)]
    assert play(press(1.0, 2.0), Expected(long=True)) == [("long", 1.8, 1.0)]


def test_with_a_double_press_a_single_one_waits_for_it() -> None:
    assert play(press(1.0), Expected(double=True)) == [("press", 1.45, 1.0)]
    twice = press(1.0) + press(1.3)
    assert play(twice, Expected(double=True)) == [("double", 1.3, 1.0)]


def test_two_presses_far_apart_are_two() -> None:
    twice = press(1.0) + press(2.0)
    assert play(twice, Expected(double=True)) == [("press", 1.45, 1.0), ("press", 2.45, 2.0)]


def test_three_presses_are_a_double_and_a_single() -> None:
    thrice = press(1.0) + press(1.3) + press(1.6)
    assert play(thrice, Expected(double=True)) == [("double", 1.3, 1.0), ("press", 2.05, 1.6)]


def test_a_second_press_that_is_held_stays_a_double() -> None:
    assert play(press(1.0) + press(1.3, 12.0), ALL) == [("double", 1.3, 1.0)]


def test_a_very_long_press_warns_first() -> None:
    assert play(press(1.0, 15.0), ALL) == [
        ("long", 1.8, 1.0),
        ("very_long_coming", 6.0, 1.0),
        ("very_long", 11.0, 1.0),
    ]


def test_letting_go_after_the_warning_is_the_way_out() -> None:
    assert play(press(1.0, 7.0), ALL) == [
        ("long", 1.8, 1.0),
        ("very_long_coming", 6.0, 1.0),
        ("very_long_cancelled", 8.0, 1.0),
    ]


def test_letting_go_before_the_warning_is_no_news() -> None:
    assert play(press(1.0, 3.0), ALL) == [("long", 1.8, 1.0)]


def test_a_button_that_is_stuck_from_the_start_is_ignored_until_it_was_up() -> None:
    assert play([], ALL, is_down=True) == []
    assert play([(12.0, False), *press(13.0)], Expected(long=True), is_down=True) == [
        ("press", 13.1, 13.0)
    ]


def chatter(at_s: float, closed: bool) -> Script:
    """A contact that closes or opens with five bounces within 8 ms."""
    return [(at_s + n * 0.002, closed if n % 2 == 0 else not closed) for n in range(5)]


def test_chatter_is_one_press() -> None:
    script = chatter(1.0, True) + chatter(1.2, False)
    assert play(script, Expected()) == [("press", 1.0, 1.0)]
    assert play(script, Expected(double=True, long=True)) == [("press", 1.55, 1.0)]


def test_chatter_that_ends_on_another_level_than_it_began_is_believed_later() -> None:
    script: Script = [(1.0, True), (1.004, False)]
    assert play(script, Expected(long=True)) == [("press", 1.02, 1.0)]


@given(
    st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans()), max_size=40),
    st.builds(Expected, st.booleans(), st.booleans(), st.booleans()),
    st.booleans(),
)
def test_whatever_the_contact_does_the_gestures_make_sense(
    moves: list[tuple[float, bool]], expected: Expected, is_down: bool
) -> None:
    at_s, script = 0.0, []
    for after_s, closed in moves:
        at_s += after_s
        script.append((at_s, closed))
    told = play(script, expected, is_down=is_down, until_s=at_s + 30)
    names = [name for name, _, _ in told]
    possible = {Gesture.PRESS}
    possible |= {Gesture.DOUBLE} if expected.double else set()
    possible |= {Gesture.LONG} if expected.long else set()
    if expected.very_long:
        possible |= {Gesture.VERY_LONG_COMING, Gesture.VERY_LONG, Gesture.VERY_LONG_CANCELLED}
    assert set(names) <= possible
    assert len(names) <= 3 * sum(closed for _, closed in script)
    assert [at for _, at, _ in told] == sorted(at for _, at, _ in told)
    for name, at, down in told:
        assert down <= at
        if name == Gesture.VERY_LONG:
            assert at - down == pytest.approx(Timing().very_long_s, abs=0.01)


@given(st.lists(st.tuples(st.floats(0.0001, 0.2), st.booleans()), max_size=60))
def test_a_debounced_contact_never_moves_twice_in_a_moment(
    moves: list[tuple[float, bool]],
) -> None:
    contact, at_s, changes = Debouncer(0.02), 0.0, []
    for after_s, closed in moves:
        next_s = at_s + after_s
        while (due_s := contact.deadline_s) is not None and due_s <= next_s:
            assert contact.passed(due_s)
            changes.append(due_s)
        at_s = next_s
        if contact.edge(closed, at_s):
            changes.append(at_s)
    gaps = [later - sooner for sooner, later in itertools.pairwise(changes)]
    assert all(gap >= 0.02 - 1e-9 for gap in gaps)
    settled_s = contact.deadline_s
    if settled_s is not None:
        contact.passed(settled_s)
    if moves:
        assert contact.is_on == moves[-1][1]
