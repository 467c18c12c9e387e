"""What a client may send, said as shapes: each takes a JSON value and gives a clean one.

A shape is a function of a value and a `Place`. It returns the value with everything
unknown left out, or raises `RequestError` with the code and the parameter that the
protocol documents for that mistake. Whether an unknown field is a mistake is the
place's affair: a strict endpoint refuses the whole event, a lenient one drops the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Shape: TypeAlias = Callable[[Any, "Place"], Any]


class RequestError(Exception):
    """A client event cannot be obeyed; it becomes an ``error`` event, and changes nothing."""

    def __init__(
        self,
        code: str | None,
        message: str,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an event a value stands, written as the protocol writes it: ``item.content[0]``."""

    path: str
    strict: bool

    def field(self, name: str) -> Place:
        """Return the place of a field of this object."""
        return Place(f"{self.path}.{name}" if self.path else name, self.strict)

    def entry(self, index: int) -> Place:
        """Return the place of an entry of this array."""
        return Place(f"{self.path}[{index}]", self.strict)

    def wrong_type(self, expected: str, value: Any) -> RequestError:
        """Return the error for a value of another type than ``expected``."""
        message = f"Invalid type for '{self.path}': expected {expected}, but got {kind_of(value)}."
        return RequestError("invalid_value", message, self.path)

    def wrong_value(self, value: Any, supported: str) -> RequestError:
        """Return the error for a value that is not among the supported ones."""
        shown = repr(value) if isinstance(value, str) else str(value)
        message = f"Invalid value for '{self.path}': {shown[:200]}. {supported}"
        return RequestError("invalid_value", message, self.path)


def kind_of(value: Any) -> str:
    """Name the JSON type of a value, for a message."""
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "a boolean"),
        (str, "a string"),
        (int, "an integer"),
        (float, "a number"),
        (Mapping, "an object"),
        (list, "an array"),
    ]
    return next((name for type_, name in names if isinstance(value, type_)), "null")


def text(longest: int | None = None, pattern: str | None = None) -> Shape:
    """Take a string of at most ``longest`` characters that matches ``pattern`` as a whole."""

    def check(value: Any, at: Place) -> str:
        if not isinstance(value, str):
            raise at.wrong_type("a string", value)
        if longest is not None and len(value) > longest:
            raise at.wrong_value(value[:20] + "…", f"It may have at most {longest} characters.")
        if pattern is not None and not re.fullmatch(pattern, value):
            raise at.wrong_value(value, f"It must match {pattern}.")
        return value

    return check


def boolean(value: Any, at: Place) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise at.wrong_type("a boolean", value)
    return value


def integer(lowest: int | None = None, highest: int | None = None) -> Shape:
    """Take a whole number within the bounds, both included."""

    def check(value: Any, at: Place) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise at.wrong_type("an integer", value)
        _check_bounds(value, lowest, highest, at)
        return value

    return check


def number(lowest: float | None = None, highest: float | None = None) -> Shape:
    """Take a number within the bounds, both included."""

    def check(value: Any, at: Place) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise at.wrong_type("a number", value)
        _check_bounds(value, lowest, highest, at)
        return value

    return check


def _check_bounds(value: float, lowest: float | None, highest: float | None, at: Place) -> None:
    if lowest is not None and value < lowest:
        raise at.wrong_value(value, f"It must be at least {lowest}.")
    if highest is not None and value > highest:
        raise at.wrong_value(value, f"It must be at most {highest}.")


def choice(*supported: str) -> Shape:
    """Take one of these strings."""
    names = ", ".join(repr(name) for name in supported)

    def check(value: Any, at: Place) -> str:
        if not isinstance(value, str):
            raise at.wrong_type(f"one of {names}", value)
        if value not in supported:
            raise at.wrong_value(value, f"Supported values are: {names}.")
        return value

    return check


def suggestion(*supported: str) -> Shape:
    """Take one of these strings; where the endpoint is lenient, any string."""
    exact = choice(*supported)

    def check(value: Any, at: Place) -> str:
        if at.strict or not isinstance(value, str):
            exact(value, at)
        assert isinstance(value, str)
        return value

    return check


def nullable(shape: Shape) -> Shape:
    """Take null too."""
    return lambda value, at: None if value is None else shape(value, at)


def array(shape: Shape, longest: int | None = None) -> Shape:
    """Take an array of such values."""

    def check(value: Any, at: Place) -> list[Any]:
        if not isinstance(value, list):
            raise at.wrong_type("an array", value)
        if longest is not None and len(value) > longest:
            raise at.wrong_value(f"{len(value)} entries", f"At most {longest} are supported.")
        return [shape(entry, at.entry(index)) for index, entry in enumerate(value)]

    return check


def anything(value: Any, _at: Place) -> Any:
    """Take any JSON value."""
    return value


def free_object(value: Any, at: Place) -> dict[str, Any]:
    """Take an object with any fields."""
    if not isinstance(value, dict):
        raise at.wrong_type("an object", value)
    return value


def mapping(key: Shape, value: Shape, most: int) -> Shape:
    """Take an object with at most so many entries of one kind."""

    def check(given: Any, at: Place) -> dict[str, Any]:
        entries = free_object(given, at)
        if len(entries) > most:
            raise at.wrong_value(f"{len(entries)} entries", f"At most {most} are supported.")
        return {key(k, at.field(k[:80])): value(v, at.field(k[:80])) for k, v in entries.items()}

    return check


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """Take an object with these fields; others are refused or dropped."""
    known = {**(optional or {}), **required}

    def check(value: Any, at: Place) -> dict[str, Any]:
        given = free_object(value, at)
        for name in required:
            if name not in given:
                raise missing(at.field(name))
        if at.strict:
            for name in given:
                if name not in known:
                    raise unknown(at.field(name[:80]))
        return {
            name: known[name](entry, at.field(name))
            for name, entry in given.items()
            if name in known
        }

    return check


def tagged(variants: Mapping[str, Shape], tag: str = "type") -> Shape:
    """Take an object whose field ``tag`` says which of these shapes it has."""
    named = choice(*variants)

    def check(value: Any, at: Place) -> Any:
        given = free_object(value, at)
        if tag not in given:
            raise missing(at.field(tag))
        return variants[named(given[tag], at.field(tag))](value, at)

    return check


def either(strings: Shape, objects: Shape) -> Shape:
    """Take an object of the second shape, or anything else that the first takes."""
    return lambda value, at: (objects if isinstance(value, dict) else strings)(value, at)


def missing(at: Place) -> RequestError:
    """Return the error for a field that is not there."""
    message = f"Missing required parameter: '{at.path}'."
    return RequestError("missing_required_parameter", message, at.path)


def unknown(at: Place) -> RequestError:
    """Return the error for a field that nobody knows."""
    return RequestError("unknown_parameter", f"Unknown parameter: '{at.path}'.", at.path)
