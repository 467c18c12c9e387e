"""The gate: shut in any steady room, open before anybody has said a syllable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.vad.gate import Gate

Sound = NDArray[np.int16]


def noise(rate_hz: int, seconds: float, level: float, slope: float = 0.0, seed: int = 1) -> Sound:
    """Steady noise whose spectrum falls with ``slope`` powers of the frequency."""
    count = round(rate_hz * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / rate_hz), 20.0)
    sound = np.fft.irfft(spectrum * frequencies ** (-slope / 2), count)
    scaled = sound / np.sqrt(np.mean(sound**2)) * level
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def vowel(rate_hz: int, seconds: float, level: float) -> Sound:
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    tones = sum(np.sin(2 * np.pi * 130 * k * time_s) / k for k in range(1, 20))
    return (np.asarray(tones) * level).astype(np.int16)


def opened(gate: Gate, sound: Sound) -> list[bool]:
    size = gate.block_samples
    return [gate.update(sound[at : at + size]) for at in range(0, len(sound) - size + 1, size)]


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("level", [10.0, 300.0])
def test_it_shuts_in_a_steady_room(rate_hz: int, slope: float, level: float) -> None:
    states = opened(Gate(rate_hz), noise(rate_hz, 20.0, level, slope))
    assert sum(states[30:]) <= 0.1 * len(states[30:])


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_it_opens_with_the_first_block_of_a_voice(rate_hz: int) -> None:
    gate = Gate(rate_hz)
    room = noise(rate_hz, 6.0, 50.0, 1.0)
    assert not opened(gate, room)[-1]
    assert all(opened(gate, vowel(rate_hz, 0.5, 500.0)))


def test_it_stays_open_for_the_hangover() -> None:
    gate = Gate(16_000)
    opened(gate, noise(16_000, 6.0, 20.0))
    opened(gate, vowel(16_000, 0.3, 2000.0))
    after = opened(gate, noise(16_000, 4.0, 20.0, seed=2))
    assert all(after[:24])
    assert not after[-1]


def test_it_gets_used_to_a_room_that_became_louder() -> None:
    gate = Gate(16_000)
    opened(gate, noise(16_000, 5.0, 30.0))
    louder = opened(gate, noise(16_000, 30.0, 300.0, seed=2))
    assert louder[0]
    assert not louder[-1]


def test_it_hears_at_once_in_a_room_that_became_quieter() -> None:
    gate = Gate(16_000)
    opened(gate, noise(16_000, 5.0, 1000.0))
    opened(gate, noise(16_000, 2.0, 20.0, seed=2))
    assert opened(gate, vowel(16_000, 0.2, 300.0))[0]


@pytest.mark.parametrize("level", [30.0, 300.0])
def test_it_settles_after_digital_zeros(level: float) -> None:
    """A muted microphone, a sound server with nothing in it: they are not the room."""
    gate = Gate(16_000)
    opened(gate, np.zeros(16_000 * 20, dtype=np.int16))
    after = opened(gate, noise(16_000, 6.0, level, 1.0))
    assert after[0], "what begins out of nothing is worth a look"
    assert not any(after[50:]), "and the room is known 3 s later"


def test_it_hears_a_voice_that_a_noise_gate_lets_through() -> None:
    gate = Gate(16_000)
    pause = np.zeros(16_000 * 3, dtype=np.int16)
    for _ in range(3):
        assert not opened(gate, pause)[-1]
        assert all(opened(gate, vowel(16_000, 0.5, 500.0)))


def test_it_begins_open() -> None:
    assert Gate(16_000).is_open
    gate = Gate(16_000)
    assert opened(gate, np.zeros(1600, dtype=np.int16))[0]


STRANGE: dict[str, Sound] = {
    "silence": np.zeros(16_000 * 5, dtype=np.int16),
    "stuck high": np.full(16_000 * 5, 32_767, dtype=np.int16),
    "stuck low": np.full(16_000 * 5, -32_768, dtype=np.int16),
    "an offset": (np.random.default_rng(5).normal(size=16_000 * 5) * 20 + 9000).astype(np.int16),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_never_changes_is_not_worth_a_look(name: str) -> None:
    assert not opened(Gate(16_000), STRANGE[name])[-1]


@settings(max_examples=30)
@given(st.binary(min_size=1920, max_size=19_200))
def test_no_sound_breaks_it(content: bytes) -> None:
    sound = np.frombuffer(content[: len(content) // 2 * 2], dtype=np.int16)
    assert all(isinstance(state, bool) for state in opened(Gate(16_000), sound))
