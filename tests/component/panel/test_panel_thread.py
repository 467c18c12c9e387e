"""The panel's thread: it shows, it sleeps, and no lamp can stop it."""

from __future__ import annotations

import datetime
import itertools
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from device.assistant.states import State
from device.panel import panel as panel_module
from device.panel.dimming import dimming
from device.panel.panel import Panel
from device.panel.recorder import RecordingLights
from device.panel.view import Frame, PanelView

BLACK = ((0.0, 0.0, 0.0),)
RED = ((1.0, 0.0, 0.0),)


@pytest.fixture
def lamp() -> RecordingLights:
    return RecordingLights()


@pytest.fixture
def panel(lamp: RecordingLights) -> Iterator[Panel]:
    panel = Panel([lamp])
    panel.start()
    assert lamp.wait_for(lambda: len(lamp.frames) == 1)
    yield panel
    panel.close()


def last(lamp: RecordingLights) -> Frame:
    return lamp.frames[-1][1]


def test_it_begins_dark(panel: Panel, lamp: RecordingLights) -> None:
    assert last(lamp) == BLACK


def test_idle_and_mute_write_once_and_then_sleep(panel: Panel, lamp: RecordingLights) -> None:
    thread = next(t for t in threading.enumerate() if t.name == "panel")
    panel.show(State.MUTED)
    assert lamp.wait_for(lambda: last(lamp) == RED)
    written = len(lamp.frames)
    assert thread.ident is not None
    its_time = time.pthread_getcpuclockid(thread.ident)
    before_s = time.clock_gettime(its_time)
    time.sleep(0.5)
    assert len(lamp.frames) == written == 2
    # Asleep in its condition variable.
    assert time.clock_gettime(its_time) - before_s < 0.005
    assert thread.is_alive()


def test_a_moving_pattern_is_rendered_at_a_steady_low_rate(
    panel: Panel, lamp: RecordingLights
) -> None:
    panel.show(State.LISTENING)
    assert lamp.wait_for(lambda: len(lamp.frames) >= 16, 30.0)
    panel.show(State.IDLE)
    assert lamp.wait_for(lambda: last(lamp) == BLACK)
    times = [at for at, _, view in lamp.frames if view.state is State.LISTENING]
    steps = [later - sooner for sooner, later in itertools.pairwise(times)]
    # Twenty a second; a busy machine may be late, and must not catch up.
    assert sorted(steps)[len(steps) // 2] > 0.045
    assert (times[-1] - times[0]) / len(steps) > 0.045


def test_a_change_is_seen_at_once(panel: Panel, lamp: RecordingLights) -> None:
    delays = []
    for state in (State.MUTED, State.IDLE) * 5:
        began_s = time.monotonic()
        panel.show(state)
        expected = RED if state is State.MUTED else BLACK
        assert lamp.wait_for(lambda wanted=expected: last(lamp) == wanted)
        delays.append(time.monotonic() - began_s)
    assert min(delays) < 0.02


def test_the_pattern_goes_on_when_only_the_brain_changes(
    panel: Panel, lamp: RecordingLights
) -> None:
    panel.show(State.THINKING)
    since_s = panel.view.since_s
    time.sleep(0.05)
    panel.show(State.THINKING, is_local=True)
    assert panel.view.since_s == since_s
    panel.show(State.SPEAKING, is_local=True)
    assert panel.view.since_s > since_s


def test_the_mute_switch_wins_over_every_state(panel: Panel, lamp: RecordingLights) -> None:
    panel.set_muted(True)
    assert lamp.wait_for(lambda: last(lamp) == RED)
    for state in State:
        panel.show(state)
    time.sleep(0.2)
    assert last(lamp) == RED
    panel.show(State.IDLE)
    panel.set_muted(False)
    assert lamp.wait_for(lambda: last(lamp) == BLACK)


def test_the_volume_is_shown_for_a_moment(
    panel: Panel, lamp: RecordingLights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_module, "VOLUME_SHOWN_S", 0.2)
    panel.show_volume(1.0)
    assert lamp.wait_for(lambda: last(lamp) == ((1.0, 1.0, 1.0),))
    assert lamp.wait_for(lambda: last(lamp) == BLACK, 1.0)


def test_closing_makes_it_dark_and_ends_the_thread(lamp: RecordingLights) -> None:
    panel = Panel([lamp])
    panel.start()
    panel.show(State.SPEAKING)
    panel.close()
    assert not lamp.is_open
    assert not [t for t in threading.enumerate() if t.name == "panel"]
    panel.show(State.IDLE)
    panel.close()


def test_without_lamps_there_is_no_thread() -> None:
    panel = Panel([])
    panel.start()
    panel.show(State.LISTENING)
    assert not [t for t in threading.enumerate() if t.name == "panel"]
    panel.close()


def test_a_lamp_without_colour_gets_the_patterns_without() -> None:
    lamp = RecordingLights(has_colour=False)
    panel = Panel([lamp])
    panel.start()
    panel.show(State.LISTENING)
    assert lamp.wait_for(lambda: bool(lamp.frames) and last(lamp) == ((1.0, 1.0, 1.0),))
    panel.close()


def test_the_lights_follow_the_voice_and_ask_only_while_there_is_one() -> None:
    lamp, asked = RecordingLights(), []
    loud = iter([0.0, 1.0] * 500)

    def loudness(state: State) -> float:
        asked.append(state)
        return next(loud)

    panel = Panel([lamp])
    panel.follow(loudness)
    panel.start()
    time.sleep(0.2)
    assert asked == []
    panel.show(State.SPEAKING)
    assert lamp.wait_for(
        lambda: (
            {view.level for _, _, view in lamp.frames if view.state is State.SPEAKING} == {0.0, 1.0}
        )
    )
    bright = {view.level: frame for _, frame, view in lamp.frames if max(frame[0]) > 0.2}
    assert max(bright[1.0][0]) > max(bright[0.0][0])
    panel.show(State.IDLE)
    assert lamp.wait_for(lambda: last(lamp) == ((0.0, 0.0, 0.0),))
    count = len(asked)
    time.sleep(0.3)
    assert len(asked) == count
    panel.close()
    assert set(asked) == {State.SPEAKING}


def test_a_slow_lamp_is_not_hurried_by_a_fast_one() -> None:
    fast, slow = RecordingLights(leds=12), RecordingLights(leds=12, frame_s=0.2)
    panel = Panel([fast, slow])
    panel.start()
    panel.show(State.CONNECTING)
    for _ in range(20):
        time.sleep(0.05)
    panel.close()
    times = [at for at, _, view in slow.frames if view.state is State.CONNECTING]
    assert len(times) <= 7 < len(fast.frames)


def test_night_falls_while_nothing_else_happens() -> None:
    """Muted, the light is lit and still; it must become dim all the same."""
    began_s = time.monotonic()

    def wall_clock() -> datetime.datetime:
        passed = datetime.timedelta(seconds=time.monotonic() - began_s)
        return datetime.datetime(2026, 1, 1, 21, 59, 59, 700_000) + passed

    lamp = RecordingLights()
    panel = Panel([lamp], dimming(100, 20, "22:00", "06:00"), wall_clock=wall_clock)
    panel.start()
    panel.show(State.MUTED)
    assert lamp.wait_for(lambda: bool(lamp.frames) and last(lamp) == RED)
    assert lamp.wait_for(lambda: 0 < last(lamp)[0][0] < 0.05, 2.0)
    panel.close()


class Exploding(RecordingLights):
    """A lamp whose library raises what it never said it would."""

    name = "exploding"

    def write(self, frame: Frame, view: PanelView) -> None:
        raise ZeroDivisionError("surprise")


def test_a_broken_lamp_is_logged_once_and_the_others_shine(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_module, "FIRST_RETRY_S", 0.02)
    broken, exploding, good = RecordingLights(), Exploding(), RecordingLights()
    broken.is_broken = True
    panel = Panel([broken, exploding, good])
    with caplog.at_level(logging.WARNING, "device.panel"):
        panel.start()
        panel.show(State.MUTED)
        assert good.wait_for(lambda: bool(good.frames) and last(good) == RED)
        deadline_s = time.monotonic() + 5
        while broken.opened < 3 and time.monotonic() < deadline_s:
            time.sleep(0.01)
    assert broken.opened >= 3
    assert [record.getMessage() for record in caplog.records] == [
        "recorder: the recorder was told to be broken",
        "exploding: surprise",
    ]
    assert [bool(record.exc_info) for record in caplog.records] == [False, True]
    assert panel.failures == [
        "recorder: the recorder was told to be broken",
        "exploding: surprise",
    ]
    panel.close()


def test_a_lamp_that_comes_back_shows_the_present(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_module, "FIRST_RETRY_S", 0.05)
    lamp = RecordingLights()
    panel = Panel([lamp])
    panel.start()
    assert lamp.wait_for(lambda: bool(lamp.frames))
    lamp.is_broken = True
    panel.show(State.FAULTED)
    deadline_s = time.monotonic() + 5
    while not panel.failures and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert not lamp.is_open
    panel.show(State.MUTED)
    lamp.is_broken = False
    assert lamp.wait_for(lambda: last(lamp) == RED)
    panel.close()
    assert panel.failures == []
    assert caplog.messages[-1] == "recorder is back"


def test_retries_come_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_module, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(panel_module, "LONGEST_RETRY_S", 0.2)
    lamp = RecordingLights()
    lamp.is_broken = True
    panel = Panel([lamp])
    panel.start()
    time.sleep(1.0)
    panel.close()
    # 0, 0.02, 0.06, 0.14, 0.3, then each 0.2 s.
    assert 6 <= lamp.opened <= 10
