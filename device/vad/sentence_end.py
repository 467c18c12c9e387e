"""Is the sentence finished? Judged by the sound alone, at a pause: by its melody, and by what
the last syllables sound like ("for", "the" and "with" are rarely the last).

A small network of our own over Google's speech embedding (Apache-2.0) and
:mod:`device.vad.melody`; how it was made and what it is worth stands in its card,
``sentence_end.json``. It costs some milliseconds, only in a turn, only at a pause.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.models import MissingModel, ModelStore
from device.vad.melody import SIZE as MELODY_SIZE
from device.vad.melody import melody
from device.wake.embedding import MEL_WINDOW, SIZE, SpeechEmbedding
from device.wake.streaming import session

log = logging.getLogger(__name__)

MEL = "openwakeword/melspectrogram.onnx"
EMBEDDING = "openwakeword/embedding_model.onnx"
MODEL = Path(__file__).parent / "sentence_end.onnx"
EMBEDDINGS = 5
_STEP = 16
"""Spectrogram frames between them: 0.16 s; with the 0.76 s under each, the last 1.4 s."""
_MEL_FRAMES = MEL_WINDOW + _STEP * (EMBEDDINGS - 1)
LOOK_SAMPLES = _MEL_FRAMES * 160 + 480
"""How much sound before the judgement it looks at (16 kHz)."""
FEATURES = EMBEDDINGS * SIZE + MELODY_SIZE
_LOUD = 3000.0
"""Speech is brought to this level (RMS of the louder half, in units of int16)."""


class SentenceEnd:
    """The judge; stateless between questions, not for two threads at once."""

    def __init__(self, mel: Path, embedding: Path, model: Path | None = MODEL) -> None:
        """Load the models; raises ``WrongModelError``. ``model`` None: only features."""
        self._embedding = SpeechEmbedding(mel, embedding)
        self._session = session(model) if model is not None else None

    def features(self, sound: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the ``FEATURES`` numbers of the last ``LOOK_SAMPLES`` of a sound (16 kHz)."""
        look = sound[-LOOK_SAMPLES:]
        level = _levelled(np.pad(look, (LOOK_SAMPLES - len(look), 0)))
        spectrum = self._embedding.spectrogram(level)[-_MEL_FRAMES:]
        looks = [spectrum[at : at + MEL_WINDOW] for at in range(0, _STEP * EMBEDDINGS, _STEP)]
        heard = np.concatenate([self._embedding.embed(look, 1) for look in looks])
        return np.concatenate((heard.ravel() / np.float32(20.0), melody(level)))

    def probability(self, sound: NDArray[np.int16]) -> float:
        """How likely it is that nothing more follows, 0 to 1; ``sound`` ends at the pause."""
        if self._session is None:
            raise RuntimeError("no model was loaded, only the features are to be had")
        given = {"features": self.features(sound)[None, :]}
        return float(self._session.run(None, given)[0].ravel()[0])


def open_judge(models: ModelStore) -> SentenceEnd | None:
    """Load the judge; None, and a warning, when the models under it were never fetched.

    A turn then ends after the usual silence: worth less, but worth a turn.
    """
    try:
        return SentenceEnd(models.path_of(MEL), models.path_of(EMBEDDING))
    except MissingModel as missing:
        log.warning("nobody judges whether a sentence is finished: %s", missing)
        return None


def _levelled(sound: NDArray[np.int16]) -> NDArray[np.int16]:
    floats = sound.astype(np.float32)
    powers = np.mean(floats.reshape(-1, 160) ** 2, axis=1)
    loud = float(np.sqrt(np.mean(np.sort(powers)[len(powers) // 2 :]))) + 1.0
    levelled: NDArray[np.int16] = np.clip(floats * (_LOUD / loud), -32768, 32767).astype(np.int16)
    return levelled
