"""Simulated time: nobody ahead of the source, the source not ahead of anybody."""

from __future__ import annotations

import threading
import time

import pytest

from device.audio.pace import RealTime, Simulated


def test_the_source_waits_for_every_sink() -> None:
    pace, log = Simulated(), []
    closings = [threading.Event() for _ in range(3)]

    def sink(number: int, block_s: float) -> None:
        for count in range(1, round(1 / block_s) + 1):
            at = count * block_s
            pace.follow(at, closings[number])
            log.append((number, at, pace.now_s()))
        pace.leave(closings[number])

    sinks = [
        threading.Thread(target=sink, args=(n, b), daemon=True) for n, b in ((0, 0.02), (1, 0.05))
    ]
    for each in sinks:
        each.start()
    while len(pace._waiting_for) < 2:
        time.sleep(0.001)
    for step in range(1, 101):
        pace.lead(step / 100, closings[2])
    for each in sinks:
        each.join(5)
        assert not each.is_alive()
    assert len(log) == 50 + 20
    assert all(-1e-9 <= now - at < 0.0101 for _, at, now in log)


def test_closing_frees_everybody() -> None:
    pace = Simulated()
    leading, following = threading.Event(), threading.Event()
    sink = threading.Thread(target=pace.follow, args=(5.0, following), daemon=True)
    sink.start()
    stuck = threading.Event()
    pace._waiting_for[stuck] = 0.0  # a sink that never takes anything
    source = threading.Thread(target=pace.lead, args=(1.0, leading), daemon=True)
    source.start()
    source.join(0.05)
    assert source.is_alive()
    assert sink.is_alive()
    leading.set()
    pace.leave(leading)
    source.join(5)
    following.set()
    pace.leave(following)
    sink.join(5)
    assert not source.is_alive()
    assert not sink.is_alive()
    pace.follow(99.0, following)  # a closed sink does not wait


def test_real_time_catches_up_and_can_be_woken() -> None:
    now = [100.0]
    pace = RealTime(clock=lambda: now[0])
    closing = threading.Event()
    now[0] = 101.5
    assert pace.now_s() == pytest.approx(1.5)
    pace.lead(1.0, closing)
    pace.follow(1.4, closing)
    closing.set()
    began = time.monotonic()
    pace.lead(60.0, closing)
    pace.leave(closing)
    assert time.monotonic() - began < 1.0
