"""Resampling: exact in length and position, the same however the sound is cut."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.resample import Resampler, map_position, resample
from device.audio.samples import to_float, to_int16

RATES = [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]


def noise(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20_000, 20_000, count).astype(np.int16)


def tone(rate_hz: int, frequency_hz: float, seconds: float, level: float = 0.5) -> np.ndarray:
    moments = np.arange(round(rate_hz * seconds)) / rate_hz
    return to_int16((level * np.sin(2 * np.pi * frequency_hz * moments)).astype(np.float32))


def in_pieces(stream: Resampler, samples: np.ndarray, sizes: list[int]) -> np.ndarray:
    out, at = [], 0
    for size in sizes:
        out.append(stream.process(samples[at : at + size]))
        at += size
    out.append(stream.process(samples[at:]))
    out.append(stream.finish())
    return np.concatenate(out)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(RATES),
    st.sampled_from([16_000, 24_000, 44_100, 48_000]),
    st.sampled_from(["HQ", "LQ"]),
    st.lists(st.integers(0, 3_000), max_size=8),
)
def test_pieces_and_the_whole_are_the_same_to_the_bit(
    from_hz: int, to_hz: int, quality: str, sizes: list[int]
) -> None:
    samples = noise(sum(sizes) + 500)
    streamed = in_pieces(Resampler(from_hz, to_hz, quality), samples, sizes)  # type: ignore[arg-type]
    assert (streamed == resample(samples, from_hz, to_hz, quality)).all()  # type: ignore[arg-type]
    assert abs(len(streamed) - len(samples) * to_hz / from_hz) <= 0.5


@pytest.mark.parametrize("from_hz", RATES)
@pytest.mark.parametrize("to_hz", [16_000, 24_000])
def test_agrees_with_soxr_at_once(from_hz: int, to_hz: int) -> None:
    samples = noise(from_hz)
    ours = resample(samples, from_hz, to_hz)
    theirs = samples if from_hz == to_hz else soxr.resample(to_float(samples), from_hz, to_hz)
    if from_hz != to_hz:
        theirs = to_int16(theirs)
    assert (ours == theirs).all()


@pytest.mark.parametrize("from_hz", RATES)
@pytest.mark.parametrize("quality", ["HQ", "LQ"])
def test_positions_map_exactly(from_hz: int, quality: str) -> None:
    """A burst comes out where ``map_position`` says, not a filter's delay later."""
    at = from_hz // 2
    samples = np.zeros(from_hz, dtype=np.int16)
    window = np.hanning(from_hz // 50)
    moments = np.arange(len(window)) / from_hz
    burst = 20_000 * window * np.sin(2 * np.pi * 1_000 * moments)
    samples[at : at + len(window)] = burst.astype(np.int16)
    out = resample(samples, from_hz, 16_000, quality)  # type: ignore[arg-type]
    energy = out.astype(np.float64) ** 2
    centre = (energy * np.arange(len(out))).sum() / energy.sum()
    before = samples.astype(np.float64) ** 2
    wanted = (before * np.arange(len(samples))).sum() / before.sum() * 16_000 / from_hz
    assert abs(centre - wanted) < 0.05


def test_no_drift_over_an_hour() -> None:
    """44.1 to 16 kHz is 441:160; after an hour of blocks not one sample is off."""
    stream = Resampler(44_100, 16_000)
    block = np.zeros(44_100, dtype=np.int16)
    given_out = sum(len(stream.process(block)) for _ in range(3_600)) + len(stream.finish())
    assert given_out == 3_600 * 16_000
    assert map_position(44_100 * 3_600, 44_100, 16_000) == given_out


@pytest.mark.parametrize(("quality", "limit_ms"), [("HQ", 40), ("LQ", 22)])
@pytest.mark.parametrize("from_hz", [44_100, 48_000])
def test_waits_no_longer_than_documented(from_hz: int, quality: str, limit_ms: int) -> None:
    stream = Resampler(from_hz, 24_000, quality)  # type: ignore[arg-type]
    block = noise(from_hz // 100)
    waits = []
    for _ in range(300):
        stream.process(block)
        waits.append(stream.waiting_samples / from_hz * 1000)
    assert max(waits[10:]) < limit_ms


@pytest.mark.parametrize(("quality", "flat_hz"), [("HQ", 7_300), ("LQ", 5_600)])
def test_flat_as_far_as_documented_and_nothing_folds_back(quality: str, flat_hz: int) -> None:
    def level(frequency_hz: float) -> float:
        out = resample(tone(48_000, frequency_hz, 1.0), 48_000, 16_000, quality)  # type: ignore[arg-type]
        return float(20 * np.log10(to_float(out[4_000:-4_000]).std() / (0.5 / np.sqrt(2)) + 1e-9))

    assert all(abs(level(each)) < 0.1 for each in (100, 1_000, 4_000, flat_hz))
    assert all(level(each) < -80 for each in (9_000, 11_000, 15_000, 20_000))


def test_the_same_rate_is_passed_through() -> None:
    stream = Resampler(16_000, 16_000)
    samples = noise(100)
    assert (stream.process(samples) == samples).all()
    assert stream.waiting_samples == 0
    assert len(stream.finish()) == 0


def test_finish_begins_a_new_stream() -> None:
    stream, samples = Resampler(48_000, 16_000), noise(4_800)
    first = in_pieces(stream, samples, [100])
    assert (stream.taken_samples, stream.given_samples) == (0, 0)
    assert (in_pieces(stream, samples, [3_000]) == first).all()


def test_reset_forgets_what_was_waiting() -> None:
    stream, samples = Resampler(48_000, 16_000), noise(4_800)
    wanted = resample(samples, 48_000, 16_000)
    stream.process(noise(1_000, seed=2))
    stream.reset()
    assert (in_pieces(stream, samples, []) == wanted).all()


def test_full_scale_is_clipped_not_wrapped() -> None:
    square = np.where(np.arange(48_000) // 240 % 2, 32_767, -32_768).astype(np.int16)
    out = resample(square, 48_000, 16_000)
    steps = np.abs(np.diff(out.astype(np.int32)))
    assert steps.max() < 65_536
    assert out.max() == 32_767
    assert out.min() == -32_768


def test_floats_to_int16() -> None:
    floats = np.array([0.0, 1.0, -1.0, 2.0, -2.0, np.nan, np.inf, 1 / 32_768], dtype=np.float32)
    wanted = [0, 32_767, -32_768, 32_767, -32_768, 0, 32_767, 1]
    assert to_int16(floats).tolist() == wanted
    every = np.arange(-32_768, 32_768).astype(np.int16)
    assert (to_int16(to_float(every)) == every).all()


def test_impossible_rates() -> None:
    with pytest.raises(ValueError, match="cannot convert"):
        Resampler(0, 16_000)
