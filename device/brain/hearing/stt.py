"""Speech to text: Whisper, one thread, as much of it as possible before the speaker ends.

Three things keep the wait short. The encoder gets only as much silence after the words as
it needs instead of the 30 s it was trained on, and more only when the result looks
doubtful. A pause is transcribed at once, while it is not yet sure that the turn is
over. And long speech is cut at its pauses, so that only the last sentence is left.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.brain.base.abilities import (
    HEARING_RATE_HZ,
    AbilityFailedError,
    Cancellation,
    Samples,
    Transcript,
)
from device.brain.hearing.byte_pairs import Vocabulary, text_of
from device.brain.hearing.hallucinations import without_echo, without_inventions
from device.brain.hearing.mel import log_mel
from device.brain.hearing.whisper import START, WITHOUT_TIMES, Encoded, Whisper
from device.errors import BitternError
from device.memory import give_back_memory

_log = logging.getLogger(__name__)

WHOLE_CONTEXT_S = 30.0
"""What Whisper was trained on."""
SHORT_CONTEXT_S = 8.0
TAIL_S = 3.0
"""Silence after the words. Over 189 synthesized commands in kitchen noise (20 dB), 1007 words:
6 s in all and a tail of 2 s gave 24 wrong words and 24 second tries, 8 s and 3 s gave 21
and 12, 10 s and 3 s gave 19 and 10, and cost more."""
DOUBTFUL_SCORE = -0.5
"""Mean log probability of a token, below which the words are heard again."""
SECOND_CONTEXT_S, SECOND_TAIL_S = 15.0, 6.0
"""What they are then heard in. Of 60 orders and 63 commands as many were understood as with
the whole 30 s (52 and 60; 11 wrong words for 13), in half the time."""
MOST_TOKENS_PER_SECOND, SPARE_TOKENS = 8.0, 8
PROMPT_TOKENS = 120
"""Words to expect cost about 0.2 ms a token before the first word."""
PAUSE_MARGIN_SAMPLES = int(0.35 * HEARING_RATE_HZ)
SENTENCE_SAMPLES = 8 * HEARING_RATE_HZ
"""A pause after as much speech ends a piece: what comes later is transcribed alone."""
LONGEST_SAMPLES = 24 * HEARING_RATE_HZ
"""Somebody who does not pause is cut at the quietest moment before."""
_LOCK_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class _Decoded:
    text: str
    score: float
    no_speech: float

    @property
    def is_doubtful(self) -> bool:
        return self.score < DOUBTFUL_SCORE or _goes_round(self.text)


class WhisperTranscriber:
    """One model for all sessions; transcriptions wait for each other, cancelled ones do not."""

    def __init__(self, folder: Path, threads: int = 1, expected: str = "") -> None:
        """``folder`` is a set of the store, "whisper-tiny.en"; ``expected`` are usual words."""
        self._folder = folder
        self._threads = threads
        self._expected = expected
        self._lock = threading.Lock()
        self._model: _Model | None = None

    def load(self) -> None:
        """Read the weights (0.3 s, 60 MB); otherwise the first transcription does."""
        with self._lock:
            self._loaded()

    def start(self, language: str | None = None, prompt: str = "") -> WhisperStream:
        """Begin an utterance; ``prompt`` holds words to expect beside the usual ones."""
        return WhisperStream(self, language, prompt)

    def transcribe(
        self, samples: Samples, language: str | None, cancellation: Cancellation
    ) -> Transcript:
        """Transcribe a recording of any length, 16 kHz."""
        stream = self.start(language)
        for start in range(0, len(samples), LONGEST_SAMPLES):
            stream.feed(samples[start : start + LONGEST_SAMPLES], voiced=True)
            stream.settle(cancellation)
        return stream.finish(cancellation)

    def decode(
        self, samples: Samples, language: str | None, prompt: str, cancellation: Cancellation
    ) -> str:
        """Return the words in at most 30 s of 16 kHz sound; empty where there are none."""
        sound = samples.astype(np.float32) / 32768.0
        with self._held(cancellation):
            model = self._loaded()
            tokens = model.prompt(f" {prompt} {self._expected}")
            decode = partial(model.decode, sound, language, tokens, cancellation)
            best = decode(SHORT_CONTEXT_S, TAIL_S)
            if best.is_doubtful:
                cancellation.check()
                again = decode(SECOND_CONTEXT_S, SECOND_TAIL_S)
                best = max(best, again, key=lambda one: (not one.is_doubtful, one.score))
                give_back_memory()  # what the longer context took
        return without_inventions(best.text, best.score, best.no_speech)

    def _loaded(self) -> _Model:
        if self._model is None:
            self._model = _Model(self._folder, self._threads)
        return self._model

    @contextmanager
    def _held(self, cancellation: Cancellation) -> Iterator[None]:
        """Own the model; give up waiting when nobody wants the words any more."""
        while not self._lock.acquire(timeout=_LOCK_POLL_S):
            cancellation.check()
        try:
            cancellation.check()
            yield
        finally:
            self._lock.release()


class WhisperStream:
    """One utterance; see `TranscriptionStream`. Not safe from two threads at once."""

    def __init__(self, transcriber: WhisperTranscriber, language: str | None, prompt: str) -> None:
        self._transcriber = transcriber
        self._language = language
        self._prompt = prompt
        self._done: list[str] = []
        self._open: list[Samples] = []
        self._open_samples = 0
        self._first_voiced: int | None = None
        self._last_voiced = 0
        self._samples = 0
        self._known = ""
        self._is_known = True
        self._is_cancelled = False

    def feed(self, samples: Samples, voiced: bool) -> None:
        """Take the next sound; transcribes only when 24 s have come without a pause."""
        if self._is_cancelled or not len(samples):
            return
        if voiced:
            if self._first_voiced is None:
                self._first_voiced = self._open_samples
            self._last_voiced = self._open_samples + len(samples)
            self._is_known = False
        self._open.append(samples)
        self._open_samples += len(samples)
        self._samples += len(samples)
        if self._open_samples > LONGEST_SAMPLES + 4 * HEARING_RATE_HZ:
            self._cut()

    def settle(self, cancellation: Cancellation) -> Transcript:
        """Transcribe what is new; after 8 s of speech the piece is closed for good."""
        if not self._is_known and not self._is_cancelled:
            self._known = self._decode(self._voiced_sound(), cancellation)
            self._is_known = True
        if self._open_samples >= SENTENCE_SAMPLES:
            self._close(self._known, b"")
        return self._transcript()

    def partial(self) -> str:
        """Return the words known by now."""
        return " ".join(text for text in (*self._done, self._known) if text)

    def finish(self, cancellation: Cancellation) -> Transcript:
        """Return everything; runs the model only if voice came since the last `settle`."""
        return self.settle(cancellation)

    def cancel(self) -> None:
        """Forget the sound."""
        self._is_cancelled = True
        self._open.clear()

    def _transcript(self) -> Transcript:
        return Transcript(self.partial(), self._samples / HEARING_RATE_HZ)

    def _decode(self, sound: Samples, cancellation: Cancellation) -> str:
        context = self._done[-1][-200:] if self._done else ""
        prompt = f"{self._prompt} {context}".strip()
        return self._transcriber.decode(sound, self._language, prompt, cancellation)

    def _voiced_sound(self) -> Samples:
        """Everything from a little before the first voice to a little after the last."""
        sound = np.concatenate(self._open)
        start = max(0, (self._first_voiced or 0) - PAUSE_MARGIN_SAMPLES)
        end = self._last_voiced + PAUSE_MARGIN_SAMPLES
        # Nobody paused for longer than a piece may be: the rest is cut in `feed`.
        return sound[start:end][: int(WHOLE_CONTEXT_S) * HEARING_RATE_HZ]

    def _cut(self) -> None:
        """Transcribe up to the quietest fifth of a second of the last 8 s of a full piece."""
        sound = np.concatenate(self._open)
        at = (
            LONGEST_SAMPLES
            - SENTENCE_SAMPLES
            + _quietest(sound[LONGEST_SAMPLES - SENTENCE_SAMPLES : LONGEST_SAMPLES])
        )
        words = ""
        if self._first_voiced is not None and self._first_voiced < at:
            try:
                words = self._decode(sound[:at], Cancellation())
            except AbilityFailedError:
                _log.exception("a piece of long speech could not be transcribed")
        self._close(words, sound[at:].tobytes())

    def _close(self, words: str, rest: bytes) -> None:
        if words:
            self._done.append(words)
        left = np.frombuffer(rest, dtype=np.int16)
        self._open = [left] if len(left) else []
        self._known = ""
        cut_at = self._open_samples - len(left)
        self._open_samples = len(left)
        self._is_known = self._last_voiced <= cut_at
        self._first_voiced = None if self._is_known else 0
        self._last_voiced = max(0, self._last_voiced - cut_at)


class _Model:
    """Whisper, and how it is asked. Not thread-safe; `WhisperTranscriber` sees to that."""

    def __init__(self, folder: Path, threads: int) -> None:
        try:
            self._whisper = Whisper(folder, threads)
        except (BitternError, OSError, ValueError) as failure:
            raise AbilityFailedError("model_unavailable", f"no speech to text: {failure}") from None
        words = (word for word in self._whisper.vocabulary if not word.startswith("<|"))
        self._vocabulary = Vocabulary(words)

    def prompt(self, expected: str) -> list[str]:
        """Write words to expect as the end of what was said before; a stop ends them.

        Without the stop the model goes on with the list instead of listening.
        """
        expected = " ".join(expected.split()).rstrip(".,;")
        if not expected:
            return []
        tokens = self._vocabulary.tokens_of(f" {expected}.")
        return ["<|startofprev|>", *tokens[-PROMPT_TOKENS:]]

    def decode(
        self,
        sound: NDArray[np.float32],
        language: str | None,
        prompt: list[str],
        cancellation: Cancellation,
        at_least_s: float,
        tail_s: float,
    ) -> _Decoded:
        """Hear ``sound``, 16 kHz, and the silence after it; a cancellation ends it anywhere."""
        seconds = min(max(len(sound) / HEARING_RATE_HZ + tail_s, at_least_s), WHOLE_CONTEXT_S)
        samples = int(seconds * HEARING_RATE_HZ)
        padded = np.pad(sound[:samples], (0, max(0, samples - len(sound))))
        features = log_mel(padded, cancellation.check)
        encoded = self._whisper.hear(features, cancellation)
        start = [*prompt, START, *self._language(encoded, language, cancellation), WITHOUT_TIMES]
        most_tokens = int(len(sound) / HEARING_RATE_HZ * MOST_TOKENS_PER_SECOND) + SPARE_TOKENS
        written = self._whisper.write(encoded, start, most_tokens, cancellation)
        words = text_of(self._whisper.vocabulary[number] for number in written.tokens)
        text = without_echo(" ".join(words.split()))
        return _Decoded(text, written.score, written.no_speech)

    def _language(
        self, encoded: Encoded, language: str | None, cancellation: Cancellation
    ) -> list[str]:
        if not self._whisper.is_multilingual:
            return []
        known = f"<|{language}|>" if language else self._whisper.language(encoded, cancellation)
        return [known, "<|transcribe|>"]


def _goes_round(text: str) -> bool:
    """Whether three words come again in the same order: a decoder that lost the end does that."""
    words = [word.strip(".,;:?!").lower() for word in text.split()]
    threes = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(threes)) < len(threes)


def _quietest(sound: Samples) -> int:
    """Where the quietest 0.2 s of a sound have their middle, in samples."""
    block = HEARING_RATE_HZ // 5
    blocks = sound[: len(sound) // block * block].astype(np.float32).reshape(-1, block)
    return int(np.argmin((blocks**2).sum(axis=1))) * block + block // 2
