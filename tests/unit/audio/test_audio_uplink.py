"""The uplink: every sample from the first one asked for, once, in chunks the wire likes."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.resample import resample
from device.audio.ring import OverwrittenError, Ring
from device.audio.uplink import UplinkReader


def speech(count: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9_000, 9_000, count).astype(np.int16)


def take_all(reader: UplinkReader) -> list[np.ndarray]:
    chunks = []
    while (chunk := reader.take()) is not None:
        chunks.append(chunk)
    return chunks


@settings(max_examples=60, deadline=None)
@given(
    rate_hz=st.sampled_from([8_000, 16_000, 24_000, 44_100, 48_000]),
    writes=st.lists(st.integers(0, 6_000), min_size=1, max_size=20),
    data=st.data(),
)
def test_the_chunks_are_the_resampled_stretch_to_the_bit(
    rate_hz: int, writes: list[int], data: st.DataObject
) -> None:
    """However the sound comes in, and whenever the end becomes known."""
    total = sum(writes)
    sound = speech(total)
    first = data.draw(st.integers(0, total), label="from_sample")
    last = data.draw(st.integers(first, total), label="until_sample")
    told_after = data.draw(st.integers(0, len(writes)), label="end known after")
    ring, at, chunks = Ring(rate_hz, 20.0), 0, []
    reader = UplinkReader(ring, first)
    for number, size in enumerate(writes):
        if number == told_after:
            last = reader.end_at(last)
        ring.write(sound[at : at + size])
        at += size
        chunks += take_all(reader)
    if told_after == len(writes):
        last = reader.end_at(last)
    chunks += take_all(reader)
    assert reader.is_drained
    assert (reader.from_sample, reader.next_sample) == (first, last)
    wanted = resample(sound[first:last], rate_hz, 24_000, "LQ")
    sent = np.concatenate([np.zeros(0, np.int16), *chunks])
    assert len(sent) == len(wanted)
    assert (sent == wanted).all()
    assert all(480 <= len(chunk) <= 960 for chunk in chunks[:-1])
    assert all(0 < len(chunk) <= 960 for chunk in chunks)


def test_the_pre_roll_comes_at_once_in_long_chunks_then_live_in_short_ones() -> None:
    ring = Ring(48_000, 4.0)
    ring.write(speech(96_000))
    reader = UplinkReader(ring, 0)
    first = take_all(reader)
    assert sum(map(len, first)) >= 24_000 * 1.95
    assert {len(chunk) for chunk in first[:-1]} == {960}
    ring.write(speech(960))
    ring.write(speech(960))
    assert all(480 <= len(chunk) < 960 for chunk in take_all(reader))


def test_silence_of_the_source_yields_nothing() -> None:
    ring = Ring(16_000, 4.0)
    reader = UplinkReader(ring, 0)
    assert reader.take() is None
    assert not reader.is_drained


def test_the_past_that_is_gone_is_refused_at_once() -> None:
    ring = Ring(16_000, 1.0)
    ring.write(speech(20_000))
    with pytest.raises(OverwrittenError):
        UplinkReader(ring, 100)


def test_a_reader_that_is_overtaken_learns_it() -> None:
    ring = Ring(16_000, 1.0)
    reader = UplinkReader(ring, 0)
    ring.write(speech(20_000))
    with pytest.raises(OverwrittenError):
        reader.take()


def test_nothing_after_the_end_leaves() -> None:
    ring = Ring(24_000, 4.0)
    ring.write(speech(24_000))
    reader = UplinkReader(ring, 0, 12_000)
    assert sum(map(len, take_all(reader))) == 12_000
    assert reader.take() is None
    assert reader.next_sample == 12_000


def test_an_empty_stretch_is_drained_at_once() -> None:
    reader = UplinkReader(Ring(16_000, 1.0), 0, 0)
    assert reader.take() is None
    assert reader.is_drained


async def test_chunks_follow_the_ring_and_end() -> None:
    ring, sound = Ring(48_000, 4.0), speech(144_000)
    ring.write(sound[:48_000])
    reader = UplinkReader(ring, 0)

    async def speak() -> None:
        def write_all() -> None:
            for at in range(48_000, 144_000, 960):
                ring.write(sound[at : at + 960])

        await asyncio.to_thread(write_all)
        reader.end_at(144_000)

    speaking = asyncio.create_task(speak())
    sent = [chunk async for chunk in reader.chunks()]
    await speaking
    assert (np.concatenate(sent) == resample(sound, 48_000, 24_000, "LQ")).all()
    assert ring._listeners == ()


async def test_an_end_in_the_past_wakes_the_waiting_reader() -> None:
    ring = Ring(16_000, 4.0)
    ring.write(speech(16_000))
    reader = UplinkReader(ring, 0)

    async def send() -> int:
        return sum([len(chunk) async for chunk in reader.chunks()])

    sending = asyncio.create_task(send())
    await asyncio.sleep(0.01)
    assert not sending.done()
    assert reader.end_at(8_000) == 16_000, "what was read cannot be unread"
    assert await asyncio.wait_for(sending, 5) == 24_000


async def test_muting_ends_the_uplink_with_an_error() -> None:
    ring = Ring(16_000, 4.0)
    ring.write(speech(1_000))
    reader = UplinkReader(ring, 1_500)
    sending = asyncio.create_task(anext(aiter(reader.chunks())))
    await asyncio.sleep(0.01)
    ring.write(speech(1_000))
    ring.clear()
    with pytest.raises(OverwrittenError):
        await asyncio.wait_for(sending, 5)


def test_a_writer_does_not_suffer_for_a_closed_loop() -> None:
    ring = Ring(16_000, 1.0)
    loop = asyncio.new_event_loop()
    reader = UplinkReader(ring, 0)
    waiting = loop.create_task(anext(aiter(reader.chunks())))
    loop.run_until_complete(asyncio.sleep(0))
    listeners = ring._listeners
    waiting.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    for listener in listeners:
        listener()
    assert len(listeners) == 1
