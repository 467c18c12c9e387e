"""Playback over a speaker: what goes in at 24 kHz comes out, heard to the sample."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from device.audio.playback import LIMIT_S, Playback
from device.audio.resample import resample
from device.audio.volume import Gain, gain_of, percent_of_db
from device.errors import BitternError

KEY = ("item_1", 0)


def speech(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9_000, 9_000, count).astype(np.int16)


def test_plays_bit_exact_at_the_wire_rate(make_speaker: Callable[..., Any]) -> None:
    speaker, samples = make_speaker(24_000), speech(24_000)
    playback = Playback(speaker)
    playback.open()
    for at in range(0, 24_000, 1_000):
        assert playback.feed(KEY, samples[at : at + 1_000]) == 1_000
    playback.finish(KEY)
    for _ in range(51):
        speaker.pull(480)
    assert (speaker.played[:24_000] == samples).all()
    assert playback.heard_samples(KEY) == 24_000
    assert (playback.heard_ms(KEY), playback.received_ms(KEY)) == (1_000, 1_000)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_plays_at_the_rate_of_the_speaker(make_speaker: Callable[..., Any], rate_hz: int) -> None:
    speaker, samples = make_speaker(rate_hz), speech(24_000)
    finished: list[object] = []
    playback = Playback(speaker)
    playback.on_finished = finished.append
    playback.open()
    playback.play(KEY, samples)
    for _ in range(60):
        speaker.pull(rate_hz // 50)
    wanted = resample(samples, 24_000, rate_hz)
    assert (speaker.played[: len(wanted)] == wanted).all()
    assert finished == [KEY]
    assert playback.heard_samples(KEY) == 24_000


def test_stop_says_what_was_heard_to_the_millisecond(make_speaker: Callable[..., Any]) -> None:
    speaker = make_speaker(48_000, latency_s=0.03)
    playback = Playback(speaker)
    playback.open()
    playback.feed(KEY, speech(48_000))
    playback.feed(("item_2", 0), speech(100))
    for _ in range(25):
        speaker.pull(960)
    assert playback.stop() == {KEY: 500 - 30, ("item_2", 0): 0}
    speaker.pull(960)
    assert not speaker.pull(960).any()
    assert playback.stop() == {}
    assert playback.heard_ms(KEY) == 470


def test_callbacks_come_in_order_and_without_the_lock(make_speaker: Callable[..., Any]) -> None:
    speaker, seen = make_speaker(), []
    playback = Playback(speaker)

    def on_started(key: object) -> None:
        seen.append(("started", key, playback.heard_ms(key)))  # would hang if locked

    def on_finished(key: object) -> None:
        seen.append(("finished", key, playback.heard_ms(key)))

    playback.on_started, playback.on_finished = on_started, on_finished
    playback.open()
    playback.play("a", speech(2_400))
    playback.play("b", speech(2_400))
    for _ in range(11):
        speaker.pull(480)
    assert [each[:2] for each in seen] == [
        ("started", "a"),
        ("finished", "a"),
        ("started", "b"),
        ("finished", "b"),
    ]
    assert seen[1][2] == 100


def test_the_queue_is_bounded_and_says_so(make_speaker: Callable[..., Any]) -> None:
    speaker = make_speaker()
    playback = Playback(speaker, limit_s=1.0)
    playback.open()
    assert playback.feed(KEY, speech(20_000)) == 20_000
    assert playback.feed(KEY, speech(20_000)) == 4_000
    assert playback.feed(KEY, speech(20_000)) == 0
    assert playback.health().refused_s == pytest.approx(36_000 / 24_000)
    assert playback.health().waiting_s == pytest.approx(1.0)
    playback.finish(KEY)
    finished: list[object] = []
    playback.on_finished = finished.append
    for _ in range(51):
        speaker.pull(480)
    assert finished == [KEY]
    assert playback.received_ms(KEY) == 1_000
    assert playback.feed("next", speech(20_000)) == 20_000


def test_five_minutes_are_bounded_memory() -> None:
    assert LIMIT_S * 48_000 * 2 < 30e6


def test_without_a_speaker_nobody_waits_for_ever(make_speaker: Callable[..., Any]) -> None:
    playback, finished = Playback(make_speaker()), []
    playback.on_finished = finished.append
    assert playback.feed(KEY, speech(100)) == 0
    playback.finish(KEY)
    playback.mix_in(speech(100))
    assert finished == [KEY]
    assert playback.stop() == {}
    assert (playback.heard_ms(KEY), playback.received_ms(KEY)) == (0, 0)
    assert playback.health().refused_s == pytest.approx(100 / 24_000)


def test_a_speaker_that_breaks_for_good_ends_what_is_queued(
    make_speaker: Callable[..., Any],
) -> None:
    speaker, finished = make_speaker(), []
    playback = Playback(speaker)
    playback.on_finished = finished.append
    playback.open()
    playback.play("a", speech(2_400))
    playback.feed("b", speech(2_400))
    speaker.pull(1_200)
    speaker.is_missing = True
    with pytest.raises(BitternError, match="no speaker"):
        playback.reopen()
    assert finished == ["a"]
    assert playback.heard_ms("a") == 50
    playback.finish("b")
    assert playback.feed("c", speech(10)) == 0
    assert finished == ["a", "b"]
    speaker.is_missing = False
    playback.open()
    assert playback.feed("c", speech(10)) == 10


def test_a_finished_item_takes_no_more(make_speaker: Callable[..., Any]) -> None:
    speaker = make_speaker()
    playback = Playback(speaker)
    playback.open()
    playback.play(KEY, speech(2_400))
    assert playback.feed(KEY, speech(2_400)) == 0
    for _ in range(12):
        speaker.pull(480)
    assert playback.received_ms(KEY) == 100


def test_a_chime_is_mixed_in_at_once(make_speaker: Callable[..., Any]) -> None:
    speaker, answer, chime = make_speaker(), speech(4_800, 1), speech(1_000, 2)
    playback = Playback(speaker)
    playback.open()
    playback.play(KEY, answer)
    speaker.pull(480)
    playback.mix_in(chime)
    for _ in range(9):
        speaker.pull(480)
    wanted = answer.astype(np.int32)
    wanted[480:1_480] += chime
    assert (speaker.played == np.clip(wanted, -32_768, 32_767)).all()
    assert playback.heard_samples(KEY) == 4_800


def test_what_was_mixed_in_is_silenced_by_its_name_without_a_click(
    make_speaker: Callable[..., Any],
) -> None:
    speaker, answer, ring, chime = (
        make_speaker(),
        speech(2_400, 1),
        speech(2_400, 2),
        speech(960, 3),
    )
    playback = Playback(speaker)
    playback.open()
    playback.play(KEY, answer)
    playback.mix_in(ring, "ring")
    playback.mix_in(chime)
    speaker.pull(480)
    playback.mix_out("ring")
    playback.mix_out("no such sound")
    for _ in range(4):
        speaker.pull(480)
    fade = 24_000 * 4 // 1000
    wanted = answer.astype(np.int32)
    wanted[:960] += chime
    wanted[:480] += ring[:480]
    wanted[480 : 480 + fade] += np.rint(ring[480 : 480 + fade] * np.linspace(1, 0, fade)).astype(
        int
    )
    difference = speaker.played - np.clip(wanted, -32_768, 32_767)
    assert np.abs(difference).max() <= 1  # rounding of the fade
    assert not difference[480 + fade :].any()
    assert playback.heard_samples(KEY) == 2_400, "the answer goes on"


def test_mixing_loud_sounds_clips_and_does_not_wrap(make_speaker: Callable[..., Any]) -> None:
    speaker = make_speaker()
    playback = Playback(speaker)
    playback.open()
    playback.mix_in(np.full(480, 30_000, dtype=np.int16))
    playback.mix_in(np.full(480, 30_000, dtype=np.int16))
    assert (speaker.pull(480) == 32_767).all()


def test_the_tap_gets_all_that_goes_out_with_its_position(
    make_speaker: Callable[..., Any],
) -> None:
    speaker, tapped = make_speaker(), []
    playback = Playback(speaker, volume_percent=50)
    playback.on_played = lambda samples, at_frame: tapped.append((at_frame, samples))
    playback.open()
    speaker.pull(480)
    playback.play(KEY, speech(1_000))
    speaker.pull(480)
    speaker.pull(960)
    assert [at for at, _ in tapped] == [0, 480, 960]
    assert (np.concatenate([samples for _, samples in tapped]) == speaker.played).all()


def test_volume_changes_without_a_click(make_speaker: Callable[..., Any]) -> None:
    speaker = make_speaker()
    playback = Playback(speaker)
    playback.open()
    playback.play(KEY, np.full(24_000, 10_000, dtype=np.int16))
    speaker.pull(480)
    playback.volume_percent = 50
    out = np.concatenate([speaker.pull(480) for _ in range(3)]).astype(int)
    assert np.abs(np.diff(out)).max() <= 10_000 / 480 + 1
    assert (out[480:] == 1_000).all()
    playback.volume_percent = 0
    out = np.concatenate([speaker.pull(480) for _ in range(2)])
    assert not out[480:].any()
    playback.volume_percent = 100
    out = np.concatenate([speaker.pull(480) for _ in range(2)])
    assert (out[480:] == 10_000).all()
    with pytest.raises(ValueError, match="0 to 100"):
        playback.volume_percent = 101
    assert playback.volume_percent == 100


def test_the_ramp_takes_the_same_time_in_small_blocks() -> None:
    gain = Gain(24_000, 100)
    gain.set(0)
    ones = np.full(100, 10_000, dtype=np.int16)
    out = np.concatenate([gain.apply(ones) for _ in range(6)]).astype(int)
    assert (np.diff(out) <= 0).all()
    assert out[478] > 0
    assert not out[480:].any()


def test_the_volume_curve() -> None:
    assert gain_of(0) == 0
    assert gain_of(100) == 1
    steps_db = [20 * np.log10(gain_of(percent)) for percent in range(1, 101)]
    assert np.diff(steps_db) == pytest.approx(0.4), "even in decibels"
    assert steps_db[0] > -40, "the softest is heard"
    assert gain_of(percent_of_db(-20)) == pytest.approx(0.1)


def test_a_queue_survives_a_reopened_speaker(make_speaker: Callable[..., Any]) -> None:
    speaker, samples = make_speaker(), speech(9_600)
    playback = Playback(speaker)
    playback.open()
    playback.play(KEY, samples)
    speaker.pull(4_800)
    playback.reopen()
    speaker.pull(4_800)
    assert (speaker.played == samples).all()
    assert playback.is_open
    playback.close()
    assert not playback.is_open


def test_feeding_and_stopping_beside_a_running_speaker(make_speaker: Callable[..., Any]) -> None:
    """Three threads at once: nothing breaks, and every item is accounted for once."""
    speaker = make_speaker(48_000)
    playback = Playback(speaker, cushion_s=0.0)
    finished: list[object] = []
    playback.on_finished = finished.append
    playback.open()
    done = threading.Event()

    def pull_always() -> None:
        while not done.is_set():
            speaker.pull(960)

    puller = threading.Thread(target=pull_always)
    puller.start()
    stopped: list[object] = []
    for number in range(300):
        for _ in range(3):
            playback.feed(number, speech(480))
        playback.finish(number)
        if number % 50 == 49:
            stopped += playback.stop()
    while playback.health().waiting_s:
        pass
    done.set()
    puller.join()
    stopped += playback.stop()
    assert sorted(finished + stopped) == list(range(300))  # type: ignore[type-var]
