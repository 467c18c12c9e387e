"""The panel on real GPIO lines of a real kernel: LEDs through lgpio, buttons from the kernel.

Needs a kernel with gpio-sim whose lines ``run_on_gpio_sim.sh`` has set up, which also
says where they are (BITTERN_GPIO_SIM); skipped elsewhere.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.assistant.states import State
from device.panel.actions import Action
from device.panel.boards import parse_board
from device.panel.dimming import as_light, dimming
from device.panel.front import Front
from device.panel.gestures import Gesture
from device.panel.lights import colours
from device.panel.view import PanelView
from device.panel.watchers import ButtonEvent
from device.schema.document import parse_document

SIM = Path(os.environ.get("BITTERN_GPIO_SIM", "/nowhere"))
pytestmark = pytest.mark.skipif(
    not SIM.is_dir(), reason="no simulated GPIO lines (see run_on_gpio_sim.sh)"
)

RED, GREEN, BLUE, TALK, SWITCH = 22, 27, 24, 23, 26
BOARD = parse_board(
    parse_document(
        f"""
        title = "simulated lines"
        [lights]
        kind = "rgb"
        red = {RED}
        green = {GREEN}
        blue = {BLUE}
        [[button]]
        name = "talk"
        pin = {TALK}
        [mute_switch]
        pin = {SWITCH}
        """.encode(),
        "board",
    )
)


def value(line: int) -> int:
    """What the panel drives out of a line."""
    return int((SIM / f"sim_gpio{line}/value").read_text())


def push(line: int, down: bool) -> None:
    """Pull a line to ground, as a button does, or let it go."""
    (SIM / f"sim_gpio{line}/pull").write_text("pull-down" if down else "pull-up")


def duty(line: int, seconds: float = 1.0) -> float:
    """The part of the time in which a line is high."""
    ends_s, high, looks = time.monotonic() + seconds, 0, 0
    while time.monotonic() < ends_s:
        high += value(line)
        looks += 1
    return high / looks


class Desk:
    """A front on the simulated lines, and what it told."""

    def __init__(self) -> None:
        self.pressed: queue.Queue[tuple[ButtonEvent, float]] = queue.Queue()
        self.switched: queue.Queue[bool] = queue.Queue()
        push(TALK, False)
        push(SWITCH, False)
        self.front = Front(
            BOARD,
            on_button=lambda event: self.pressed.put((event, time.monotonic())),
            on_mute_switch=self.switched.put,
            dimming=dimming(100),
        )

    def __enter__(self) -> Desk:
        self.front.start()
        try:
            assert self.switched.get(timeout=5) is False
        except BaseException:
            self.front.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.front.close()

    def show(self, state: State) -> None:
        self.front.panel.show(state)
        time.sleep(0.2)
        assert self.front.panel.failures == []


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def test_muted_is_steadily_red(desk: Desk) -> None:
    desk.show(State.MUTED)
    assert [duty(line, 0.5) for line in (RED, GREEN, BLUE)] == [1.0, 0.0, 0.0]


def test_idle_is_dark_also_after_pulses(desk: Desk) -> None:
    desk.show(State.THINKING)
    assert 0 < duty(BLUE) < 1
    desk.show(State.IDLE)
    assert [duty(line, 0.3) for line in (RED, GREEN, BLUE)] == [0.0, 0.0, 0.0]
    before_s = time.process_time()
    time.sleep(2)
    used = (time.process_time() - before_s) / 2
    print(f"idle panel after pulses: {100 * used:.2f} % of a processor")
    assert used < 0.02


def test_full_light_after_pulses_stays_full(desk: Desk) -> None:
    """lgpio's pulse thread must not switch off what was set after it was told to stop."""
    for _ in range(20):
        desk.front.panel.show(State.LISTENING)
        time.sleep(0.08)
        desk.front.panel.show(State.MUTED)
        time.sleep(0.08)
        assert (value(RED), value(GREEN), value(BLUE)) == (1, 0, 0)


def test_the_light_has_the_strength_that_was_meant(desk: Desk) -> None:
    desk.show(State.FOLLOW_UP)
    view = PanelView(State.FOLLOW_UP)
    moments = [step / 100 for step in range(100)]
    meant = [as_light(colours(view, moment, 1), 1.0)[0][1] for moment in moments]
    assert duty(GREEN, 3.0) == pytest.approx(sum(meant) / len(meant), abs=0.05)


def test_a_press_and_its_latency(desk: Desk) -> None:
    delays_ms = []
    for _ in range(20):
        push(TALK, True)
        time.sleep(0.1)
        released_s = time.monotonic()
        push(TALK, False)
        event, told_s = desk.pressed.get(timeout=2)
        assert (event.gesture, event.action) == (Gesture.PRESS, Action.TALK)
        delays_ms.append(1000 * (told_s - released_s))
        time.sleep(0.1)
    delays_ms.sort()
    print(f"press told {delays_ms[10]:.1f} ms after the edge (p50), {delays_ms[-1]:.1f} ms at most")
    assert delays_ms[10] < 30
    assert desk.pressed.empty()


def test_a_hold_mutes_while_the_button_is_down(desk: Desk) -> None:
    push(TALK, True)
    event, told_s = desk.pressed.get(timeout=3)
    assert (event.gesture, event.action) == (Gesture.LONG, Action.MUTE)
    assert 0.7 < told_s - event.pressed_at_s < 1.2
    push(TALK, False)
    time.sleep(0.2)
    assert desk.pressed.empty()


def test_chatter_is_one_press(desk: Desk) -> None:
    for down in (True, False, True, False, True):
        push(TALK, down)
    time.sleep(0.1)
    for down in (False, True, False, True, False):
        push(TALK, down)
    event, _ = desk.pressed.get(timeout=2)
    assert event.gesture is Gesture.PRESS
    time.sleep(0.2)
    assert desk.pressed.empty()


def test_the_mute_switch_is_red_and_told(desk: Desk) -> None:
    desk.show(State.SPEAKING)
    push(SWITCH, True)
    assert desk.switched.get(timeout=2) is True
    time.sleep(0.1)
    assert (value(RED), value(GREEN), value(BLUE)) == (1, 0, 0)
    push(SWITCH, False)
    assert desk.switched.get(timeout=2) is False


def test_lines_are_given_back_and_can_be_taken_again() -> None:
    for _ in range(10):
        with Desk() as desk:
            push(TALK, True)
            time.sleep(0.05)
            push(TALK, False)
            event, _ = desk.pressed.get(timeout=2)
            assert event.gesture is Gesture.PRESS
