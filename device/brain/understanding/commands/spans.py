"""Finds spans of time in a command, ``5, 10 and 15 minutes`` and ``ten to fifteen`` included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from device.brain.understanding.intents.quantities import Quantities

_JOINTS = frozenset({",", "and"})
_RANGES = frozenset({"to", "or", "until", "till"})


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """One span of time where it stands; ``is_range``: it is two, and either may be meant."""

    start: int
    end: int
    seconds: float
    is_range: bool = False


class SpanReader:
    """Reads them in one language."""

    def __init__(self, quantities: Quantities, units: dict[str, int], ones: frozenset[str]) -> None:
        """``ones`` stand for a thing that was named before."""
        self._ones = ones
        self._quantities = quantities
        self._units = units

    def find(self, tokens: Sequence[str]) -> list[TimeSpan]:
        """Return all spans, in their order."""
        found: list[TimeSpan] = []
        at = 0
        while at < len(tokens):
            several = self._several(tokens, at) or self._one(tokens, at)
            if several:
                found += several
                at = several[-1].end
            else:
                at += 1
        return found

    def _one(self, tokens: Sequence[str], at: int) -> list[TimeSpan]:
        # "the one hour one" is not an hour and one minute.
        end = len(tokens) - 1 if tokens[-1] in self._ones and at < len(tokens) - 2 else len(tokens)
        read = self._quantities.duration_at(tokens[:end], at)
        if read is None or read[0] < 0:
            return []  # "minus two minutes" takes two away
        return [TimeSpan(at, read[1], float(read[0]))]

    def _several(self, tokens: Sequence[str], at: int) -> list[TimeSpan]:
        """Numbers whose unit comes at the end of them all."""
        numbers: list[tuple[int, int, float]] = []
        is_range = False
        while at < len(tokens):
            read = self._quantities.number_at(tokens, at)
            if read is None:
                return []
            numbers.append((at, read[1], float(read[0])))
            at = read[1]
            if at >= len(tokens):
                return []
            if unit := self._units.get(tokens[at]):
                break
            if tokens[at] in _RANGES:
                is_range, at = True, at + 1
                continue
            start = at
            while at < len(tokens) and tokens[at] in _JOINTS:
                at += 1
            if at == start:
                return []
        else:
            return []
        if len(numbers) < 2:
            return []
        last = len(numbers) - 1
        return [
            TimeSpan(start, end + (place == last), value * unit, is_range)
            for place, (start, end, value) in enumerate(numbers)
        ]
