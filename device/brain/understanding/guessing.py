"""What is probably meant: a guess from the sentence, or from single words in it.

It stands between the templates, which are certain, and giving up. A guess that would
change something is always asked first ("Set a timer for seven minutes?").
"""

from __future__ import annotations

import datetime as dt
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from device.brain.base.abilities import FunctionTool
from device.brain.speaking import spoken
from device.brain.understanding.functions import calls_for
from device.brain.understanding.intents.moments import EARLIEST_WAKING_HOUR, When
from device.brain.understanding.intents.normal import normal
from device.brain.understanding.intents.recognition import Recognizer, Slot, Understood, split_items
from device.brain.understanding.kinds import Kinds, SentenceKind
from device.brain.understanding.proposals import SURE, Proposal
from device.brain.understanding.wording import moment

DOUBTFUL = 0.6
"""The confidence of a guess that would change something."""
_MOST_WORDS = 25
_MOST_MOMENT_WORDS = 7
_MOST_THING_WORDS = 3


class Guesser:
    """The second layer's guesses about the appliance's own kinds of tools; see `Understanding`."""

    def __init__(self, recognizer: Recognizer, now: Callable[[], dt.datetime]) -> None:
        self._recognizer = recognizer
        self._language = recognizer.language
        self._now = now
        self._kinds = Kinds(self._language.kinds)
        wishes = replace(self._language, sentences=self._language.probable)
        self._wishes = Recognizer(wishes, now) if wishes.sentences else None
        self._questions: Mapping[str, Sequence[str]] = self._language.guesses.get("questions") or {}
        self._no_things = frozenset(self._language.guesses.get("not_things") or ())
        self._guesses: Sequence[Mapping[str, Any]] = self._language.guesses["guesses"]
        tellings = "|".join(map(re.escape, self._language.guesses["tellings"]))
        self._telling = re.compile(rf"^(?:{tellings})\b(?!')")

    def load(self) -> None:
        """Nothing to load."""

    def prepare(self, tools: Sequence[FunctionTool]) -> None:
        """Nothing to prepare."""

    def propose(self, utterance: str, tools: Sequence[FunctionTool]) -> Proposal | None:
        """Return the first guess for which there is a tool."""
        command = self._language.command_in(utterance)
        if len(command.split()) > _MOST_WORDS:
            return None
        if wish := self.wish(utterance, tools):
            return wish
        for meant, question in self.guesses(command):
            calls = calls_for(meant, tools, self._now(), self._language.words["joiners"])
            if len(calls) == 1:
                return Proposal(calls[0], DOUBTFUL if question else SURE, question)
        return None

    def wish(self, utterance: str, tools: Sequence[FunctionTool]) -> Proposal | None:
        """Return what a whole sentence that is no command probably wishes."""
        for meant, question in self._wished(utterance):
            calls = calls_for(meant, tools, self._now(), self._language.words["joiners"])
            if len(calls) == 1:
                return Proposal(calls[0], DOUBTFUL if question else SURE, question)
        return None

    def _wished(self, utterance: str) -> Iterator[tuple[Understood, str]]:
        """Yield what a sentence that is no command probably wishes, with the question to ask."""
        meant = self._wishes.one(utterance) if self._wishes else None
        if meant is None or "lacks" in meant.slots:
            return
        if not all(self._is_a_thing(str(meant.slots.get(slot, ""))) for slot in ("item", "name")):
            return
        if meant.intent in self._language.guesses.get("looks", ()):
            yield meant, ""
            return
        said = self._said(meant.slots)
        questions = self._questions.get(meant.intent, ())
        with_all = (ask for ask in questions if _slots_in(ask) <= set(said))
        if (ask := next(with_all, None)) is not None:
            yield meant, f"{ask.format(**said)}?"

    def _is_a_thing(self, said: str) -> bool:
        things = split_items(normal(said), self._language.words["joiners"])
        return not any(
            len(thing.split()) > _MOST_THING_WORDS or self._no_things.intersection(thing.split())
            for thing in things
        )

    def guesses(self, command: str) -> Iterator[tuple[Understood, str]]:
        """Yield what may be meant by a command in normal form, with the question to ask."""
        if self._telling.match(command):
            return
        is_fact = self._kinds.kind_of(command) is SentenceKind.FACT
        for guess in self._guesses:
            # A question of fact may be about a time or a list, but it changes nothing.
            if not _fits(guess, command) or (is_fact and "ask" in guess):
                continue
            slots: dict[str, Slot] = dict(guess.get("slots") or {})
            if need := guess.get("needs"):
                found = self._find(need, command)
                if found is None:
                    continue
                slots[need] = found
            ask = str(guess.get("ask", ""))
            question = f"{ask.format(**self._said(slots))}?" if ask else ""
            yield Understood(guess["intent"], slots), question

    def _find(self, need: str, command: str) -> Slot | None:
        tokens = command.split()
        quantities = self._recognizer.quantities
        for at in range(len(tokens)):
            if need == "duration" and (read := quantities.duration_at(tokens, at)):
                return float(read[0])
            if need == "percent" and (read := quantities.number_at(tokens, at)):
                return read[0] if 0 <= read[0] <= 100 else None
        return self._moment(tokens) if need == "when" else None

    def _moment(self, tokens: Sequence[str]) -> When | None:
        """The longest run of words that is a time or a day, a bare number excepted."""
        for length in range(min(_MOST_MOMENT_WORDS, len(tokens)), 0, -1):
            for at in range(len(tokens) - length + 1):
                run = " ".join(tokens[at : at + length])
                if self._recognizer.quantities.number(run) is not None:
                    continue
                when = self._recognizer.moments.when(run, self._now(), EARLIEST_WAKING_HOUR)
                if when is not None and (when.time or when.after_s):
                    return when
        return None

    def _said(self, slots: Mapping[str, Slot]) -> dict[str, str]:
        said = {}
        for name, value in slots.items():
            if name == "duration" and isinstance(value, float):
                said[name] = spoken.duration(value)
            elif isinstance(value, When):
                said[name] = moment(value, self._now())
            else:
                said[name] = spoken.number(int(str(value))) if str(value).isdigit() else str(value)
        return said


def _slots_in(ask: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(ask) if name}


def _fits(guess: Mapping[str, Any], command: str) -> bool:
    padded = f" {command} "
    if any(f" {word} " in padded for word in guess.get("without") or ()):
        return False
    return all(any(f" {word} " in padded for word in group) for group in guess["words"])
