"""What happens to a voice on its way to a microphone: throats, tempo, rooms, codecs, gain."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import soundfile
from numpy.typing import NDArray

from device.wake.engine import RATE_HZ
from device.workshop.training.wake.corpus import Sound

Random = np.random.Generator
_THROAT_FRAME, _LIFTER = 512, 32


def tempo(sound: Sound, random: Random) -> tuple[Sound, float]:
    """Faster and higher, or slower and lower, by up to a seventh; also gives the factor."""
    factor = random.uniform(0.88, 1.14)
    places = np.arange(int(len(sound) / factor)) * factor
    return np.interp(places, np.arange(len(sound)), sound).astype(np.float32), factor


def throat(sound: Sound, random: Random) -> Sound:
    """The same melody out of a shorter or longer throat: formants up or down by a seventh.

    The envelope of each short spectrum (its cepstrum's first 2 ms) is stretched, what lies
    under it stays.
    """
    factor = random.uniform(0.87, 1.15)
    padded = np.pad(sound, (_THROAT_FRAME, 2 * _THROAT_FRAME))
    hop = _THROAT_FRAME // 4
    window = np.hanning(_THROAT_FRAME + 1)[:-1].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _THROAT_FRAME)[::hop] * window
    spectra = np.fft.rfft(frames, axis=1)
    logs = np.log(np.abs(spectra) + 1.0)
    cepstra = np.fft.irfft(logs, axis=1)
    cepstra[:, _LIFTER:-_LIFTER] = 0
    envelopes = np.fft.rfft(cepstra, axis=1).real
    places = np.minimum(np.arange(spectra.shape[1]) / factor, spectra.shape[1] - 1)
    low = np.minimum(places.astype(int), spectra.shape[1] - 2)
    share = places - low
    moved = envelopes[:, low] * (1 - share) + envelopes[:, low + 1] * share
    gains = np.exp(np.clip(moved - envelopes, -2.5, 2.5))
    changed = np.fft.irfft(spectra * gains, axis=1) * window
    whole = np.zeros(len(padded), dtype=np.float64)
    for index, frame in enumerate(changed):
        whole[index * hop : index * hop + _THROAT_FRAME] += frame
    heard: Sound = (whole[_THROAT_FRAME : _THROAT_FRAME + len(sound)] / 1.5).astype(np.float32)
    return heard


def colour(sound: Sound, random: Random) -> Sound:
    """The frequency response of some microphone."""
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    gains_db = random.standard_normal(6) * 4
    if random.random() < 0.5:
        gains_db[:2] -= 25, random.uniform(0, 15)
    if random.random() < 0.3:
        gains_db[-1] -= random.uniform(0, 20)
    curve = np.interp(hertz, [0, 100, 300, 1000, 3000, 8000], gains_db)
    return np.fft.irfft(spectrum * 10 ** (curve / 20), len(sound)).astype(np.float32)


def in_room(sound: Sound, response: NDArray[np.float32]) -> Sound:
    """The sound in a room, with its end dying away behind it."""
    length = len(sound) + len(response) - 1
    padded = 1 << (length - 1).bit_length()
    spectrum = np.fft.rfft(sound, padded) * np.fft.rfft(response, padded)
    return np.fft.irfft(spectrum, padded)[: len(sound) + len(response) // 2].astype(np.float32)


def through_codec(sound: Sound, random: Random) -> Sound:
    """Through a telephone's µ-law, 8-bit samples, or Opus, as libsndfile writes it."""
    choice = int(random.integers(3))
    if choice == 0:
        return _mu_law(sound)
    if choice == 1:
        return np.round(sound / 256).astype(np.float32) * np.float32(256)
    return _opus(sound)


def _mu_law(sound: Sound) -> Sound:
    share = np.clip(sound / 32768, -1, 1)
    squeezed = np.sign(share) * np.log1p(255 * np.abs(share)) / np.log(256)
    rounded = np.round(squeezed * 127) / 127
    wide = np.sign(rounded) * np.expm1(np.abs(rounded) * np.log(256)) / 255
    coded: Sound = (wide * 32768).astype(np.float32)
    return coded


def _opus(sound: Sound) -> Sound:
    if "OPUS" not in soundfile.available_subtypes("OGG"):
        return _mu_law(sound)
    buffer = io.BytesIO()
    samples = np.clip(sound, -32768, 32767).astype(np.int16)
    soundfile.write(buffer, samples, RATE_HZ, format="OGG", subtype="OPUS")
    buffer.seek(0)
    heard, _ = soundfile.read(buffer, dtype="int16")
    whole = np.zeros(len(sound), dtype=np.float32)
    whole[: len(heard)] = heard[: len(sound)]
    return whole


def distort(sound: Sound, rooms: Sequence[NDArray[np.float32]], random: Random) -> Sound:
    """One way a voice may arrive: half of them coloured, more than half in a room, some coded."""
    if random.random() < 0.5:
        sound = colour(sound, random)
    if rooms and random.random() < 0.65:
        sound = in_room(sound, rooms[int(random.integers(len(rooms)))])
    if random.random() < 0.1:
        sound = through_codec(sound, random)
    return sound


def at_some_level(sound: Sound, random: Random) -> NDArray[np.int16]:
    """Between full scale and 30 dB below, with a microphone's own hiss; rarely clipped."""
    gain = 10 ** (random.uniform(-30, 1.5) / 20) * 32767 / max(float(np.abs(sound).max()), 1.0)
    hiss = random.standard_normal(len(sound)).astype(np.float32) * random.uniform(0, 8)
    return np.clip(sound * gain + hiss, -32768, 32767).astype(np.int16)
