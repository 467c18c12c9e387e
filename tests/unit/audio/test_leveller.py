"""One loudness for every voice, measured by a library that is not ours."""

from __future__ import annotations

import numpy as np
import pytest

from device.audio.leveller import KEPT_AFTER_SAMPLES, Leveller, levelled, trimmed
from device.audio.lufs import loudness_lufs
from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Samples, scaled, silence
from device.workshop.bench.loudness import library, measured

LIBRARY = library()


def voice(seed: int, length_s: float = 4.0, pitch_hz: float = 140.0) -> Samples:
    """Something like speech: harmonics in syllables of uneven strength, with pauses."""
    chance = np.random.default_rng(seed)
    moments = np.arange(round(length_s * WIRE_RATE_HZ)) / WIRE_RATE_HZ
    tone = sum(np.sin(2 * np.pi * pitch_hz * n * moments + n * n) / n for n in range(1, 25))
    strength = np.repeat(chance.uniform(0.05, 1.0, round(length_s * 5) + 1), WIRE_RATE_HZ // 5)
    return np.asarray(tone * strength[: len(moments)] * 4_000, dtype=np.int16)


@pytest.mark.parametrize("seed", range(5))
def test_our_meter_says_what_the_library_says(seed: int) -> None:
    sound = np.concatenate((voice(seed), silence(20_000), scaled(voice(seed + 9), 0.3)))
    assert loudness_lufs(sound) == pytest.approx(LIBRARY(sound), abs=0.2)


def test_low_and_high_tones_are_weighted_as_the_library_weights_them() -> None:
    moments = np.arange(WIRE_RATE_HZ * 2) / WIRE_RATE_HZ
    for pitch_hz in (60, 200, 1_000, 3_000, 8_000):
        tone = np.asarray(np.sin(2 * np.pi * pitch_hz * moments) * 6_000, dtype=np.int16)
        assert loudness_lufs(tone) == pytest.approx(LIBRARY(tone), abs=0.3), pitch_hz


def test_answers_notices_and_the_timer_come_out_at_one_loudness() -> None:
    voices = [voice(seed, pitch_hz=90 + 40 * seed) for seed in range(5)]
    for kind, values in measured(voices, LIBRARY).items():
        assert np.abs(np.asarray(values) + 16).max() <= 2, (kind, values)


def test_silence_and_the_softest_noise_are_not_made_loud() -> None:
    assert not levelled(silence(24_000)).any()
    hiss = np.random.default_rng(1).integers(-3, 4, 48_000).astype(np.int16)
    assert np.abs(levelled(hiss)).max() <= 40
    leveller = Leveller()
    assert not leveller.piece(1, silence(2_400)).any()


def test_peaks_are_bent_and_never_clipped() -> None:
    click = voice(1)
    click[30_000] = 32_767
    out = levelled(scaled(click, 0.25))
    assert np.abs(levelled(click).astype(int)).max() < 32_767
    assert len(out) == len(click)


def test_a_piece_stays_as_long_as_it_was_and_no_gain_jumps_within_an_answer() -> None:
    sound = np.full(48_000, 1_000, dtype=np.int16)
    leveller = Leveller()
    out = np.concatenate([leveller.piece(1, sound[b : b + 700]) for b in range(0, 48_000, 700)])
    assert len(out) == len(sound)
    assert np.abs(np.diff(out.astype(int))).max() <= 30


def test_a_sentence_loses_the_silence_around_it_and_not_a_sample_of_sound() -> None:
    words = voice(2, 1.0)
    out = trimmed(np.concatenate((silence(24_000), words, silence(30_000))))
    assert len(words) <= len(out) + 100
    assert len(out) <= len(words) + 480 + KEPT_AFTER_SAMPLES
    assert not trimmed(silence(500)).any()
