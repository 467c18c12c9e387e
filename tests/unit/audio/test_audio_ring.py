"""The ring: absolute positions, bounded memory, honest about what it has lost."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.ring import OverwrittenError, Ring


def counting(start: int, count: int) -> np.ndarray:
    """Samples whose value is their own position, so that any slip shows."""
    return (np.arange(start, start + count) % 30_000).astype(np.int16)


def test_reads_back_what_was_written() -> None:
    ring = Ring(1000, 1.0)
    assert ring.write(counting(0, 300)) == 0
    assert ring.write(counting(300, 300)) == 300
    assert (ring.read(100, 500) == counting(100, 400)).all()
    assert (ring.start_sample, ring.end_sample) == (0, 600)


def test_says_what_is_overwritten_and_where_it_begins() -> None:
    ring = Ring(1000, 0.5)
    ring.write(counting(0, 800))
    with pytest.raises(OverwrittenError) as caught:
        ring.read(299, 400)
    assert caught.value.start_sample == 300
    assert (ring.read(300, 800) == counting(300, 500)).all()


def test_leaves_out_what_is_still_to_come() -> None:
    ring = Ring(1000, 1.0)
    ring.write(counting(0, 10))
    assert len(ring.read(5, 100)) == 5
    assert len(ring.read(10, 100)) == 0
    assert len(ring.read(50, 100)) == 0


@given(st.lists(st.integers(0, 2_500), max_size=12), st.integers(1, 1_000), st.data())
def test_any_writes_any_read(sizes: list[int], capacity: int, data: st.DataObject) -> None:
    ring = Ring(capacity, 1.0)
    for size in sizes:
        ring.write(counting(ring.end_sample, size))
    total = sum(sizes)
    assert ring.end_sample == total
    assert ring.start_sample == max(0, total - capacity)
    first = data.draw(st.integers(ring.start_sample, total))
    last = data.draw(st.integers(first, total))
    assert (ring.read(first, last) == counting(first, last - first)).all()


def test_clear_forgets_in_memory_and_keeps_counting() -> None:
    ring = Ring(1000, 1.0)
    ring.write(counting(1, 700))
    ring.clear()
    assert not ring._samples.any()
    assert (ring.start_sample, ring.end_sample) == (700, 700)
    with pytest.raises(OverwrittenError):
        ring.read(699, 700)
    assert ring.write(counting(700, 50)) == 700
    assert (ring.read(700, 750) == counting(700, 50)).all()


def test_what_is_read_is_a_copy() -> None:
    ring = Ring(1000, 0.1)
    ring.write(counting(0, 100))
    seen = ring.read(0, 100)
    ring.write(counting(5_000, 100))
    assert (seen == counting(0, 100)).all()


def test_subscribers_are_told_until_they_leave() -> None:
    ring = Ring(1000, 1.0)
    seen: list[int] = []
    unsubscribe = ring.subscribe(lambda: seen.append(ring.end_sample))
    ring.write(counting(0, 10))
    ring.clear()
    unsubscribe()
    ring.write(counting(10, 10))
    assert seen == [10, 10]


def test_readers_beside_a_writer_never_see_a_torn_sample() -> None:
    ring = Ring(1000, 2.0)
    failures: list[str] = []
    done = threading.Event()

    def read_always() -> None:
        while not done.is_set():
            first, last = ring.start_sample, ring.end_sample
            try:
                seen = ring.read(first, last)
            except OverwrittenError:
                continue
            if not (seen == counting(first, len(seen))).all():
                failures.append(f"torn between {first} and {last}")

    readers = [threading.Thread(target=read_always) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(3_000):
        ring.write(counting(ring.end_sample, 37))
    done.set()
    for reader in readers:
        reader.join()
    assert not failures


def test_room_depends_on_the_slowest_attached_reader() -> None:
    class At:
        def __init__(self, next_sample: int) -> None:
            self.next_sample = next_sample

    ring = Ring(1000, 1.0)
    ring.write(counting(0, 600))
    assert ring.room_samples() == 1000
    slow, fast = At(100), At(500)
    ring.attach(slow)
    ring.attach(fast)
    assert ring.room_samples() == 500
    ring.detach(slow)
    assert ring.room_samples() == 900
    ring.detach(fast)
    ring.detach(fast)
    assert ring.room_samples() == 1000


def test_a_ring_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="holds no sample"):
        Ring(16_000, 0.0)
