"""A speaker that rests: closed while nothing plays, open before anybody can tell."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from device.audio.playback import Playback

RATE_HZ = 24_000
BLOCK = 480


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def eventually(happened: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def at_rest(speaker: Any, clock: Clock, rest_s: float | None = 5.0) -> Playback:
    """A playback that has been silent for as long as it takes."""
    playback = Playback(speaker, rest_s=rest_s)
    playback.follow_clock(clock)
    playback.open()
    for _ in range(RATE_HZ * 6 // BLOCK):
        if speaker.fill is not None:
            speaker.pull(BLOCK)
    if rest_s is not None:
        eventually(lambda: speaker.fill is None)
    return playback


def test_it_is_closed_when_nothing_plays_and_opened_for_the_next_sound(
    make_speaker: Callable[..., Any], clock: Clock
) -> None:
    speaker = make_speaker(RATE_HZ)
    playback = at_rest(speaker, clock)
    assert playback.is_open, "for everybody else nothing has changed"
    assert playback.speaker_health().is_active
    sound = np.arange(1, 1 + BLOCK, dtype=np.int16)
    finished: list[object] = []
    playback.on_finished = finished.append
    assert playback.play("notice", sound) == BLOCK
    eventually(lambda: speaker.fill is not None)
    assert (speaker.pull(BLOCK) == sound).all(), "the first block is the sound"
    speaker.pull(BLOCK)
    assert finished == ["notice"]
    assert playback.heard_ms("notice") == 20


def test_an_answer_that_only_begins_opens_it(
    make_speaker: Callable[..., Any], clock: Clock
) -> None:
    speaker = make_speaker(RATE_HZ)
    at_rest(speaker, clock).feed("answer", np.ones(RATE_HZ, np.int16))
    eventually(lambda: speaker.fill is not None)
    assert speaker.pull(BLOCK).all()


def test_a_chime_opens_it_too(make_speaker: Callable[..., Any], clock: Clock) -> None:
    speaker = make_speaker(RATE_HZ)
    at_rest(speaker, clock).mix_in(np.full(BLOCK, 1_000, np.int16))
    eventually(lambda: speaker.fill is not None)
    assert speaker.pull(BLOCK).all()


def test_an_item_without_sound_is_finished_all_the_same(
    make_speaker: Callable[..., Any], clock: Clock
) -> None:
    speaker = make_speaker(RATE_HZ)
    playback, finished = at_rest(speaker, clock), []
    playback.on_finished = finished.append
    playback.finish("nothing")
    eventually(lambda: speaker.fill is not None)
    speaker.pull(BLOCK)
    assert finished == ["nothing"]


def test_frames_go_on_over_the_rest(make_speaker: Callable[..., Any], clock: Clock) -> None:
    """The echo canceller maps what is heard to what was played by their number."""
    speaker = make_speaker(RATE_HZ)
    playback = at_rest(speaker, clock)
    places: list[int] = []
    playback.on_played = lambda _samples, at_frame: places.append(at_frame)
    played = len(speaker.played)
    clock.now_s += 10.0
    playback.play("notice", np.ones(BLOCK, np.int16))
    eventually(lambda: speaker.fill is not None)
    speaker.pull(BLOCK)
    assert places == [played + 10 * RATE_HZ]


def test_one_that_is_to_stay_open_does(make_speaker: Callable[..., Any], clock: Clock) -> None:
    speaker = make_speaker(RATE_HZ)
    playback = at_rest(speaker, clock, rest_s=None)
    assert speaker.fill is not None
    assert not playback.is_resting


def test_it_does_not_rest_while_something_is_heard_now_and_then(
    make_speaker: Callable[..., Any], clock: Clock
) -> None:
    speaker = make_speaker(RATE_HZ)
    playback = Playback(speaker, rest_s=4.0)
    playback.follow_clock(clock)
    playback.open()
    for second in range(12):
        if second % 3 == 0:
            playback.play(second, np.ones(BLOCK, np.int16))
        for _ in range(RATE_HZ // BLOCK):
            speaker.pull(BLOCK)
    time.sleep(0.02)
    assert speaker.fill is not None


def test_a_card_that_does_not_live_through_it_is_kept_open(
    make_speaker: Callable[..., Any], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    speaker = make_speaker(RATE_HZ)
    playback = at_rest(speaker, clock)
    speaker.is_missing = True
    with caplog.at_level(logging.ERROR):
        playback.play("notice", np.ones(BLOCK, np.int16))
        eventually(lambda: "rest_s = 0 in [speaker]" in caplog.text)
    assert not playback.speaker_health().is_active, "whoever watches opens it again"
    speaker.is_missing = False
    playback.reopen()
    assert speaker.pull(BLOCK).all(), "and it is said then"
    for _ in range(RATE_HZ * 6 // BLOCK):
        speaker.pull(BLOCK)
    time.sleep(0.02)
    assert speaker.fill is not None


def test_closing_one_that_rests_and_opening_it_again(
    make_speaker: Callable[..., Any], clock: Clock
) -> None:
    speaker = make_speaker(RATE_HZ)
    playback = at_rest(speaker, clock)
    playback.close()
    assert not playback.is_resting
    playback.play("lost", np.ones(BLOCK, np.int16))
    time.sleep(0.02)
    assert speaker.fill is None, "closed is closed"
    playback.open()
    assert not speaker.pull(BLOCK).any()
