"""Calls of tools of which nothing is known but their schema.

No model: a tool's name, its description and the values its schema allows are words, and
so is what was said. Values that are spelt out in the schema are looked for in the
utterance, heard a little wrongly too; what then explains most of the words that carry
meaning is the call. An utterance that is no command, or that is mostly about something
else, calls nothing.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from device.brain.base.abilities import FunctionTool, ToolCallPiece
from device.brain.understanding.functions import is_known_kind, words_of
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.normal import as_said, normal
from device.brain.understanding.intents.quantities import Quantities
from device.brain.understanding.kinds import Kinds, SentenceKind
from device.brain.understanding.proposals import SURE, Proposal
from device.brain.understanding.schemas import Schema, fault_in, properties_of, required_of
from device.phrases.en.forms import number

ASK = 0.5
"""Share of the meaningful words that a call must explain to be worth a question."""
_ALIKE = 0.8
"""How similar a phrase must be to an allowed value to be taken for it (difflib's ratio)."""
_LONG_ENOUGH = 5
"""Letters below which similar words are other words."""
_UNIT_HINTS = re.compile(r"percent|degrees?|minutes?|seconds?|hours?|level|number|count|amount")


@dataclass(slots=True)
class _Reading:
    """What of an utterance a tool explains."""

    arguments: dict[str, Any] = field(default_factory=dict)
    explained: set[int] = field(default_factory=set)
    """Positions of words."""
    values: int = 0
    """How many allowed values were named."""


class SchemaMatcher:
    """The second layer without a model; see `Understanding`."""

    def __init__(self, language: Language) -> None:
        words = language.words
        self._language = language
        self._quantities = Quantities(words)
        self._kinds = Kinds(language.kinds)
        self._stop = frozenset(words["stop_words"])
        self._actions = [frozenset(group) for group in words["actions"]]
        self._requests = tuple(words["requests"])
        self._orders = next(group for group in self._actions if "order" in group)
        self._true, self._false = frozenset(words["true"]), frozenset(words["false"])
        self._conditions = _conditions(language)
        self._getters = next(group for group in self._actions if "what" in group)
        self._searchers = next(group for group in self._actions if "search" in group) | {"ask"}

    def load(self) -> None:
        """Nothing to load."""

    def prepare(self, tools: Sequence[FunctionTool]) -> None:
        """Nothing to prepare."""

    def propose(self, utterance: str, tools: Sequence[FunctionTool]) -> Proposal | None:
        """Return the call that explains the utterance best, if it explains enough of it."""
        command = self._language.command_in(utterance)
        tokens = command.split()
        proposals = [
            proposal
            for tool in tools
            if not is_known_kind(tool.name)
            and (proposal := self._proposal(tool, tokens, command, utterance)) is not None
        ]
        best = max(proposals, key=lambda proposal: proposal.confidence, default=None)
        if best is None or best.confidence < ASK:
            return None
        close = [p for p in proposals if p is not best and p.confidence > best.confidence - 0.1]
        return Proposal(best.call, min(best.confidence, 0.79)) if close else best

    def _proposal(
        self, tool: FunctionTool, tokens: Sequence[str], command: str, utterance: str
    ) -> Proposal | None:
        named = words_of(tool.name) or [tool.name]
        is_getter = named[0] in self._getters
        if self._kinds.kind_of(command) in (SentenceKind.FACT, SentenceKind.LIVE):
            if self._searchers.intersection(named) and len(_texts(tool)) == 1:
                arguments = json.dumps({_texts(tool)[0]: utterance}, ensure_ascii=False)
                return Proposal(ToolCallPiece(tool.name, arguments), SURE)
            if not is_getter:
                return None
        reading = _Reading()
        acts, is_named = self._explain_name(tool, named, tokens, reading)
        self._explain_values(tool, tokens, reading)
        names_needed = any(name in reading.arguments for name in required_of(tool.parameters))
        if not (acts and (is_named or names_needed)) and reading.values < 2:
            return None
        self._explain_the_rest(tool, tokens, reading, utterance)
        if self._is_conditional(tokens, reading):
            return None
        self._explain_description(tool, tokens, reading)
        if fault_in(reading.arguments, tool.parameters):
            return None
        meaning = [at for at, token in enumerate(tokens) if token not in self._stop]
        if not meaning:
            return None
        share = sum(at in reading.explained for at in meaning) / len(meaning)
        arguments = json.dumps(reading.arguments, ensure_ascii=False)
        if is_getter and share >= ASK:
            share = max(share, SURE)  # looking does no harm: no need to ask first
        return Proposal(ToolCallPiece(tool.name, arguments), round(share, 3))

    def _is_conditional(self, tokens: Sequence[str], reading: _Reading) -> bool:
        """Whether a negation, a condition or a time is said that the call has no place for."""
        return any(
            token in self._conditions and at not in reading.explained
            for at, token in enumerate(tokens)
        )

    # ------------------------------------------------------------------ words of the tool

    def _explain_name(
        self, tool: FunctionTool, named: Sequence[str], tokens: Sequence[str], reading: _Reading
    ) -> tuple[bool, bool]:
        """Mark the words that name the tool.

        Returns whether its verb was said, or one like it, and whether what it acts on was
        said as well. A tool that takes a free text needs only its very own verb for the
        latter: "play the Beatles" names no music.
        """
        verbs = self._like(named[0])
        nouns = {noun for word in named[1:] for noun in (word, f"{word}s", word.rstrip("s"))}
        command = " ".join(tokens)
        acts = named[0] in self._orders and f"{command} ".startswith(
            tuple(f"{request} " for request in self._requests)
        )
        for at, token in enumerate(tokens):
            pair = " ".join(tokens[at : at + 2])
            if token in verbs or pair in verbs:
                acts = acts or at <= 1
                reading.explained |= {at, at + 1} if pair in verbs else {at}
            elif token in nouns:
                reading.explained.add(at)
        nouns_said = any(token in nouns for token in tokens)
        says_itself = bool(tokens) and tokens[0] == named[0] and bool(_texts(tool))
        return acts, nouns_said or says_itself or not nouns

    def _like(self, verb: str) -> frozenset[str]:
        groups = [group for group in self._actions if verb in group]
        return frozenset({verb}).union(*groups)

    def _explain_description(
        self, tool: FunctionTool, tokens: Sequence[str], reading: _Reading
    ) -> None:
        described = set(normal(tool.description).split())
        for name, part in properties_of(tool.parameters).items():
            described.update(words_of(name))
            described.update(normal(str(part.get("description", ""))).split())
        for at, token in enumerate(tokens):
            if token in described or token.rstrip("s") in described:
                reading.explained.add(at)

    # ------------------------------------------------------------------ values

    def _explain_values(self, tool: FunctionTool, tokens: Sequence[str], reading: _Reading) -> None:
        """Find values that the schema spells out, the longest first, each word once."""
        choices = sorted(_choices(tool), key=lambda choice: -len(choice.phrase))
        found: list[tuple[float, int, int, _Choice]] = []
        for choice in choices:
            found += self._places(choice, tokens)
        taken: set[int] = set()
        found.sort(key=lambda place: (-place[0], -(place[2] - place[1]), place[1]))
        for _, start, end, choice in found:
            span = set(range(start, end))
            if span & taken or (choice.name in reading.arguments and not choice.is_list):
                continue
            taken |= span
            reading.explained |= span
            reading.values += 1
            if choice.is_list:
                reading.arguments.setdefault(choice.name, []).append(choice.value)
            else:
                reading.arguments[choice.name] = choice.value

    def _places(
        self, choice: _Choice, tokens: Sequence[str]
    ) -> Iterator[tuple[float, int, int, _Choice]]:
        length = len(choice.phrase)
        wanted = _sound("".join(choice.phrase))
        for size in {length, max(1, length - 1), length + 1}:
            for start in range(len(tokens) - size + 1):
                heard = [self._digits(token) for token in tokens[start : start + size]]
                said = _sound("".join(heard))
                if tuple(heard) == choice.phrase:
                    yield len(wanted) + 0.5, start, start + size, choice
                elif min(len(said), len(wanted)) >= _LONG_ENOUGH and not any(
                    token in self._stop for token in (heard[0], heard[-1])
                ):
                    likeness = _likeness(said, wanted)
                    if likeness >= _ALIKE:
                        yield likeness * len(wanted), start, start + size, choice

    def _digits(self, token: str) -> str:
        value = self._quantities.number(token)
        return str(value) if value is not None and value == int(value) else token

    # ------------------------------------------------------------------ numbers, flags, text

    def _explain_the_rest(
        self, tool: FunctionTool, tokens: Sequence[str], reading: _Reading, utterance: str
    ) -> None:
        properties = properties_of(tool.parameters)
        free = {name: part for name, part in properties.items() if name not in reading.arguments}
        for name, part in free.items():
            if part.get("type") == "boolean":
                self._flag(name, tokens, reading)
        numbers = [n for n, part in free.items() if part.get("type") in ("integer", "number")]
        self._number(numbers, free, tokens, reading)
        texts = [name for name in _texts(tool) if name in free]
        if len(texts) == 1:
            self._text(texts[0], free[texts[0]], tokens, reading, utterance)

    def _flag(self, name: str, tokens: Sequence[str], reading: _Reading) -> None:
        words = [
            word for word in words_of(name) if word not in ("is", "has", "with", "on", "enabled")
        ]
        for at, token in enumerate(tokens):
            if words and token.rstrip("s") == words[-1].rstrip("s"):
                before = tokens[max(0, at - 2) : at]
                reading.arguments[name] = not any(word in self._false for word in before)
                reading.explained.add(at)
                return
        if not words or words[0] in ("on", "state", "power", "enable"):
            for at, token in enumerate(tokens):
                if token in ("on", "off"):
                    reading.arguments[name] = token == "on"
                    reading.explained.add(at)

    def _number(
        self,
        names: Sequence[str],
        free: Mapping[str, Schema],
        tokens: Sequence[str],
        reading: _Reading,
    ) -> None:
        """Put the only number said in the only place for one."""
        found = [
            (at, read)
            for at in range(len(tokens))
            if at not in reading.explained and (read := self._quantities.number_at(tokens, at))
        ]
        if len(names) != 1 or not found:
            return
        at, (value, after) = found[0]
        exact: int | float = int(value) if value == int(value) else float(value)
        if fault_in(exact, free[names[0]]) is None and isinstance(value, Decimal):
            reading.arguments[names[0]] = exact
            reading.explained.update(range(at, after))
            if after < len(tokens) and _UNIT_HINTS.fullmatch(tokens[after]):
                reading.explained.add(after)

    def _stretch(self, tokens: Sequence[str], reading: _Reading) -> list[int]:
        """What stands behind all that is explained; else the only stretch with meaning in it."""
        last = max((at for at in reading.explained if at < len(tokens)), default=-1)
        if any(token not in self._stop for token in tokens[last + 1 :]):
            return list(range(last + 1, len(tokens)))
        stretches: list[list[int]] = [[]]
        for at in range(len(tokens)):
            if at in reading.explained:
                stretches.append([])
            else:
                stretches[-1].append(at)
        meaning = [s for s in stretches if any(tokens[at] not in self._stop for at in s)]
        if len(meaning) != 1:
            return []
        found = meaning[0]
        while found and tokens[found[-1]] in self._stop:
            found.pop()
        return found

    def _text(
        self, name: str, part: Schema, tokens: Sequence[str], reading: _Reading, utterance: str
    ) -> None:
        """A free text that must be there is the one stretch of words that is left."""
        rest = self._stretch(tokens, reading)
        while rest and tokens[rest[0]] in self._stop:
            rest.pop(0)
        if not rest:
            return
        words = as_said(" ".join(tokens[at] for at in rest), utterance)
        if fault_in(words, part) is None:
            reading.arguments[name] = words
            reading.explained.update(rest)


def _conditions(language: Language) -> frozenset[str]:
    """Words that turn a command round, or put it off."""
    words = language.words
    days = [name for names in words["weekdays"] for name in names]
    spans = [name for names in words["spans"].values() for name in names if len(name) > 1]
    near = [day for day in words["near_days"] if " " not in day]
    return frozenset([*words["conditions"], *days, *spans, *near])


def _texts(tool: FunctionTool) -> list[str]:
    """The free texts that a tool must have."""
    properties = properties_of(tool.parameters)
    needed = [name for name in required_of(tool.parameters) if name in properties]
    return [
        name
        for name in needed
        if properties[name].get("type") == "string" and "enum" not in properties[name]
    ]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A value that a schema spells out, and the words it is called by."""

    name: str
    value: Any
    phrase: tuple[str, ...]
    is_list: bool


def _choices(tool: FunctionTool) -> Iterator[_Choice]:
    for name, part in properties_of(tool.parameters).items():
        is_list = part.get("type") == "array"
        values = (part.get("items") or {}).get("enum") if is_list else part.get("enum")
        for value in values or ():
            phrase = tuple(_words(str(value)))
            if phrase and value is not None:
                yield _Choice(name, value, phrase, is_list)


@lru_cache(maxsize=4096)
def _words(value: str) -> tuple[str, ...]:
    """``twelveOunce``, ``twelve_ounce`` and ``twelve ounce`` are the same words."""
    spaced = " ".join(words_of(value)) if re.fullmatch(r"[\w-]+", value) else normal(value)
    return tuple(_NUMBERS.get(word, word) for word in spaced.split())


_NUMBERS = {number(value): str(value) for value in range(21)}


_SOUNDS = (("ch", "k"), ("ck", "k"), ("ph", "f"), ("c", "k"), ("q", "k"), ("z", "s"), ("y", "i"))


@lru_cache(maxsize=16384)
def _sound(letters: str) -> str:
    """Bring spellings of the same sound together: ``cappuccino`` and ``capicino``."""
    for spelling, sound in _SOUNDS:
        letters = letters.replace(spelling, sound)
    return re.sub(r"(.)\1", r"\1", letters)


@lru_cache(maxsize=16384)
def _likeness(said: str, wanted: str) -> float:
    matcher = difflib.SequenceMatcher(None, said, wanted)
    return matcher.ratio() if matcher.quick_ratio() >= _ALIKE else 0.0
