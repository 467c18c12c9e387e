"""Reads commands about timers."""

from __future__ import annotations

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
from device.brain.understanding.commands.spans import SpanReader, TimeSpan
from device.brain.understanding.intents.quantities import Quantities
from device.brain.understanding.intents.recognition import Slot, Understood

_LONGEST_S = 7 * 86_400
_MOST_AT_ONCE = 10


@dataclass(frozen=True)
class TimerReader:
    """The reader for timers; without state."""

    spans: SpanReader
    quantities: Quantities
    names: NameReader
    choosing: ChoiceReader

    def read(self, cover: Cover, past: Past, *, inherited: str = "") -> Outcome | None:
        """Return what is meant; None where it is not about timers.

        ``inherited`` is what the part of the sentence before was about (``set_timer``).
        """
        noun = cover.take("timer", "nouns")
        known = self._known_name(cover, past)
        if cover.find("timer", "clock") and not noun:
            return Cannot("no_stopwatch")
        spans = self._spans(cover)
        if noun is None and not inherited and not known and not self._is_meant(cover, spans):
            return None
        return self._act(cover, noun, spans, inherited, known)

    def _spans(self, cover: Cover) -> list[TimeSpan]:
        """The spans of time; ``a second timer`` is another one, not one of a second."""
        spans = self.spans.find(cover.tokens)
        if len(spans) < 2:
            return spans
        return [s for s in spans if cover.tokens[s.start : s.end] != ["a", "second"]]

    def _is_meant(self, cover: Cover, spans: list[TimeSpan]) -> bool:
        """A timer without the word: ``count down two minutes``, ``time ten minutes``."""
        if not spans:
            return bool(cover.starts_with("timer", "alone"))
        return bool(
            cover.starts_with("timer", "alone")
            or cover.starts_with("timer", "time_it")
            or self._as_a_time(cover, spans[0])
            or (self._amount(cover, spans) and cover.tokens[0] != "let")
            or (cover.find("timer", "tell_after") and self._tells(cover, spans))
        )

    def _as_a_time(self, cover: Cover, span: TimeSpan) -> bool:
        """``set a time for ten minutes``: what a timer is often heard as."""
        words = cover.tokens[: span.start]
        is_time = len(words) >= 2 and words[-1] in ("for", "of") and "time" in words
        return is_time and cover.starts_with("timer", "set") is not None

    def _tells(self, cover: Cover, spans: list[TimeSpan]) -> bool:
        """``let me know in ten minutes``: nothing else is said."""
        trial = cover.copy()
        trial.take("timer", "tell_after")
        trial.take_all("timer", "tell_glue")
        for span in spans:
            trial.mark((span.start, span.end))
        return not trial.rest()

    def _known_name(self, cover: Cover, past: Past) -> Span | None:
        """The name of a timer of this conversation: ``cancel pizza``."""
        for name in past.names.get("timer", ()):
            words = name.split()
            for at in range(len(cover.tokens) - len(words) + 1):
                if cover.tokens[at : at + len(words)] == words:
                    return at, at + len(words)
        return None

    # ------------------------------------------------------------------ what is to be done

    def _act(
        self,
        cover: Cover,
        noun: Span | None,
        spans: list[TimeSpan],
        inherited: str,
        known: Span | None,
    ) -> Outcome | None:
        negated = cover.starts_with("negations")
        if negated and cover.tokens[negated[0]] != "no":
            return Leave()
        asks = cover.starts_with("act", "query") and not (spans and self._tells(cover, spans))
        if asks and (outcome := self._query(cover, noun, known)):
            return outcome
        if spans and (outcome := self.longer_or_shorter(cover, spans, known)):
            return outcome
        for intent, key in (
            ("restart_timer", "restart"),
            ("pause_timer", "pause"),
            ("resume_timer", "resume"),
        ):
            if cover.starts_with("act", key) and (
                outcome := self._simple(cover.copy(), intent, key, known)
            ):
                return outcome
        if cover.starts_with("act", "rename") and (outcome := self._rename(cover.copy(), known)):
            return outcome
        if outcome := self._cancel(cover.copy(), noun, known, inherited):
            return outcome
        if outcome := self._change(cover.copy(), spans, noun, known):
            return outcome
        if noun is None and known and not inherited and not self._is_meant(cover, spans):
            return None
        return self._set(cover, noun, spans)

    def _query(self, cover: Cover, noun: Span | None, known: Span | None) -> Outcome | None:
        trial = cover.copy()
        trial.take("act", "query")
        slots: dict[str, Slot] = {}
        if known:
            trial.mark(known)
            slots["name"] = trial.words(known)
        chosen = self.choosing.take(trial, "timer")
        trial.take_all("asides")
        trial.take_all("act", "query")
        trial.take_all("act", "query_glue")
        if noun and not known and (name := self.names.before(trial, noun)):
            slots["name"] = name
        if trial.rest():
            return None
        if "name" in chosen and "name" not in slots:
            slots["name"] = chosen["name"]
        return Act((Understood("list_timers", slots),))

    def _simple(self, trial: Cover, intent: str, key: str, known: Span | None) -> Outcome | None:
        trial.take("act", key)
        trial.take_all("act", "restart") if key == "restart" else None
        slots = self._which(trial, known)
        if rest := trial.rest("glue"):
            return Unclear(rest, intent)
        return Act((Understood(intent, slots),))

    def _which(self, trial: Cover, known: Span | None) -> dict[str, Slot]:
        """Which timer is meant; what says so is accounted for."""
        slots: dict[str, Slot] = {}
        if known and not any(trial.used[known[0] : known[1]]):
            trial.mark(known)
            slots["name"] = trial.words(known)
        trial.take_all("asides")
        slots |= self.choosing.take(trial, "timer")
        return slots

    def _rename(self, trial: Cover, known: Span | None) -> Outcome | None:
        verb = trial.take("act", "rename")
        assert verb is not None, "asked for before"
        to = next(
            (at for at in range(verb[1], len(trial.tokens)) if trial.tokens[at] == "to"), None
        )
        start = to + 1 if to is not None else self._after_the_timer(trial, verb[1])
        name = self.names.at_end(trial, start)
        if not name:
            return None
        trial.mark((start, len(trial.tokens)))
        slots = self._which(trial, known if known and known[1] <= start else None)
        if rest := trial.rest("glue"):
            return Unclear(rest, "change_timer")
        return Act((Understood("change_timer", {**slots, "new_name": name}),))

    def _after_the_timer(self, trial: Cover, start: int) -> int:
        at = start
        while at < len(trial.tokens) and (
            trial.used[at] or trial.tokens[at] in ("the", "my", "it", "that", "this")
        ):
            at += 1
        return at

    def longer_or_shorter(
        self, cover: Cover, spans: list[TimeSpan], known: Span | None
    ) -> Outcome | None:
        """Read ``add two minutes``, ``take a minute off the pasta timer``."""
        amount = self._amount(cover, spans)
        if amount is None:
            return None
        intent, span = amount
        trial = cover.copy()
        trial.mark((span.start, span.end))
        verb = "extend" if intent == "extend_timer" else "shorten"
        first = trial.starts_with("act", verb)
        if first:
            trial.mark(first)
        trial.take_all("act", "more" if intent == "extend_timer" else "less")
        trial.take_all("act", "runs_on")
        if tail := trial.starts_with("act", "change"):
            trial.mark(tail)  # "set the timer for five more minutes"
        slots = self._which(trial, known)
        if rest := trial.rest("glue"):
            return Unclear(rest, intent)
        if "duration" in slots:
            slots["of_length"] = slots.pop("duration")
        return Act((Understood(intent, {**slots, "duration": span.seconds}),))

    def _amount(self, cover: Cover, spans: list[TimeSpan]) -> tuple[str, TimeSpan] | None:
        """Whether a span is to be added or taken away, and which of them."""
        tokens, phrases = cover.tokens, cover.lexicon.phrases
        span = next((s for s in spans if not self._names_timer(cover, s)), spans[0])
        before = tokens[max(0, span.start - 1) : span.start]
        after = tokens[span.end : span.end + 1]
        first = tokens[0]
        if first in phrases("act", "shorten") and (
            set(tokens) & {"off", "from", "away", "by"} or first in phrases("act", "less")
        ):
            return "shorten_timer", span
        if (after and after[0] in ("less", "shorter", "fewer")) or (
            before == ["minus"] and not cover.starts_with("timer", "set")
        ):
            return "shorten_timer", span
        if after and after[0] in ("more", "longer", "extra"):
            return "extend_timer", span
        if first in ("extend", "lengthen", "prolong", "increase", "plus", "bump"):
            return "extend_timer", span
        if first == "put" and "clock" in tokens:
            return None
        if first in ("add", "put") and (span.start <= 2 or "to" in tokens or "on" in tokens):
            return ("extend_timer", span) if not self._adds_a_timer(cover) else None
        if first == "another" and span.start <= 1 and "timer" not in tokens:
            return "extend_timer", span
        if first in ("give", "let") and set(tokens) & {"another", "more", "longer", "extra"}:
            return "extend_timer", span
        return None

    @staticmethod
    def _names_timer(cover: Cover, span: TimeSpan) -> bool:
        """``the two hour timer``: a span that says which one."""
        return span.end < len(cover.tokens) and cover.tokens[span.end] in ("timer", "timers", "one")

    @staticmethod
    def _adds_a_timer(cover: Cover) -> bool:
        """``add a timer for five minutes`` adds no minutes."""
        return (
            any(
                word in ("timer", "timers")
                and cover.tokens[at - 1]
                in ("a", "an", "another", "new", "minute", "second", "hour")
                for at, word in enumerate(cover.tokens)
                if at
            )
            and "to" not in cover.tokens
        )

    def _cancel(
        self, trial: Cover, noun: Span | None, known: Span | None, inherited: str
    ) -> Outcome | None:
        first = trial.starts_with("act", "cancel")
        if first is None and inherited == "cancel_timer":
            first = (0, 0)
        off = (
            trial.tokens[-1] == "off" and noun is not None and not trial.starts_with("timer", "set")
        )
        if first is None and not off:
            return None
        if first:
            if (
                trial.tokens[first[0]] in trial.lexicon.of("act", "needs_off")
                and "off" not in trial.tokens
            ):
                return None
            trial.mark(first)
            if trial.tokens[first[1] : first[1] + 1] in (["a"], ["an"]) and "n't" in trial.text:
                return Leave()
        trial.take_all("act", "cancel")
        trial.take_all("act", "particles")
        slots = self._which(trial, known)
        if rest := trial.rest("glue"):
            return Unclear(rest, "cancel_timer")
        return Act((Understood("cancel_timer", slots),))

    def _change(
        self, trial: Cover, spans: list[TimeSpan], noun: Span | None, known: Span | None
    ) -> Outcome | None:
        """``change the timer to 20 minutes``, ``set the timer to 20 minutes instead``."""
        if len(spans) not in (1, 2) or not (noun or known):
            return None
        first = trial.starts_with("act", "change")
        span = spans[-1]
        to = span.start and trial.tokens[span.start - 1] in ("to", "into", "for")
        instead = trial.find("act", "instead")
        verb = trial.tokens[first[0]] if first else ""
        is_change = verb in (
            "change",
            "move",
            "adjust",
            "update",
            "alter",
            "modify",
            "reset",
            "correct",
        )
        if not first or not to or not (is_change or instead):
            return None
        trial.mark(first)
        trial.take_all("act", "instead")
        trial.mark((span.start, span.end))
        slots = self._which(trial, known)
        if rest := trial.rest("glue"):
            return Unclear(rest, "change_timer")
        return Act((Understood("change_timer", {**slots, "new_duration": span.seconds}),))

    # ------------------------------------------------------------------ a new timer

    def _set(self, cover: Cover, noun: Span | None, spans: list[TimeSpan]) -> Outcome | None:
        if spans and any(span.is_range for span in spans):
            start, end = spans[0].start, spans[-1].end
            said = " ".join(cover.tokens[:start])
            return Lacking(
                Understood("set_timer"), "duration", said, "either", cover.words((start, end))
            )
        for span in spans:
            cover.mark((span.start, span.end))
        count = self._count(cover, noun)
        if cover.take("timer", "tell_after"):
            cover.take_all("timer", "tell_glue")
        cover.take("timer", "alone")
        cover.take_all("timer", "go_off")
        has_each = bool(cover.take_all("timer", "each"))
        name = self.names.take(cover, noun, [(span.start, span.end) for span in spans])
        cover.take_all("timer", "set")
        cover.take_all("asides")
        cover.take_all("timer", "plain")
        cover.take_all("timer", "time_it")
        number = None if spans else self._bare_number(cover)
        if rest := cover.rest("glue"):
            return Unclear(rest, "set_timer")
        slots: dict[str, Slot] = {"name": name} if name else {}
        if not spans:
            return self._without_span(cover, slots, number or "")
        return self._checked(cover, spans, slots, count, has_each)

    def _without_span(self, cover: Cover, slots: dict[str, Slot], number: str) -> Outcome | None:
        if number:
            problem = "minutes"
            return Lacking(
                Understood("set_timer", slots), "duration", cover.utterance, problem, number
            )
        return Lacking(Understood("set_timer", slots), "duration", cover.utterance)

    def _bare_number(self, cover: Cover) -> str:
        """A number without its unit, as it was said."""
        for start, _ in cover.runs():
            for at in range(start, len(cover.tokens)):
                read = self.quantities.number_at(cover.tokens, at)
                if read and read[0] > 0 and not any(cover.used[at : read[1]]):
                    span = at, read[1]
                    cover.mark(span)
                    return cover.words(span)
        return ""

    def _count(self, cover: Cover, noun: Span | None) -> int:
        """``two timers``: how many are announced; 0 where none is."""
        if noun is None or not cover.tokens[noun[1] - 1].endswith("s"):
            return 0
        at = noun[0] - 1
        if at >= 0 and not cover.used[at]:
            value = self.quantities.number(cover.tokens[at])
            if value is not None and value == int(value):
                cover.mark((at, at + 1))
                return int(value)
        return 0

    def _checked(
        self,
        cover: Cover,
        spans: list[TimeSpan],
        slots: dict[str, Slot],
        count: int,
        has_each: bool,
    ) -> Outcome:
        lengths = [span.seconds for span in spans]
        if len(lengths) == 1 and 1 < count <= _MOST_AT_ONCE and not has_each:
            slots = {**slots, "count": count}
        elif count:
            slots = {**slots, "of": count}
        if any(length <= 0 for length in lengths) or "minus" in cover.tokens:
            return Cannot("too_short")
        if any(length > _LONGEST_S for length in lengths):
            return Cannot("too_long")
        if len(lengths) > 1 and "name" in slots:
            return Unclear(str(slots["name"]), "set_timer")
        return Act(
            tuple(Understood("set_timer", {**slots, "duration": length}) for length in lengths)
        )
