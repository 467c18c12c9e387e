"""Reads what refers to the last command: ``make it 15``, ``no, seven``, ``undo``, ``and bread``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from device.brain.understanding.commands.alarms import of_problem, pieces_of
from device.brain.understanding.commands.context import Past, PastCall, domain_of
from device.brain.understanding.commands.cover import Cover
from device.brain.understanding.commands.lists import ListReader
from device.brain.understanding.commands.loudness import LoudnessReader
from device.brain.understanding.commands.outcome import Act, Cannot, Outcome
from device.brain.understanding.commands.scanning import Problem, TimeScanner, occasions
from device.brain.understanding.commands.spans import SpanReader
from device.brain.understanding.commands.timers import TimerReader
from device.brain.understanding.intents.moments import EARLIEST_WAKING_HOUR, Moments
from device.brain.understanding.intents.quantities import Quantities
from device.brain.understanding.intents.recognition import Slot, Understood

_THINGS = {"timer": "timer", "alarm": "alarm", "reminder": "reminder"}


@dataclass(frozen=True)
class CorrectionReader:
    """The reader for what refers back; without state."""

    scanner: TimeScanner
    spans: SpanReader
    moments: Moments
    quantities: Quantities
    timers: TimerReader
    lists: ListReader
    loudness: LoudnessReader
    now: Callable[[], dt.datetime]

    def read(self, cover: Cover, past: Past) -> Outcome | None:
        """Return what is meant; None where it refers to nothing before."""
        if past.domain == "home":
            undoes = self._is_all(cover, "talk", "undo")
            return Cannot("undo_device") if undoes else None
        if self._is_all(cover, "talk", "undo"):
            return Act((Understood("undo", {"times": max(1, len(past.last))}),))
        if past.last and self._is_all(cover, "talk", "scratch"):
            return self._scratched(past)
        domain = past.domain
        if domain == "timer" and (outcome := self._of_timer(cover.copy(), past)):
            return outcome
        if outcome := self._again(cover.copy(), domain):
            return outcome
        if past.last and (outcome := self._corrected(cover.copy(), past)):
            return outcome
        if domain == "list" and (outcome := self._more_things(cover.copy(), past)):
            return outcome
        return None

    def _is_all(self, cover: Cover, *path: str) -> bool:
        """Whether the whole sentence is such a phrase."""
        if cover.text.replace(" , ", " ") in cover.lexicon.phrases(*path):
            return True
        trial = cover.copy()
        first = trial.starts_with(*path)
        if first is None:
            return False
        trial.mark(first)
        trial.take_all("asides")
        trial.take_all(*path)
        return not trial.rest()

    def _scratched(self, past: Past) -> Outcome:
        """Cancel what was set last; undo anything else."""
        commands = []
        for done in past.last:
            domain = domain_of(done.intent)
            thing = done.facts.get(domain)
            if domain not in _THINGS or not isinstance(thing, Mapping):
                return Act((Understood("undo", {"times": len(past.last)}),))
            commands.append(Understood(f"cancel_{domain}", {"same_as": dict(thing)}))
        return Act(tuple(commands))

    def _again(self, cover: Cover, domain: str) -> Outcome | None:
        """``cancel the second one``, ``how much longer``: the noun was said before."""
        if domain not in _THINGS:
            return None
        if domain != "reminder" and self._is_all(cover, "talk", "how_long"):
            return Act((Understood(f"list_{domain}s"),))
        verb = cover.starts_with("act", "cancel")
        if verb is None or cover.find("act", "needs_off"):
            return None
        cover.mark(verb)
        cover.take_all("asides")
        slots = self.timers.choosing.take(cover, domain)
        if not slots or "all" in slots or cover.rest("glue"):
            return None
        if "name" in slots and set(slots) == {"name"}:
            return None
        return Act((Understood(f"cancel_{domain}", slots),))

    # ------------------------------------------------------------------ timers

    def _of_timer(self, cover: Cover, past: Past) -> Outcome | None:
        """``pause it``, ``carry on``, ``call it pasta``, ``two more minutes``."""
        first = cover.tokens[0]
        spans = self.spans.find(cover.tokens)
        if spans:
            return self.timers.longer_or_shorter(cover, spans, None)
        number = self._more_of_number(cover)
        if number is not None:
            return number
        keys = ("pause", "resume", "restart", "rename")
        if not any(cover.starts_with("act", key) for key in keys) or first in ("put", "set"):
            return None
        outcome = self.timers.read(cover, past, inherited="change_timer")
        is_act = isinstance(outcome, Act) and outcome.commands[0].intent != "set_timer"
        if not is_act or not isinstance(outcome, Act):
            return None
        command = outcome.commands[0]
        return Act((Understood(command.intent, self._with_last(command.slots, past)),))

    def _more_of_number(self, cover: Cover) -> Outcome | None:
        """``give me five more``: minutes, as nobody adds hours so."""
        if not set(cover.tokens) & {"more", "another", "less", "plus", "minus"}:
            return None
        for at in range(len(cover.tokens)):
            read = self.quantities.number_at(cover.tokens, at)
            if read and read[0] > 0:
                cover.mark((at, read[1]))
                sign = "shorten" if set(cover.tokens) & {"less", "minus"} else "extend"
                cover.take_all("act", "more" if sign == "extend" else "less")
                cover.take_all("act", sign)
                cover.take_all("asides")
                if cover.rest("glue"):
                    return None
                return Act((Understood(f"{sign}_timer", {"duration": float(read[0]) * 60}),))
        return None

    @staticmethod
    def _with_last(slots: Mapping[str, Slot], past: Past) -> dict[str, Slot]:
        """The timer that was last spoken of, where no other is named."""
        chosen = {"which", "name", "all", "both", "superlative", "duration", "other"}
        thing = past.last[-1].facts.get("timer") if past.last else None
        if chosen & slots.keys() or not isinstance(thing, Mapping):
            return dict(slots)
        return {**slots, "same_as": dict(thing)}

    # ------------------------------------------------------------------ another value

    def _corrected(self, cover: Cover, past: Past) -> Outcome | None:
        if cover.tokens[0] == "no" and set(cover.tokens[1:3]) & {"alarm", "alarms", "timer"}:
            return None  # "no alarm tomorrow" is a command of its own
        is_said = False
        while first := cover.starts_with("talk", "correct"):
            cover.mark(first)
            is_said = True
            while (
                at := next((i for i, u in enumerate(cover.used) if not u), None)
            ) is not None and cover.tokens[at] == ",":
                cover.mark((at, at + 1))
        last = past.last[-1]
        noun = domain_of(last.intent)
        instead = cover.take_all("act", "instead")
        if not is_said and not instead:
            return None
        if noun not in ("alarm", "reminder"):
            cover.take_all("asides")
        readers: dict[str, Callable[[Cover, PastCall], Outcome | None]] = {
            "timer": self._new_span,
            "alarm": self._new_time,
            "reminder": self._new_time,
            "volume": self._new_loudness,
        }
        reader = readers.get(noun)
        return reader(cover, last) if reader else None

    def _new_span(self, cover: Cover, last: PastCall) -> Outcome | None:
        thing = last.facts.get("timer")
        if not isinstance(thing, Mapping):
            return None
        spans = self.spans.find(cover.tokens)
        seconds = spans[-1].seconds if spans else self._number_like(cover, last)
        for span in spans:
            cover.mark((span.start, span.end))
        cover.take_all("timer", "nouns")
        cover.take_all("talk", "rather")
        cover.take_all("asides")
        if seconds is None or seconds <= 0 or cover.rest("glue"):
            return None
        return Act((Understood("change_timer", {"same_as": dict(thing), "new_duration": seconds}),))

    def _number_like(self, cover: Cover, last: PastCall) -> float | None:
        """A number without unit: of the unit that was said before."""
        value = None
        at = 0
        while at < len(cover.tokens):
            read = None if cover.used[at] else self.quantities.number_at(cover.tokens, at)
            if read:
                cover.mark((at, read[1]))
                value, at = float(read[0]), read[1]
            else:
                at += 1
        if value is None:
            return None
        arguments = last.arguments
        sizes = {"hours": 3600, "minutes": 60, "seconds": 1}
        said = [size for unit, size in sizes.items() if arguments.get(unit)]
        return value * (said[0] if len(said) == 1 else 60)

    def _new_time(self, cover: Cover, last: PastCall) -> Outcome | None:
        domain = domain_of(last.intent)
        thing = last.facts.get(domain)
        if not isinstance(thing, Mapping):
            return None
        cover.take_all(domain, "nouns")
        free = [t if not u else "," for t, u in zip(cover.tokens, cover.used, strict=True)]
        pieces = self.scanner.scan(free, self.now().date())
        times = [piece for piece in pieces if piece.kind == "time"]
        if len(times) == 2 and "not" in cover.tokens:
            pieces = [piece for piece in pieces if piece is not times[0]]
            cover.mark((times[0].start, times[0].end))
        found = occasions(pieces, self.moments, self.now(), EARLIEST_WAKING_HOUR, True)
        for piece in pieces:
            cover.mark((piece.start, piece.end))
        cover.take_all("asides")
        cover.take_all("talk", "rather")
        if not pieces or cover.rest("glue"):
            return None
        if isinstance(found, Problem):
            return of_problem(found, cover, f"change_{domain}")
        if len(found) != 1:
            return None
        clock = next((piece.value for piece in pieces if piece.kind == "time"), None)
        slots: dict[str, Any] = {
            "same_as": dict(thing),
            "given": dict(last.arguments),
            "new": found[0],
            "new_said": pieces_of(pieces),
        }
        if clock is not None:
            slots["new_clock"] = clock
        return Act((Understood(f"change_{domain}", slots),))

    def _new_loudness(self, cover: Cover, last: PastCall) -> Outcome | None:
        del last
        return self.loudness.change(cover, (0, 0))

    # ------------------------------------------------------------------ more of it

    def _more_things(self, cover: Cover, past: Past) -> Outcome | None:
        """``and bread``, after something was put on a list."""
        first = cover.starts_with("talk", "more_of")
        words = cover.utterance.casefold().replace(",", " ").split()
        phrases = cover.lexicon.phrases("talk", "more_of")
        is_more = bool(words) and phrases.end_at(words, 0) is not None
        if (first is None and not is_more) or past.intent != "add_to_list":
            return None
        if first:
            cover.mark(first)
        cover.take_all("talk", "more_of") if cover.starts_with("talk", "more_of") else None
        outcome = self.lists.with_items(cover, "add_to_list", past.last_list or "shopping", None)
        return outcome if isinstance(outcome, Act) else None
