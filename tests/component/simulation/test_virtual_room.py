"""The virtual room: a person, an echo, and one clock for both sides."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from device.audio.capture import Capture
from device.audio.files import SoundFileError, write_sound
from device.audio.playback import Playback
from device.audio.samples import Samples, silence
from device.workshop.simulation.acoustics import AcousticEcho, Air, Shoebox
from device.workshop.simulation.room import SimulatedRoom

RATE_HZ = 16_000
BLOCK = RATE_HZ // 50


def noise(count: int, seed: int) -> Samples:
    return np.random.default_rng(seed).integers(-8_000, 8_000, count).astype(np.int16)


@pytest.fixture
def person() -> Samples:
    return noise(RATE_HZ // 2 + 123, seed=1)


@pytest.fixture
def recording(tmp_path: Path, person: Samples) -> Path:
    write_sound(tmp_path / "person.wav", person, RATE_HZ)
    return tmp_path / "person.wav"


class Talker:
    """Fills the speaker with a sound, then silence."""

    def __init__(self, sound: Samples) -> None:
        self._sound = sound

    def __call__(self, frames: int) -> Samples:
        block, self._sound = self._sound[:frames], self._sound[frames:]
        return np.concatenate((block, silence(frames - len(block))))


def let_pass(seconds: float) -> None:
    threading.Event().wait(seconds)


def collected(room: SimulatedRoom, seconds: float, sound: Samples) -> Samples:
    """What the microphone delivers while the speaker plays."""
    blocks: list[Samples] = []
    room.speaker.open(Talker(sound))
    room.microphone.open(blocks.append)
    let_pass(seconds)
    room.microphone.close()
    room.speaker.close()
    return np.concatenate(blocks)


def test_without_a_sound_from_the_speaker_the_person_is_heard_to_the_bit(
    recording: Path, person: Samples
) -> None:
    ended = threading.Event()
    room = SimulatedRoom(recording, on_end=ended.set)
    heard = collected(room, 0.8, silence(0))
    assert ended.is_set()
    assert np.array_equal(heard[: len(person)], person)
    assert len(heard) > len(person)
    assert not heard[len(person) :].any()


def test_the_echo_comes_late_and_softer_on_top_of_the_person(
    recording: Path, person: Samples
) -> None:
    sound = noise(RATE_HZ // 4, seed=2)
    room = SimulatedRoom(recording, AcousticEcho(delay_s=0.05, gain_db=-20.0))
    heard = collected(room, 0.6, sound)
    assert np.array_equal(room.played[: len(sound)], sound)

    begins, ends = room.person_at(0), room.person_at(len(heard))
    assert np.array_equal(room.heard[begins:ends], heard)
    delay = round(0.05 * RATE_HZ)
    echo = np.concatenate((np.zeros(delay), 0.1 * room.played))[begins:ends]
    expected = echo[: len(heard)]
    expected[: len(person)] += person[: len(expected)]
    assert np.abs(heard - expected).max() <= 0.6  # rounding to 16 bits
    assert np.abs(echo).max() > 500


def test_the_response_is_as_strong_and_as_long_as_it_was_asked_for() -> None:
    dry = AcousticEcho(delay_s=0.01, gain_db=-6.0).response(RATE_HZ)
    assert np.count_nonzero(dry) == 1
    assert dry[160] == pytest.approx(0.501, abs=0.001)

    wet = AcousticEcho(delay_s=0.01, gain_db=-6.0, reverb_s=0.3).response(RATE_HZ)
    tail = wet[161:].astype(np.float64)
    assert np.sum(tail**2) == pytest.approx(0.501**2 / 3.98, rel=0.01)
    assert len(tail) == 4_800
    first, last = tail[:480], tail[-480:]
    fall_db = 10 * np.log10(np.sum(first**2) / np.sum(last**2))
    assert fall_db == pytest.approx(54.0, abs=3.0)  # 60 dB less the two half tenths
    assert np.array_equal(
        wet, AcousticEcho(delay_s=0.01, gain_db=-6.0, reverb_s=0.3).response(RATE_HZ)
    )


def test_walls_give_a_response_that_begins_at_once_and_falls_as_asked() -> None:
    box = Shoebox((5.0, 4.0, 2.6), (2.0, 1.5, 0.8), (2.12, 1.55, 0.83), reverb_s=0.4)
    response = box.response(RATE_HZ)
    assert int(np.argmax(response)) == 0
    assert response[0] == pytest.approx(1.0, abs=0.1)
    # Schroeder: the energy still to come, from 50 to 150 ms. Sabine's rule is for a diffuse
    # field; a box with bare walls rings half as long again.
    coming_db = 10 * np.log10(np.cumsum(response[:4000][::-1] ** 2)[::-1])
    fall_db_per_s = (coming_db[800] - coming_db[2400]) / 0.1
    assert 0.3 < 60 / fall_db_per_s < 0.7
    late = AcousticEcho(delay_s=0.05, gain_db=-10.0, shoebox=box).response(RATE_HZ)
    assert not late[: RATE_HZ // 20].any()
    assert late[RATE_HZ // 20] == pytest.approx(0.316 * response[0], rel=0.01)


@pytest.mark.parametrize("drift_ppm", [200.0, -100.0])
def test_two_clocks_drift_apart(drift_ppm: float) -> None:
    """A click each second comes a little sooner or later each time."""
    clicks = silence(10 * RATE_HZ)
    clicks[::RATE_HZ] = 20_000
    echo = AcousticEcho(delay_s=0.01, gain_db=0.0, drift_ppm=drift_ppm)
    whole = echo.of(clicks, RATE_HZ)
    air, blocks = Air(echo, RATE_HZ, BLOCK), []
    at = 0
    while at < len(clicks):
        while air.needs_more and at < len(clicks):
            air.take(clicks[at : at + BLOCK])
            at += BLOCK
        blocks.append(air.carry())
    for heard in (whole, np.concatenate(blocks)[: 9 * RATE_HZ]):
        last = 8 * RATE_HZ
        found = last - 400 + int(np.argmax(heard[last - 400 : last + 400]))
        expected = last + 160 - 8 * drift_ppm * 1e-6 * RATE_HZ
        assert found == pytest.approx(expected, abs=1)


def test_a_person_can_be_nearer_or_farther(recording: Path, person: Samples) -> None:
    room = SimulatedRoom(recording, person_db=-20.0)
    heard = collected(room, 0.3, silence(0))
    assert np.std(heard[: RATE_HZ // 5]) == pytest.approx(0.1 * np.std(person), rel=0.05)


def test_a_closed_microphone_misses_what_is_said_meanwhile(
    recording: Path, person: Samples
) -> None:
    room = SimulatedRoom(recording)
    capture = Capture(room.microphone)
    room.speaker.open(Talker(silence(0)))
    capture.open()
    let_pass(0.15)
    capture.close()
    blocks, at_sample = room.microphone.health().blocks, len(room.heard)
    let_pass(0.15)
    assert room.microphone.health().blocks == blocks
    assert not room.microphone.health().is_active
    missed = len(room.heard) - at_sample
    assert missed >= 5 * BLOCK
    assert not room.heard[at_sample : at_sample + missed].any()

    again = len(room.heard) - room.person_at(0)
    capture.open()
    let_pass(0.1)
    capture.close()
    room.speaker.close()
    heard = room.heard[room.person_at(again) :][: 2 * BLOCK]
    late = next(n for n in range(4) if not heard[: n * BLOCK].any() and heard[n * BLOCK :].any())
    # Time has passed for the person as well: the middle of the sentence is gone.
    here = again + late * BLOCK
    assert np.array_equal(heard[late * BLOCK :], person[here : again + 2 * BLOCK])


def test_a_sound_that_is_played_through_the_queue_is_accounted_for(recording: Path) -> None:
    room = SimulatedRoom(recording, rate_hz=24_000)
    playback = Playback(room.speaker)
    playback.open()
    playback.play("item", noise(24_000 // 10, seed=3))
    deadline_s = time.monotonic() + 5.0
    while playback.heard_ms("item") < 100 and time.monotonic() < deadline_s:
        let_pass(0.01)
    playback.close()
    assert playback.heard_ms("item") == 100
    begin = int(np.nonzero(room.played)[0][0])
    assert np.array_equal(room.played[begin : begin + 2_400], noise(2_400, seed=3))


def test_both_sides_can_be_closed_twice_and_not_opened_twice(recording: Path) -> None:
    room = SimulatedRoom(recording)
    room.microphone.open(lambda _: None)
    with pytest.raises(ValueError, match="open already"):
        room.microphone.open(lambda _: None)
    room.speaker.open(Talker(silence(0)))
    with pytest.raises(ValueError, match="open already"):
        room.speaker.open(Talker(silence(0)))
    for _ in range(2):
        room.microphone.close()
        room.speaker.close()
    assert not room.is_alive
    assert not room.speaker.health().is_active


def test_a_callback_that_fails_shows_in_the_health_of_both(recording: Path) -> None:
    room = SimulatedRoom(recording)

    def broken(_: Samples) -> None:
        raise RuntimeError("the listener is gone")

    room.speaker.open(Talker(silence(0)))
    room.microphone.open(broken)
    let_pass(0.1)
    assert not room.microphone.health().is_active
    assert not room.speaker.health().is_active
    room.microphone.close()
    room.speaker.close()


def test_there_is_no_room_without_a_recording(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match=r"missing\.wav"):
        SimulatedRoom(tmp_path / "missing.wav")
