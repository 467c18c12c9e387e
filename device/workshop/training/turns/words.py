"""Where the words of a recording lie: Whisper's own attention says it.

Transcribes with the brain's speech to text, then aligns the tokens with the sound. The
times are good to about 50 ms; :func:`word_ends` moves each to the quietest moment nearby.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.brain.hearing.byte_pairs import text_of
from device.brain.hearing.mel import log_mel

RATE_HZ = 16_000
WHOLE_S = 30.0
STEP_S = 0.02
"""One position of Whisper's encoder."""
_END_OF_TEXT = 50_256
_START = (50_257, 50_362)
"""``<|startoftranscript|><|notimestamps|>`` of the English models."""
_REACH_S = 0.08
_FRAME = RATE_HZ // 100


@dataclass(frozen=True, slots=True)
class LabelledWord:
    """One word with its place in the recording, in seconds."""

    text: str
    start_s: float
    end_s: float


class Aligner:
    """Whisper for words with times; one thread."""

    def __init__(self, folder: Path) -> None:
        """``folder`` holds the brain's English Whisper model."""
        import ctranslate2

        self._from_array = ctranslate2.StorageView.from_array
        self._whisper = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", intra_threads=1
        )

    def words(self, sound: NDArray[np.int16]) -> list[LabelledWord]:
        """Transcribe 16 kHz mono, at most 30 s; return the words in order."""
        whole = round(WHOLE_S * RATE_HZ)
        floats = sound[:whole].astype(np.float32) / 32768.0
        seconds = min(max(len(floats) / RATE_HZ + 3.0, 8.0), WHOLE_S)
        padded = np.pad(floats, (0, max(0, round(seconds * RATE_HZ) - len(floats))))
        encoded = self._whisper.encode(self._from_array(log_mel(padded)[np.newaxis]))
        result = self._whisper.generate(
            encoded, [["<|startoftranscript|>", "<|notimestamps|>"]], beam_size=1
        )[0]
        pairs = zip(result.sequences_ids[0], result.sequences[0], strict=True)
        tokens = [(number, token) for number, token in pairs if number < _END_OF_TEXT]
        if not tokens:
            return []
        frames = len(floats) // 160 // 2 * 2
        aligned = self._whisper.align(encoded, list(_START), [[n for n, _ in tokens]], [frames])[0]
        return _grouped([token for _, token in tokens], aligned.alignments)


def _grouped(tokens: list[str], alignments: list[tuple[int, int]]) -> list[LabelledWord]:
    """Join tokens to words; a token begins where the path first reaches it."""
    begins: dict[int, int] = {}
    for token, position in alignments:
        begins.setdefault(token, position)
    last = alignments[-1][1] + 1 if alignments else 0
    starts = [begins.get(at, last) * STEP_S for at in range(len(tokens) + 1)]
    words: list[LabelledWord] = []
    for at, token_text in enumerate(tokens):
        text = text_of([token_text])
        if words and not text.startswith(" "):
            known = words[-1]
            words[-1] = LabelledWord(known.text + text, known.start_s, starts[at + 1])
        else:
            words.append(LabelledWord(text.strip(), starts[at], starts[at + 1]))
    return words


def word_ends(sound: NDArray[np.int16], words: list[LabelledWord]) -> list[int]:
    """Return for each word but the last the sample at which to cut behind it."""
    return [_quietest(sound, word.end_s) for word in words[:-1]]


def _quietest(sound: NDArray[np.int16], around_s: float) -> int:
    first = max(0, round((around_s - _REACH_S) * RATE_HZ))
    near = sound[first : round((around_s + _REACH_S) * RATE_HZ)].astype(np.float64)
    count = len(near) // _FRAME
    if count == 0:
        return min(round(around_s * RATE_HZ), len(sound))
    energies: Any = (near[: count * _FRAME].reshape(count, _FRAME) ** 2).sum(axis=1)
    return first + int(np.argmin(energies)) * _FRAME + _FRAME // 2
