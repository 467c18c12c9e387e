"""Reads commands about reminders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device.brain.understanding.commands.alarms import of_problem
from device.brain.understanding.commands.choosing import ChoiceReader
from device.brain.understanding.commands.context import Past
from device.brain.understanding.commands.cover import Cover
from device.brain.understanding.commands.outcome import Act, Lacking, Leave, Outcome, Unclear
from device.brain.understanding.commands.scanning import Problem, TimePiece, TimeScanner, occasions
from device.brain.understanding.intents.moments import EARLIEST_HOUR, Moments
from device.brain.understanding.intents.recognition import Slot, Understood

_INTENT = "set_reminder"


@dataclass(frozen=True)
class ReminderReader:
    """The reader for reminders; without state."""

    scanner: TimeScanner
    moments: Moments
    choosing: ChoiceReader
    now: Callable[[], dt.datetime]

    def read(self, cover: Cover, past: Past, *, inherited: str = "") -> Outcome | None:
        """Return what is meant; None where it is not about reminders."""
        remind = cover.find("reminder", "remind")
        noun = cover.find("reminder", "nouns")
        if remind is not None and self._leads(cover, remind[0]):
            return self._set(cover, remind[0], remind[1])
        if inherited == _INTENT and noun is None:
            return self._set(cover, 0, 0)
        if noun is None:
            return None
        if cover.starts_with("negations"):
            return Leave()
        if cover.starts_with("act", "query") and (outcome := self._query(cover.copy())):
            return outcome
        if cover.starts_with("act", "cancel"):
            return self._cancel(cover.copy(), past)
        return self._set_noun(cover, noun)

    def _leads(self, cover: Cover, end: int) -> bool:
        """Whether only times and courtesies stand before ``remind me``."""
        before = Cover(cover.tokens[:end], cover.utterance, cover.lexicon)
        for piece in self.scanner.scan(before.tokens, self.now().date()):
            before.mark((piece.start, piece.end))
        before.take_all("asides")
        before.take_all("talk", "correct")
        return not before.rest("glue") or before.tokens[:1] in (["if"], ["and"])

    def _set_noun(self, cover: Cover, noun: tuple[int, int]) -> Outcome | None:
        """``set a reminder for six to …``, ``reminder six pm bins out``."""
        before = Cover(cover.tokens[: noun[0]], cover.utterance, cover.lexicon)
        head = []
        for piece in self.scanner.scan(before.tokens, self.now().date(), bare=False):
            before.mark((piece.start, piece.end))
            head.append(piece)
        before.take_all("reminder", "set")
        before.take_all("asides")
        if rest := before.rest("glue"):
            return Unclear(rest, _INTENT)
        return self._set(cover, noun[0], noun[1])

    # ------------------------------------------------------------------ a new one

    def _set(self, cover: Cover, before: int, start: int) -> Outcome | None:
        tokens = cover.tokens
        head = self.scanner.scan(tokens[:before], self.now().date())
        front, at = self._times_from(tokens, start)
        at = self._linked(cover, at)
        later, end = self._times_to(tokens, at)
        words = tokens[at:end]
        while words and words[-1] in ("please", "thanks", "and", ","):
            words, end = words[:-1], end - 1
        pieces = [*head, *front, *later]
        text = cover.words((at, end)) if words else ""
        if words and words[0] in ("in", "at", "for", "on") and len(words) <= 2:
            return Unclear(text, _INTENT)  # "in five": minutes, days?
        if event := self._event(cover, at, end):
            said = " ".join(tokens[: event[0]])
            return Lacking(Understood(_INTENT), "when", said, "by_time", cover.words(event))
        return self._made(cover, pieces, text)

    def _made(self, cover: Cover, pieces: Sequence[TimePiece], text: str) -> Outcome:
        # At night "at five" is not the next five o'clock: nobody is reminded of things then.
        is_day = self.now().hour >= EARLIEST_HOUR
        found = occasions(pieces, self.moments, self.now(), EARLIEST_HOUR, is_day)
        if isinstance(found, Problem):
            return of_problem(found, cover, _INTENT)
        slots: dict[str, Slot] = {"text": text} if text else {}
        has_time = bool(found) and all(one.time or one.after_s is not None for one in found)
        if not text:
            return Lacking(Understood(_INTENT, slots), "text", cover.utterance)
        if any(
            piece.kind == "rhythm"
            for piece in self.scanner.scan(text.casefold().split(), self.now().date())
        ):
            return Unclear(text, _INTENT)
        if not has_time:
            return Lacking(Understood(_INTENT, slots), "when", cover.utterance)
        return Act(tuple(Understood(_INTENT, {**slots, "when": one}) for one in found))

    def _times_from(self, tokens: Sequence[str], start: int) -> tuple[list[TimePiece], int]:
        """The times with which a stretch begins, and where they end."""
        found: list[TimePiece] = []
        at = start
        while at < len(tokens):
            if tokens[at] in ("for", "on", ",", "at", "and") and at + 1 < len(tokens):
                pieces = self._next(tokens, at) or self._next(tokens, at + 1)
            else:
                pieces = self._next(tokens, at)
            if not pieces:
                break
            found.append(pieces)
            at = pieces.end
        return found, at

    def _next(self, tokens: Sequence[str], at: int) -> TimePiece | None:
        """The piece that begins at a token; a bare number only after ``at`` or ``for``."""
        bare = at > 0 and tokens[at - 1] in ("for", "at", "by")
        pieces = self.scanner.scan(tokens[at:], self.now().date(), bare=bare)
        if pieces and pieces[0].start == 0:
            first = pieces[0]
            return TimePiece(first.kind, at + first.start, at + first.end, first.value, first.half)
        return None

    def _times_to(self, tokens: Sequence[str], start: int) -> tuple[list[TimePiece], int]:
        """The times with which the sentence ends, and where they begin."""
        end = len(tokens)
        while end > start and tokens[end - 1] in ("please", "thanks", ","):
            end -= 1
        for at in range(start, end):
            found, last = self._times_from(tokens[:end], at)
            if found and last == end:
                return found, at
        return [], end

    @staticmethod
    def _linked(cover: Cover, at: int) -> int:
        """Where the text begins: after ``to``, ``about``, ``that``."""
        phrases = cover.lexicon.phrases("reminder", "link")
        if at < len(cover.tokens):
            end = phrases.end_at(cover.tokens, at)
            if end is not None and cover.tokens[at] != "not":
                return end
        return at

    @staticmethod
    def _event(cover: Cover, start: int, end: int) -> tuple[int, int] | None:
        """Something that happens, by which nothing can be timed here: ``when I get home``."""
        for span in cover.every("reminder", "events", start=start):
            if span[0] < end:
                return span[0], end
        return None

    # ------------------------------------------------------------------ those there are

    def _query(self, trial: Cover) -> Outcome | None:
        trial.take_all("reminder", "nouns")
        trial.take("act", "query")
        trial.take_all("asides")
        trial.take_all("act", "query")
        for piece in self.scanner.scan(trial.tokens, self.now().date()):
            trial.mark((piece.start, piece.end))
        trial.take_all("act", "query_glue")
        return None if trial.rest() else Act((Understood("list_reminders"),))

    def _cancel(self, trial: Cover, past: Past) -> Outcome:
        del past
        trial.take("act", "cancel")
        trial.take_all("act", "particles")
        trial.take_all("asides")
        noun = trial.find("reminder", "nouns")
        slots: dict[str, Slot] = {}
        if noun is not None:
            trial.mark(noun)
            is_plural = trial.tokens[noun[1] - 1].endswith("s")
            after = self._linked(trial, noun[1])
            if after > noun[1] and after < len(trial.tokens):
                slots["text"] = trial.words((after, len(trial.tokens)))
                trial.mark((noun[1], len(trial.tokens)))
            slots |= self._chosen(trial, noun)
            if is_plural and not slots:
                slots["all"] = True
        if rest := trial.rest("glue"):
            return Unclear(rest, "cancel_reminder")
        return Act((Understood("cancel_reminder", slots),))

    def _chosen(self, trial: Cover, noun: tuple[int, int]) -> dict[str, Slot]:
        if trial.take("act", "all"):
            return {"all": True}
        slots = self.choosing.take(trial, "reminder")
        if "name" in slots:
            slots["text"] = slots.pop("name")
        del noun
        return slots
