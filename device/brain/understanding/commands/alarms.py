"""Reads commands about alarms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device.brain.understanding.commands.choosing import ChoiceReader
from device.brain.understanding.commands.context import Past
from device.brain.understanding.commands.cover import Cover, Span
from device.brain.understanding.commands.names import NameReader
from device.brain.understanding.commands.outcome import (
    Act,
    Cannot,
    Lacking,
    Leave,
    Outcome,
    Unclear,
)
from device.brain.understanding.commands.scanning import Problem, TimePiece, TimeScanner, occasions
from device.brain.understanding.commands.spans import SpanReader
from device.brain.understanding.intents.moments import EARLIEST_WAKING_HOUR, Moments, When
from device.brain.understanding.intents.recognition import Slot, Understood

_FIRST_MORNING_HOUR = 5
"""Who wants to be woken at a bare five or later means the morning; before that it is a nap."""


def of_problem(problem: Problem, cover: Cover, intent: str, lacks: str = "when") -> Outcome:
    """Say what cannot be had of the times that were said."""
    part = cover.words((problem.start, problem.end))
    match problem.kind:
        case "past":
            return Cannot("over")
        case "rhythm":
            said = " ".join([*cover.tokens[: problem.start], *cover.tokens[problem.end :]])
            return Lacking(Understood(intent), "days", said, "repeats", part)
        case "days":
            return Lacking(Understood(intent), "days", cover.utterance)
        case "several":
            return Unclear(part, intent)
        case _:
            said = " ".join([*cover.tokens[: problem.start], *cover.tokens[problem.end :]])
            return Lacking(Understood(intent), lacks, said, "unclear", part)


@dataclass(frozen=True)
class AlarmReader:
    """The reader for alarms; without state."""

    scanner: TimeScanner
    spans: SpanReader
    moments: Moments
    names: NameReader
    choosing: ChoiceReader
    now: Callable[[], dt.datetime]

    def read(self, cover: Cover, past: Past, *, inherited: str = "") -> Outcome | None:
        """Return what is meant; None where it is not about alarms."""
        del past
        if cover.find("alarm", "snooze") and cover.tokens[0] == "snooze":
            return self._snooze(cover)
        is_wish = cover.starts_with("alarm", "wishes")
        if cover.starts_with("alarm", "no_wake") and (outcome := self._no_wake(cover.copy())):
            return outcome
        negated = cover.starts_with("negations")
        wake = cover.find("alarm", "wake")
        noun = cover.take("alarm", "nouns")
        if noun is None and wake is None and not inherited:
            return None
        if noun is None and wake is not None and wake[0] > 0 and not self._leads_to(cover, wake):
            return None
        if negated:
            return Leave()
        if is_wish and self._is_telling(cover):
            return None
        return self._act(cover, noun, wake, inherited)

    def _leads_to(self, cover: Cover, wake: Span) -> bool:
        """Whether only times and days stand before ``wake me``."""
        before = Cover(cover.tokens[: wake[0]], cover.utterance, cover.lexicon)
        for piece in self.scanner.scan(before.tokens, self.now().date()):
            before.mark((piece.start, piece.end))
        before.take_all("asides")
        return not before.rest("glue")

    def _is_telling(self, cover: Cover) -> bool:
        return not self.scanner.scan(cover.tokens, self.now().date())

    def _act(
        self, cover: Cover, noun: Span | None, wake: Span | None, inherited: str
    ) -> Outcome | None:
        if noun and cover.starts_with("act", "query") and (outcome := self._query(cover.copy())):
            return outcome
        if noun and (outcome := self._skip(cover.copy())):
            return outcome
        if (noun or inherited == "cancel_alarm") and (
            outcome := self._cancel(cover.copy(), noun, inherited)
        ):
            return outcome
        if noun and (outcome := self._change(cover.copy())):
            return outcome
        return self._set(cover, noun, wake)

    def _snooze(self, cover: Cover) -> Outcome:
        cover.take("alarm", "snooze")
        cover.take_all("alarm", "nouns")
        cover.take_all("asides")
        spans = self.spans.find(cover.tokens)
        for span in spans:
            cover.mark((span.start, span.end))
        if (rest := cover.rest("glue")) or len(spans) > 1:
            return Unclear(rest, "snooze_alarm")
        slots: dict[str, Slot] = {"duration": spans[0].seconds} if spans else {}
        return Act((Understood("snooze_alarm", slots),))

    def _no_wake(self, trial: Cover) -> Outcome | None:
        """``don't wake me tomorrow``, ``no alarm on friday``."""
        trial.take("alarm", "no_wake")
        trial.take_all("alarm", "nouns")
        trial.take_all("act", "particles")
        trial.take_all("asides")
        slots = self.choosing.take(trial, "alarm")
        if trial.rest("glue") or not (slots.keys() & {"on_date", "at"}):
            return None
        return Act((Understood("skip_alarm", slots),))

    def _query(self, trial: Cover) -> Outcome | None:
        trial.take("act", "query")
        slots = self.choosing.take(trial, "alarm")
        trial.take_all("alarm", "wake")
        trial.take_all("asides")
        trial.take_all("act", "query")
        trial.take_all("act", "query_glue")
        if trial.rest():
            return None
        return Act((Understood("list_alarms", {"ask": True, **slots}),))

    def _skip(self, trial: Cover) -> Outcome | None:
        first = trial.starts_with("act", "skip")
        if first is None or trial.tokens[first[0]] == "silence":
            return None
        trial.mark(first)
        trial.take_all("asides")
        slots = self.choosing.take(trial, "alarm")
        if rest := trial.rest("glue"):
            return Unclear(rest, "skip_alarm")
        return Act((Understood("skip_alarm", slots),))

    def _cancel(self, trial: Cover, noun: Span | None, inherited: str) -> Outcome | None:
        first = trial.starts_with("act", "cancel")
        if first is None and inherited == "cancel_alarm":
            first = (0, 0)
        off = (
            trial.tokens[-1] == "off" and noun is not None and not trial.starts_with("alarm", "set")
        )
        if first is None and not off:
            return None
        needs_off = trial.lexicon.of("act", "needs_off")
        if first and first[1] > first[0]:
            if trial.tokens[first[0]] in needs_off and "off" not in trial.tokens:
                return None
            trial.mark(first)
            if trial.tokens[first[1] : first[1] + 1] in (["a"], ["an"]) and "n't" in trial.text:
                return Leave()  # "I don't want an alarm" is not about one that there is
        trial.take_all("act", "cancel")
        trial.take_all("act", "particles")
        trial.take_all("asides")
        slots = self.choosing.take(trial, "alarm")
        if rest := trial.rest("glue"):
            return Unclear(rest, "cancel_alarm")
        return Act((Understood("cancel_alarm", slots),))

    # ------------------------------------------------------------------ another time

    def _change(self, trial: Cover) -> Outcome | None:
        """``move my alarm to eight``, ``push the alarm back by half an hour``."""
        first = trial.starts_with("act", "change")
        if first is None:
            return None
        if shifted := self._shift(trial.copy(), first):
            return shifted
        verb = trial.tokens[first[0]]
        to = max((at for at, word in enumerate(trial.tokens) if word in ("to", "for")), default=0)
        is_change = verb in ("change", "move", "adjust", "update", "alter", "modify", "reschedule",
                             "shift", "push", "switch", "correct", "bring")  # fmt: skip
        if not to or not (is_change or trial.find("act", "instead")):
            return None
        trial.mark(first)
        trial.take_all("act", "instead")
        trial.take_all("asides")
        pieces = [
            piece
            for piece in self.scanner.scan(trial.tokens, self.now().date())
            if piece.start >= to
        ]
        found = occasions(pieces, self.moments, self.now(), EARLIEST_WAKING_HOUR, True)
        if isinstance(found, Problem):
            return of_problem(found, trial, "change_alarm")
        for piece in pieces:
            trial.mark((piece.start, piece.end))
        trial.mark((to, to + 1))
        slots = self.choosing.take(trial, "alarm")
        if rest := trial.rest("glue"):
            return Unclear(rest, "change_alarm")
        if len(found) != 1:
            return Lacking(Understood("change_alarm", slots), "when", trial.utterance)
        return Act(
            (Understood("change_alarm", {**slots, "new": found[0], "new_said": pieces_of(pieces)}),)
        )

    def _shift(self, trial: Cover, first: Span) -> Outcome | None:
        spans = self.spans.find(trial.tokens)
        later, earlier = trial.find("act", "later"), trial.find("act", "earlier")
        if len(spans) != 1 or bool(later) == bool(earlier):
            return None
        trial.mark(first)
        trial.mark((spans[0].start, spans[0].end))
        trial.take_all("act", "later" if later else "earlier")
        trial.take_all("asides")
        slots = self.choosing.take(trial, "alarm")
        if rest := trial.rest("glue"):
            return Unclear(rest, "change_alarm")
        by_s = spans[0].seconds if later else -spans[0].seconds
        return Act((Understood("change_alarm", {**slots, "shift": by_s}),))

    # ------------------------------------------------------------------ a new alarm

    def _set(self, cover: Cover, noun: Span | None, wake: Span | None) -> Outcome | None:
        if noun is None and wake:
            cover.take("alarm", "wake")
        pieces = self.scanner.scan(cover.tokens, self.now().date())
        for piece in pieces:
            cover.mark((piece.start, piece.end))
        cover.join([(piece.start, piece.end) for piece in pieces])
        spans = [
            span
            for span in self.spans.find(cover.tokens)
            if not any(cover.used[span.start : span.end])
        ]
        if any(span.is_range for span in spans):
            spans = []
        for span in spans:
            cover.mark((span.start, span.end))
        cover.take_all("alarm", "go_off")
        name = self.names.take(cover, noun, ())
        for key in (
            ("alarm", "set"),
            ("alarm", "plain"),
            ("alarm", "wake"),
            ("asides",),
            ("timer", "each"),
        ):
            cover.take_all(*key)
        intent = "set_alarm"
        if rest := cover.rest("glue"):
            return Unclear(rest, intent)
        slots: dict[str, Slot] = {"name": name} if name else {}
        if spans and not pieces:
            return Act((Understood(intent, {**slots, "when": When(after_s=spans[0].seconds)}),))
        if spans:
            return Unclear(cover.words((spans[0].start, spans[0].end)), intent)
        # Who is to be woken means the morning; an alarm is for the next time the clock shows it.
        earliest = EARLIEST_WAKING_HOUR if wake is None else _FIRST_MORNING_HOUR
        found = occasions(pieces, self.moments, self.now(), earliest, wake is None)
        if isinstance(found, Problem):
            return of_problem(found, cover, intent)
        if not found or any(when.time is None and when.after_s is None for when in found):
            return Lacking(Understood(intent, slots), "when", cover.utterance)
        return Act(tuple(Understood(intent, {**slots, "when": when}) for when in found))


def pieces_of(pieces: Sequence[TimePiece]) -> str:
    """The kinds of what was said about a new time, for taking the rest from the old one."""
    return " ".join(piece.kind for piece in pieces)
