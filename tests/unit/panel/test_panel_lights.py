"""The patterns: each state is told from every other, with and without colour."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.assistant.states import State
from device.panel.lights import CLOUD, FRAME_S, colours, glow, next_change_s
from device.panel.view import Colour, PanelView

MOMENTS_S = [step * 0.02 for step in range(300)]
"""Six seconds: every rhythm at least twice."""

views = st.builds(
    PanelView,
    state=st.sampled_from(State),
    since_s=st.floats(0, 1e6),
    level=st.floats(0, 1),
    is_local=st.booleans(),
    muted=st.booleans(),
    looks=st.booleans(),
    fault=st.sampled_from(["", "no microphone"]),
    volume=st.none() | st.floats(0, 1),
)


def luminance(colour: Colour) -> float:
    """How bright a colour looks to somebody who sees none (ITU-R BT.709)."""
    red, green, blue = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@given(views, st.floats(-10, 2e6), st.sampled_from([1, 3, 12]))
def test_every_frame_is_one_that_a_lamp_can_show(view: PanelView, time_s: float, leds: int) -> None:
    frame = colours(view, time_s, leds)
    assert len(frame) == leds
    assert all(0 <= light <= 1 for colour in frame for light in colour)
    assert 0 <= glow(view, time_s) <= 1


PAIRS = list(itertools.combinations(State, 2))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_states_differ_on_a_plain_led(one: State, other: State) -> None:
    """At some fifth of all moments the one is light and the other dark."""
    on = [[glow(PanelView(state), t) >= 0.5 for t in MOMENTS_S] for state in (one, other)]
    differing = sum(a != b for a, b in zip(*on, strict=True)) / len(MOMENTS_S)
    rhythms = [sum(a != b for a, b in itertools.pairwise(states)) for states in on]
    assert differing > 0.2 or abs(rhythms[0] - rhythms[1]) >= 3


@pytest.mark.parametrize("leds", [1, 3, 12])
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_states_differ_for_who_sees_no_colour(one: State, other: State, leds: int) -> None:
    shades = [
        [[luminance(c) for c in colours(PanelView(state), t, leds)] for t in MOMENTS_S]
        for state in (one, other)
    ]
    distances = [
        max(abs(a - b) for a, b in zip(*frames, strict=True))
        for frames in zip(*shades, strict=True)
    ]
    assert sum(distance > 0.08 for distance in distances) / len(MOMENTS_S) > 0.15


@pytest.mark.parametrize("leds", [1, 12])
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_states_differ_in_hue_or_in_motion(one: State, other: State, leds: int) -> None:
    frames = [[colours(PanelView(s), t, leds) for t in MOMENTS_S] for s in (one, other)]
    assert frames[0] != frames[1]
    same = sum(a == b for a, b in zip(*frames, strict=True))
    assert same / len(MOMENTS_S) < 0.8


@pytest.mark.parametrize("state", CLOUD)
def test_the_local_brain_looks_different_at_a_glance(state: State) -> None:
    def mean(is_local: bool) -> list[float]:
        frames = [colours(PanelView(state, is_local=is_local), t, 3) for t in MOMENTS_S]
        channels = zip(*(colour for frame in frames for colour in frame), strict=True)
        return [sum(channel) for channel in channels]

    cloud, local = mean(False), mean(True)
    # Amber is much red and little blue; nothing of the cloud's is.
    assert local[0] > 2 * local[2]
    assert cloud[0] < max(cloud[1], cloud[2])


@given(views, st.floats(0, 2e6), st.sampled_from([1, 12]))
def test_muted_is_solid_red_whatever_else_is_going_on(
    view: PanelView, time_s: float, leds: int
) -> None:
    if (view.muted or view.state is State.MUTED) and view.volume is None and not view.looks:
        assert colours(view, time_s, leds) == ((1.0, 0.0, 0.0),) * leds
        assert next_change_s(view, time_s) is None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("leds", [1, 12])
def test_an_open_camera_looks_like_nothing_else(state: State, leds: int) -> None:
    """Whatever else is going on it is white, and never dark."""
    for time_s in MOMENTS_S:
        (colour, *others) = colours(PanelView(state, looks=True, volume=0.3), time_s, leds)
        assert colour[0] == colour[1] == colour[2] >= 0.4
        assert set(others) <= {colour}
    frames = [colours(PanelView(state), t, leds) for t in MOMENTS_S]
    assert not any(min(min(led) for led in frame) >= 0.4 for frame in frames)
    looking, other = (
        [glow(PanelView(state, looks=it), t) >= 0.5 for t in MOMENTS_S] for it in (True, False)
    )
    assert sum(a != b for a, b in zip(looking, other, strict=True)) / len(MOMENTS_S) > 0.2


def test_idle_is_dark_and_nothing_moves() -> None:
    view = PanelView(State.IDLE)
    assert colours(view, 5.0, 3) == ((0.0, 0.0, 0.0),) * 3
    assert glow(view, 5.0) == 0.0
    assert next_change_s(view, 5.0) is None
    assert next_change_s(view, 5.0, has_colour=False) is None


@given(views, st.floats(0, 1e5), st.booleans())
def test_nothing_changes_before_the_change_that_is_foretold(
    view: PanelView, after_s: float, has_colour: bool
) -> None:
    def look(time_s: float) -> object:
        return colours(view, time_s, 3) if has_colour else glow(view, time_s)

    now_s = view.since_s + after_s
    change_s = next_change_s(view, now_s, has_colour=has_colour)
    until_s = now_s + 5 if change_s is None else change_s
    assert until_s > now_s
    if change_s is not None and change_s - now_s <= FRAME_S + 1e-6:
        return
    # The very edge is left out: it is a rounding error wide.
    for part in (0.1, 0.5, 0.9):
        moment_s = now_s + 0.001 + (until_s - now_s - 0.002) * part
        assert look(moment_s) == look(now_s + 0.001)


def test_a_fault_wakes_the_panel_only_for_its_blinks() -> None:
    view, time_s, wakes = PanelView(State.FAULTED), 0.0, 0
    while time_s < 20:
        change_s = next_change_s(view, time_s)
        assert change_s is not None
        time_s, wakes = change_s, wakes + 1
    assert wakes <= 20 / 2 * 6 + 1


def test_listening_grows_with_the_voice() -> None:
    def shade(level: float) -> float:
        return sum(colours(PanelView(State.LISTENING, level=level), 0.3, 1)[0])

    assert shade(0.0) < shade(0.5) < shade(1.0)


@pytest.mark.parametrize(
    ("volume", "lit"), [(0.0, [0, 0, 0, 0]), (0.5, [1, 1, 0, 0]), (0.625, [1, 1, 0.5, 0]),
                        (1.0, [1, 1, 1, 1])]
)  # fmt: skip
def test_the_volume_is_a_bar(volume: float, lit: list[float]) -> None:
    frame = colours(PanelView(State.SPEAKING, volume=volume), 1.0, 4)
    assert [colour[0] for colour in frame] == lit
    assert all(red == green == blue for red, green, blue in frame)


def test_connecting_runs_round_a_ring() -> None:
    view = PanelView(State.CONNECTING)

    def brightest(time_s: float) -> int:
        frame = colours(view, time_s, 12)
        return max(range(12), key=lambda led: frame[led][2])

    assert [brightest(0.01 + quarter / 4) for quarter in range(5)] == [0, 3, 6, 9, 0]


@pytest.mark.parametrize("state", State)
def test_a_warning_goes_over_everything_and_runs_out(state: State) -> None:
    view = PanelView(state, muted=True, volume=0.5, warning=(10.0, 20.0))
    lit = [sum(max(colour) > 0 for colour in colours(view, t, 12)) for t in (10.1, 15.1, 19.9)]
    assert lit == [12, 6, 1]
    hues = {colours(view, 10.0 + step * 0.05, 12)[0] for step in range(100)}
    assert hues == {(1.0, 0.0, 0.0), (1.0, 1.0, 1.0)}


def test_a_warning_does_not_flash_dangerously() -> None:
    """Three flashes a second are the most (WCAG 2.3.1)."""
    view = PanelView(State.IDLE, warning=(0.0, 10.0))
    lit = [glow(view, step * 0.01) > 0.5 for step in range(1000)]
    flashes = sum(after and not before for before, after in itertools.pairwise(lit))
    assert flashes / 10.0 <= 3


@pytest.mark.parametrize("state", State)
def test_a_warning_is_like_no_state_on_a_plain_led(state: State) -> None:
    warning = PanelView(State.IDLE, warning=(0.0, 100.0))
    on = [[glow(view, t) >= 0.5 for t in MOMENTS_S] for view in (PanelView(state), warning)]
    differing = sum(a != b for a, b in zip(*on, strict=True)) / len(MOMENTS_S)
    rhythms = [sum(a != b for a, b in itertools.pairwise(states)) for states in on]
    assert differing > 0.2 or abs(rhythms[0] - rhythms[1]) >= 3


@pytest.mark.parametrize("state", list(State))
def test_attention_is_seen_while_idle_and_only_then(state: State) -> None:
    view = PanelView(state, attention=True)
    times = [step * 0.05 for step in range(100)]
    is_other = any(colours(view, t, 3) != colours(PanelView(state), t, 3) for t in times)
    assert is_other == (state is State.IDLE)
    if state is State.IDLE:
        assert next_change_s(view, 1.0) == pytest.approx(4.0)
        assert next_change_s(view, 4.01) == pytest.approx(4.15)
