"""Finds times, days and rhythms anywhere in a sentence."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from device.brain.understanding.intents.moments import ClockTime, Moments, When
from device.brain.understanding.intents.quantities import Quantities

_MOST_TOKENS = 8
_DAY_S = 86_400

PieceKind: TypeAlias = Literal[
    "time", "date", "days", "but", "half", "after", "rhythm", "weekly", "recurring", "once", "doubt"
]


@dataclass(frozen=True, slots=True)
class TimePiece:
    """A time, a day or the like, and where it stands."""

    kind: PieceKind
    start: int
    end: int
    value: Any = None
    """`ClockTime`, date, weekdays, phrase of a half of the day, or seconds."""
    half: str = ""
    """The part of the day that is in it: ``every evening``."""

    @property
    def is_day(self) -> bool:
        """Whether it says on which days."""
        return self.kind in ("date", "days", "weekly")


class TimeScanner:
    """Finds the times of one language, whose reader of moments it is given."""

    def __init__(self, moments: Moments, quantities: Quantities, words: dict[str, Any]) -> None:
        self._moments = moments
        self._quantities = quantities
        self._words = words
        self._rhythms = re.compile(rf"^(?:{'|'.join(words['rhythms'])})\b")
        self._to = frozenset(words["range_to"])
        self._every = frozenset(words["every"])
        self._but = sorted(words["but_days"], key=lambda phrase: -len(phrase.split()))
        self._weekdays = {
            name: number for number, names in enumerate(words["weekdays"]) for name in names
        }
        self._units = {unit for units in words["spans"].values() for unit in units}
        self._firsts = _first_words(words, moments)

    def scan(self, tokens: Sequence[str], today: dt.date, bare: bool = True) -> list[TimePiece]:
        """Return the pieces in their order; without ``bare`` a plain number is no time."""
        found: list[TimePiece] = []
        at = 0
        while at < len(tokens):
            piece = self._at(tokens, at, today, bare)
            if piece:
                found.append(piece)
                at = piece.end
            else:
                at += 1
        return found

    def _at(self, tokens: Sequence[str], at: int, today: dt.date, bare: bool) -> TimePiece | None:
        if tokens[at] == ",":
            return None
        if tokens[at] not in self._firsts and not tokens[at][0].isdigit():
            return None
        ahead = " ".join(tokens[at : at + _MOST_TOKENS])
        if rhythm := self._rhythms.match(ahead):
            return TimePiece("rhythm", at, at + len(rhythm[0].split()), rhythm[0])
        if found := self._but_days(tokens, at):
            return found
        if found := self._named_days(tokens, at):
            return found
        for size in range(min(_MOST_TOKENS, len(tokens) - at), 0, -1):
            if "," in tokens[at : at + size]:
                continue
            segment = " ".join(tokens[at : at + size])
            if read := self._segment(segment, today):
                kind, value = read
                if kind == "time" and not self._is_time(tokens, at, at + size, bare):
                    continue
                return TimePiece(kind, at, at + size, value)
        return None

    def _segment(self, text: str, today: dt.date) -> tuple[PieceKind, Any] | None:
        moments, first = self._moments, text.split()[0]
        if first in self._words["weekly"]["words"] and text in self._words["weekly"]["words"]:
            return "weekly", None
        if text in self._words["recurring"]:
            return "recurring", None
        if text in self._words["only_once"]:
            return "once", None
        if text in moments.halves or text in self._words["parts_of_day"]:
            return "half", text
        if (after_s := moments.after_s(text)) is not None:
            if after_s >= _DAY_S and not after_s % _DAY_S:
                return "date", today + dt.timedelta(seconds=after_s)
            return "after", after_s
        if not re.fullmatch(r"\d{1,3}", text) and (date := moments.date(text, today)) is not None:
            return "date", date
        if (time := moments.time_of_day(text)) is not None:
            doubtful = time.hour > 12 and any(text.endswith(f" {half}") for half in ("am", "pm"))
            return ("doubt" if doubtful else "time"), time
        return None

    def _is_time(self, tokens: Sequence[str], start: int, end: int, bare: bool) -> bool:
        """Whether a number that may be an hour is one."""
        segment = tokens[start:end]
        if end < len(tokens) and (tokens[end] in self._units or tokens[end] in ("percent", "%")):
            return False
        plain = all(
            re.fullmatch(r"\d+", word) or self._quantities.number(word) is not None
            for word in segment
        )
        return bare or not plain

    # ------------------------------------------------------------------ days of the week

    def _but_days(self, tokens: Sequence[str], at: int) -> TimePiece | None:
        for phrase in self._but:
            words = phrase.split()
            if list(tokens[at : at + len(words)]) != words:
                continue
            start = at + len(words)
            while start < len(tokens) and tokens[start] in ("on", "for", "the", "at"):
                start += 1
            read = self._days(tokens, start)
            if read:
                return TimePiece("but", at, read[1], read[0])
        return None

    def _named_days(self, tokens: Sequence[str], at: int) -> TimePiece | None:
        """``every monday and friday``, ``monday to friday``, ``weekdays``, ``on sundays``."""
        start = at
        if tokens[start] in ("on", "from") and start + 1 < len(tokens):
            start += 1
        if start < len(tokens) and tokens[start] in ("the",):
            start += 1
        every = start < len(tokens) and tokens[start] in self._every
        read = self._days(tokens, start) or self._days(tokens, start + every)
        if read is None:
            return None
        days, end, is_repeated = read
        if not (every or is_repeated or len(days) > 1):
            return None  # a single day is a date
        half = tokens[end - 1] if tokens[end - 1] in self._words["parts_of_day"] else ""
        return TimePiece("days", at, end, days, half)

    def _days(self, tokens: Sequence[str], at: int) -> tuple[tuple[int, ...], int, bool] | None:
        """Days of the week that begin at a token: which, where they end, whether they repeat."""
        days: set[int] = set()
        is_repeated, start = False, at
        while at < len(tokens):
            one = self._one_day(tokens, at)
            if one is None:
                break
            those, end, repeats = one
            if end + 1 < len(tokens) and tokens[end] in self._to and len(those) == 1:
                last = self._one_day(tokens, end + 1)
                if last and len(last[0]) == 1:
                    first, ahead = those[0], (last[0][0] - those[0]) % 7
                    those, end = tuple((first + n) % 7 for n in range(ahead + 1)), last[1]
                    repeats = True
            days.update(those)
            is_repeated = is_repeated or repeats
            at = end
            ahead_at = at
            while ahead_at < len(tokens) and tokens[ahead_at] in (",", "and", "on", "every", "&"):
                ahead_at += 1
            if ahead_at == at:
                if at < len(tokens) and tokens[at] in self._weekdays:
                    continue
                break
            if self._one_day(tokens, ahead_at) is None or self._has_time_after(tokens, at):
                break
            at = ahead_at
        return (tuple(sorted(days)), at, is_repeated) if days and at > start else None

    @staticmethod
    def _has_time_after(tokens: Sequence[str], at: int) -> bool:
        return tokens[at] == "at"

    def _one_day(self, tokens: Sequence[str], at: int) -> tuple[tuple[int, ...], int, bool] | None:
        for size in (3, 2, 1):
            phrase = " ".join(tokens[at : at + size])
            if len(tokens) - at >= size and phrase in self._words["repeats"]:
                return tuple(self._words["repeats"][phrase]), at + size, True
        if at >= len(tokens) or tokens[at] not in self._weekdays:
            return None
        word = tokens[at]
        plural = word.endswith("s") and word[:-1] in self._weekdays
        return (self._weekdays[word],), at + 1, plural


_TABLES = (
    "numbers",
    "amounts",
    "ordinals",
    "near_days",
    "feasts",
    "repeats",
    "named_times",
    "parts_of_day",
)
_LISTS = ("articles", "half_past", "quarter", "before_noon", "after_noon", "every", "next",
          "this", "last", "in", "at", "on", "from", "but_days", "recurring",
          "only_once")  # fmt: skip


def _first_words(words: dict[str, Any], moments: Moments) -> frozenset[str]:
    """Words with which a time or a day may begin: most words of a sentence are none."""
    del moments
    phrases = [str(key) for table in _TABLES for key in words[table]]
    phrases += [str(phrase) for name in _LISTS for phrase in words[name]]
    phrases += [str(name) for names in (*words["weekdays"], *words["months"]) for name in names]
    phrases += [*words["weekly"]["words"], *words["rhythm_starts"], "the"]
    return frozenset(phrase.split()[0] for phrase in phrases)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why no moment comes of the pieces: ``rhythm``, ``doubt``, ``several``, ``past``, ``days``."""

    kind: str
    start: int = 0
    end: int = 0


def occasions(
    pieces: Sequence[TimePiece],
    moments: Moments,
    now: dt.datetime,
    earliest_hour: int,
    soonest: bool,
) -> list[When] | Problem:
    """Put times and days together; a `When` without a time where none was said."""
    for piece in pieces:
        if piece.kind in ("rhythm", "doubt"):
            return Problem(piece.kind, piece.start, piece.end)
    afters = [piece for piece in pieces if piece.kind == "after"]
    if afters:
        if len(afters) < len(pieces):
            return Problem("several", pieces[0].start, pieces[-1].end)
        return [When(after_s=float(piece.value)) for piece in afters]
    groups = _groups(pieces)
    if groups is None:
        return Problem("several", pieces[0].start, pieces[-1].end)
    found: list[When] = []
    for group in groups:
        one = _one(group, moments, now, earliest_hour, soonest)
        if isinstance(one, Problem):
            return one
        found += one
    return found


def _groups(pieces: Sequence[TimePiece]) -> list[list[TimePiece]] | None:
    """The pieces of each occasion: one time each, and the days that belong to it."""
    times = [piece for piece in pieces if piece.kind == "time"]
    if len(times) < 2:
        return [list(pieces)] if pieces else []
    halves = [piece for piece in pieces if piece.kind == "half"]
    others = [piece for piece in pieces if piece.kind in ("but", "weekly", "recurring", "once")]
    days = [piece for piece in pieces if piece.is_day]
    times = _with_common_half(times)
    if len(days) <= 1:
        return [[time, *days, *halves, *others] for time in times]
    if len(days) == len(times) and not others:
        return [
            [time, day, *(half for half in halves if half.start in (time.end, day.end))]
            for time, day in zip(times, days, strict=True)
        ]
    return None


def _with_common_half(times: Sequence[TimePiece]) -> list[TimePiece]:
    """``6, 7 and 8 am``: the half that the last one has is that of the others."""
    last: ClockTime = times[-1].value
    if last.half is None:
        return list(times)
    return [
        piece if piece.value.is_certain else replace(piece, value=piece.value.in_half(last.half))
        for piece in times
    ]


def _one(
    group: Sequence[TimePiece],
    moments: Moments,
    now: dt.datetime,
    earliest_hour: int,
    soonest: bool,
) -> list[When] | Problem:
    time = next((piece.value for piece in group if piece.kind == "time"), None)
    halves = [piece.value if piece.kind == "half" else piece.half for piece in group]
    halves = [half for half in halves if half]
    dates = [piece.value for piece in group if piece.kind == "date"]
    days = _all_days(group)
    kinds = {piece.kind for piece in group}
    if "but" in kinds and not days:
        return Problem("days", group[0].start, group[-1].end)
    if "weekly" in kinds or ("recurring" in kinds and dates):
        if not days and not dates:
            return Problem("days", group[0].start, group[-1].end)
        days, dates = days or tuple(sorted({date.weekday() for date in dates})), []
    if ("recurring" in kinds and not days) or (days and dates) or len(set(halves)) > 1:
        return Problem("days" if "recurring" in kinds else "several", group[0].start, group[-1].end)
    if any(date < now.date() for date in dates):
        return Problem("past")
    return [
        moments.put_together(
            time, date, days, halves[0] if halves else "", now, earliest_hour, soonest
        )
        for date in (dates or [None])
    ]


def _all_days(group: Sequence[TimePiece]) -> tuple[int, ...]:
    days: set[int] = set()
    for piece in group:
        if piece.kind == "days":
            days |= set(piece.value)
    for piece in group:
        if piece.kind == "but":
            days -= set(piece.value)
    return tuple(sorted(days))


def day_pieces(pieces: Sequence[TimePiece]) -> Iterator[TimePiece]:
    """Those that say a day or a time."""
    return (piece for piece in pieces if piece.kind not in ("weekly", "recurring", "once"))
