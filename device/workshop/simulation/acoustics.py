"""How a room sounds: from a speaker to a microphone, with walls, delays and two clocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from device.audio.samples import Floats, Samples

Place = tuple[float, float, float]
SPEED_OF_SOUND_M_S = 343.0
REVERB_TO_DIRECT_DB = -6.0
"""Energy of the reverberation beside the direct sound, as for a speaker that stands near
the microphone; in a living room it is the other way round from 1 m on."""
SINC_TAPS = 16
LONGEST_IMAGES_S = 0.6
"""Beyond it the images of a small room are a million, and 60 dB down."""


@dataclass(frozen=True, slots=True)
class Shoebox:
    """A room with six walls, by the image-source method (Allen and Berkley 1979)."""

    size_m: Place
    speaker_m: Place
    microphone_m: Place
    reverb_s: float
    """Time in which the reverberation falls by 60 dB (Sabine)."""

    def response(self, rate_hz: int) -> NDArray[np.float64]:
        """The impulse response; its direct sound comes at once and has the amplitude 1."""
        distance_m, walls = self._images()
        amplitude = self._reflection**walls / distance_m * distance_m.min()
        late = (distance_m - distance_m.min()) / SPEED_OF_SOUND_M_S * rate_hz
        return _pulses(late, amplitude)

    @property
    def _reflection(self) -> float:
        """What a wall gives back of the pressure, from the reverberation by Sabine's rule."""
        width, depth, height = self.size_m
        surface = 2 * (width * depth + depth * height + width * height)
        absorbed = 0.161 * width * depth * height / (surface * self.reverb_s)
        return math.sqrt(1 - min(absorbed, 0.99))

    def _images(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The distances of all images of the speaker, and off how many walls each came."""
        reach_m = min(self.reverb_s, LONGEST_IMAGES_S) * SPEED_OF_SOUND_M_S
        squares, walls = np.zeros(1), np.zeros(1, dtype=np.int64)
        for size, speaker, microphone in zip(
            self.size_m, self.speaker_m, self.microphone_m, strict=True
        ):
            away, bounces = _images_along(size, speaker, microphone, reach_m)
            squares = np.add.outer(squares, away**2).ravel()
            walls = np.add.outer(walls, bounces).ravel()
            is_near = squares < reach_m**2
            squares, walls = squares[is_near], walls[is_near]
        return np.sqrt(squares), walls


def _images_along(
    size: float, speaker: float, microphone: float, reach_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    count = math.ceil(reach_m / (2 * size)) + 1
    rooms = np.arange(-count, count + 1)
    away = np.concatenate(
        (2 * rooms * size + speaker - microphone, 2 * rooms * size - speaker - microphone)
    )
    return away, np.concatenate((np.abs(2 * rooms), np.abs(2 * rooms - 1)))


def _pulses(late: NDArray[np.float64], amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pulses at places between samples, each a windowed sinc; cut before time zero."""
    whole = np.floor(late).astype(np.intp)
    length, half = int(whole.max()) + SINC_TAPS, SINC_TAPS // 2
    sound = np.zeros(length + half)
    for tap in range(-half + 1, half + 1):
        away = tap - (late - whole)
        shape = np.sinc(away) * (0.5 + 0.5 * np.cos(np.pi * away / (half + 0.5)))
        sound += np.bincount(whole + tap + half, amplitude * shape, len(sound))[: len(sound)]
    return sound[half:]


@dataclass(frozen=True, slots=True)
class AcousticEcho:
    """The way of the sound from the speaker to the microphone."""

    delay_s: float = 0.02
    """Sound travels 34 cm in 1 ms; the rest is the sound card's."""
    gain_db: float = -20.0
    """Loudness of the direct sound; minus infinity for a room without an echo."""
    reverb_s: float = 0.0
    """Time in which the reverberation falls by 60 dB; 0 for none. Noise that decays:
    see ``shoebox`` for walls."""
    seed: int = 0
    shoebox: Shoebox | None = None
    """A room with walls, in place of ``reverb_s``."""
    drift_ppm: float = 0.0
    """How much faster the speaker's clock runs than the microphone's."""
    drive: float = 0.0
    """How hard a small speaker is driven: its loudest sample is flattened by ``tanh(drive) /
    drive``, soft ones not at all; 0 for a speaker that does not distort."""

    def response(self, rate_hz: int) -> Floats:
        """The impulse response: what one loud sample at the speaker is at the microphone."""
        delay = round(self.delay_s * rate_hz)
        direct = 10 ** (self.gain_db / 20)
        if self.shoebox is not None:
            walls = direct * self.shoebox.response(rate_hz)
            return np.concatenate((np.zeros(delay), walls)).astype(np.float32)
        response = np.zeros(delay + 1 + round(self.reverb_s * rate_hz), dtype=np.float32)
        response[delay] = direct
        tail = response[delay + 1 :]
        if len(tail):
            decay = 10 ** (-3 * np.arange(len(tail)) / len(tail))
            noise = np.random.default_rng(self.seed).standard_normal(len(tail)) * decay
            energy = direct**2 * 10 ** (REVERB_TO_DIRECT_DB / 10)
            tail += (noise * np.sqrt(energy / np.sum(noise**2))).astype(np.float32)
        return response

    def _flattened(self, sound: NDArray[np.float64]) -> NDArray[np.float64]:
        loudest = float(np.max(np.abs(sound), initial=0.0))
        if not self.drive or not loudest:
            return sound
        return loudest / self.drive * np.tanh(self.drive / loudest * sound)

    def of(self, played: Samples, rate_hz: int) -> NDArray[np.float64]:
        """The whole echo of a whole sound, as long as that, on the microphone's clock."""
        sound = self._flattened(played.astype(np.float64))
        if self.drift_ppm:
            factor = 1 + self.drift_ppm * 1e-6
            sound = soxr.resample(sound, rate_hz * factor, rate_hz, quality="VHQ")
        response = self.response(rate_hz)
        size = 1 << (len(sound) + len(response) - 1).bit_length()
        spectrum = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
        echo = np.fft.irfft(spectrum, size)[: len(played)]
        return np.concatenate((echo, np.zeros(len(played) - len(echo))))


class Air:
    """Carries what is played to the microphone, block by block, from clock to clock."""

    def __init__(self, echo: AcousticEcho, rate_hz: int, block: int) -> None:
        response = echo.response(rate_hz)
        self._block = block
        self._size = 1 << (block + len(response) - 2).bit_length()
        self._spectrum = np.fft.rfft(response, self._size)
        self._coming = np.zeros(self._size)
        factor = 1 + echo.drift_ppm * 1e-6
        self._clock = (
            soxr.ResampleStream(rate_hz * factor, rate_hz, 1, dtype="int16", quality="HQ")
            if echo.drift_ppm
            else None
        )
        self._played = np.zeros(0, dtype=np.int16)

    @property
    def needs_more(self) -> bool:
        """Whether the speaker must be asked for another block before ``carry``."""
        return len(self._played) < self._block

    def take(self, played: Samples) -> None:
        """Take what comes from the speaker, on its own clock."""
        if self._clock is not None:
            played = self._clock.resample_chunk(played)
        self._played = np.concatenate((self._played, played))

    def carry(self) -> Floats:
        """The echo that is in the air during the next block, on the microphone's clock."""
        played, self._played = self._played[: self._block], self._played[self._block :]
        if played.any():
            spectrum = np.fft.rfft(played.astype(np.float64), self._size)
            self._coming += np.fft.irfft(spectrum * self._spectrum, self._size)
        echo = self._coming[: self._block].astype(np.float32)
        self._coming = np.concatenate((self._coming[self._block :], np.zeros(self._block)))
        return echo
