"""Text to speech: Hibari, one thread, sentence by sentence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from device.brain.base.abilities import (
    SPEAKING_RATE_HZ,
    AbilityFailedError,
    Cancellation,
    Samples,
)
from device.brain.base.stoppable_runs import quiet_session, stoppable
from device.brain.speaking.pronunciation import load_pronunciation
from device.brain.speaking.spoken import as_spoken

if TYPE_CHECKING:
    from hibari import Hibari

_log = logging.getLogger(__name__)

CHUNK_SAMPLES = SPEAKING_RATE_HZ // 10
MOST_PHONEMES = 110
"""About 8 s. A longer sentence is spoken in clauses, which bounds the wait for its first
sound (10 ms of work for 1 s of speech)."""
LEAD_SAMPLES = int(0.02 * SPEAKING_RATE_HZ)
"""The model puts about 0.3 s of silence before the words: 20 ms of it are enough."""
SENTENCE_PAUSE_SAMPLES = int(0.30 * SPEAKING_RATE_HZ)
CLAUSE_PAUSE_SAMPLES = int(0.12 * SPEAKING_RATE_HZ)
_AUDIBLE = 0.004
"""-48 dBFS: the quietest consonants at the start of a word are about -40."""
SLOWEST, FASTEST = 0.25, 1.5
_LOCK_POLL_S = 0.02


class HibariVoice:
    """One model for all sessions; they take turns clause by clause."""

    def __init__(self, threads: int = 1, folder: Path | None = None) -> None:
        """``folder`` is where packed dictionaries are kept; without one they fill memory."""
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._hibari: Hibari | None = None

    def load(self) -> None:
        """Read the model and its lexicon; otherwise the first sentence does."""
        with self._lock:
            self._loaded()

    def speak(
        self, sentence: str, voice: str, speed: float, cancellation: Cancellation
    ) -> Iterator[Samples]:
        """Speak one sentence in chunks of 100 ms, 24 kHz; the pause after it is included."""
        del voice  # there is one
        speed = min(max(speed, SLOWEST), FASTEST)
        clauses = self._clauses(as_spoken(sentence))
        for number, clause in enumerate(clauses, start=1):
            sound = self._sound_of(clause, speed, cancellation)
            pause = SENTENCE_PAUSE_SAMPLES if number == len(clauses) else CLAUSE_PAUSE_SAMPLES
            spoken = _to_int16(_trimmed(sound, int(pause / speed)))
            for start in range(0, len(spoken), CHUNK_SAMPLES):
                cancellation.check()
                yield spoken[start : start + CHUNK_SAMPLES]

    def _sound_of(
        self, clause: str, speed: float, cancellation: Cancellation
    ) -> NDArray[np.float32]:
        """Run the model; a cancellation ends it between two of its layers, or soon after."""
        while not self._lock.acquire(timeout=_LOCK_POLL_S):
            cancellation.check()
        try:
            voice = self._loaded()
            model: _StoppableModel = voice.sess
            with stoppable(cancellation) as model.options:
                noise = _WatchfulNoise(cancellation)
                sound: NDArray[np.float32] = voice.from_ids(voice.ids(clause), speed, noise)
        finally:
            self._lock.release()
        return sound

    def _clauses(self, text: str) -> list[str]:
        """Return the phonemes of the text, in pieces of bounded length."""
        with self._lock:
            sentences = self._loaded().phonemize(text)
        return [clause for sentence in sentences for clause in _cut(sentence)]

    def _loaded(self) -> Hibari:
        if self._hibari is None:
            try:
                self._hibari = _open(self._threads, self._folder)
            except (ImportError, OSError, RuntimeError) as failure:
                raise AbilityFailedError("model_unavailable", f"no voice: {failure}") from None
        return self._hibari


class _StoppableModel:
    """The voice's model, as Hibari calls it; ``options`` are those of the next run."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.options: Any = None

    def run(self, names: Any, inputs: Any) -> Any:
        """Run the model; raises onnxruntime's error when it is ended."""
        return self._session.run(names, inputs, self.options)


class _WatchfulNoise:
    """The noise that Hibari colours, the same for every sentence.

    It is drawn in the middle of what is done with the model's output: 30 ms of numpy for
    8 s of speech, in which nothing else would see a cancellation.
    """

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._random = np.random.default_rng(0)

    def standard_normal(self, size: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """As numpy's."""
        self._cancellation.check()
        drawn = self._random.standard_normal(size, dtype)
        self._cancellation.check()
        return drawn


def _open(threads: int, folder: Path | None) -> Hibari:
    """Build a `Hibari` as its own constructor does, with our dictionaries and session.

    The imports are of the package itself and read only its own assets: the voice "heart"
    is bundled, others would be downloaded and are not offered.
    """
    import json

    from hibari import Hibari
    from hibari.tts import ASSETS
    from hibari.voices import voice_path

    voice = Hibari.__new__(Hibari)
    voice.voice, voice.model_path = "heart", voice_path("heart", download_missing=False)
    voice.sess = _StoppableModel(quiet_session(Path(voice.model_path), threads))
    voice.vocab = json.loads((Path(ASSETS) / "vocab.json").read_text(encoding="utf-8"))
    voice._g2p = load_pronunciation(folder)
    return voice


def _cut(phonemes: str) -> Iterator[str]:
    """Split a long sentence after punctuation, else between words, into balanced pieces."""
    while len(phonemes) > MOST_PHONEMES:
        half = min(len(phonemes) // 2 + 20, MOST_PHONEMES)
        at = max(phonemes.rfind(mark, 20, half) for mark in (", ", "; ", ": ", "— "))
        if at < 0:
            at = phonemes.rfind(" ", 20, MOST_PHONEMES)
        if at < 0:
            break
        yield phonemes[: at + 1].strip()
        phonemes = phonemes[at + 1 :].strip()
    if phonemes:
        yield phonemes


def _trimmed(sound: NDArray[np.float32], pause: int) -> NDArray[np.float32]:
    """Cut the silence before the words, and make the one after them as long as asked."""
    loud = np.flatnonzero(np.abs(sound) > _AUDIBLE)
    if not len(loud):
        return sound[:0]
    spoken = sound[max(0, int(loud[0]) - LEAD_SAMPLES) : int(loud[-1]) + 1]
    tail = sound[int(loud[-1]) + 1 :][:pause]
    return np.pad(np.concatenate([spoken, tail]), (0, pause - len(tail)))


def _to_int16(sound: NDArray[np.float32]) -> Samples:
    return (np.clip(sound, -1.0, 1.0) * 32767.0).astype(np.int16)
