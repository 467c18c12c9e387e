"""The parts of the echo guard on arrays: reading between samples, delay, drift, judgement."""

from __future__ import annotations

import numpy as np
import pytest

from device.audio.echo.alignment import Alignment
from device.audio.echo.delay import find_lag
from device.audio.echo.eraser import RingEraser
from device.audio.echo.interpolation import Interpolator
from device.audio.echo.monitor import BLOCK_SAMPLES, Monitor, Quality, level_db
from device.audio.echo.own_voice import OwnVoice
from device.audio.echo.reference import KEPT_S, Reference
from device.audio.ring import Ring
from device.audio.samples import Samples, silence

RATE_HZ = 16_000


def noise(count: int, level: float = 1000.0, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0.0, level, count).astype(np.int16)


def tone(count: int, hz: float, rate_hz: int, first: float = 0.0) -> np.ndarray:
    return 8000 * np.sin(2 * np.pi * hz * (first + np.arange(count)) / rate_hz)


# -- between the samples -----------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("drift", [0.0, 2e-4, -2e-4])
def test_a_tone_read_at_another_rate_and_place_is_that_tone(rate_hz: int, drift: float) -> None:
    step = rate_hz / RATE_HZ * (1 + drift)
    sound = np.rint(tone(rate_hz, 3000, rate_hz)).astype(np.int16)
    read = Interpolator(rate_hz / RATE_HZ).read(sound, 500.3, step, 4000)
    expected = 8000 * np.sin(2 * np.pi * 3000 * (500.3 + step * np.arange(4000)) / rate_hz)
    error_db = 10 * np.log10(np.mean((read - expected) ** 2) / np.mean(expected**2))
    assert error_db < -40


def test_what_a_listener_at_16_khz_cannot_hear_is_not_folded_back() -> None:
    sound = np.rint(tone(48_000, 11_000, 48_000)).astype(np.int16)
    read = Interpolator(3.0).read(sound, 100.0, 3.0, 4000)
    assert 20 * np.log10(np.std(read) / 5657) < -35


# -- the reference -----------------------------------------------------------------------


def reference_of(sound: Samples, rate_hz: int = RATE_HZ, capture_s: float = 0.0) -> Reference:
    now = [capture_s]
    reference = Reference(lambda: rate_hz, lambda: now[0])
    size = rate_hz // 50
    for at in range(0, len(sound), size):
        reference.take(sound[at : at + size], at)
        now[0] += 0.02
    return reference


def test_the_reference_gives_what_was_played_and_silence_around_it() -> None:
    sound = noise(RATE_HZ)
    reference = reference_of(sound)
    inside = reference.read(0.5, 1.0, 400)
    # Whole samples, but through the filter: the band up to 7.5 kHz is the same.
    assert np.corrcoef(inside, sound[8000:8400])[0, 1] > 0.95
    assert not reference.read(5.0, 1.0, 400).any(), "not played yet"
    assert reference.anchor_s == pytest.approx(0.0, abs=1e-9)
    assert reference.end_s == pytest.approx(1.0, abs=0.01)


def test_the_reference_forgets_and_does_not_grow() -> None:
    reference = reference_of(noise(round((KEPT_S + 4) * RATE_HZ)))
    assert not reference.read(1.0, 1.0, 400).any()
    assert reference.read(KEPT_S, 1.0, 400).any()


def test_after_a_long_silence_the_reference_is_in_its_place_again() -> None:
    sound = noise(RATE_HZ, seed=3)
    pause = round((KEPT_S + 7) * RATE_HZ)
    reference = reference_of(np.concatenate((noise(RATE_HZ), silence(pause))))
    assert reference.is_silent
    at = RATE_HZ + pause
    for first in range(0, len(sound), 320):
        reference.take(sound[first : first + 320], at + first)
    assert not reference.is_silent
    read = reference.read((at + 8000) / RATE_HZ, 1.0, 400)
    assert np.corrcoef(read, sound[8000:8400])[0, 1] > 0.95
    assert not reference.read(at / RATE_HZ - 1.0, 1.0, 400).any()
    assert reference.has_sound(at / RATE_HZ, at / RATE_HZ + 0.5)
    assert not reference.has_sound(at / RATE_HZ - 1.0, at / RATE_HZ - 0.1)


def test_it_is_known_when_something_was_played() -> None:
    sound = np.concatenate((silence(RATE_HZ), noise(RATE_HZ), silence(RATE_HZ)))
    reference = reference_of(sound)
    assert not reference.has_sound(0.0, 0.9)
    assert reference.has_sound(0.0, 1.1)
    assert reference.has_sound(1.9, 3.0)
    assert not reference.has_sound(2.1, 3.0)


# -- the delay ---------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, 37, 1600, 6400])
@pytest.mark.parametrize("person", [0.0, 1.0, 3.0])
def test_the_delay_is_found_to_the_sample_under_a_louder_person(lag: int, person: float) -> None:
    played = noise(16_384 + 8000).astype(np.float32)
    heard = 0.3 * played[8000 - lag :][:16_384] + person * noise(16_384, 300, seed=1)
    peak = find_lag(heard.astype(np.float32), played)
    assert peak is not None
    assert peak.lag == pytest.approx(lag, abs=0.3)
    assert peak.sharpness > 14


def test_where_nothing_comes_back_no_delay_is_found() -> None:
    played = noise(16_384 + 13_600).astype(np.float32)
    for seed in range(1, 20):
        peak = find_lag(noise(16_384, seed=seed).astype(np.float32), played)
        assert peak is None or peak.sharpness < 7
    assert find_lag(np.zeros(16_384, np.float32), played) is None


def test_the_drift_is_learned_from_noisy_delays_and_outliers_are_left_out() -> None:
    alignment = Alignment()
    alignment.jump(0.0, 1600.0)
    random = np.random.default_rng(0)
    for second in range(1, 21):
        at = second * RATE_HZ
        true = 1600.0 + 150e-6 * at
        assert alignment.measured(at, true + random.normal(0, 0.3))
        if second % 5 == 0:
            assert not alignment.measured(at, true + 200)
    assert alignment.drift * 1e6 == pytest.approx(150, abs=3)
    # A pause of a minute, and it is still within a quarter of a millisecond.
    at = 80 * RATE_HZ
    assert alignment.delay(at) == pytest.approx(1600.0 + 150e-6 * at, abs=4)


# -- the judgement -----------------------------------------------------------------------


def block(level: float, seed: int = 0) -> Samples:
    return noise(BLOCK_SAMPLES, level, seed)


def quiet_room() -> Monitor:
    monitor = Monitor()
    for seed in range(10):
        monitor.quiet(block(8.0, seed))
    return monitor


def test_an_echo_that_goes_is_good_even_while_somebody_speaks_half_of_the_time() -> None:
    monitor = quiet_room()
    for number in range(60):
        monitor.playing(block(500), block(400 if number % 2 else 20))
    assert monitor.quality is Quality.GOOD
    assert monitor.removed_db == pytest.approx(28, abs=1)


def test_an_echo_that_stays_is_told_after_seconds_and_taken_back_when_it_goes() -> None:
    monitor = quiet_room()
    told = [monitor.playing(block(500), block(450)) for _ in range(60)]
    assert told[30] is Quality.CONVERGING
    assert told[-1] is Quality.NOT_WORKING
    told = [monitor.playing(block(500), block(20)) for _ in range(40)]
    assert told[-1] is Quality.GOOD


def test_where_no_echo_is_heard_there_is_nothing_to_remove() -> None:
    monitor = quiet_room()
    for seed in range(40):
        monitor.playing(block(8.0, seed), None)
    assert monitor.quality is Quality.GOOD


def test_a_soft_echo_that_drowns_in_the_room_is_gone() -> None:
    monitor = quiet_room()
    for number in range(40):
        monitor.playing(block(25, number), block(9, number))
    assert monitor.quality is Quality.GOOD


def test_levels_are_of_full_scale() -> None:
    assert level_db(silence(100)) < -95
    assert level_db(np.full(100, 32_767, np.int16)) == pytest.approx(0.0, abs=0.1)


# -- the own voice -----------------------------------------------------------------------


class Scores:
    """A wake path that scores what it is told to, one value for each call."""

    def __init__(self, *values: float) -> None:
        self._values = list(values)
        self.peaks: dict[str, float] = {}

    def restart(self) -> None:
        self.peaks = {}

    def process(self, samples: Samples) -> None:
        self.peaks["alexa"] = max(self.peaks.get("alexa", 0.0), self._values.pop(0))

    def forget_peaks(self) -> None:
        self.peaks = {"alexa": 0.0}


def own_voice_of(*values: float, at: int = 0) -> OwnVoice:
    own = OwnVoice(Scores(*values), {"alexa": 0.9})
    for number in range(len(values)):
        own.process(silence(480), at=at + 480 * number)
    return own


def test_a_word_in_the_reference_is_its_own_at_that_time_and_no_other() -> None:
    own = own_voice_of(0, 0, 1, 1, 0, at=100_000)
    spoken = 100_000 + 480 * 4
    assert own.said("alexa", spoken + 3000, is_aligned=True)
    assert not own.said("alexa", spoken + 3 * RATE_HZ, is_aligned=True)
    assert not own.said("computer", spoken, is_aligned=True)


def test_where_the_delay_is_not_known_less_is_enough() -> None:
    own = own_voice_of(0.2, 0.2)
    assert not own.said("alexa", 24_000, is_aligned=True)
    assert own.said("alexa", 24_000, is_aligned=False)


# -- the ring ----------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
def test_an_echo_is_taken_out_of_the_ring_in_its_place(rate_hz: int) -> None:
    ring = Ring(rate_hz, 4.0)
    echo = tone(rate_hz * 2, 1000, rate_hz)
    ring.write(np.rint(echo).astype(np.int16))
    eraser = RingEraser(ring)
    found = np.rint(tone(RATE_HZ, 1000, RATE_HZ, first=8000)).astype(np.int16)
    for at in range(0, len(found), 960):
        eraser.subtract(8000 + at, found[at : at + 960])
    readable = len(ring.read(0, 2 * rate_hz))
    assert 1.49 * rate_hz < readable < 1.5 * rate_hz, "what follows was not looked at"
    eraser.release()
    left = ring.read(0, 2 * rate_hz).astype(np.float64)
    middle = slice(round(0.51 * rate_hz), round(1.49 * rate_hz))
    assert np.sqrt(np.mean(left[middle] ** 2)) < 60  # of 5657
    untouched = slice(0, round(0.49 * rate_hz))
    assert np.abs(left[untouched] - np.rint(echo[untouched])).max() == 0


def test_what_is_held_back_in_a_ring_is_given_out_later() -> None:
    ring = Ring(RATE_HZ, 1.0)
    ring.write(noise(1000))
    ring.hold(600)
    assert len(ring.read(0, 1000)) == 600
    assert len(ring.read(700, 1000)) == 0
    ring.hold(None)
    assert len(ring.read(0, 1000)) == 1000
