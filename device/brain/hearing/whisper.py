"""Runs Whisper: a sound goes in, tokens come out one by one, and either can be stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.brain.base.abilities import Cancellation
from device.brain.base.stoppable_runs import quiet_session, stoppable
from device.models.conversion.whisper_weights import read

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
START, END = "<|startoftranscript|>", "<|endoftext|>"
WITHOUT_TIMES = "<|notimestamps|>"
NGRAM_TOKENS = 4
"""No four tokens come twice: a decoder that lost the end goes round."""
_NEVER = np.float32(-np.inf)


@dataclass(frozen=True, slots=True)
class Written:
    """What the decoder wrote."""

    tokens: tuple[int, ...]
    score: float
    """Mean natural logarithm of the probability of a token."""
    no_speech: float
    """Probability of there being no speech at all."""


class Whisper:
    """One model, run on the caller's thread. Not thread-safe."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """``folder`` holds ``model.bin`` as CTranslate2 packs it, and the graphs made of it.

        Raises `OSError` or `BitternError` for files that are not there or not usable.
        """
        weights = read(folder / "model.bin")
        self._embeddings = weights.stored("decoder/embeddings/weight")
        self._places = weights["decoder/position_encodings/encodings"]
        self._layers = weights.layers("decoder")
        self._heads = weights.heads
        self._encoder = quiet_session(folder / ENCODER, threads)
        self._decoder = quiet_session(folder / DECODER, threads)
        self._results = [output.name for output in self._decoder.get_outputs()]
        self.vocabulary = _read_vocabulary(folder / "vocabulary.txt")
        self._numbers = {token: number for number, token in enumerate(self.vocabulary)}
        self._config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._unwanted = self._unwanted_tokens()

    @property
    def longest_tokens(self) -> int:
        """How many tokens the decoder can look at, what was said before included."""
        return len(self._places)

    @property
    def is_multilingual(self) -> bool:
        """Whether it knows more languages than English."""
        return "<|en|>" in self._numbers and len(self.vocabulary) > 51_864

    def hear(self, features: NDArray[np.float32], cancellation: Cancellation) -> Encoded:
        """Look at a sound: ``features`` as `device.brain.hearing.mel.log_mel` makes them."""
        import onnxruntime

        value = onnxruntime.OrtValue.ortvalue_from_numpy(features[np.newaxis])
        with stoppable(cancellation) as options:
            outputs = self._encoder.run_with_ort_values(None, {"features": value}, options)
        names = (output.name for output in self._encoder.get_outputs())
        return Encoded(dict(zip(names, outputs, strict=True)))

    def write(
        self, encoded: Encoded, start: Sequence[str], most_tokens: int, cancellation: Cancellation
    ) -> Written:
        """Write the words, the likeliest token each time, after ``start`` (special tokens)."""
        passage = _Passage(self._past())
        numbers = [self._numbers[token] for token in start]
        asked = (numbers.index(self._numbers[START]), len(numbers) - 1)
        most_tokens = min(most_tokens, self.longest_tokens - len(numbers))
        with stoppable(cancellation) as options:
            first, logits = self._judged(encoded, passage, numbers, asked, options)
            for _ in range(most_tokens):
                cancellation.check()
                token = self._choose(logits, passage)
                if token == self._numbers[END]:
                    break
                (logits,) = self._judged(encoded, passage, [token], (0,), options)
        return Written(tuple(passage.tokens), passage.score, self._no_speech(first))

    def language(self, encoded: Encoded, cancellation: Cancellation) -> str:
        """Return the token of the language that is spoken."""
        with stoppable(cancellation) as options:
            start = [self._numbers[START]]
            (logits,) = self._judged(encoded, _Passage(self._past()), start, (0,), options)
        known: list[int] = self._config["lang_ids"]
        return self.vocabulary[max(known, key=lambda number: float(logits[number]))]

    # -------------------------------------------------------------------------- tokens

    def _choose(self, logits: NDArray[np.float32], passage: _Passage) -> int:
        """Take the likeliest token that may come now, and keep account of it."""
        allowed = logits + self._unwanted
        if not passage.tokens:
            allowed[self._config["suppress_ids_begin"]] = _NEVER
        allowed[list(passage.would_repeat())] = _NEVER
        token = int(allowed.argmax())
        passage.logarithm += float(allowed[token]) - _log_sum(allowed)
        passage.chosen += 1
        if token != self._numbers[END]:
            passage.tokens.append(token)
        return token

    def _unwanted_tokens(self) -> NDArray[np.float32]:
        """What is added to keep marks, other tasks and times out of the words."""
        added = np.zeros(len(self._embeddings), np.float32)
        added[self._config["suppress_ids"]] = _NEVER
        added[self._numbers[WITHOUT_TIMES] :] = _NEVER
        return added

    def _no_speech(self, logits: NDArray[np.float32]) -> float:
        number = self._numbers[WITHOUT_TIMES] - 1  # by either of its two names
        return float(np.exp(float(logits[number]) - _log_sum(logits)))

    # ---------------------------------------------------------------------------- runs

    def _judged(
        self,
        encoded: Encoded,
        passage: _Passage,
        numbers: Sequence[int],
        asked: Sequence[int],
        options: Any,
    ) -> NDArray[np.float32]:
        """Let the decoder look at the next tokens; logits ``[asked, vocabulary]``."""
        from onnxruntime import OrtValue

        first, count = passage.length, len(numbers)
        embedded = self._embeddings[list(numbers)] + self._places[first : first + count]
        mask = np.triu(np.full((count, first + count), -1e9, np.float32), first + 1)
        inputs = {
            "tokens": embedded.astype(np.float32)[np.newaxis],
            "mask": mask[np.newaxis, np.newaxis],
            "asked": np.array(asked, np.int64),
        }
        values = {name: OrtValue.ortvalue_from_numpy(each) for name, each in inputs.items()}
        values |= {**encoded.values, **passage.past}
        outputs = self._decoder.run_with_ort_values(self._results, values, options)
        named = dict(zip(self._results, outputs, strict=True))
        logits: NDArray[np.float32] = named.pop("logits").numpy()[0]
        passage.past = {f"past_{name}": value for name, value in named.items()}
        passage.length += count
        return logits

    def _past(self) -> dict[str, Any]:
        """The keys and values before the first token: none."""
        from onnxruntime import OrtValue

        size = self._places.shape[1] // self._heads
        nothing = np.zeros((1, self._heads, 0, size), np.float32)
        return {
            f"past_{kind}_{layer}": OrtValue.ortvalue_from_numpy(nothing)
            for layer in range(self._layers)
            for kind in ("key", "value")
        }


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the encoder made of a sound, as the decoder takes it."""

    values: Mapping[str, Any]


@dataclass(slots=True)
class _Passage:
    """What was written by now."""

    past: Mapping[str, Any]
    length: int = 0
    """Tokens the decoder has looked at."""
    tokens: list[int] = field(default_factory=list)
    logarithm: float = 0.0
    chosen: int = 0

    @property
    def score(self) -> float:
        return self.logarithm / max(1, len(self.tokens))

    def would_repeat(self) -> Iterator[int]:
        """The tokens that would complete a run of four which was written before."""
        last = self.tokens[1 - NGRAM_TOKENS :]
        for at in range(len(self.tokens) - NGRAM_TOKENS + 1):
            if self.tokens[at : at + NGRAM_TOKENS - 1] == last:
                yield self.tokens[at + NGRAM_TOKENS - 1]


def _log_sum(logits: NDArray[np.float32]) -> float:
    """Logarithm of the sum of the exponentials."""
    most = logits.max()
    return float(most + np.log(np.exp(logits - most).sum()))


def _read_vocabulary(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"))
