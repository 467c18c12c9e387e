"""Reads a sentence: one command, or several, or what refers to the last one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from device.brain.understanding.commands.alarms import AlarmReader
from device.brain.understanding.commands.choosing import ChoiceReader
from device.brain.understanding.commands.context import Past, domain_of
from device.brain.understanding.commands.corrections import CorrectionReader
from device.brain.understanding.commands.cover import Cover, Lexicon, tokens_of
from device.brain.understanding.commands.lists import ListReader
from device.brain.understanding.commands.loudness import LoudnessReader
from device.brain.understanding.commands.names import NameReader
from device.brain.understanding.commands.outcome import (
    Act,
    Dropped,
    Lacking,
    Outcome,
    Unclear,
)
from device.brain.understanding.commands.reminders import ReminderReader
from device.brain.understanding.commands.scanning import TimeScanner
from device.brain.understanding.commands.spans import SpanReader
from device.brain.understanding.commands.timers import TimerReader
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.moments import Moments
from device.brain.understanding.intents.quantities import Quantities
from device.brain.understanding.intents.recognition import Slot, Understood

_MOST_TOKENS = 45
_MOST_PARTS = 5
_SENTENCE_ENDS = re.compile(r"(?<=[^\s\d])[.!?]+\s+|(?<=\d)[.!?]\s+(?=[A-Z])")

Others = Callable[[str], Sequence[Understood]]
"""Understands a part of a sentence that is about something else; empty where it does not."""


class _Reader(Protocol):
    def read(self, cover: Cover, past: Past, *, inherited: str = "") -> Outcome | None: ...


class CommandReader:
    """Reads the commands of one language. Safe from several threads."""

    def __init__(self, language: Language, now: Callable[[], dt.datetime]) -> None:
        """``now`` reads the local clock."""
        self._language = language
        self.lexicon = Lexicon(language.commands)
        words, table = language.words, language.commands
        quantities = Quantities(words)
        moments = Moments(words, quantities)
        units = {name: int(size) for size, names in words["spans"].items() for name in names}
        spans = SpanReader(quantities, units, frozenset(table["act"]["ones"]))
        scanner = TimeScanner(moments, quantities, dict(words))
        names = NameReader(table, quantities)
        self.quantities, self.spans, self.scanner = quantities, spans, scanner
        self.choosing = ChoiceReader(table, names, spans, scanner, now)
        timers = TimerReader(spans, quantities, names, self.choosing)
        lists = ListReader(table["list"], scanner, now)
        loudness = LoudnessReader(table["volume"], quantities, scanner, now)
        self._readers: dict[str, _Reader] = {
            "reminder": ReminderReader(scanner, moments, self.choosing, now),
            "list": lists,
            "alarm": AlarmReader(scanner, spans, moments, names, self.choosing, now),
            "timer": timers,
            "volume": loudness,
        }
        self._corrections = CorrectionReader(
            scanner, spans, moments, quantities, timers, lists, loudness, now
        )

    def read(self, utterance: str, past: Past, others: Others = lambda _: ()) -> Outcome | None:
        """Return what is meant; None where it is about nothing that is known here."""
        parts = [part for part in _SENTENCE_ENDS.split(utterance.strip()) if part.strip(" .!?")]
        tokens = self.without_ends(tokens_of(" , ".join(parts), self.lexicon))
        if not tokens or len(tokens) > _MOST_TOKENS:
            return None
        if self.lexicon.phrases("asks_how").end_at(tokens, 0) and not self._is_asked(tokens):
            return None
        if (back := self._corrections.read(self._cover(tokens, utterance), past)) is not None:
            return back
        whole = self._one(tokens, utterance, past, "")
        if isinstance(whole, Act) and not self._swallows(whole, tokens, utterance, past):
            return self._counted(whole)
        if (
            not isinstance(whole, Act)
            and whole is not None
            and not isinstance(whole, Unclear | Lacking)
        ):
            return whole
        several = self._several(tokens, utterance, past, others)
        if several is not None:
            return self._counted(several)
        return whole

    def command(self, utterance: str) -> list[str]:
        """The words of a command without courtesies around it."""
        return self.without_ends(tokens_of(utterance, self.lexicon))

    def cover(self, utterance: str) -> Cover:
        """Begin the account of an answer."""
        return self._cover(self.without_ends(tokens_of(utterance, self.lexicon)), utterance)

    def choice(self, utterance: str, domain: str) -> dict[str, Slot] | Dropped | None:
        """Read the answer to "which one?"; None where it is none."""
        cover = self.cover(utterance)
        if not cover.tokens:
            return None
        if cover.text.replace(" ,", "") in self.lexicon.phrases("talk", "drop"):
            return Dropped()
        cover.take_all("asides")
        slots = self.choosing.take(cover, domain)
        for start, end in cover.runs():
            words = [w for w in cover.tokens[start:end] if w not in self.lexicon.phrases("glue")]
            if words and "name" not in slots and len(words) <= 4:
                slots["name"] = (
                    cover.words((start, end)) if len(words) == end - start else " ".join(words)
                )
                cover.mark((start, end))
        return slots if slots and not cover.rest("glue") else None

    # ------------------------------------------------------------------ one command

    def _cover(self, tokens: list[str], utterance: str) -> Cover:
        return Cover(tokens, utterance, self.lexicon)

    def without_ends(self, tokens: list[str]) -> list[str]:
        """Take courtesies and the assistant's name off both ends."""
        before = [
            str(p).split()
            for p in (*self._language.words["politeness"]["before"], *self._language.words["names"])
        ]
        after = [
            str(p).split()
            for p in (*self._language.words["politeness"]["after"], *self._language.words["names"])
        ]
        before.sort(key=len, reverse=True)
        after.sort(key=len, reverse=True)
        while True:
            while tokens and tokens[0] == ",":
                tokens = tokens[1:]
            while tokens and tokens[-1] == ",":
                tokens = tokens[:-1]
            front = next(
                (p for p in before if tokens[: len(p)] == p and len(tokens) > len(p)), None
            )
            if front:
                tokens = tokens[len(front) :]
                continue
            back = next((p for p in after if tokens[-len(p) :] == p and len(tokens) > len(p)), None)
            if not back:
                return tokens
            tokens = tokens[: -len(back)]

    def _one(self, tokens: list[str], utterance: str, past: Past, inherited: str) -> Outcome | None:
        own = domain_of(inherited)
        verb = inherited.split("_")[0] if inherited else ""
        order = [own, *(d for d in self._readers if d != own)] if own else list(self._readers)
        named = [domain for domain in order if self._names(domain, tokens)]
        for domain in dict.fromkeys((*named, *([] if named and own not in named else order))):
            carried = ""
            if inherited and (domain == own or domain in named):
                carried = inherited if domain == own else f"{verb}_{domain}"
            outcome = self._readers[domain].read(
                self._cover(tokens, utterance), past, inherited=carried
            )
            if outcome is not None:
                return outcome
        return None

    def _is_asked(self, tokens: list[str]) -> bool:
        """Whether it is asked after what there is: ``what are my alarms``."""
        return bool({"my", "the"} & set(tokens[:3])) and tokens[:1] == ["what"]

    def _names(self, domain: str, tokens: list[str]) -> bool:
        if domain == "reminder":
            return False  # "remind me" comes first in any case
        phrases = self.lexicon.phrases(domain, "nouns")
        return any(phrases.end_at(tokens, at) for at in range(len(tokens)))

    # ------------------------------------------------------------------ several

    def _swallows(self, whole: Act, tokens: list[str], utterance: str, past: Past) -> bool:
        """Whether the text of a reminder holds another command: ``… and set a timer for …``."""
        if whole.commands[0].intent != "set_reminder":
            return False
        for start, end in self._joints(tokens):
            rest = self.without_ends(tokens[end:])
            if not start or not rest:
                continue
            if isinstance(self._one(rest, utterance, past, ""), Act):
                return True
            if isinstance(self._one(rest, utterance, past, "set_reminder"), Act):
                return True
        return False

    def _joints(self, tokens: Sequence[str]) -> Iterator[tuple[int, int]]:
        phrases = self.lexicon.phrases("joints")
        at = 1
        while at < len(tokens) - 1:
            end = phrases.end_at(tokens, at)
            if end is None:
                at += 1
                continue
            while end < len(tokens) and (further := phrases.end_at(tokens, end)):
                end = further
            yield at, end
            at = end

    def _several(self, tokens: list[str], utterance: str, past: Past, others: Others) -> Act | None:
        joints = list(self._joints(tokens))
        if not joints:
            return None
        domains = {domain for domain in self._readers if self._names(domain, tokens)}
        first = [""] + [f"set_{domain}" for domain in domains if domain in ("timer", "alarm")]
        for inherited in first:
            found = self._divided(tokens, utterance, past, others, inherited, _MOST_PARTS)
            if found:
                commands = tuple(c for outcome in found for c in outcome.commands)
                lacking = next((outcome.lacking for outcome in found if outcome.lacking), None)
                return Act(commands, lacking) if commands else None
        return None

    def _divided(
        self,
        tokens: list[str],
        utterance: str,
        past: Past,
        others: Others,
        inherited: str,
        parts: int,
    ) -> list[Act] | None:
        """Read the tokens as parts, each understood; the fewest parts first."""
        whole = self._part(tokens, utterance, past, others, inherited)
        if whole is not None:
            return [whole]
        if parts <= 1:
            return None
        for start, end in self._joints(tokens):
            head = self._part(tokens[:start], utterance, past, others, inherited)
            if head is None or (head.lacking and not head.commands):
                continue
            following = head.commands[-1].intent
            rest = self._divided(
                self.without_ends(tokens[end:]), utterance, past, others, following, parts - 1
            )
            if rest is not None:
                return [head, *rest]
        return None

    def _part(
        self, tokens: list[str], utterance: str, past: Past, others: Others, inherited: str
    ) -> Act | None:
        if not tokens:
            return None
        outcome = self._one(tokens, utterance, past, inherited)
        if isinstance(outcome, Act):
            return None if self._swallows(outcome, tokens, utterance, past) else outcome
        if isinstance(outcome, Lacking) and not outcome.problem and outcome.command.slots:
            said = " ".join(token for token in tokens)
            return Act((), Lacking(outcome.command, outcome.lacks, said))
        if outcome is None or (
            isinstance(outcome, Unclear) and not any(self._names(d, tokens) for d in self._readers)
        ):
            elsewhere = tuple(others(" ".join(tokens).replace(" ,", ",")))
            return Act(elsewhere) if elsewhere else None
        return None

    def _counted(self, act: Act) -> Outcome:
        """``two timers, one for … and one for …``: as many as were announced."""
        commands: list[Understood] = []
        of = 0
        for command in act.commands:
            slots = dict(command.slots)
            of = max(of, int(str(slots.pop("of", 0))))
            times = int(str(slots.pop("count", 1))) if command.intent == "set_timer" else 1
            commands += [Understood(command.intent, slots)] * times
        announced = sum(command.intent == "set_timer" for command in commands)
        if of and announced not in (of,):
            return Unclear("", "set_timer")
        return Act(tuple(commands), act.lacking)
