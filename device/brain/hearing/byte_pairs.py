"""Whisper's and GPT-2's alphabet: every byte of UTF-8 is one printable character in a token.

That alphabet and the vocabulary file are all that is needed to read what the model wrote
and to write what it should expect, so no tokenizer library has to be loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache


@cache
def byte_to_character() -> Mapping[int, str]:
    """Map each byte to its character: itself where it is printable Latin-1, else 256 and up."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {byte: chr(byte) for byte in printable}
    for extra, byte in enumerate(byte for byte in range(256) if byte not in table):
        table[byte] = chr(256 + extra)
    return table


@cache
def _character_to_byte() -> Mapping[str, int]:
    return {character: byte for byte, character in byte_to_character().items()}


def text_of(tokens: Iterable[str]) -> str:
    """Join tokens to text; special ones (``<|…|>``) are left out, broken UTF-8 is replaced."""
    alphabet = _character_to_byte()
    words = "".join(token for token in tokens if not token.startswith("<|"))
    return bytes(alphabet[character] for character in words).decode("utf-8", errors="replace")


class Vocabulary:
    """The tokens a model knows."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = frozenset(tokens)
        self._longest = max(map(len, self._tokens))

    def tokens_of(self, text: str) -> list[str]:
        """Cut text into known tokens, the longest first, word by word.

        It is not always the cut that the model's own merges make; for words to expect
        that makes no difference one could measure.
        """
        table = byte_to_character()
        characters = "".join(table[byte] for byte in text.encode())
        return list(self._cut(characters))

    def _cut(self, characters: str) -> Iterator[str]:
        space = byte_to_character()[ord(" ")]
        start = 0
        while start < len(characters):
            word_end = characters.find(space, start + 1)
            most = min(len(characters) if word_end < 0 else word_end, start + self._longest)
            end = next(
                (
                    end
                    for end in range(most, start + 1, -1)
                    if characters[start:end] in self._tokens
                ),
                start + 1,
            )
            yield characters[start:end]
            start = end
