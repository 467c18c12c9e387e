"""A microphone with all its channels apart, to find the one that hears."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from device.audio.devices import DEFAULT, SoundDevice
from device.audio.portaudio import MICROPHONE_BLOCK_MS, PortAudioMicrophone
from device.audio.samples import Samples, silence

Frames = npt.NDArray[np.int16]
"""Two dimensions: a row for each moment, a column for each channel."""


class AllChannelsMicrophone(PortAudioMicrophone):
    """Keeps what every channel has heard, and delivers the loudest of them, block by block.

    For a test of some seconds: what it keeps grows until it is closed.
    """

    def __init__(
        self,
        device: str = DEFAULT,
        *,
        rate_hz: int | None = None,
        block_ms: float = MICROPHONE_BLOCK_MS,
    ) -> None:
        super().__init__(device, rate_hz=rate_hz, block_ms=block_ms)
        self._kept: list[Frames] = []

    def channels(self) -> list[Samples]:
        """What each channel has heard since the beginning, int16 at ``rate_hz``."""
        kept = list(self._kept)
        if not kept:
            return []
        # A reopened device may come with fewer channels: what all blocks have counts.
        count = min(block.shape[1] for block in kept)
        return [np.concatenate([block[:, number] for block in kept]) for number in range(count)]

    def _channel_choices(self, device: SoundDevice) -> list[int]:
        return self._all_or_fewer(device)

    def _one_channel(self, interleaved: Samples, channels: int) -> Samples:
        frames = interleaved.reshape(-1, channels).copy()
        self._kept.append(frames)
        if not len(frames):
            return silence(0)
        energies = np.square(frames.astype(np.float32)).sum(axis=0)
        return np.ascontiguousarray(frames[:, int(np.argmax(energies))])
