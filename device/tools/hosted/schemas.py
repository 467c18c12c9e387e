"""The schemas of other people's tools, written anew from what every endpoint can read.

One tool that an endpoint refuses would cost the session all of them. So nothing is passed on
that is not known: keywords from a short list, types checked, references filled in, sizes
bounded; a schema that does not come through leaves its tool out, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from device.plain_text import one_line

DEEPEST = 8
MOST_PROPERTIES = 40
MOST_CHARACTERS = 8_000
"""Of the schema as JSON: more of it costs every turn, on every endpoint."""
LONGEST_DESCRIPTION = 600
"""Characters of what a property says of itself."""
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


class SchemaError(Exception):
    """A schema that cannot be offered; the text says where and why."""


def cleaned_schema(schema: object) -> dict[str, Any]:
    """The schema of a tool's arguments as an endpoint is given it. Raises :class:`SchemaError`.

    None, and an object without ``type``, count as an object without properties.
    """
    if schema is None:
        schema = {}
    if not isinstance(schema, Mapping):
        raise SchemaError("its schema is no object")
    cleaned = _Cleaner(schema).clean({"type": "object", **schema}, "parameters", 0, ())
    if cleaned.get("type") != "object":
        raise SchemaError("its arguments are no object")
    cleaned.setdefault("properties", {})
    cleaned.setdefault("required", [])
    if len(json.dumps(cleaned)) > MOST_CHARACTERS:
        raise SchemaError(f"its schema is longer than {MOST_CHARACTERS} characters")
    return cleaned


class _Cleaner:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._parts = 0

    def clean(
        self, part: object, where: str, depth: int, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        """Write one part of the schema anew; ``inside``: the references that led here."""
        self._parts += 1
        if depth > DEEPEST or self._parts > 20 * MOST_PROPERTIES:
            raise SchemaError(f"its schema is too deep or too large at {one_line(where, 80)}")
        if part is True or part == {}:
            return {}
        if not isinstance(part, Mapping):
            raise SchemaError(f"{one_line(where, 80)} is no schema")
        if "$ref" in part:
            return self._referred(part, where, depth, inside)
        cleaned: dict[str, Any] = {}
        for keyword, value in part.items():
            if (take := _PLAIN.get(keyword)) is not None:
                if (taken := take(value)) is not None:
                    cleaned[keyword] = taken
            elif keyword == "type":
                self._type(cleaned, value, where)
            elif keyword == "const" and "enum" not in part:
                cleaned["enum"] = [value]
            elif keyword in ("anyOf", "oneOf") and isinstance(value, list) and value:
                cleaned["anyOf"] = [
                    self.clean(each, f"{where}.{keyword}", depth + 1, inside) for each in value
                ]
            elif keyword == "items":
                cleaned["items"] = self.clean(value, f"{where}.items", depth + 1, inside)
            elif keyword == "properties":
                cleaned["properties"] = self._properties(value, where, depth, inside)
        return _agreed(cleaned, where)

    def _referred(
        self, part: Mapping[str, Any], where: str, depth: int, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        reference = part["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise SchemaError(f"{one_line(where, 80)} refers to another document")
        if reference in inside:
            raise SchemaError(f"{one_line(where, 80)} contains itself")
        target: Any = self._root
        for step in filter(None, reference.removeprefix("#").split("/")):
            target = target.get(step) if isinstance(target, Mapping) else None
        if not isinstance(target, Mapping):
            raise SchemaError(f"{one_line(where, 80)} refers to nothing")
        around = {key: value for key, value in part.items() if key != "$ref"}
        return self.clean({**target, **around}, where, depth + 1, (*inside, reference))

    def _type(self, cleaned: dict[str, Any], value: object, where: str) -> None:
        """Several types become a choice, without null: what is optional may be left out."""
        kinds = value if isinstance(value, list) else [value]
        if not kinds or not all(isinstance(kind, str) and kind in _TYPES for kind in kinds):
            raise SchemaError(f"{one_line(where, 80)} has no type that there is")
        kinds = [kind for kind in kinds if kind != "null"] or ["null"]
        if len(kinds) == 1:
            cleaned["type"] = kinds[0]
        else:
            cleaned["anyOf"] = [{"type": kind} for kind in kinds]

    def _properties(
        self, value: object, where: str, depth: int, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        if not isinstance(value, Mapping) or len(value) > MOST_PROPERTIES:
            raise SchemaError(f"{one_line(where, 80)} has no list of properties that is bounded")
        properties = {}
        for name, kind in value.items():
            if not name or len(name) > 64 or not name.isprintable():
                raise SchemaError(f"{one_line(where, 80)} has a property without a usable name")
            properties[name] = self.clean(kind, f"{where}.{name}", depth + 1, inside)
        return properties


def _agreed(cleaned: dict[str, Any], where: str) -> dict[str, Any]:
    """Have the keywords agree with one another: some endpoints refuse what does not."""
    if cleaned.get("type") == "array":
        cleaned.setdefault("items", {})
    if "required" in cleaned:
        known = cleaned.get("properties", {})
        cleaned["required"] = [name for name in cleaned["required"] if name in known]
    choices = cleaned.get("enum")
    if choices and all(isinstance(each, str) for each in choices):
        cleaned.setdefault("type", "string")
    if choices == []:
        raise SchemaError(f"{one_line(where, 80)} allows no value at all")
    return cleaned


def _number(value: object) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _length(value: object) -> object:
    return value if isinstance(value, int) and value >= 0 else None


def _text(value: object) -> object:
    return one_line(value, LONGEST_DESCRIPTION) if isinstance(value, str) else None


def _scalar(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) else None


def _choices(value: object) -> object:
    return value[:200] if isinstance(value, list) else None


def _names(value: object) -> object:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else None


def _closed(value: object) -> object:
    return False if value is False else None


_PLAIN: Mapping[str, Callable[[object], object]] = {
    "description": _text,
    "default": _scalar,
    "enum": _choices,
    "required": _names,
    "additionalProperties": _closed,
    "minimum": _number,
    "maximum": _number,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _length,
    "maxItems": _length,
}
"""Keywords that hold no schema, and what is taken of them: None leaves the keyword out.
``title``, ``$schema``, ``format``, ``pattern`` and the like are known to no endpoint or not to all;
the server checks them itself."""
