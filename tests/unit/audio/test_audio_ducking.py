"""An answer that is ducked, held and resumed, to the sample."""

from __future__ import annotations

import numpy as np

from device.audio.play_queue import ItemChange, PlayQueue

RATE_HZ = 1000
LATENCY = 30
ANSWER, ALARM = 3, 2
LOUD = 10_000


def queue_with(samples: np.ndarray, rank: int = ANSWER) -> PlayQueue:
    queue = PlayQueue(RATE_HZ, RATE_HZ, cushion_s=0.0)
    queue.add("answer", samples.astype(np.int16), len(samples), rank)
    queue.complete("answer")
    return queue


def played(queue: PlayQueue, frames: int) -> tuple[np.ndarray, list[tuple[ItemChange, object]]]:
    sound, changes = [], []
    for _ in range(frames // 10):
        block, told = queue.take(10, LATENCY)
        sound.append(block)
        changes += told
    return np.concatenate(sound), changes


def test_what_is_ducked_is_20_db_softer_after_20_ms_and_loses_nothing() -> None:
    queue = queue_with(np.full(400, LOUD))
    played(queue, 100)
    queue.duck(ANSWER)
    soft, _ = played(queue, 100)
    assert np.abs(soft[20:] - LOUD / 10).max() <= 1
    assert (np.diff(soft[:20].astype(int)) <= 0).all(), "a ramp, no step"
    queue.resume()
    loud, _ = played(queue, 200)
    assert (loud[20:] == LOUD).all()
    _, changes = played(queue, 100)
    assert queue.heard_source("answer") == 400
    assert changes == [(ItemChange.FINISHED, "answer")]


def test_what_is_held_is_silent_and_goes_on_where_it_was_ducked() -> None:
    count = np.arange(1, 401)
    queue = queue_with(count)
    played(queue, 100)
    queue.duck(ANSWER)
    played(queue, 50)
    queue.hold(ANSWER)
    held, _ = played(queue, 200)
    assert not held[4:].any(), "4 ms to fade"
    queue.resume()
    again, _ = played(queue, 300)
    np.testing.assert_array_equal(again[20:], count[100 + 20 :])


def test_what_is_said_again_is_counted_once() -> None:
    queue = queue_with(np.full(400, LOUD))
    played(queue, 100)
    queue.duck(ANSWER)
    played(queue, 50)
    queue.hold(ANSWER)
    played(queue, 100)
    assert queue.heard_source("answer") == 150, "what was played softly was heard as well"
    queue.resume()
    assert queue.heard_source("answer") == 100
    played(queue, 100)
    assert queue.heard_source("answer") == 200 - LATENCY
    assert queue.stop() == {"answer": 200 - LATENCY}


def test_what_had_left_for_the_speaker_and_was_not_heard_is_not_counted_twice() -> None:
    queue = queue_with(np.full(400, LOUD))
    played(queue, 100)
    queue.duck(ANSWER)
    played(queue, 10)
    queue.hold(ANSWER)
    queue.resume()
    _, changes = played(queue, 300)
    fade = 4
    assert queue.heard_source("answer") == 400 - LATENCY - fade
    assert changes == []
    _, changes = played(queue, 40)
    assert changes == [(ItemChange.FINISHED, "answer")]


def test_the_last_words_are_said_again_too() -> None:
    queue = queue_with(np.full(120, LOUD))
    played(queue, 100)
    queue.duck(ANSWER)
    _, changes = played(queue, 30)
    queue.hold(ANSWER)
    assert changes == []
    queue.resume()
    again, changes = played(queue, 100)
    assert np.count_nonzero(again) == 20
    assert changes == [(ItemChange.FINISHED, "answer")]


def test_what_was_held_and_is_given_up_makes_no_more_sound() -> None:
    queue = queue_with(np.full(400, LOUD))
    played(queue, 100)
    queue.duck(ANSWER)
    played(queue, 50)
    queue.hold(ANSWER)
    played(queue, 50)
    assert queue.stop() == {"answer": 150}
    queue.resume()
    silent, _ = played(queue, 100)
    assert not silent.any()


def test_an_alarm_is_not_held_with_an_answer() -> None:
    queue = queue_with(np.full(400, LOUD), ALARM)
    played(queue, 100)
    queue.duck(ANSWER)
    queue.hold(ANSWER)
    sound, _ = played(queue, 100)
    assert (sound == LOUD).all()
