"""Buttons and the mute switch on gpiozero's mock pins, in real time."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Iterator

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from device.panel import buttons as buttons_module
from device.panel import watchers as watchers_module
from device.panel.actions import Action
from device.panel.boards import load_board, parse_board
from device.panel.buttons import Buttons
from device.panel.front import Front
from device.panel.gestures import Timing
from device.panel.gpio import GpioInput
from device.panel.output import PanelError
from device.panel.recorder import RecordingLights
from device.panel.watchers import ButtonEvent, ButtonPlan, SwitchPlan
from device.schema.document import parse_document

QUICK = Timing(bounce_s=0.01, double_s=0.2, long_s=0.4, very_long_s=1.0, warning_s=0.3)
PATIENT = Timing(bounce_s=0.2, double_s=0.4, long_s=5.0, very_long_s=10.0, warning_s=2.0)
"""For chatter: a busy machine must not make a press of every spark."""
TALK = ButtonPlan("talk", 23)
STOP = ButtonPlan(
    "stop", 25, press=Action.STOP, double=Action.VOLUME_UP, long=Action.VOLUME_DOWN,
    very_long=Action.FACTORY_RESET,
)  # fmt: skip
SWITCH = SwitchPlan(26)


class Watch:
    """Buttons on mock pins, and what they told."""

    def __init__(
        self, pins: MockFactory, switch: SwitchPlan | None = None, timing: Timing = QUICK
    ) -> None:
        self.pins = pins
        self.told: queue.Queue[tuple[str, str, str]] = queue.Queue()
        self.switched: queue.Queue[bool] = queue.Queue()
        self.buttons = Buttons(
            functools.partial(GpioInput, lambda: pins),
            [TALK, STOP],
            switch,
            on_button=self._told,
            on_mute_switch=self.switched.put,
            timing=timing,
        )

    def _told(self, event: ButtonEvent) -> None:
        self.told.put((event.button, event.gesture.value, event.action.value))

    def start(self) -> None:
        self.buttons.start()
        deadline_s = time.monotonic() + 5
        lines = [plan.line for plan in (TALK, STOP)]
        while time.monotonic() < deadline_s:
            if all(self.pins.pin(line)._when_changed for line in lines):
                time.sleep(0.02)
                return
            time.sleep(0.005)
        raise AssertionError("the lines were not taken")

    def hold(self, line: int, seconds: float) -> None:
        self.pins.pin(line).drive_low()
        time.sleep(seconds)
        self.pins.pin(line).drive_high()

    def next(self) -> tuple[str, str, str]:
        return self.told.get(timeout=30)


@pytest.fixture
def watch(pins: MockFactory) -> Iterator[Watch]:
    watch = Watch(pins)
    watch.start()
    yield watch
    watch.buttons.close()


def test_a_press_and_a_hold(watch: Watch) -> None:
    watch.hold(23, 0.05)
    assert watch.next() == ("talk", "press", "talk")
    watch.hold(23, 0.6)
    assert watch.next() == ("talk", "long", "mute")
    assert watch.told.empty()


def test_a_hold_is_told_while_the_button_is_still_down(watch: Watch) -> None:
    watch.pins.pin(23).drive_low()
    assert watch.next() == ("talk", "long", "mute")
    assert not watch.pins.pin(23).state
    watch.pins.pin(23).drive_high()


def test_a_double_press(watch: Watch) -> None:
    watch.hold(25, 0.03)
    time.sleep(0.03)
    watch.hold(25, 0.03)
    assert watch.next() == ("stop", "double", "volume_up")
    watch.hold(25, 0.03)
    assert watch.next() == ("stop", "press", "stop")


def test_a_very_long_press_warns_and_can_be_called_off(watch: Watch) -> None:
    watch.hold(25, 0.85)
    assert [watch.next()[1:] for _ in range(3)] == [
        ("long", "volume_down"),
        ("very_long_coming", "factory_reset"),
        ("very_long_cancelled", "factory_reset"),
    ]
    watch.hold(25, 1.3)
    assert [watch.next()[1:] for _ in range(3)] == [
        ("long", "volume_down"),
        ("very_long_coming", "factory_reset"),
        ("very_long", "factory_reset"),
    ]


def test_chatter_is_one_press(pins: MockFactory) -> None:
    watch = Watch(pins, timing=PATIENT)
    watch.start()
    pin = pins.pin(23)
    for _ in range(20):
        pin.drive_low()
        pin.drive_high()
    pin.drive_low()
    time.sleep(0.5)
    for _ in range(20):
        pin.drive_high()
        pin.drive_low()
    pin.drive_high()
    assert watch.next() == ("talk", "press", "talk")
    time.sleep(0.6)
    assert watch.told.empty()
    watch.buttons.close()


def test_two_buttons_at_once_do_not_disturb_each_other(watch: Watch) -> None:
    watch.pins.pin(25).drive_low()
    watch.hold(23, 0.05)
    assert watch.next() == ("talk", "press", "talk")
    assert watch.next() == ("stop", "long", "volume_down")
    watch.pins.pin(25).drive_high()


def test_a_press_is_told_soon_after_the_release(watch: Watch) -> None:
    delays = []
    for _ in range(10):
        watch.hold(23, 0.03)
        released_s = time.monotonic()
        watch.next()
        delays.append(time.monotonic() - released_s)
        time.sleep(0.03)
    assert min(delays) < 0.02, "it does not wait for a second press, nor poll"


def test_a_listener_that_fails_does_not_end_the_watch(
    pins: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    told: queue.Queue[str] = queue.Queue()

    def fail(event: ButtonEvent) -> None:
        told.put(event.button)
        raise KeyError("oh")

    buttons = Buttons(
        functools.partial(GpioInput, lambda: pins), [TALK], on_button=fail, timing=QUICK
    )
    buttons.start()
    time.sleep(0.1)
    for _ in range(2):
        pins.pin(23).drive_low()
        time.sleep(0.03)
        pins.pin(23).drive_high()
        assert told.get(timeout=30) == "talk"
        time.sleep(0.03)
    buttons.close()
    assert caplog.messages == ["whoever listens to the buttons has failed"] * 2


def test_closing_gives_the_lines_back(watch: Watch) -> None:
    watch.buttons.close()
    assert not [t for t in threading.enumerate() if t.name == "buttons"]
    gpiozero.Button(23, pin_factory=watch.pins).close()


def test_missing_lines_are_logged_once_and_tried_again(
    pins: MockFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buttons_module, "FIRST_RETRY_S", 0.02)
    tries: list[float] = []

    def broken_for_a_while() -> MockFactory:
        tries.append(time.monotonic())
        if len(tries) <= 3:
            raise PanelError("no GPIO here", "buy a Raspberry Pi")
        return pins

    told: queue.Queue[ButtonEvent] = queue.Queue()
    buttons = Buttons(
        functools.partial(GpioInput, broken_for_a_while), [TALK], on_button=told.put, timing=QUICK
    )
    buttons.start()
    time.sleep(0.05)
    assert buttons.failure == "no GPIO here (buy a Raspberry Pi)"
    time.sleep(0.4)
    assert (len(tries), buttons.failure) == (4, "")
    assert caplog.messages == [
        "buttons: no GPIO here (buy a Raspberry Pi)",
        "the buttons are back",
    ]
    pins.pin(23).drive_low()
    time.sleep(0.03)
    pins.pin(23).drive_high()
    assert told.get(timeout=30).action is Action.TALK
    buttons.close()


def test_closing_while_there_is_no_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> MockFactory:
        raise PanelError("no GPIO here")

    buttons = Buttons(functools.partial(GpioInput, broken), [TALK], on_button=lambda _: None)
    buttons.start()
    time.sleep(0.05)
    buttons.close()
    assert not [t for t in threading.enumerate() if t.name == "buttons"]


def test_a_button_that_is_stuck_at_the_start_does_nothing(pins: MockFactory) -> None:
    watch = Watch(pins)
    pin = pins.pin(23)
    pin.function = "input"
    pin.pull = "up"
    pin.drive_low()
    # gpiozero sets the pull anew, which on a mock lifts the line: hold it down.
    pin._set_pull = lambda _: None
    watch.start()
    time.sleep(0.4)
    assert watch.told.empty()
    pin.drive_high()
    time.sleep(0.03)
    watch.hold(23, 0.03)
    assert watch.next() == ("talk", "press", "talk")
    watch.buttons.close()


class TestMuteSwitch:
    """The switch wins over software, and is told from the start."""

    def test_its_position_is_told_at_the_start_and_at_each_change(self, pins: MockFactory) -> None:
        watch = Watch(pins, SWITCH)
        watch.start()
        assert watch.switched.get(timeout=30) is False
        pins.pin(26).drive_low()
        assert watch.switched.get(timeout=30) is True
        time.sleep(0.1)
        pins.pin(26).drive_high()
        assert watch.switched.get(timeout=30) is False
        watch.buttons.close()

    def test_a_lost_edge_is_found_by_looking(
        self, pins: MockFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watchers_module, "SWITCH_LOOK_S", 0.1)
        watch = Watch(pins, SWITCH)
        watch.start()
        assert watch.switched.get(timeout=30) is False
        pins.pin(26)._state = False  # no edge
        assert watch.switched.get(timeout=30) is True
        watch.buttons.close()

    def test_it_lights_red_before_anybody_is_told(self, pins: MockFactory) -> None:
        board = parse_board(
            parse_document(
                b'title="x"\n[lights]\nkind="rgb"\nred=22\ngreen=27\nblue=24\n'
                b'[mute_switch]\npin=26\n[[button]]\nname="talk"\npin=23',
                "x",
            )
        )
        muted_views: queue.Queue[tuple[bool, bool]] = queue.Queue()
        front = Front(
            board,
            on_button=lambda _: None,
            on_mute_switch=lambda muted: muted_views.put((muted, front.panel.view.muted)),
            pins=lambda: pins,
        )
        front.start()
        assert muted_views.get(timeout=30) == (False, False)
        pins.pin(26).drive_low()
        assert muted_views.get(timeout=30) == (True, True)
        deadline_s = time.monotonic() + 2
        while pins.pin(22).state != 1 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert [pins.pin(line).state for line in (22, 27, 24)] == [1, 0, 0]
        front.close()


def test_a_shipped_board_works_from_its_description(pins: MockFactory) -> None:
    told: queue.Queue[ButtonEvent] = queue.Queue()
    front = Front(load_board("rgb-two-buttons"), on_button=told.put, pins=lambda: pins)
    front.start()
    time.sleep(0.1)
    pins.pin(23).drive_low()
    assert told.get(timeout=30).action is Action.MUTE
    pins.pin(23).drive_high()
    front.close()


def test_recording_lights_are_open_only_between(pins: MockFactory) -> None:
    lamp = RecordingLights()
    assert not lamp.is_open
    lamp.open()
    assert lamp.is_open
    lamp.close()
    assert not lamp.is_open
