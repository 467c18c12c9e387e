"""The sound card: a microphone that is read and a speaker that asks, through PyAudio."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pyaudio

from device.audio.devices import DEFAULT, Direction, SoundDevice, SoundDeviceError, listed
from device.audio.microphone import BlockMeter, Deliver, MicrophoneHealth
from device.audio.portaudio_host import (
    PREFERRED_RATES_HZ,
    Callback,
    PortAudioHost,
    shared_host,
)
from device.audio.reading import StreamReader
from device.audio.samples import Samples, scaled, silence
from device.audio.speaker import Fill, PullMeter, SpeakerHealth

MICROPHONE_BLOCK_MS = 60
"""What the driver delivers at once. The ears decide on 60 ms; shorter blocks only wake more."""
SPEAKER_BLOCK_MS = 20
"""What the driver asks for at once: how soon it plays, and how soon it falls silent."""
MOST_MIXED_CHANNELS = 8
"""No microphone array has more. A sound server offers 32 to whoever asks: two are mixed there."""
LONGEST_LATENCY_S = 2.0
"""What a driver says beyond this is no latency."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class _Device(ABC):
    """What a microphone and a speaker of PortAudio share: a device, a rate, a stream."""

    direction: Direction
    _meter: BlockMeter | PullMeter

    def __init__(
        self, wanted: str, rate_hz: int | None, block_ms: float, host: PortAudioHost | None
    ) -> None:
        self._wanted = wanted
        self._wanted_rate_hz = rate_hz
        self._block_ms = block_ms
        self._host = host or shared_host()
        self._rate_hz: int | None = None
        self._device: SoundDevice | None = None
        self._stream: pyaudio.PyAudio.Stream | None = None
        self._is_in_use = False

    @property
    def name(self) -> str:
        """The name of the device, or what was asked for while it has not been seen."""
        return self._device.name if self._device else self._wanted

    @property
    def rate_hz(self) -> int:
        """The native rate, chosen at the first look. Raises ``SoundDeviceError``."""
        if self._rate_hz is None:
            self._rate_hz = self._with_a_second_look(self._find_rate)
        return self._rate_hz

    def _find_rate(self) -> int:
        self._device = self._host.find(self._wanted, self.direction)
        return self._choose_rate(self._device)

    def _with_a_second_look(self, action: Callable[[], T]) -> T:
        """When that fails, have PortAudio look for devices anew, and try once more."""
        try:
            return action()
        except SoundDeviceError:
            if not self._host.refresh():
                raise
        return action()

    @property
    def is_active(self) -> bool:
        """Whether there is a stream and PortAudio believes it to be running."""
        stream = self._stream
        try:
            return stream is not None and bool(stream.is_active())
        except OSError:  # closed a moment ago
            return False

    def close(self) -> None:
        """Close the stream. Raises ``SoundSystemHangsError`` when the driver does not let go;

        the stream is given up then, and nothing that it still does is listened to.
        """
        self._is_in_use = False
        self._host.leave(self)
        self._close_stream()

    def suspend(self) -> None:
        """Close the stream for a moment, for the host."""
        try:
            self._close_stream()
        except SoundDeviceError as failure:
            log.warning("%s", failure)

    def resume(self) -> None:
        """Open it again after ``suspend``. Raises ``SoundDeviceError``."""
        if self._is_in_use:
            self._open_stream()

    def _begin(self, stream: pyaudio.PyAudio.Stream, _frames: int, _channels: int) -> None:
        """The stream has begun."""
        self._stream = stream

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            self._host.close(stream, self.name)

    def _open(self) -> None:
        if self._is_in_use:
            raise ValueError(f"{self.name} is open already")
        self._with_a_second_look(self._open_stream)
        self._is_in_use = True
        self._host.enter(self)

    def _open_stream(self) -> None:
        rate_hz = self.rate_hz
        self._device = device = self._host.find(self._wanted, self.direction)
        self._meter.restart()
        trouble = ""
        frames = max(1, round(rate_hz * self._block_ms / 1000))
        for channels in self._channel_choices(device):
            callback = self._callback(channels)
            try:
                stream = self._host.open(
                    device, self.direction, rate_hz, channels, frames, callback
                )
            except OSError as failure:
                trouble = str(failure.args[-1])
            else:
                self._begin(stream, frames, channels)
                return
        raise self._cannot_open(device, trouble)

    def _choose_rate(self, device: SoundDevice) -> int:
        rates = [self._wanted_rate_hz] if self._wanted_rate_hz else [*PREFERRED_RATES_HZ]
        if not self._wanted_rate_hz and device.default_rate_hz not in rates:
            rates.append(device.default_rate_hz)
        for rate_hz in rates:
            for channels in self._channel_choices(device):
                if self._host.supports(device, self.direction, rate_hz, channels):
                    return rate_hz
        if self._wanted_rate_hz:
            raise SoundDeviceError(
                f'the {self.direction.value} "{device.name}" cannot do {self._wanted_rate_hz} Hz',
                "set its rate_hz to 0, or see `bittern devices`",
            )
        raise self._cannot_open(device, "it offers no rate, or another program has it")

    def _cannot_open(self, device: SoundDevice, trouble: str) -> SoundDeviceError:
        others = [each for each in self._host.devices() if each.channels(self.direction)]
        return SoundDeviceError(
            f'the {self.direction.value} "{device.name}" cannot be opened: {trouble}',
            f"another program may have it, or it is broken; there is: {listed(others)}",
        )

    @abstractmethod
    def _channel_choices(self, device: SoundDevice) -> list[int]:
        """With how many channels to open it, the best first."""

    @abstractmethod
    def _callback(self, channels: int) -> Callback | None:
        """What PortAudio is to call; None where it is asked instead."""


class PortAudioMicrophone(_Device):
    """A microphone of the machine, by its name (see ``bittern devices``).

    ``rate_hz``: None takes the best that the device supports itself. ``channel``: which
    one to listen to, counted from 0, or None to mix them all. ``gain_db`` amplifies,
    clipped at full scale. A lost or broken device shows in ``health``; closing and
    opening again finds it when it is back.
    """

    direction = Direction.IN
    is_live = True
    _meter: BlockMeter

    def __init__(
        self,
        device: str = DEFAULT,
        *,
        rate_hz: int | None = None,
        block_ms: float = MICROPHONE_BLOCK_MS,
        channel: int | None = 0,
        gain_db: float = 0.0,
        host: PortAudioHost | None = None,
    ) -> None:
        super().__init__(device, rate_hz, block_ms, host)
        self._channel = channel
        self._factor = np.float32(10 ** (gain_db / 20))
        self._meter = BlockMeter()
        self._deliver: Deliver = lambda _: None
        self._reader: StreamReader | None = None

    def open(self, deliver: Deliver) -> None:
        """Start; ``deliver`` is called on a thread of its own. Raises ``SoundDeviceError``."""
        self._deliver = deliver
        self._open()

    @property
    def is_active(self) -> bool:
        """Whether there is a stream, somebody reads it, and PortAudio calls it running."""
        reader = self._reader
        return reader is not None and reader.is_alive and super().is_active

    def health(self) -> MicrophoneHealth:
        """Say how it is doing."""
        return self._meter.health(self.is_active, self._rate_hz or 1)

    def _channel_choices(self, device: SoundDevice) -> list[int]:
        if self._channel is None:
            return self._all_or_fewer(device)
        if self._channel >= device.input_channels:
            raise SoundDeviceError(
                f'the microphone "{device.name}" has no channel {self._channel}',
                f"it has {device.input_channels}, counted from 0",
            )
        # Some cards only give all their channels at once.
        least = self._channel + 1
        return sorted({least, max(2, least), max(self._most(device), least)})

    def _all_or_fewer(self, device: SoundDevice) -> list[int]:
        most = self._most(device)
        return [count for count in range(most, 0, -1) if count in (most, 2, 1)]

    def _most(self, device: SoundDevice) -> int:
        return min(device.input_channels, MOST_MIXED_CHANNELS if device.alsa else 2)

    def _callback(self, _channels: int) -> None:
        return None

    def _begin(self, stream: pyaudio.PyAudio.Stream, frames: int, channels: int) -> None:
        deliver = self._deliver

        def take(interleaved: Samples, has_lost: bool) -> bool:
            samples = self._one_channel(interleaved, channels)
            self._meter.note(samples, has_lost)
            return bool(deliver(samples))

        super()._begin(stream, frames, channels)
        self._reader = StreamReader(stream, self.name, self.rate_hz, frames, take)

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.give_up()
        if stream is not None:
            self._host.close(stream, self.name, reader.join if reader is not None else None)

    def _one_channel(self, interleaved: Samples, channels: int) -> Samples:
        if channels == 1:
            samples = interleaved
        elif self._channel is None:
            frames = interleaved.reshape(-1, channels)
            samples = (frames.sum(axis=1, dtype=np.int32) // channels).astype(np.int16)
        else:
            samples = interleaved[self._channel :: channels].copy()
        return samples if self._factor == 1.0 else scaled(samples, self._factor)


class PortAudioSpeaker(_Device):
    """A speaker of the machine, by its name (see ``bittern devices``).

    Plays on the left and the right. ``rate_hz``: None takes the best that the device
    supports itself.
    """

    direction = Direction.OUT
    _meter: PullMeter

    def __init__(
        self,
        device: str = DEFAULT,
        *,
        rate_hz: int | None = None,
        block_ms: float = SPEAKER_BLOCK_MS,
        host: PortAudioHost | None = None,
    ) -> None:
        super().__init__(device, rate_hz, block_ms, host)
        self._meter = PullMeter()
        self._latency_s = 0.0
        self._fill: Fill = silence

    @property
    def latency_s(self) -> float:
        """From handing over the end of a block to hearing it, as the driver says."""
        return self._latency_s

    def open(self, fill: Fill) -> None:
        """Start; ``fill`` is called on PortAudio's thread. Raises ``SoundDeviceError``."""
        self._fill = fill
        self._open()

    def health(self) -> SpeakerHealth:
        """Say how it is doing."""
        return self._meter.health(self.is_active)

    def _channel_choices(self, device: SoundDevice) -> list[int]:
        # Two first: with one, PortAudio would leave the right side of a stereo card silent.
        return [2, 1] if device.output_channels >= 2 else [1]

    def _callback(self, channels: int) -> Callback:
        fill = self._fill

        def on_block(
            _data: bytes | None, frames: int, times: dict[str, float], status: int
        ) -> tuple[bytes | None, int]:
            try:
                self._meter.note(bool(status & pyaudio.paOutputUnderflow))
                self._note_latency(times, frames)
                samples = fill(frames)
            except Exception:
                # The boundary of PortAudio's thread, as for the microphone.
                log.exception("the speaker's callback failed")
                return None, pyaudio.paAbort
            return _on_each(samples, channels), pyaudio.paContinue

        return on_block

    def _note_latency(self, times: dict[str, float], frames: int) -> None:
        ahead_s = times["output_buffer_dac_time"] - times["current_time"]
        # After an underflow the driver says 0: keep what it said before.
        if 0 < ahead_s < LONGEST_LATENCY_S:
            self._latency_s = ahead_s + frames / self.rate_hz


def _on_each(samples: Samples, channels: int) -> bytes:
    if channels == 1:
        return samples.tobytes()
    interleaved = np.empty((len(samples), channels), dtype=np.int16)
    interleaved[:] = samples[:, np.newaxis]
    return interleaved.tobytes()
