"""Reads numbers, spans of time, sums and amounts of units, in digits or in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

_DIGITS = re.compile(r"^\d+(?:\.\d+)?$")
_RATIO = re.compile(r"^(\d+)/([1-9]\d*)$")
_CLOCK_SPAN = re.compile(r"^(\d+):([0-5]\d)(?::([0-5]\d))?$")
_MOST_POWER = 1000

Read = tuple[Decimal, int]
"""A value, and the index of the token after it."""


class Quantities:
    """Reads the quantities of one language, whose words it is given."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._small = {word: Decimal(value) for word, value in words["numbers"].items()}
        self._scales = {word: Decimal(value) for word, value in words["scales"].items()}
        self._amounts = _phrases(words["amounts"])
        self._fractions = {
            word: Decimal(1) / round(1 / value) for word, value in words["fractions"].items()
        }
        self._articles = frozenset(words["articles"])
        self._joiners = frozenset(words["joiners"])
        self._point = frozenset(words["point"])
        self._minus = frozenset(words["minus"])
        self._of = frozenset(words["of"])
        self._spans = {name: int(size) for size, names in words["spans"].items() for name in names}
        self._operators = _phrases(words["operators"])
        self._squared = frozenset(words["squared"])
        self._cubed = frozenset(words["cubed"])
        self._root = _phrases(dict.fromkeys(words["square_root"], "root"))
        self._percent = _phrases(dict.fromkeys(words["percent"], "percent"))
        self._units = _phrases(
            {form.casefold(): unit for unit, forms in words["units"].items() for form in forms}
        )

    def number(self, text: str) -> Decimal | None:
        """Read a text that is one number: ``25``, ``a hundred and five``, ``two and a half``."""
        tokens = text.split()
        read = self.number_at(tokens, 0)
        return read[0] if read and read[1] == len(tokens) else None

    def number_at(self, tokens: Sequence[str], at: int) -> Read | None:
        """Read the number that begins at a token."""
        if at < len(tokens) and tokens[at] in self._minus:
            read = self.number_at(tokens, at + 1)
            return (-read[0], read[1]) if read else None
        whole = self._phrase(self._amounts, tokens, at) or self._whole_at(tokens, at)
        if whole is None:
            return self._fraction_at(tokens, at)
        value, after = whole
        if fraction := self._fraction_word(tokens, after):
            return value * fraction[0], fraction[1]
        return self._and_fraction(value, tokens, after)

    def duration_s(self, text: str) -> float | None:
        """Read a text that is a span of time, in seconds: ``an hour and a half``."""
        tokens = text.split()
        read = self.duration_at(tokens, 0)
        return float(read[0]) if read and read[1] == len(tokens) and read[0] > 0 else None

    def duration_at(self, tokens: Sequence[str], at: int) -> Read | None:
        """Read the span of time that begins at a token, in seconds."""
        total, smallest = Decimal(0), None
        while at < len(tokens):
            start = at + (smallest is not None and tokens[at] in self._joiners)
            read = self._span_at(tokens, start, smallest)
            if read is None:
                break
            value, at, smallest = read
            total += value
        return (total, at) if smallest is not None else None

    def amount(self, text: str) -> tuple[Decimal, str] | None:
        """Read a number and its unit: ``five and a half miles``; ``a mile`` is one."""
        tokens = text.split()
        if tokens and tokens[0] in self._articles and (unit := self.unit(" ".join(tokens[1:]))):
            return Decimal(1), unit
        read = self.number_at(tokens, 0)
        if read is None:
            return None
        unit = self.unit(" ".join(tokens[read[1] :]))
        return (read[0], unit) if unit else None

    def unit(self, text: str) -> str | None:
        """Return the unit that a text names."""
        tokens = text.split()
        found = self._phrase_of(self._units, tokens, 0)
        return str(found[0]) if found and found[1] == len(tokens) else None

    def calculate(self, text: str) -> Decimal | None:
        """Work out a sum said in words; None for what is none.

        Raises ``ZeroDivisionError`` for a division by nothing, ``OverflowError`` for a
        result that nobody could say.
        """
        tokens = text.split()
        try:
            read = self._sum(tokens, 0)
        except (DivisionByZero, InvalidOperation) as error:
            raise ZeroDivisionError(text) from error
        except Overflow as error:
            raise OverflowError(text) from error
        if read is None or read[1] != len(tokens) or self.number(text) is not None:
            return None
        return read[0]

    # ------------------------------------------------------------------ numbers

    def _whole_at(self, tokens: Sequence[str], at: int) -> Read | None:
        if at < len(tokens) and (ratio := _RATIO.match(tokens[at])):
            return Decimal(ratio[1]) / Decimal(ratio[2]), at + 1
        if at < len(tokens) and _DIGITS.match(tokens[at]):
            value, at = Decimal(tokens[at]), at + 1
            while at < len(tokens) and tokens[at] in self._scales:
                value, at = value * self._scales[tokens[at]], at + 1
            return value, at
        if self._is_article_before(tokens, at, self._scales):
            at += 1
            read = self._words_at(tokens, at)
        else:
            read = self._words_at(tokens, at)
        return self._with_decimals(read, tokens) if read else None

    def _words_at(self, tokens: Sequence[str], at: int) -> Read | None:
        """Number words: tens take ones after them, scales multiply what stands before them."""
        start, total, current, room = at, Decimal(0), Decimal(0), Decimal(1000)
        while at < len(tokens):
            word = tokens[at]
            if word in self._small and self._small[word] < room:
                current += self._small[word]
                room = Decimal(10) if self._small[word] >= 20 else Decimal(0)
            elif word in self._scales:
                scale = self._scales[word]
                current = (current or Decimal(1)) * scale
                if scale >= 1000:
                    total, current = total + current, Decimal(0)
                room = Decimal(1000)
            elif not (word in self._joiners and room == 1000 and self._goes_on(tokens, at, start)):
                break
            at += 1
        return (total + current, at) if at > start else None

    def _goes_on(self, tokens: Sequence[str], at: int, start: int) -> bool:
        return at > start and at + 1 < len(tokens) and tokens[at + 1] in self._small

    def _with_decimals(self, read: Read, tokens: Sequence[str]) -> Read:
        value, at = read
        if at >= len(tokens) or tokens[at] not in self._point:
            return read
        digits, after = "", at + 1
        while after < len(tokens) and self._small.get(tokens[after], Decimal(10)) < 10:
            digits += str(int(self._small[tokens[after]]))
            after += 1
        return (value + Decimal(f"0.{digits}"), after) if digits else read

    def _fraction_at(self, tokens: Sequence[str], at: int) -> Read | None:
        """``half``, ``a half``, ``a quarter``."""
        if self._is_article_before(tokens, at, self._fractions):
            at += 1
        return self._fraction_word(tokens, at)

    def _fraction_word(self, tokens: Sequence[str], at: int) -> Read | None:
        if at < len(tokens) and tokens[at] in self._fractions:
            return self._fractions[tokens[at]], at + 1
        return None

    def _and_fraction(self, value: Decimal, tokens: Sequence[str], at: int) -> Read:
        """``and a half`` after a number."""
        if at < len(tokens) and tokens[at] in self._joiners:
            fraction = self._fraction_at(tokens, at + 1)
            if fraction is None and (count := self._words_at(tokens, at + 1)):
                part = self._fraction_word(tokens, count[1])
                fraction = (count[0] * part[0], part[1]) if part else None
            if fraction:
                return value + fraction[0], fraction[1]
        return value, at

    def _is_article_before(
        self, tokens: Sequence[str], at: int, words: Mapping[str, Decimal]
    ) -> bool:
        return at + 1 < len(tokens) and tokens[at] in self._articles and tokens[at + 1] in words

    # ------------------------------------------------------------------ spans of time

    def _span_at(
        self, tokens: Sequence[str], at: int, smallest: int | None
    ) -> tuple[Decimal, int, int] | None:
        """One part of a span: its seconds, where it ends, and its unit in seconds."""
        if smallest is None and at < len(tokens) and (clock := _CLOCK_SPAN.match(tokens[at])):
            hours, minutes, seconds = (int(part or 0) for part in clock.groups())
            return Decimal(hours * 3600 + minutes * 60 + seconds), at + 1, 1
        read = self.number_at(tokens, at)
        if read is None:
            if at < len(tokens) and tokens[at] in self._articles and self._unit_s(tokens, at + 1):
                read = Decimal(1), at + 1
            else:
                return None
        value, after = read
        unit_s = self._unit_s(tokens, after)
        if unit_s is None:
            # "half an hour", "three quarters of an hour"
            of = after + (after < len(tokens) and tokens[after] in self._of)
            if of < len(tokens) and tokens[of] in self._articles:
                unit_s, after = self._unit_s(tokens, of + 1), of + 1
        if unit_s is None:
            return self._bare(tokens, at, read, smallest)
        return value * unit_s, after + 1, unit_s

    def _bare(
        self, tokens: Sequence[str], at: int, read: Read, smallest: int | None
    ) -> tuple[Decimal, int, int] | None:
        """``an hour and a half``, and ``one hour thirty``."""
        value, after = read
        if smallest is None:
            return None
        if value < 1 and tokens[at - 1] in self._joiners:
            return value * smallest, after, smallest
        if smallest in (60, 3600) and value == int(value) and value < 60 and after == len(tokens):
            return value * smallest / 60, after, smallest // 60
        return None

    def _unit_s(self, tokens: Sequence[str], at: int) -> int | None:
        return self._spans.get(tokens[at]) if at < len(tokens) else None

    # ------------------------------------------------------------------ sums

    def _sum(self, tokens: Sequence[str], at: int) -> Read | None:
        return self._chain(tokens, at, "+-", self._product)

    def _product(self, tokens: Sequence[str], at: int) -> Read | None:
        return self._chain(tokens, at, "*/", self._power)

    def _chain(self, tokens: Sequence[str], at: int, signs: str, operand: Any) -> Read | None:
        read: Read | None = operand(tokens, at)
        while read:
            operator = self._phrase_of(self._operators, tokens, read[1])
            if operator is None or operator[0] not in signs:
                break
            right = operand(tokens, operator[1])
            if right is None:
                return None
            read = _apply(operator[0], read[0], right[0]), right[1]
        return read

    def _power(self, tokens: Sequence[str], at: int) -> Read | None:
        read = self._operand(tokens, at)
        if read is None:
            return None
        value, after = read
        if after < len(tokens) and tokens[after] in self._squared:
            return value * value, after + 1
        if after < len(tokens) and tokens[after] in self._cubed:
            return value * value * value, after + 1
        operator = self._phrase_of(self._operators, tokens, after)
        if operator and operator[0] == "^" and (right := self._power(tokens, operator[1])):
            return _apply("^", value, right[0]), right[1]
        return read

    def _operand(self, tokens: Sequence[str], at: int) -> Read | None:
        if root := self._phrase_of(self._root, tokens, at):
            under = self._operand(tokens, root[1])
            return (under[0].sqrt(), under[1]) if under else None
        read = self.number_at(tokens, at)
        if read is None:
            return None
        value, after = read
        if percent := self._phrase_of(self._percent, tokens, after):
            value, after = value / 100, percent[1]
        elif not 0 < value < 1:
            return read
        # "15 percent of 80", "half of 50"
        if after < len(tokens) and tokens[after] in self._of:
            whole = self._operand(tokens, after + 1)
            return (value * whole[0], whole[1]) if whole else None
        return value, after

    def _phrase(
        self, phrases: Mapping[tuple[str, ...], Any], tokens: Sequence[str], at: int
    ) -> Read | None:
        found = self._phrase_of(phrases, tokens, at)
        return (Decimal(found[0]), found[1]) if found else None

    def _phrase_of(
        self, phrases: Mapping[tuple[str, ...], Any], tokens: Sequence[str], at: int
    ) -> tuple[Any, int] | None:
        """The longest phrase of a table that stands at a token."""
        for phrase, value in phrases.items():
            if tuple(tokens[at : at + len(phrase)]) == phrase:
                return value, at + len(phrase)
        return None


def _phrases(table: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    """Split the keys into tokens, longest first."""
    return dict(sorted(((tuple(key.split()), table[key]) for key in table), key=_longest))


def _longest(entry: tuple[tuple[str, ...], Any]) -> int:
    return -len(entry[0])


def _apply(operator: str, left: Decimal, right: Decimal) -> Decimal:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if operator == "/":
        return left / right
    if abs(right) > _MOST_POWER:
        raise OverflowError(f"{left} to the power of {right}")
    return left**right
