"""A table of a file against a dataclass: what fits is kept, what does not becomes a mistake."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from device.schema.document import Document
from device.schema.keys import METADATA, Key, key_of, matches
from device.schema.mistakes import Mistake, Path, nearest, path_text, quoted, value_text
from device.schema.secrets import ADVICE, MASK, holds_secret, is_secret_name

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Given:
    """A value that somebody wrote, and where."""

    value: Any
    file: str
    line: int | None


GivenTable = dict[str, Any]
"""Keys to :class:`Given`, sub-tables to GivenTable, arrays of tables to lists of GivenTable."""


class UnfitValueError(Exception):
    """A value that its key does not allow; the text says what was expected."""


class Checker:
    """Checks one document against a tree of dataclasses and collects every mistake.

    A document that is ``complete`` must give all required keys; one that others are laid
    over or under need not.
    """

    def __init__(
        self,
        document: Document,
        root: type[Any],
        *,
        complete: bool = False,
        retired: Mapping[str, str] | None = None,
    ) -> None:
        """``retired``: dotted keys of older releases, and what became of each."""
        self.document = document
        self._is_complete = complete
        self._retired = retired or {}
        self.mistakes: list[Mistake] = []
        self.retired: list[Mistake] = []
        """Keys that have no effect any more; whoever wrote them made no mistake."""
        self._everywhere = dict(leaf_paths(root))
        self.given = self._table(root, document.table, ())

    def _report(self, path: Path, value: Any, problem: str) -> None:
        shown = MASK if holds_secret(value) else value_text(value)
        line = self.document.line_of(path)
        self.mistakes.append(Mistake(self.document.file, line, path_text(path), shown, problem))

    def _table(self, shape: type[Any], table: Mapping[str, Any], path: Path) -> GivenTable:
        fields = {field.name: field for field in dataclasses.fields(shape)}
        hints = typing.get_type_hints(shape)
        given: GivenTable = {}
        for name, value in table.items():
            if name not in fields:
                self._unknown(path, name, value, fields)
                continue
            fitting = self._entry(hints[name], fields[name], value, (*path, name))
            if fitting is not None:
                given[name] = fitting
        if self._is_complete:
            self._report_missing(missing(shape, table), path)
        return given

    def _report_missing(self, names: Sequence[str], path: Path) -> None:
        for name in names:
            line, place = self.document.line_of(path), path_text(path)
            problem = f"expected the key {name}"
            self.mistakes.append(Mistake(self.document.file, line, place, "", problem))

    def _entry(self, hint: Any, field: dataclasses.Field[Any], value: Any, path: Path) -> Any:
        if dataclasses.is_dataclass(hint):
            return self._subtable(typing.cast(type[Any], hint), value, path)
        if (shape := table_of_array(hint)) is not None:
            return self._array(shape, value, path)
        if holds_secret(value):
            self._report(path, value, ADVICE)
            return None
        try:
            fitting = fit(hint, key_of(field), value)
        except UnfitValueError as unfit:
            self._report(path, value, f"expected {unfit}")
            return None
        return Given(fitting, self.document.file, self.document.line_of(path))

    def _subtable(self, shape: type[Any], value: Any, path: Path) -> GivenTable | None:
        if isinstance(value, dict):
            return self._table(shape, value, path)
        self._report(path, value, f"expected a table: [{path_text(path)}] with its keys below it")
        return None

    def _array(self, shape: type[Any], value: Any, path: Path) -> list[GivenTable] | None:
        name = path_text(path)
        wanted = f"expected tables with two brackets: [[{name}]] with its keys below it"
        if not isinstance(value, list):
            self._report(path, value, wanted)
            return None
        entries = []
        for index, entry in enumerate(value):
            if isinstance(entry, dict):
                entries.append(self._table(shape, entry, (*path, index)))
            else:
                self._report((*path, index), entry, wanted)
        return entries

    def _unknown(self, path: Path, name: str, value: Any, known: Mapping[str, Any]) -> None:
        place = (*path, name)
        text, line = path_text(place), self.document.line_of(place)
        if (became := self._retired.get(text)) is not None:
            shown = MASK if holds_secret(value) else value_text(value)
            self.retired.append(Mistake(self.document.file, line, text, shown, became))
            return
        if is_secret_name(name):
            self.mistakes.append(Mistake(self.document.file, line, text, MASK, ADVICE))
            return
        meant = nearest(name, known)
        better = path_text((*path, meant)) if meant else self._everywhere.get(name)
        what = "a key" if path else "a table or key"
        problem = f"there is no such key; did you mean {better}?" if better else None
        self._report(place, value, problem or f"expected {what} of: {', '.join(sorted(known))}")


def fit(hint: Any, rule: Key, value: Any) -> Any:
    """Return the value as the type says it, or raise :class:`UnfitValueError`: why not."""
    if _is_special(hint, rule, value):
        return float(value) if hint is float else value
    if is_union(hint):
        return _fit_any(typing.get_args(hint), rule, value)
    if typing.get_origin(hint) is Literal:
        fits = isinstance(value, str) and value in typing.get_args(hint)
    elif typing.get_origin(hint) is tuple:
        return _fit_list(hint, rule, value)
    elif hint is bool:
        fits = isinstance(value, bool)
    elif hint is str:
        fits = isinstance(value, str) and matches(rule, value)
    else:
        return _fit_number(hint, rule, value)
    if not fits or (rule.choices and value not in rule.choices):
        raise UnfitValueError(expected(hint, rule))
    return value


def _is_special(hint: Any, rule: Key, value: Any) -> bool:
    """Tell 0 from false, which Python calls equal, and 0.0 from 0 where it must be whole."""
    if isinstance(value, bool) or (isinstance(value, float) and hint is not float):
        return False
    return any(value == allowed for allowed, _ in rule.special)


def _fit_number(hint: Any, rule: Key, value: Any) -> int | float:
    is_number = isinstance(value, int) or (hint is float and isinstance(value, float))
    if isinstance(value, bool) or not is_number or not _in_range(rule, value):
        raise UnfitValueError(expected(hint, rule))
    return float(value) if hint is float else value


def _in_range(rule: Key, number: float) -> bool:
    if isinstance(number, float) and not math.isfinite(number):
        return False
    if rule.choices:
        return number in rule.choices
    return (rule.low is None or number >= rule.low) and (rule.high is None or number <= rule.high)


def _fit_any(hints: Sequence[Any], rule: Key, value: Any) -> Any:
    for hint in hints:
        try:
            return fit(hint, rule, value)
        except UnfitValueError:
            continue
    raise UnfitValueError(" or ".join(expected(hint, rule) for hint in hints))


def _fit_list(hint: Any, rule: Key, value: Any) -> tuple[Any, ...]:
    inner = typing.get_args(hint)[0]
    each = dataclasses.replace(rule, low=None, high=None)
    if not isinstance(value, list) or not _in_range(rule, len(value)):
        raise UnfitValueError(expected(hint, rule))
    try:
        return tuple(fit(inner, each, entry) for entry in value)
    except UnfitValueError:
        raise UnfitValueError(expected(hint, rule)) from None


def expected(hint: Any, rule: Key) -> str:
    """Say in words what a key wants: ``a whole number, 10 to 100 ms``."""
    special = " or ".join(f"{value_text(value)} ({meaning})" for value, meaning in rule.special)
    plain = _plainly(hint, rule)
    return f"{special} or {plain}" if special else plain


def _plainly(hint: Any, rule: Key) -> str:
    unit = f" {rule.unit}" if rule.unit else ""
    if is_union(hint):
        return " or ".join(_plainly(part, rule) for part in typing.get_args(hint))
    if typing.get_origin(hint) is Literal:
        return _one_of(typing.get_args(hint))
    if rule.choices:
        return _one_of(rule.choices) + unit
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        each = _plainly(inner, dataclasses.replace(rule, low=None, high=None))
        count = f"{rule.low:g} to {rule.high:g} " if rule.low and rule.high else ""
        return f"a list of {count}{each.removeprefix('a ')}"
    if hint is bool:
        return "true or false"
    if hint is str:
        return rule.form_help or "a text in quotes"
    return ("a whole number" if hint is int else "a number") + _range(rule, unit)


def _range(rule: Key, unit: str) -> str:
    if rule.low is not None and rule.high is not None:
        return f", {rule.low:.10g} to {rule.high:.10g}{unit}"
    if rule.low is not None:
        return f", {rule.low:.10g}{unit} or more"
    return f" of{unit}" if unit else ""


def _one_of(values: Sequence[Any]) -> str:
    words = [quoted(value) if isinstance(value, str) else str(value) for value in values]
    return words[0] if len(words) == 1 else f"one of {', '.join(words)}"


def is_union(hint: Any) -> bool:
    """Say whether a type hint is ``A | B``."""
    return isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union


def table_of_array(hint: Any) -> type[Any] | None:
    """Return the dataclass of a ``tuple[Dataclass, ...]``, None for any other type."""
    if typing.get_origin(hint) is not tuple:
        return None
    inner = typing.get_args(hint)[0]
    return inner if dataclasses.is_dataclass(inner) and isinstance(inner, type) else None


def leaf_paths(shape: type[Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key below a dataclass: its own name and its dotted path."""
    hints = typing.get_type_hints(shape)
    for field in dataclasses.fields(shape):
        hint, path = hints[field.name], f"{before}{field.name}"
        inner = hint if dataclasses.is_dataclass(hint) else table_of_array(hint)
        if inner is None:
            yield field.name, path
        else:
            yield from leaf_paths(typing.cast(type[Any], inner), f"{path}.")


def overlay(below: GivenTable, above: GivenTable) -> GivenTable:
    """Lay one table over another, key by key; arrays of tables are replaced as a whole."""
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[name] = overlay(typing.cast(GivenTable, under), value) if both else value
    return merged


def build(shape: type[T], given: GivenTable) -> T:
    """Make the dataclass from what was given, defaults for the rest.

    Required keys must be there: ask :func:`missing` first.
    """
    hints = typing.get_type_hints(shape)
    values: dict[str, Any] = {}
    for name, entry in given.items():
        if isinstance(entry, Given):
            values[name] = entry.value
        elif isinstance(entry, list):
            inner = typing.cast(type[Any], table_of_array(hints[name]))
            values[name] = tuple(build(inner, table) for table in entry)
        else:
            values[name] = build(hints[name], entry)
    return shape(**values)


def missing(shape: type[Any], table: Mapping[str, Any]) -> list[str]:
    """Return the required keys of a dataclass that a table lacks."""
    required = (
        field.name
        for field in dataclasses.fields(shape)
        if METADATA in field.metadata and key_of(field).required
    )
    return [name for name in required if name not in table]
