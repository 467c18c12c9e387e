"""Finds what an utterance means: the template that fits best and whose slots make sense."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeAlias

from hassil import Intents, recognize_all
from hassil.recognize import RecognizeResult

from device.brain.base.abilities import ToolCallPiece
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.moments import (
    EARLIEST_HOUR,
    EARLIEST_WAKING_HOUR,
    ClockTime,
    Moments,
    When,
)
from device.brain.understanding.intents.normal import as_said, normal
from device.brain.understanding.intents.quantities import Quantities

Slot: TypeAlias = (
    str
    | float
    | int
    | bool
    | Decimal
    | When
    | ClockTime
    | dt.date
    | tuple[Decimal, str]
    | tuple[int, ...]
    | list[str]
    | Mapping[str, Any]
    | list[ToolCallPiece]
)

_MOST_CHARACTERS = 300
"""Nobody commands at greater length, and the time to match grows with it."""
_MOST_NAME_WORDS = 5
_WAKING = frozenset({"set_alarm", "cancel_alarm"})
_SENTENCE_ENDS = re.compile(r"[.!?]+\s+")


class NotMeantError(Exception):
    """A slot does not read: the template does not fit after all."""


@dataclass(frozen=True, slots=True)
class Understood:
    """An intent, its slots, and how many characters of the template's own words matched."""

    intent: str
    slots: Mapping[str, Slot] = field(default_factory=dict)
    literal: int = 0


class Recognizer:
    """Understands the sentences of one language. Safe from several threads."""

    def __init__(self, language: Language, now: Callable[[], dt.datetime]) -> None:
        """``now`` reads the local clock."""
        self.language = language
        self.quantities = Quantities(language.words)
        self.moments = Moments(language.words, self.quantities)
        self._now = now
        self._templates = Intents.from_files(language.sentences)
        self._joiners = language.words["joiners"]

    def understand(self, utterance: str) -> list[Understood]:
        """Return what was commanded, in order; empty where no template fits.

        The utterance is tried as a whole, then as several sentences, then as two
        commands joined by "and", which count only if both are understood.
        """
        whole = self.one(utterance)
        if whole is not None:
            return [whole]
        for parts in self._divisions(utterance):
            each = [self.one(part) for part in parts]
            meant = [one for one in each if one is not None]
            if len(meant) == len(parts):
                return meant
        return []

    def one(self, utterance: str) -> Understood | None:
        """Return what a single command means, the most literal reading first."""
        if len(utterance) > _MOST_CHARACTERS:
            return None
        readings = [
            reading
            for command in dict.fromkeys((self.language.command_in(utterance), normal(utterance)))
            for reading in self._readings(command, utterance)
        ]
        return max(readings, key=lambda reading: reading.literal, default=None)

    def _readings(self, command: str, utterance: str) -> Iterator[Understood]:
        for result in recognize_all(command, self._templates, language=self.language.code):
            try:
                slots = self._slots(result, utterance)
            except NotMeantError:
                continue
            free = sum(len(entity.text) for entity in result.entities_list)
            yield Understood(result.intent.name, slots, len(command) - free)

    def _divisions(self, utterance: str) -> Iterator[list[str]]:
        sentences = [part for part in _SENTENCE_ENDS.split(utterance) if part.strip()]
        if 1 < len(sentences) <= 4:
            yield sentences
        words = utterance.split()
        for at, word in enumerate(words[1:-1], start=1):
            if normal(word) in self._joiners:
                yield [" ".join(words[:at]), " ".join(words[at + 1 :])]

    # ------------------------------------------------------------------ slots

    def _slots(self, result: RecognizeResult, utterance: str) -> dict[str, Slot]:
        slots: dict[str, Slot] = {}
        for name, entity in result.entities.items():
            if not entity.is_wildcard:
                slots[name] = entity.value
                continue
            slots[name] = self._slot(name, entity.text.strip(), result.intent.name, utterance)
        if "duration_in" in slots:
            self._split_duration(slots)
        if "when_in" in slots:
            self._split_when(slots, utterance)
        self._rearrange(slots)
        return slots

    def _rearrange(self, slots: dict[str, Slot]) -> None:
        """Bring what was said in another form to the usual slots."""
        name = normal(str(slots.get("name", "")))
        if name and self.quantities.number(name) is not None:
            raise NotMeantError(f"{name!r} is a number and no name")
        if name and (span := self.quantities.duration_s(name)):
            # "the ten minute timer"
            if "duration" in slots:
                raise NotMeantError(f"{name!r} is a span of time and no name")
            slots["duration"] = span
            del slots["name"]
        if "each_s" in slots:
            slots["duration"] = float(str(slots.pop("number"))) * float(str(slots.pop("each_s")))
        when = slots.get("when")
        if "rhythm" in slots and isinstance(when, When):
            days = self.moments.repeats(str(slots.pop("rhythm"))) or ()
            slots["when"] = replace(when, weekdays=days)

    def _slot(self, name: str, text: str, intent: str, utterance: str) -> Slot:
        value: Slot | None
        if name == "duration":
            value = self.quantities.duration_s(text)
        elif name == "when":
            value = self._when(text, intent)
        elif name in ("date", "date2"):
            value = self.moments.date(text, self._now().date())
        elif name in ("number", "number2", "percent"):
            value = self.quantities.number(text)
        elif name == "amount":
            value = self.quantities.amount(text)
        elif name == "unit":
            value = self.quantities.unit(text)
        elif name == "sum":
            value = self._sum(text)
        elif name == "place":
            zones: Mapping[str, str] = self.language.words["zones"]
            value = zones.get(text.removeprefix("the ")) or self._words(name, text, utterance)
        else:
            value = self._words(name, text, utterance)
        if value is None:
            raise NotMeantError(f"{text!r} is no {name}")
        return value

    def _when(self, text: str, intent: str) -> When | None:
        earliest = EARLIEST_WAKING_HOUR if intent in _WAKING else EARLIEST_HOUR
        return self.moments.when(
            text, self._now(), earliest, prefers_soonest=intent != "cancel_alarm"
        )

    def _sum(self, text: str) -> Decimal | str | None:
        try:
            return self.quantities.calculate(text)
        except ZeroDivisionError:
            return "by_zero"
        except OverflowError:
            return "too_large"

    def _words(self, name: str, text: str, utterance: str) -> str | None:
        """A name, a text or a thing, with its capitals; names without their article."""
        if name in ("name", "list", "item"):
            text = self.language.determiner.sub("", f"{text} ").strip() or text
        if name in ("name", "list") and len(text.split()) > _MOST_NAME_WORDS:
            return None
        return as_said(text, utterance) or None

    def _split_duration(self, slots: dict[str, Slot]) -> None:
        """``a {10 minute pasta} timer``: a span of time before the name, or only that."""
        holder = str(slots.pop("duration_in"))
        tokens = normal(str(slots[holder])).split()
        read = self.quantities.duration_at(tokens, 0)
        if read is None:
            slots["lacks"] = "duration"
            return
        slots["duration"] = float(read[0])
        rest = " ".join(tokens[read[1] :])
        if rest:
            slots[holder] = as_said(rest, str(slots[holder]))
        else:
            del slots[holder]

    def _split_when(self, slots: dict[str, Slot], utterance: str) -> None:
        """``remind me to {call mum tomorrow at 5}``: the longest end that is a time or a day."""
        holder = str(slots.pop("when_in"))
        tokens = normal(str(slots[holder])).split()
        for at in range(1, len(tokens)):
            tail = " ".join(tokens[at:])
            when = None if self.quantities.number(tail) else self.moments.when(tail, self._now())
            if when is not None:
                slots["when"] = when
                slots[holder] = as_said(" ".join(tokens[:at]), utterance)
                return
        slots["lacks"] = "when"


def split_items(text: str, joiners: Mapping[str, object] | list[str]) -> list[str]:
    """Split a list of things as it was said: ``milk, eggs and two loaves of bread``."""
    pattern = "|".join(rf"\s+{re.escape(word)}\s+" for word in joiners)
    parts = re.split(rf"\s*,\s*(?:{'|'.join(map(re.escape, joiners))}\s+)?|{pattern}", text)
    return [part for part in itertools.chain(parts) if part.strip()]
