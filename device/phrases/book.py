"""Phrases, and the book that has the sentences of one language for them.

Whoever has something to say names a phrase and fills its slots with values: a name, a
number, a time of day, another phrase. How that sounds is the language's business alone: the
sentence is a template, and what stands behind a slot's colon names the form in which the
language says such a value, ``Your {timer} has {left:remaining} left.`` A form may take more:
``{count:plural is|are}``. Written with a capital it begins the sentence: ``{left:Remaining}``.
"""

from __future__ import annotations

import datetime as dt
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something to say, in no language yet."""

    key: str
    slots: Mapping[str, object] = field(default_factory=dict)


Said: TypeAlias = "str | Phrase | Sequence[str | Phrase]"
"""A phrase, several one after the other, or words that are nobody's but the user's."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day as it is seen from another: tomorrow, on Friday, on the third of May."""

    date: dt.date
    today: dt.date


Form = Callable[["PhraseBook", Any, str], str]
"""Says one value: gets the book, the value, and what is written behind the form's name."""


def phrase(key: str, /, **slots: object) -> Phrase:
    """Name a phrase and fill its slots."""
    return Phrase(key, slots)


class PhraseBook:
    """The sentences and forms of one language."""

    def __init__(
        self, language: str, sentences: Mapping[str, str], forms: Mapping[str, Form]
    ) -> None:
        """``language``: as in BCP 47. ``forms``: how values are said, by the form's name."""
        self.language = language
        self.sentences = sentences
        self.forms = forms
        self._filler = _Filler(self)

    def say(self, said: Said) -> str:
        """Put it in words. Raises ``KeyError`` for a phrase or a slot that there is not."""
        match said:
            case str():
                return said
            case Phrase():
                return self._filler.vformat(self.sentences[said.key], (), said.slots)
            case _:
                return " ".join(words for part in said if (words := self.say(part)))

    def slots_of(self, key: str) -> set[str]:
        """The slots that a phrase has in this language."""
        parts = self._filler.parse(self.sentences[key])
        return {slot for _, slot, _, _ in parts if slot is not None}


class _Filler(string.Formatter):
    def __init__(self, book: PhraseBook) -> None:
        self._book = book

    def format_field(self, value: Any, format_spec: str) -> str:
        """Say a slot's value in the form that the sentence wants."""
        if not format_spec:
            return self._book.say(value)
        name, _, rest = format_spec.partition(" ")
        words = self._book.forms[name.lower()](self._book, value, rest)
        return words[:1].upper() + words[1:] if name[:1].isupper() else words
