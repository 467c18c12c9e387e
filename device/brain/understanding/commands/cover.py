"""Keeps account of what each word of a command is for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from device.brain.understanding.intents.normal import as_said, normal

Span = tuple[int, int]
"""First token, and the one after the last."""

_COMMA = re.compile(r",(?!\d{3}\b)")


class PhraseSet:
    """A set of phrases, found at a place: the longest."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for phrase in sorted(set(phrases), key=lambda one: -len(one.split())):
            words = tuple(phrase.split())
            self._by_first.setdefault(words[0], []).append(words)

    def end_at(self, tokens: Sequence[str], at: int) -> int | None:
        """Where the longest phrase that begins at a token ends."""
        for words in self._by_first.get(tokens[at], ()):
            if tuple(tokens[at : at + len(words)]) == words:
                return at + len(words)
        return None

    def __contains__(self, text: str) -> bool:
        words = text.split()
        return bool(words) and self.end_at(words, 0) == len(words)


class Lexicon:
    """The words of one language, by what they are for; see ``en/commands.yaml``."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table
        self._phrases: dict[tuple[str, ...], PhraseSet] = {}
        self.spellings = [(re.compile(said), meant) for said, meant in table["spellings"]]
        """Ways to write or say something, and the one that is read."""

    def phrases(self, *path: str) -> PhraseSet:
        """The phrases under a key, such as ``"timer", "nouns"``."""
        if path not in self._phrases:
            self._phrases[path] = PhraseSet(map(str, self.of(*path)))
        return self._phrases[path]

    def of(self, *path: str) -> Any:
        """What stands under a key."""
        part: Any = self._table
        for key in path:
            part = part[key]
        return part


def tokens_of(utterance: str, lexicon: Lexicon) -> list[str]:
    """Return the words in normal form, with the commas between them."""
    parts = [normal(part) for part in _COMMA.split(utterance)]
    text = " , ".join(part for part in parts if part)
    for pattern, word in lexicon.spellings:
        text = pattern.sub(word, text)
    return text.split()


@dataclass
class Cover:
    """The words of one command, and which of them are accounted for."""

    tokens: list[str]
    utterance: str
    """As it was said, with its capitals."""
    lexicon: Lexicon
    used: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.used = self.used or [False] * len(self.tokens)

    @property
    def text(self) -> str:
        """The tokens as one text."""
        return " ".join(self.tokens)

    def copy(self) -> Cover:
        """Another account of the same words, as far as this one has come."""
        return Cover(self.tokens, self.utterance, self.lexicon, list(self.used))

    def find(self, *path: str, start: int = 0) -> Span | None:
        """The first phrase of a key whose words are all free."""
        return next(self.every(*path, start=start), None)

    def every(self, *path: str, start: int = 0) -> Iterator[Span]:
        """Every phrase of a key whose words are all free."""
        phrases = self.lexicon.phrases(*path)
        at = start
        while at < len(self.tokens):
            end = phrases.end_at(self.tokens, at)
            if end is not None and not any(self.used[at:end]):
                yield at, end
                at = end
            else:
                at += 1

    def take(self, *path: str, start: int = 0) -> Span | None:
        """Account for the first phrase of a key; where it stood, or None."""
        span = self.find(*path, start=start)
        if span:
            self.mark(span)
        return span

    def take_all(self, *path: str) -> list[Span]:
        """Account for all phrases of a key."""
        spans = list(self.every(*path))
        for span in spans:
            self.mark(span)
        return spans

    def mark(self, span: Span) -> None:
        """Account for the words of a span."""
        self.used[span[0] : span[1]] = [True] * (span[1] - span[0])

    def join(self, spans: Sequence[Span]) -> None:
        """Account for what only joins neighbouring spans: ``6, 7 and 8``."""
        holding = self.lexicon.phrases("between")
        for (_, end), (start, _) in itertools.pairwise(spans):
            if all(token in holding for token in self.tokens[end:start]):
                self.mark((end, start))

    def starts_with(self, *path: str) -> Span | None:
        """The phrase of a key with which the free words begin."""
        at = next((at for at, used in enumerate(self.used) if not used), None)
        if at is None:
            return None
        end = self.lexicon.phrases(*path).end_at(self.tokens, at)
        return (at, end) if end is not None and not any(self.used[at:end]) else None

    def runs(self) -> list[Span]:
        """Stretches of words that nothing accounts for."""
        found, at = [], 0
        while at < len(self.tokens):
            if self.used[at]:
                at += 1
                continue
            end = at
            while end < len(self.tokens) and not self.used[end]:
                end += 1
            found.append((at, end))
            at = end
        return found

    def words(self, span: Span) -> str:
        """The words of a span as they were said."""
        plain = " ".join(token for token in self.tokens[span[0] : span[1]] if token != ",")
        return as_said(plain, self.utterance)

    def rest_without(self, span: Span) -> str:
        """What would be left if a span were accounted for as well."""
        trial = self.copy()
        trial.mark(span)
        trial.take_all("asides")
        return trial.rest()

    def rest(self, *glue: str) -> str:
        """What no word accounts for, as it was said; empty if that is only glue."""
        holding = self.lexicon.phrases(*(glue or ("harmless",)))
        for start, end in self.runs():
            first, last = start, end
            while first < last and self.tokens[first] in holding:
                first += 1
            while last > first and self.tokens[last - 1] in holding:
                last -= 1
            if first < last:
                return self.words((first, last))
        return ""
