"""Capture: one clock over all reopenings, a bounded queue, deaf when closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from device.audio.capture import Block, BlockQueue, Capture
from device.audio.microphone import BlockMeter, MicrophoneHealth, MicrophoneWatch, WatchVerdict
from device.audio.ring import OverwrittenError
from device.audio.uplink import UplinkReader
from device.errors import BitternError


def counting(start: int, count: int) -> np.ndarray:
    return np.arange(start, start + count).astype(np.int16)


def drain(queue: BlockQueue) -> list[Block]:
    blocks = []
    while (block := queue.get(0)) is not None:
        blocks.append(block)
    return blocks


def test_blocks_and_ring_share_the_clock(make_microphone: Callable[..., Any]) -> None:
    microphone = make_microphone()
    capture = Capture(microphone)
    capture.open()
    for at in range(0, 960, 320):
        microphone.say(counting(at, 320))
    blocks = drain(capture.blocks)
    assert [block.at_sample for block in blocks] == [0, 320, 640]
    assert [block.is_after_gap for block in blocks] == [True, False, False]
    assert blocks[-1].end_sample == capture.ring.end_sample == 960
    assert (capture.ring.read(0, 960) == counting(0, 960)).all()


def test_the_clock_goes_on_over_a_reopening(make_microphone: Callable[..., Any]) -> None:
    microphone = make_microphone()
    capture = Capture(microphone)
    capture.open()
    microphone.say(counting(0, 320))
    capture.reopen()
    microphone.say(counting(320, 320))
    assert [(b.at_sample, b.is_after_gap) for b in drain(capture.blocks)] == [
        (0, True),
        (320, True),
    ]
    assert (capture.ring.read(0, 640) == counting(0, 640)).all()


def test_close_forgets_everything(make_microphone: Callable[..., Any]) -> None:
    microphone = make_microphone()
    capture = Capture(microphone)
    capture.open()
    microphone.say(counting(1, 320))
    capture.close()
    assert not capture.is_open
    assert capture.blocks.get(0) is None
    with pytest.raises(OverwrittenError):
        capture.ring.read(0, 320)
    assert not capture.ring._samples.any()
    capture.open()
    microphone.say(counting(320, 320))
    assert capture.ring.end_sample == 640


def test_a_stream_that_hangs_in_close_is_deaf_all_the_same(
    make_microphone: Callable[..., Any],
) -> None:
    """Mute must hold even when the driver does not let go."""
    microphone = make_microphone()
    capture = Capture(microphone)
    capture.open()
    zombie = microphone.deliver
    microphone.say(counting(1, 320))
    microphone.hangs = True
    with pytest.raises(BitternError, match="hangs"):
        capture.close()
    zombie(counting(1, 320))
    assert capture.ring.end_sample == capture.ring.start_sample == 320
    assert capture.blocks.get(0) is None
    capture.open()
    zombie(counting(1, 320))
    microphone.say(counting(320, 100))
    assert [block.at_sample for block in drain(capture.blocks)] == [320]


def test_a_reopening_that_fails_leaves_it_closed_and_can_be_tried_again(
    make_microphone: Callable[..., Any],
) -> None:
    microphone = make_microphone()
    capture = Capture(microphone)
    capture.open()
    zombie = microphone.deliver
    microphone.is_missing = True
    with pytest.raises(BitternError, match="no microphone"):
        capture.reopen()
    assert not capture.is_open
    zombie(counting(0, 100))
    assert capture.ring.end_sample == 0
    microphone.is_missing = False
    capture.open()
    assert capture.is_open


def test_a_full_queue_drops_the_oldest_and_says_so() -> None:
    queue = BlockQueue(limit_samples=1_000)
    for at in range(0, 3_000, 300):
        queue.put(Block(at, counting(at, 300), is_after_gap=False))
    assert (queue.dropped_blocks, queue.dropped_samples) == (7, 2_100)
    blocks = drain(queue)
    assert [block.at_sample for block in blocks] == [2_100, 2_400, 2_700]
    assert [block.is_after_gap for block in blocks] == [True, False, False]


def test_a_block_larger_than_the_queue_still_passes() -> None:
    queue = BlockQueue(limit_samples=100)
    assert queue.has_room(500)
    queue.put(Block(0, counting(0, 500), is_after_gap=False))
    assert not queue.has_room(1)
    assert len(drain(queue)) == 1


def test_get_waits_and_gives_up() -> None:
    queue = BlockQueue(1_000)
    began = time.monotonic()
    assert queue.get(0.05) is None
    assert 0.04 < time.monotonic() - began < 1.0
    timer = threading.Timer(0.02, queue.put, [Block(0, counting(0, 10), is_after_gap=False)])
    timer.start()
    assert queue.get(5.0) is not None


def test_a_source_that_can_wait_loses_nothing(make_microphone: Callable[..., Any]) -> None:
    """Much faster than real time, into a small queue and a small ring with a slow reader."""
    microphone = make_microphone(is_live=False)
    capture = Capture(microphone, ring_s=0.5, queue_s=0.1)
    capture.open()
    reader = UplinkReader(capture.ring, 0, 160_000, rate_hz=16_000)
    sounds = [counting(at, 320) for at in range(0, 160_000, 320)]
    source = threading.Thread(target=lambda: [microphone.say(each) for each in sounds])
    source.start()
    heard, sent = [], []
    while not reader.is_drained:
        block = capture.blocks.get(0.001)
        heard += [block.samples] if block else []
        sent += [chunk for chunk in [reader.take()] if chunk is not None]
    source.join()
    heard += [block.samples for block in drain(capture.blocks)]
    assert capture.blocks.dropped_samples == 0
    assert (np.concatenate(heard) == counting(0, 160_000)).all()
    assert (np.concatenate(sent) == counting(0, 160_000)).all()


def test_closing_frees_a_source_that_waits(make_microphone: Callable[..., Any]) -> None:
    microphone = make_microphone(is_live=False)
    capture = Capture(microphone, queue_s=0.01)
    capture.open()
    source = threading.Thread(target=lambda: [microphone.say(counting(0, 160)) for _ in range(9)])
    source.start()
    source.join(0.1)
    assert source.is_alive()
    capture.close()
    source.join(5)
    assert not source.is_alive()


class TestMeter:
    def test_ages_and_counts(self) -> None:
        now = [10.0]
        meter = BlockMeter(clock=lambda: now[0])
        now[0] = 13.0
        meter.restart()
        now[0] = 14.5
        assert meter.health(True, 1_000) == MicrophoneHealth(
            1.5, True, 0, 0.0, 0, never_sounded=True
        )
        meter.note(counting(0, 160), overflowed=True)
        now[0] = 14.75
        assert meter.health(False, 1_000) == MicrophoneHealth(0.25, False, 1, 0.0, 1)

    @pytest.mark.parametrize("value", [0, -1, 32_767])
    def test_measures_runs_of_one_value(self, value: int) -> None:
        meter = BlockMeter()
        meter.note(np.full(500, value, dtype=np.int16))
        meter.note(np.full(500, value, dtype=np.int16))
        assert meter.health(True, 1_000).zero_run_s == 1.0
        meter.note(np.zeros(0, dtype=np.int16))
        assert meter.health(True, 1_000).zero_run_s == 1.0
        meter.note(np.full(500, 7, dtype=np.int16))
        assert meter.health(True, 1_000).zero_run_s == 0.5
        almost = np.full(500, 7, dtype=np.int16)
        almost[250] = 8
        meter.note(almost)
        assert meter.health(True, 1_000).zero_run_s == 0.0

    def test_before_its_first_block_a_microphone_has_not_sounded(self) -> None:
        """Else one that was opened a moment ago looks mended."""
        meter = BlockMeter()
        assert meter.health(True, 1_000).never_sounded
        meter.note(np.arange(10, dtype=np.int16))
        meter.restart()
        assert meter.health(True, 1_000).never_sounded

    def test_tells_a_microphone_that_never_sounded_from_one_that_fell_silent(self) -> None:
        meter = BlockMeter()
        meter.note(np.zeros(500, dtype=np.int16))
        assert meter.health(True, 1_000).never_sounded
        meter.note(counting(0, 160))
        meter.note(np.full(500, 9, dtype=np.int16))
        health = meter.health(True, 1_000)
        assert (health.never_sounded, health.stuck_at) == (False, 9)
        meter.restart()
        meter.note(np.zeros(500, dtype=np.int16))
        assert meter.health(True, 1_000).never_sounded


@pytest.mark.parametrize(
    ("health", "verdict"),
    [
        (MicrophoneHealth(0.02, True, 0, 0.0, 100), WatchVerdict.HEALTHY),
        (MicrophoneHealth(1.9, True, 9, 29.9, 100), WatchVerdict.HEALTHY),
        (MicrophoneHealth(2.1, True, 0, 0.0, 100), WatchVerdict.STALLED),
        (MicrophoneHealth(2.1, True, 0, 99.0, 0), WatchVerdict.STALLED),
        (MicrophoneHealth(0.02, True, 0, 30.1, 100), WatchVerdict.SILENT),
        (MicrophoneHealth(0.02, True, 0, 2.9, 100, stuck_at=-1), WatchVerdict.HEALTHY),
        (MicrophoneHealth(0.02, True, 0, 3.1, 100, stuck_at=-1), WatchVerdict.STUCK),
        (MicrophoneHealth(0.02, True, 0, 4.9, 100, never_sounded=True), WatchVerdict.HEALTHY),
        (MicrophoneHealth(0.02, True, 0, 5.1, 100, never_sounded=True), WatchVerdict.SILENT),
        (MicrophoneHealth(0.02, False, 0, 0.0, 100), WatchVerdict.DEAD),
        (MicrophoneHealth(9.0, False, 0, 99.0, 100), WatchVerdict.DEAD),
    ],
)
def test_verdicts(health: MicrophoneHealth, verdict: WatchVerdict) -> None:
    assert MicrophoneWatch().judge(health) is verdict


def test_who_wants_more_at_once_is_not_woken_for_less() -> None:
    queue = BlockQueue(limit_samples=1_000)
    wakings = []

    def read() -> None:
        wakings.append(queue.get(5.0, least_samples=300))

    reader = threading.Thread(target=read)
    reader.start()
    for at in (0, 100):
        queue.put(Block(at, counting(at, 100), is_after_gap=False))
        time.sleep(0.05)
    assert wakings == []
    queue.put(Block(200, counting(200, 100), is_after_gap=False))
    reader.join(5.0)
    assert [block.at_sample for block in wakings if block is not None] == [0]
    assert [block.at_sample for block in drain(queue)] == [100, 200]


def test_when_the_time_is_over_less_is_given_too() -> None:
    queue = BlockQueue(limit_samples=1_000)
    queue.put(Block(0, counting(0, 100), is_after_gap=False))
    block = queue.get(0.05, least_samples=300)
    assert block is not None
    assert block.at_sample == 0


def test_a_doorman_wakes_a_listener_that_sleeps(make_microphone: Callable[..., Any]) -> None:
    microphone = make_microphone()
    capture = Capture(microphone)
    capture.open()
    capture.blocks.doorman = lambda block: bool(block.samples.any())
    woken: list[int] = []

    def listen() -> None:
        block = capture.blocks.get(10.0, least_samples=16_000)
        woken.append(-1 if block is None else len(drain(capture.blocks)))

    listener = threading.Thread(target=listen)
    listener.start()
    for _ in range(3):
        microphone.say(np.zeros(320, np.int16))
    listener.join(0.05)
    assert not woken, "nothing is worth it"
    microphone.say(counting(1, 320))
    listener.join(5.0)
    assert woken == [3], "everything since it went to sleep is there"


def test_somebody_else_may_call_the_listener(make_microphone: Callable[..., Any]) -> None:
    capture = Capture(make_microphone())
    listener = threading.Thread(target=capture.blocks.get, args=(10.0, 16_000))
    listener.start()
    capture.blocks.call()
    listener.join(5.0)
    assert not listener.is_alive()


def test_a_source_learns_whether_anybody_waits(make_microphone: Callable[..., Any]) -> None:
    microphone = make_microphone()
    capture = Capture(microphone)
    capture.open()

    def can_wait() -> object:
        return microphone.deliver(counting(0, 320))

    assert can_wait()
    capture.blocks.is_urgent = True
    assert not can_wait(), "the ears look for the end of a word"
    capture.blocks.is_urgent = False
    unsubscribe = capture.ring.subscribe(lambda: None)
    assert not can_wait(), "something is being sent"
    unsubscribe()
    assert can_wait()


def test_the_capture_clock_goes_on_between_two_blocks(make_microphone: Callable[..., Any]) -> None:
    microphone = make_microphone()
    capture = Capture(microphone)
    assert capture.now_s() == 0.0
    capture.open()
    microphone.say(counting(0, 1_600))
    first_s = capture.now_s()
    time.sleep(0.02)
    assert 0.1 <= first_s < first_s + 0.02 <= capture.now_s() < 0.1 + 0.25
    capture.close()
    assert capture.now_s() == 0.1
    unhurried = Capture(make_microphone(is_live=False))
    unhurried.open()
    unhurried.microphone.say(counting(0, 1_600))  # type: ignore[attr-defined]
    assert unhurried.now_s() == 0.1, "a source that waits has no clock but its samples"
