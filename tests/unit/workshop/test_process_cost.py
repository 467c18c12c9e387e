"""What a process costs is read from the kernel, thread by thread."""

from __future__ import annotations

import os
import threading
import time

from device.workshop.bench.process_cost import Snapshot, cost, costs_of_threads, memory_mb, snapshot


def test_a_thread_that_sleeps_often_is_seen_by_its_wake_ups() -> None:
    over = threading.Event()

    def sleep_often() -> None:
        while not over.is_set():
            time.sleep(0.001)

    sleeper = threading.Thread(target=sleep_often)
    before = snapshot(os.getpid())
    sleeper.start()
    time.sleep(0.2)
    after = snapshot(os.getpid())
    over.set()
    sleeper.join()
    name = next(name for name in after.threads if name.startswith(f"{sleeper.native_id} "))
    assert name not in before.threads
    assert costs_of_threads(before, after)[name]["wake_ups_per_s"] > 20
    assert cost(before, after).wake_ups_per_s > 20
    assert cost(before, after).threads == len(after.threads)


def test_work_is_seen_as_time_on_the_processor() -> None:
    before = snapshot(os.getpid())
    until_s = time.thread_time() + 0.05
    while time.thread_time() < until_s:
        pass
    after = snapshot(os.getpid())
    worked_ms = cost(before, after).cpu_ms_per_s * (after.at_s - before.at_s)
    assert worked_ms > 45


def test_a_thread_that_has_ended_does_not_count_backwards() -> None:
    before = Snapshot(0.0, {"1 main": (1.0, 10), "2 gone": (5.0, 90)})
    after = Snapshot(2.0, {"1 main": (1.5, 14), "3 new": (0.1, 2)})
    found = cost(before, after)
    assert found.cpu_ms_per_s == 300.0
    assert found.wake_ups_per_s == 3.0
    assert list(costs_of_threads(before, after)) == ["1 main", "3 new"]


def test_memory_of_this_process_and_of_one_that_is_not_there() -> None:
    memory = memory_mb(os.getpid())
    assert memory is not None
    assert 0 < memory["private_mb"] <= memory["pss_mb"] <= memory["resident_mb"]
    assert memory_mb(2**22 + 1) is None
