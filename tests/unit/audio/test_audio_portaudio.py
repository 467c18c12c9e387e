"""What is decided around PortAudio: rates, channels, callbacks. The real one is in tests/system.

The host here stands in for cards that no development machine has: an array that knows
one rate only, a card that gives all its channels or none, one that goes and comes back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyaudio
import pytest

from device.audio.devices import Direction, SoundDevice, SoundDeviceError, find
from device.audio.portaudio import PortAudioMicrophone, PortAudioSpeaker
from device.audio.portaudio_host import SoundSystemHangsError

TIMES = {"input_buffer_adc_time": 0.0, "current_time": 10.0, "output_buffer_dac_time": 10.03}


class Stream:
    """A card that has recorded so much, and asks for so much, as a test says."""

    def __init__(self, **how: Any) -> None:
        self.how = how
        self.is_running = True
        self.data = b""
        self.error = 0
        self.read_at_once: list[int] = []

    def is_active(self) -> bool:
        return self.is_running

    def record(self, block: np.ndarray) -> None:
        self.data += block.tobytes()

    def get_input_latency(self) -> float:
        return 2 * self.how["frames"] / self.how["rate_hz"]

    def get_read_available(self) -> int:
        return self.error or len(self.data) // (2 * self.how["channels"])

    def read(self, frames: int, exception_on_overflow: bool = True) -> bytes:
        assert frames <= self.get_read_available(), "no call may wait"
        assert not exception_on_overflow, "what was read must not be thrown away"
        self.read_at_once.append(frames)
        size = frames * 2 * self.how["channels"]
        data, self.data = self.data[:size], self.data[size:]
        return data


class Cards:
    """A host with the cards that a test describes."""

    def __init__(
        self,
        rates_hz: tuple[int, ...] = (48_000,),
        channels: tuple[int, ...] = (1, 2),
        device_channels: int = 2,
        default_rate_hz: int = 48_000,
        alsa: str = "hw:CARD=Card,DEV=0",
    ) -> None:
        self.card = SoundDevice(3, "Card", alsa, device_channels, device_channels, default_rate_hz)
        self.rates_hz, self.channels = rates_hz, channels
        self.is_plugged_in = True
        self.is_back_after_refresh = False
        self.refreshed = 0
        self.opened: list[Stream] = []
        self.users: list[Any] = []
        self.hangs_in_close = False

    def devices(self) -> list[SoundDevice]:
        return [self.card] if self.is_plugged_in else []

    def find(self, wanted: str, direction: Direction) -> SoundDevice:
        return find(self.devices(), wanted, direction)

    def supports(self, device: SoundDevice, way: Direction, rate_hz: int, channels: int) -> bool:
        return rate_hz in self.rates_hz and channels in self.channels

    def open(
        self,
        device: SoundDevice,
        direction: Direction,
        rate_hz: int,
        channels: int,
        frames: int,
        callback: Callable[..., Any],
    ) -> Stream:
        if not self.supports(device, direction, rate_hz, channels):
            raise OSError(-9998, "Invalid number of channels")
        stream = Stream(rate_hz=rate_hz, channels=channels, frames=frames, callback=callback)
        self.opened.append(stream)
        return stream

    def close(
        self, stream: Stream, name: str, wait_for_reader: Callable[[], None] | None = None
    ) -> None:
        if self.hangs_in_close:
            raise SoundSystemHangsError(f"closing {name} takes longer than 1 s")
        if wait_for_reader is not None:
            wait_for_reader()
        stream.is_running = False

    def enter(self, user: object) -> None:
        self.users.append(user)

    def leave(self, user: object) -> None:
        if user in self.users:
            self.users.remove(user)

    def refresh(self) -> bool:
        self.refreshed += 1
        if self.is_back_after_refresh:
            self.is_plugged_in = True
        return True


def eventually(happened: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.002)


def microphone(cards: Cards, **how: Any) -> PortAudioMicrophone:
    return PortAudioMicrophone("card", host=cards, **how)  # type: ignore[arg-type]


def speaker(cards: Cards, **how: Any) -> PortAudioSpeaker:
    return PortAudioSpeaker("card", host=cards, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rates_hz", "wanted", "chosen"),
    [
        ((16_000, 44_100, 48_000), None, 48_000),
        ((16_000, 44_100), None, 16_000),
        ((44_100,), None, 44_100),
        ((22_050,), None, 22_050),
        ((16_000, 48_000), 16_000, 16_000),
    ],
)
def test_the_native_rate(rates_hz: tuple[int, ...], wanted: int | None, chosen: int) -> None:
    cards = Cards(rates_hz, default_rate_hz=22_050)
    assert microphone(cards, rate_hz=wanted).rate_hz == chosen
    assert speaker(cards, rate_hz=wanted).rate_hz == chosen


def test_a_rate_that_the_card_has_not_is_said() -> None:
    with pytest.raises(SoundDeviceError, match='the speaker "Card" cannot do 44100 Hz'):
        _ = speaker(Cards(), rate_hz=44_100).rate_hz
    with pytest.raises(SoundDeviceError, match='"Card" cannot be opened: it offers no rate'):
        _ = microphone(Cards(rates_hz=(5,))).rate_hz


def test_blocks_are_as_long_as_asked_for() -> None:
    cards = Cards(rates_hz=(44_100,))
    microphone(cards, block_ms=10).open(lambda _: None)
    assert cards.opened[0].how["frames"] == 441


@pytest.mark.parametrize(
    ("possible", "channel", "opened"),
    [((1, 2, 4), 0, 1), ((2,), 0, 2), ((4,), 0, 4), ((1, 2, 4), 2, 3), ((4,), 2, 4)],
)
def test_no_more_channels_than_the_card_insists_on(
    possible: tuple[int, ...], channel: int, opened: int
) -> None:
    cards = Cards(channels=(*possible, 3) if opened == 3 else possible, device_channels=4)
    microphone(cards, channel=channel).open(lambda _: None)
    assert cards.opened[0].how["channels"] == opened


def test_a_channel_that_is_not_there_is_said() -> None:
    with pytest.raises(SoundDeviceError, match="has no channel 2"):
        microphone(Cards(), channel=2).open(lambda _: None)


def test_mixing_takes_all_of_an_array_but_not_all_of_a_server() -> None:
    every = tuple(range(1, 33))
    for device_channels, alsa, opened in ((4, "hw:CARD=X,DEV=0", 4), (1, "", 1), (32, "", 2)):
        cards = Cards(channels=every, device_channels=device_channels, alsa=alsa)
        microphone(cards, channel=None).open(lambda _: None)
        assert cards.opened[0].how["channels"] == opened


def heard(block: np.ndarray, **how: Any) -> tuple[list[np.ndarray], PortAudioMicrophone]:
    """What a microphone makes of one block of frames x channels."""
    cards, delivered = Cards(channels=(block.shape[1],), device_channels=block.shape[1]), []
    source = microphone(cards, block_ms=1000 * len(block) / 48_000, **how)
    source.open(delivered.append)
    cards.opened[0].record(block)
    eventually(lambda: delivered)
    source.close()
    return delivered, source


ARRAY = np.array([[1, 20, -300, 4_000], [5, 60, -700, 32_767]], dtype=np.int16)


def test_picks_a_channel() -> None:
    for channel in range(4):
        assert heard(ARRAY, channel=channel)[0][0].tolist() == ARRAY[:, channel].tolist()
    assert heard(ARRAY[:, :1])[0][0].tolist() == [1, 5]


def test_mixes_channels_without_overflow() -> None:
    loud = np.full((3, 4), 32_767, dtype=np.int16)
    assert heard(loud, channel=None)[0][0].tolist() == [32_767] * 3
    assert heard(ARRAY, channel=None)[0][0].tolist() == [930, 8_033]


def test_amplifies_and_clips() -> None:
    assert heard(ARRAY, channel=3, gain_db=6.0206)[0][0].tolist() == [8_000, 32_767]
    assert heard(ARRAY, channel=2, gain_db=-6.0206)[0][0].tolist() == [-150, -350]


BLOCK = np.arange(480, dtype=np.int16)[:, np.newaxis]
"""10 ms of the microphone of the next tests."""


@pytest.fixture
def recording() -> Iterator[tuple[Stream, PortAudioMicrophone, list[np.ndarray]]]:
    delivered: list[np.ndarray] = []
    cards = Cards(channels=(1,))
    source = microphone(cards, block_ms=10)
    source.open(delivered.append)
    yield cards.opened[0], source, delivered
    source.close()


Recording = tuple[Stream, PortAudioMicrophone, list[np.ndarray]]


def test_no_call_waits_for_a_block_that_is_not_whole(recording: Recording) -> None:
    stream, _, delivered = recording
    stream.record(np.concatenate((BLOCK, BLOCK, BLOCK[:100])))
    eventually(lambda: delivered)
    stream.record(BLOCK[100:])
    eventually(lambda: sum(map(len, delivered)) == 3 * 480)
    assert (np.concatenate(delivered) == np.tile(BLOCK[:, 0], 3)).all()
    assert all(count % 480 == 0 for count in stream.read_at_once)


def test_a_buffer_that_was_full_has_lost_something(recording: Recording) -> None:
    stream, source, delivered = recording
    stream.record(BLOCK)
    eventually(lambda: delivered)
    assert source.health().overflows == 0
    stream.record(np.concatenate((BLOCK, BLOCK, BLOCK)))
    eventually(lambda: sum(map(len, delivered)) == 4 * 480)
    assert source.health().overflows == 1


def test_more_gathers_while_nobody_waits() -> None:
    """Two blocks of 50 ms while nobody is in a hurry, and at once where somebody is."""
    for can_wait, least_s, most_s in ((True, 0.08, 2.0), (False, 0.0, 0.06)):
        taken_at_s: list[float] = []

        def take(_: np.ndarray, waits: bool = can_wait, at: list[float] = taken_at_s) -> bool:
            at.append(time.monotonic())
            return waits

        cards = Cards(channels=(1,))
        source = microphone(cards, block_ms=50)
        source.open(take)
        cards.opened[0].record(np.zeros((2_400, 1), np.int16))
        eventually(lambda at=taken_at_s: len(at) == 1)
        cards.opened[0].record(np.zeros((2_400, 1), np.int16))
        eventually(lambda at=taken_at_s: len(at) == 2)
        source.close()
        assert least_s < taken_at_s[1] - taken_at_s[0] < most_s


def test_a_stream_that_fails_is_dead(recording: Recording) -> None:
    stream, source, _ = recording
    assert source.health().is_active
    stream.error = -9999
    eventually(lambda: not source.health().is_active)


def test_a_listener_that_fails_ends_the_stream_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cards = Cards(channels=(1,))
    source = microphone(cards, block_ms=10)
    with caplog.at_level(logging.ERROR):
        source.open(lambda _: 1 // 0)  # type: ignore[arg-type, return-value]
        cards.opened[0].record(BLOCK)
        eventually(lambda: not source.health().is_active)
    assert "ZeroDivisionError" in caplog.text
    source.close()


def test_plays_on_both_sides_and_knows_how_late() -> None:
    cards = Cards()
    sink = speaker(cards)
    sink.open(lambda frames: np.arange(frames, dtype=np.int16))
    assert cards.opened[0].how["channels"] == 2
    data, go_on = cards.opened[0].how["callback"](None, 960, TIMES, pyaudio.paOutputUnderflow)
    assert go_on == pyaudio.paContinue
    both = np.frombuffer(data, dtype=np.int16).reshape(-1, 2)
    assert (both[:, 0] == np.arange(960)).all()
    assert (both[:, 1] == np.arange(960)).all()
    assert sink.latency_s == pytest.approx(0.03 + 0.02)
    assert sink.health().underflows == 1
    # After an underflow the driver has no idea; what it said before still holds.
    cards.opened[0].how["callback"](None, 960, {**TIMES, "output_buffer_dac_time": 0.0}, 0)
    assert sink.latency_s == pytest.approx(0.05)
    assert sink.health().pulls == 2


def test_a_mono_card_plays_mono() -> None:
    cards = Cards(channels=(1,))
    sink = speaker(cards)
    sink.open(lambda frames: np.ones(frames, dtype=np.int16))
    assert cards.opened[0].how["channels"] == 1
    assert len(cards.opened[0].how["callback"](None, 960, TIMES, 0)[0]) == 1_920


def test_a_card_that_comes_back_is_found_by_looking_again() -> None:
    cards = Cards()
    source = microphone(cards)
    source.open(lambda _: None)
    source.close()
    cards.is_plugged_in = False
    with pytest.raises(SoundDeviceError, match="no microphone"):
        source.open(lambda _: None)
    assert cards.refreshed == 1
    assert not source.health().is_active
    cards.is_back_after_refresh = True
    source.open(lambda _: None)
    assert source.health().is_active
    assert cards.users == [source]


def test_a_missing_card_is_named_as_it_was_asked_for() -> None:
    cards = Cards()
    cards.is_plugged_in = False
    source = microphone(cards)
    assert source.name == "card"
    with pytest.raises(SoundDeviceError):
        _ = source.rate_hz
    cards.is_plugged_in = True
    assert source.rate_hz == 48_000
    assert source.name == "Card"


def test_a_stream_that_does_not_let_go_is_given_up() -> None:
    cards = Cards()
    source = microphone(cards)
    source.open(lambda _: None)
    cards.hangs_in_close = True
    with pytest.raises(SoundSystemHangsError):
        source.close()
    assert not source.health().is_active
    source.close()
    source.open(lambda _: None)
    assert source.health().is_active


def test_interrupted_and_resumed_for_the_host() -> None:
    cards = Cards()
    source = microphone(cards)
    source.open(lambda _: None)
    source.suspend()
    assert not source.health().is_active
    source.resume()
    assert source.health().is_active
    source.close()
    source.resume()
    assert not source.health().is_active, "closed is closed: mute must hold"


def test_opening_twice_is_a_mistake() -> None:
    source = microphone(Cards())
    source.open(lambda _: None)
    with pytest.raises(ValueError, match="open already"):
        source.open(lambda _: None)
