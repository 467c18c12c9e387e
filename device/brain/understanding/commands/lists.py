"""Reads commands about lists."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from device.brain.understanding.commands.context import Past
from device.brain.understanding.commands.cover import Cover, PhraseSet, Span
from device.brain.understanding.commands.outcome import Act, Lacking, Leave, Outcome, Unclear
from device.brain.understanding.commands.scanning import TimeScanner
from device.brain.understanding.intents.recognition import Slot, Understood

_MOST_ITEM_WORDS = 8
_MOST_NAME_WORDS = 3
_QUOTED = re.compile(r"[“\"]([^“”\"]+)[”\"]")


@dataclass(frozen=True)
class ListReader:
    """The reader for lists; without state."""

    table: Mapping[str, Any]
    scanner: TimeScanner
    now: Callable[[], dt.datetime]

    def read(self, cover: Cover, past: Past, *, inherited: str = "") -> Outcome | None:
        """Return what is meant; None where it is not about lists."""
        if cover.find("list", "all_lists"):
            return self._all(cover.copy())
        place = self._place(cover)
        if place is None and not self._is_plain(cover, past, inherited):
            return None
        if cover.starts_with("negations"):
            return Leave()
        name = self._name(cover, place) if place else (past.last_list or self.table["default"])
        if place:
            cover.mark(place)
        for read in (self._clear, self._query, self._remove, self._add):
            if outcome := read(cover.copy(), name, place, past, inherited):
                return outcome
        return Unclear(cover.rest(), "add_to_list") if place else None

    def _is_plain(self, cover: Cover, past: Past, inherited: str) -> bool:
        """Whether a sentence without a list is about one: ``add milk``, ``scratch the eggs``."""
        if inherited in ("add_to_list", "remove_from_list"):
            return True
        if past.domain == "list" and cover.starts_with("list", "remove"):
            return True
        return bool(cover.starts_with("list", "add_plain"))

    # ------------------------------------------------------------------ which list

    def _place(self, cover: Cover) -> Span | None:
        """``to my shopping list``: where the list is named, with the words before it."""
        noun = next(
            (
                span
                for span in cover.every("list", "nouns")
                if span[0] > 0 or len(cover.tokens) == 1
            ),
            None,
        )
        if noun is None:
            return cover.find("list", "without_noun")
        start = noun[0]
        determiners = frozenset(self.table["determiners"])
        before = cover.lexicon.phrases("list", "before")
        for _ in range(_MOST_NAME_WORDS + 1):
            if start == 0:
                break
            word = cover.tokens[start - 1]
            if word == "to" and cover.tokens[start : start + 1] == ["do"]:
                start -= 1
                continue
            if (
                word in determiners
                or word in before
                or word == ","
                or self._is_verb(cover, start - 1)
            ):
                break
            start -= 1
        while start > 0 and cover.tokens[start - 1] in determiners - {"to", "of", "and", "also"}:
            start -= 1
        if start > 1 and " ".join(cover.tokens[start - 2 : start]) in before:
            start -= 2
        elif start > 0 and cover.tokens[start - 1] in before:
            start -= 1
        return start, noun[1]

    def _is_verb(self, cover: Cover, at: int) -> bool:
        head = " ".join(cover.tokens[: at + 1])
        token = cover.tokens[at]
        keys = ("read", "clear", "create", "add", "remove")
        return at <= 2 and any(
            head in cover.lexicon.phrases("list", key)
            or token in cover.lexicon.phrases("list", key)
            for key in keys
        )

    def _name(self, cover: Cover, place: Span) -> str:
        determiners = frozenset(self.table["determiners"])
        before = {word for phrase in self.table["before"] for word in str(phrase).split()}
        words = [
            word for word in cover.tokens[place[0] : place[1]] if word not in ("list", "lists")
        ]
        while (
            words and (words[0] in determiners or words[0] in before) and words[:2] != ["to", "do"]
        ):
            words = words[1:]
        name = " ".join(words)
        same: Mapping[str, str] = self.table["same"]
        return same.get(name, name) or str(self.table["default"])

    def _is_named(self, cover: Cover, place: Span) -> bool:
        """Whether it was said which list."""
        plain = {*self.table["determiners"], "list", "lists"}
        plain |= {word for phrase in self.table["before"] for word in str(phrase).split()}
        return not set(cover.tokens[place[0] : place[1]]) <= plain

    # ------------------------------------------------------------------ what to do with it

    def _all(self, trial: Cover) -> Outcome | None:
        trial.take("list", "all_lists")
        trial.take_all("list", "read_glue")
        return None if trial.rest() else Act((Understood("list_lists"),))

    def _clear(
        self, trial: Cover, name: str, place: Span | None, past: Past, inherited: str
    ) -> Outcome | None:
        del inherited, past
        if place is None:
            return None
        if trial.find("list", "everything") and (
            trial.starts_with("list", "remove") or trial.starts_with("list", "clear")
        ):
            trial.take("list", "remove") or trial.take("list", "clear")
            trial.take_all("list", "everything")
        elif (verb := trial.starts_with("list", "clear")) is not None:
            trial.mark(verb)
        else:
            return None
        trial.take_all("asides")
        trial.take_all("list", "off")
        if trial.rest():
            return None
        return Act((Understood("clear_list", {"list": name}),))

    def _query(
        self, trial: Cover, name: str, place: Span | None, past: Past, inherited: str
    ) -> Outcome | None:
        del inherited, past
        if place is None:
            return None
        slots: dict[str, Slot] = {"list": name}
        counting = trial.starts_with("list", "count")
        asking = trial.starts_with("list", "ask_item")
        reading = trial.starts_with("list", "read")
        if counting:
            trial.mark(counting)
            slots["ask"] = "count"
        elif reading and trial.tokens[0] not in ("is", "are"):
            trial.mark(reading)
        elif asking:
            trial.mark(asking)
            return self._asked_item(trial, slots)
        else:
            return None
        trial.take_all("asides")
        trial.take_all("list", "read")
        trial.take_all("list", "read_glue")
        return None if trial.rest() else Act((Understood("read_list", slots),))

    def _asked_item(self, trial: Cover, slots: dict[str, Slot]) -> Outcome | None:
        """``is milk on my list``."""
        trial.take_all("asides")
        runs = [run for run in trial.runs() if not self._is_glue(trial, run)]
        if len(runs) != 1:
            return None if runs else Act((Understood("read_list", slots),))
        items = self._items(trial, runs[0])
        if items is None or len(items) != 1:
            return None
        return Act((Understood("read_list", {**slots, "ask": "item", "wanted": items[0]}),))

    @staticmethod
    def _is_glue(cover: Cover, run: Span) -> bool:
        glue = cover.lexicon.phrases("list", "read_glue")
        return all(token in glue or token == "," for token in cover.tokens[run[0] : run[1]])

    def _remove(
        self, trial: Cover, name: str, place: Span | None, past: Past, inherited: str
    ) -> Outcome | None:
        verb = trial.starts_with("list", "remove")
        if verb is None and inherited != "remove_from_list":
            return None
        plain = trial.starts_with("list", "remove_plain")
        if place is None and not plain and past.domain != "list" and not inherited:
            return None
        if verb:
            trial.mark(verb)
        trial.take_all("list", "off")
        return self.with_items(trial, "remove_from_list", name, place)

    def _add(
        self, trial: Cover, name: str, place: Span | None, past: Past, inherited: str
    ) -> Outcome | None:
        del past
        verb = trial.starts_with("list", "add")
        creating = trial.starts_with("list", "create") if place else None
        if verb is None and creating and not trial.rest_without(creating):
            return Lacking(Understood("add_to_list", {"list": name}), "item", trial.utterance)
        if verb is None and inherited != "add_to_list":
            return None
        if verb:
            trial.mark(verb)
        return self.with_items(trial, "add_to_list", name, place)

    def with_items(
        self, trial: Cover, intent: str, name: str, place: Span | None
    ) -> Outcome | None:
        """Read the things that are left when the rest is accounted for."""
        slots: dict[str, Slot] = {"list": name}
        if place and not self._is_named(trial, place):
            slots = {}
        if quoted := _QUOTED.search(trial.utterance):
            return Act((Understood(intent, {**slots, "item": [quoted[1].strip()]}),))
        self._without_ends(trial)
        runs = [run for run in trial.runs() if trial.tokens[run[0] : run[1]] != [","]]
        if not runs:
            return Lacking(Understood(intent, slots), "item", trial.utterance) if place else None
        if len(runs) > 1:
            return Unclear(trial.words(runs[-1]), intent)
        items = self._items(trial, runs[0], is_to_do=name not in (self.table["default"],))
        if items is None:
            return Unclear(trial.words(runs[0]), intent) if place else None
        return Act((Understood(intent, {**slots, "item": items}),))

    @staticmethod
    def _without_ends(trial: Cover) -> None:
        """Account for courtesies around the things."""
        phrases = trial.lexicon.phrases("asides")
        for start, end in trial.runs():
            while start < end and (after := phrases.end_at(trial.tokens, start)) and after <= end:
                trial.mark((start, after))
                start = after
            for at in range(start, end):
                if phrases.end_at(trial.tokens, at) == end:
                    trial.mark((at, end))
                    break

    # ------------------------------------------------------------------ things

    def _items(self, cover: Cover, run: Span, is_to_do: bool = False) -> list[str] | None:
        """The things of a stretch of words; None if one of them may be none."""
        together = cover.lexicon.phrases("list", "together")
        parts: list[Span] = []
        start = at = run[0]
        while at < run[1]:
            kept = together.end_at(cover.tokens, at)
            if kept:
                at = kept
                continue
            if cover.tokens[at] in (",", "and", "plus"):
                parts.append((start, at))
                start = at + 1
            at += 1
        parts.append((start, run[1]))
        items = [self._item(cover, part, is_to_do) for part in parts if part[0] < part[1]]
        return None if None in items or not items else [item for item in items if item]

    def _item(self, cover: Cover, part: Span, is_to_do: bool) -> str | None:
        determiners = frozenset(self.table["determiners"]) - ({"to"} if is_to_do else set())
        start, end = part
        while start < end and cover.tokens[start] in determiners:
            start += 1
        words = cover.tokens[start:end]
        if not words or len(words) > _MOST_ITEM_WORDS:
            return None
        if words[0] in self.table["no_item_starts"] and not is_to_do:
            return None
        refused: PhraseSet = cover.lexicon.phrases("list", "no_items")
        if any(word in refused for word in words):
            return None
        pieces = self.scanner.scan(words, self.now().date(), bare=False)
        if (
            any(piece.end == len(words) or piece.kind == "rhythm" for piece in pieces)
            and not is_to_do
        ):
            return None
        return cover.words((start, end))
