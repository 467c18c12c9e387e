"""Kokoro, a synthesizer with many voices (82 million parameters, Apache-2.0).

Far too slow for an answer on a Raspberry Pi, but it speaks with tens of voices, and a wake
word learned from one voice knows one voice. Phonemes come from hibari, whose own voice was
made from one of these and uses the same alphabet.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import BitternError
from device.wake.streaming import session

VOICE_HZ = 24_000
"""Of what it says, and hibari too."""
SET = "kokoro"
"""What ``bittern models fetch`` calls it."""
_MODEL, _VOCABULARY, _VOICES = "kokoro-v1.0.int8.onnx", "vocab.json", "voices.npz"
_STYLE = 256
_MOST_PHONEMES = 500
_BRITISH = "b"
"""The first letter of a voice's name is its language: a American, b British English."""


class BrokenVoiceError(BitternError):
    """A voice cannot be used."""


class Kokoro:
    """Says a text in any of its voices.

    A voice is an array ``[510, 1, 256]`` of styles, one for each number of phonemes.
    """

    def __init__(self, folder: Path, more: Path | None = None) -> None:
        """``folder``: of the set in the model store; ``more``: a folder with voices as ``.bin``
        files of float32, as their author publishes them."""
        self._folder = folder
        vocabulary = json.loads((folder / _VOCABULARY).read_text(encoding="utf-8"))
        self._numbers: dict[str, int] = vocabulary["vocab"]
        with np.load(folder / _VOICES) as packed:
            self._styles = {name: packed[name].reshape(-1, _STYLE) for name in packed.files}
        if more is not None:
            found = {path.stem: _styles(path) for path in sorted(more.glob("*.bin"))}
            if not found:
                raise BrokenVoiceError(f"there are no voices in {more}", "*.bin is looked for")
            self._styles |= found
        self._readings: dict[bool, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Its voices; those of English first."""
        return tuple(sorted(self._styles, key=lambda name: (name[0] not in "ab", name)))

    def say(self, text: str, voice: str, speed: float = 1.0) -> NDArray[np.float32]:
        """A short text at 24 kHz, -1 to 1; ``"one+other"`` is a voice half-way between two.

        Raises :class:`BrokenVoiceError` for a long one.
        """
        phonemes = self._reading(is_british=voice.startswith(_BRITISH))(text)
        numbers = [self._numbers[each] for each in phonemes if each in self._numbers]
        styles = self._between(voice)
        if not 0 < len(numbers) < min(len(styles), _MOST_PHONEMES):
            raise BrokenVoiceError(f'"{text[:40]}" has {len(numbers)} phonemes', "say less at once")
        given = {
            "tokens": np.array([[0, *numbers, 0]], dtype=np.int64),
            "style": styles[len(numbers)][None],
            "speed": np.array([speed], dtype=np.float32),
        }
        sound: NDArray[np.float32] = self._session.run(None, given)[0].reshape(-1)
        return sound

    def _between(self, voice: str) -> NDArray[np.float32]:
        several = [self._styles[name] for name in voice.split("+")]
        rows = min(map(len, several))
        mean: NDArray[np.float32] = np.mean([each[:rows] for each in several], axis=0)
        return mean

    @cached_property
    def _session(self) -> Any:
        return session(self._folder / _MODEL)

    def _reading(self, *, is_british: bool) -> Any:
        if is_british not in self._readings:
            from hibari.g2p import G2P

            self._readings[is_british] = G2P(british=is_british)
        return self._readings[is_british]


def _styles(path: Path) -> NDArray[np.float32]:
    numbers = np.fromfile(path, dtype=np.float32)
    if not len(numbers) or len(numbers) % _STYLE or not np.isfinite(numbers).all():
        raise BrokenVoiceError(f"{path} is no voice: {len(numbers)} numbers", f"{_STYLE} a row")
    return numbers.reshape(-1, _STYLE)
