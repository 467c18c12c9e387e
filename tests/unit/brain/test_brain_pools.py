"""Threads that are bounded and fair."""

from __future__ import annotations

import threading

import pytest

from device.brain.work.pools import FairPool, Lane


@pytest.fixture
def pool():
    pools = []

    def make(threads: int) -> FairPool:
        pools.append(FairPool("test", threads))
        return pools[-1]

    yield make
    for made in pools:
        made.close()


class Gate:
    """Work that waits until it is let go, and notes who was at it."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.open = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.finished = threading.Semaphore(0)

    def work(self, name: str):
        def run() -> None:
            self.order.append(name)
            self.arrived.release()
            self.open.wait(5)
            self.finished.release()

        return run

    def wait(self, semaphore: threading.Semaphore, count: int) -> None:
        for _ in range(count):
            assert semaphore.acquire(timeout=5)


def test_owners_take_turns(pool):
    gate = Gate()
    made = pool(1)
    made.submit("first", gate.work("hold"))
    gate.wait(gate.arrived, 1)
    for _ in range(3):
        made.submit("greedy", gate.work("greedy"))
    made.submit("modest", gate.work("modest"))
    gate.open.set()
    gate.wait(gate.finished, 5)
    assert gate.order == ["hold", "greedy", "modest", "greedy", "greedy"]


def test_no_owner_has_all_threads(pool):
    gate = Gate()
    made = pool(3)
    for _ in range(5):
        made.submit("greedy", gate.work("greedy"))
    gate.wait(gate.arrived, 2)
    made.submit("modest", gate.work("modest"))
    gate.wait(gate.arrived, 1)
    assert gate.order == ["greedy", "greedy", "modest"]
    gate.open.set()
    gate.wait(gate.finished, 6)


def test_one_thread_serves_a_lone_owner(pool):
    gate = Gate()
    gate.open.set()
    made = pool(1)
    for number in range(3):
        made.submit("only", gate.work(str(number)))
    gate.wait(gate.finished, 3)
    assert gate.order == ["0", "1", "2"]


def test_work_that_fails_leaves_the_thread_alive(pool, caplog):
    gate = Gate()
    gate.open.set()
    made = pool(1)
    made.submit("a", lambda: 1 / 0)
    made.submit("a", gate.work("after"))
    gate.wait(gate.finished, 1)
    assert "ZeroDivisionError" in caplog.text


def test_a_lane_keeps_its_order_on_many_threads(pool):
    done: list[int] = []
    all_done = threading.Event()
    lane = Lane(pool(4), "owner")
    for number in range(200):
        lane.put(lambda number=number: done.append(number))
    lane.put(all_done.set)
    assert all_done.wait(5)
    assert done == list(range(200))


def test_a_lane_goes_on_after_a_failure(pool):
    done = threading.Event()
    lane = Lane(pool(2), "owner")
    lane.put(lambda: 1 / 0)
    lane.put(done.set)
    assert done.wait(5)


def test_closing_drops_what_waits_and_joins(pool):
    gate = Gate()
    made = pool(1)
    made.submit("a", gate.work("running"))
    gate.wait(gate.arrived, 1)
    made.submit("a", gate.work("waiting"))
    closing = threading.Thread(target=made.close)
    closing.start()
    gate.open.set()
    closing.join(5)
    assert not closing.is_alive()
    made.submit("a", gate.work("late"))
    assert gate.order == ["running"]
