"""Finds which of several timers, alarms or reminders somebody means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from device.brain.understanding.commands.cover import Cover
from device.brain.understanding.commands.names import NameReader
from device.brain.understanding.commands.scanning import TimeScanner
from device.brain.understanding.commands.spans import SpanReader
from device.brain.understanding.intents.recognition import Slot


class ChoiceReader:
    """Reads what tells one from the others: order, length, name, time, day."""

    def __init__(
        self,
        table: Mapping[str, Any],
        names: NameReader,
        spans: SpanReader,
        scanner: TimeScanner,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._which: Mapping[str, int] = table["act"]["which"]
        self._superlatives: Mapping[str, str] = table["act"]["superlatives"]
        self._names = names
        self._spans = spans
        self._scanner = scanner
        self._now = now

    def take(self, cover: Cover, noun: str) -> dict[str, Slot]:
        """Account for what says which one; ``noun`` is ``timer``, ``alarm`` or ``reminder``."""
        slots: dict[str, Slot] = {}
        if noun == "timer":
            for span in self._spans.find(cover.tokens):
                if not any(cover.used[span.start : span.end]):
                    cover.mark((span.start, span.end))
                    slots["duration"] = span.seconds
        slots |= self._order(cover)
        if noun == "alarm":
            slots |= self._moment(cover)
        if cover.take("act", "both"):
            slots["both"] = True
        elif cover.take("act", "all"):
            slots["all"] = True
        place = self._noun_of(cover, noun)
        if place is not None and (name := self._names.before(cover, place)):
            slots["name"] = name
        if "name" not in slots and (name := self._named(cover)):
            slots["name"] = name
        cover.take_all(noun, "plain") if noun in ("timer", "alarm") else None
        if place is not None and cover.tokens[place[1] - 1].endswith("s") and not slots:
            slots["all"] = True
        return slots

    @staticmethod
    def _noun_of(cover: Cover, noun: str) -> tuple[int, int] | None:
        phrases = cover.lexicon.phrases(noun, "nouns")
        for at in range(len(cover.tokens)):
            if (end := phrases.end_at(cover.tokens, at)) is not None:
                cover.mark((at, end))
                return at, end
        return None

    def _order(self, cover: Cover) -> dict[str, Slot]:
        for at, token in enumerate(cover.tokens):
            if cover.used[at]:
                continue
            pair = " ".join(cover.tokens[at : at + 2])
            if pair in self._which and not any(cover.used[at : at + 2]):
                cover.mark((at, at + 2))
                return {"which": self._which[pair]}
            if token in self._which:
                cover.mark((at, at + 1))
                return {"which": self._which[token]} if self._which[token] else {"other": True}
            if token in self._superlatives:
                cover.mark((at, at + 1))
                return {"superlative": self._superlatives[token]}
        return {}

    def _named(self, cover: Cover) -> str:
        """``the timer for the pasta``, ``the alarm called gym``."""
        return self._names.take(cover, None, ())

    def _moment(self, cover: Cover) -> dict[str, Slot]:
        """Times and days that nothing else accounts for, as `TimePiece` values."""
        slots: dict[str, Slot] = {}
        free = [
            token if not used else "," for token, used in zip(cover.tokens, cover.used, strict=True)
        ]
        for piece in self._scanner.scan(free, self._now().date()):
            slot = {
                "time": "at",
                "date": "on_date",
                "days": "on_days",
                "half": "in_half",
                "after": "after",
            }.get(piece.kind)
            is_thing = " ".join(free[piece.start : piece.end]) in cover.lexicon.phrases(
                "act", "ones"
            )
            if slot and slot not in slots and not is_thing:
                cover.mark((piece.start, piece.end))
                slots[slot] = piece.value
        return slots
