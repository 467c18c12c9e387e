"""Finds the name that somebody gives a timer or an alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from device.brain.understanding.commands.cover import Cover, Span
from device.brain.understanding.intents.quantities import Quantities

_MOST_WORDS = 5
_ARTICLES = frozenset({"the", "my", "our", "a", "an", "some"})
_MARKERS = frozenset({"for", "to"})


class NameReader:
    """What may be a name, and where."""

    def __init__(self, table: Mapping[str, Any], quantities: Quantities) -> None:
        self._not = frozenset(table["no_names"])
        self._quantities = quantities

    def is_name(self, words: Sequence[str]) -> bool:
        """Whether words may be a name: not made of verbs, pronouns, numbers, times or nouns."""
        return (
            0 < len(words) <= _MOST_WORDS
            and not any(word in self._not or word == "," for word in words)
            and self._quantities.number(" ".join(words)) is None
            and not all(word in _ARTICLES for word in words)
        )

    def take(self, cover: Cover, noun: Span | None, spans: Sequence[Span]) -> str:
        """Account for a name and return it: called so, for the …, or before the noun."""
        del spans
        marked = self._called(cover)
        if marked:
            return marked
        if noun is not None and (name := self.before(cover, noun)):
            return name
        return self._for(cover)

    def _called(self, cover: Cover) -> str:
        marker = cover.find("timer", "named")
        if marker is None:
            return ""
        end = marker[1]
        while (
            end < len(cover.tokens)
            and not cover.used[end]
            and cover.tokens[end] not in ("for", "and", ",", "at", "on")
        ):
            end += 1
        return self._marked(cover, marker, end)

    def _marked(self, cover: Cover, marker: Span, end: int) -> str:
        start = marker[1]
        while start < end and cover.tokens[start] in _ARTICLES:
            start += 1
        if not self.is_name(cover.tokens[start:end]):
            return ""
        cover.mark((marker[0], end))
        return cover.words((start, end))

    def before(self, cover: Cover, noun: Span) -> str:
        """``a pasta timer``: the free words right before the noun, up to an article or verb."""
        start = noun[0]
        while start > 0 and not cover.used[start - 1] and self.is_name([cover.tokens[start - 1]]):
            if self._is_command(cover, start - 1):
                break
            start -= 1
        if start == noun[0] or not self.is_name(cover.tokens[start : noun[0]]):
            return ""
        words = cover.tokens[start : noun[0]]
        if " ".join(words) in cover.lexicon.phrases("timer", "plain"):
            return ""
        while words and words[0] in cover.lexicon.phrases("timer", "plain"):
            start, words = start + 1, words[1:]
        if words and words[0] in _ARTICLES:
            start, words = start + 1, words[1:]
        if not words:
            return ""
        cover.mark((start, noun[0]))
        return cover.words((start, noun[0]))

    @staticmethod
    def _is_command(cover: Cover, at: int) -> bool:
        """Whether the sentence begins with this word, and it is a verb or a courtesy of it."""
        token = cover.tokens[at]
        if token in _ARTICLES:
            return True
        head = " ".join(cover.tokens[: at + 1])
        return any(
            token in cover.lexicon.phrases(*path) or head in cover.lexicon.phrases(*path)
            for path in (
                ("timer", "set"),
                ("act", "cancel"),
                ("asides",),
                ("act", "pause"),
                ("act", "resume"),
            )
        )

    def _for(self, cover: Cover) -> str:
        """``for the pasta``, ``to check the oven``: free words after such a word, to their end."""
        for start, end in cover.runs():
            for at in range(start, end):
                if cover.tokens[at] not in _MARKERS:
                    continue
                last = at + 1
                while last < end and cover.tokens[last] not in (",", "and"):
                    last += 1
                last = self._without_asides(cover, at + 1, last)
                while last > at + 1 and cover.tokens[last - 1] in _MARKERS:
                    last -= 1
                if name := self._marked(cover, (at, at + 1), last):
                    return name
        return ""

    @staticmethod
    def _without_asides(cover: Cover, start: int, end: int) -> int:
        phrases = cover.lexicon.phrases("asides")
        for at in range(start, end):
            if phrases.end_at(cover.tokens, at) == end:
                return at
        return end

    def at_end(self, cover: Cover, start: int) -> str:
        """The name that the rest of the sentence is; empty if it may be none."""
        end = self._without_asides(cover, start, len(cover.tokens))
        while start < end and cover.tokens[start] in _ARTICLES:
            start += 1
        return cover.words((start, end)) if self.is_name(cover.tokens[start:end]) else ""
