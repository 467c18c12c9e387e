"""Ends with 0 where a recording holds a notice: ``hears.py RECORDING.pcm NOTICE``.

The recording is PCM16, mono, 24 kHz. It is compared with the notice itself, so volume and
delay do not matter, and something else that was said does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from device.audio.sounds import Sounds
from device.models.location import usual_folder

LEAST = 0.5
"""The correlation of a notice with itself, resampled and over a sound server, is above 0.9."""


def likeness(recording: np.ndarray, notice: np.ndarray) -> float:
    """The best normalised correlation of the notice with any part of the recording."""
    recorded, wanted = recording.astype(float), notice.astype(float)
    size = 1 << int(np.ceil(np.log2(len(recorded) + len(wanted))))
    together = np.fft.irfft(np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(wanted, size)), size)
    energy = np.concatenate(([0.0], np.cumsum(recorded**2)))
    places = len(recorded) - len(wanted)
    if places <= 0:
        return 0.0
    local = energy[len(wanted) : len(wanted) + places] - energy[:places]
    norm = np.sqrt(np.maximum(local, 1.0) * np.sum(wanted**2))
    return float(np.max(together[:places] / norm))


def main() -> int:
    """Compare, and tell."""
    recording = np.frombuffer(Path(sys.argv[1]).read_bytes(), np.int16)
    text, notice = Sounds.of_store(usual_folder()).notice(sys.argv[2])
    alike = likeness(recording, notice)
    seconds = len(recording) / 24_000
    print(f"{seconds:.1f} s recorded; likeness to {text!r}: {alike:.2f}")
    return 0 if alike >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
