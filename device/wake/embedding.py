"""Google's speech embedding as openWakeWord packs it: 96 numbers every 80 ms, Apache-2.0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.wake.streaming import session

HOP_SAMPLES = 1280
"""80 ms at 16 kHz: one embedding."""
CONTEXT_SAMPLES = 480
"""What the spectrogram needs from before, so that no frame is lost at a seam."""
MEL_BANDS = 32
MEL_FRAMES_PER_HOP = 8
MEL_WINDOW = 76
"""Spectrogram frames (10 ms each) under one embedding: 0.76 s."""
SIZE = 96


class SpeechEmbedding:
    """A stream of sound to a stream of embeddings.

    Each hop of 1280 samples gives one embedding of the last 0.76 s. Before that much was
    heard the spectrogram is filled with ones, as openWakeWord does.
    """

    def __init__(self, mel_path: Path, embedding_path: Path) -> None:
        self._mel = session(mel_path)
        self._embedding = session(embedding_path)
        self._mel_input = self._mel.get_inputs()[0].name
        self._embedding_input = self._embedding.get_inputs()[0].name
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._waiting = np.zeros(0, dtype=np.int16)
        self._context = np.zeros(CONTEXT_SAMPLES, dtype=np.int16)
        self._spectrum = np.ones((MEL_WINDOW, MEL_BANDS), dtype=np.float32)

    def process(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Take the next samples (16 kHz mono); return the embeddings they complete ``[n, 96]``."""
        sound = np.concatenate((self._waiting, samples)) if len(self._waiting) else samples
        hops = len(sound) // HOP_SAMPLES
        self._waiting = sound[hops * HOP_SAMPLES :].copy()
        if hops == 0:
            return np.zeros((0, SIZE), dtype=np.float32)
        whole = np.concatenate((self._context, sound[: hops * HOP_SAMPLES]))
        self._context = whole[-CONTEXT_SAMPLES:]
        spectrum = np.concatenate((self._spectrum, self.spectrogram(whole)))
        self._spectrum = spectrum[-MEL_WINDOW:]
        return self.embed(spectrum, hops)

    def spectrogram(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Scaled log-mel frames ``[n, 32]`` of a sound, one each 10 ms after the first 40 ms.

        int16 range as float32 goes in; ``/ 10 + 2`` brings the model's decibels to what the
        embedding was trained on (openWakeWord's constant).
        """
        raw = self._mel.run(None, {self._mel_input: samples.astype(np.float32)[None, :]})[0]
        frames: NDArray[np.float32] = raw.reshape(-1, MEL_BANDS) / np.float32(10) + np.float32(2)
        return frames

    def embed(self, spectrum: NDArray[np.float32], hops: int) -> NDArray[np.float32]:
        """The last ``hops`` embeddings of a spectrogram ``[n, 32]``, in one call."""
        last = len(spectrum)
        starts = [last - MEL_WINDOW - MEL_FRAMES_PER_HOP * back for back in range(hops)][::-1]
        windows = np.stack([spectrum[at : at + MEL_WINDOW] for at in starts])
        batch = windows[:, :, :, None].astype(np.float32, copy=False)
        raw = self._embedding.run(None, {self._embedding_input: batch})[0]
        embeddings: NDArray[np.float32] = raw.reshape(-1, SIZE)
        return embeddings
