"""Says what is wrong with a tool's schema before anybody relies on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from device.brain.understanding.patterns import PatternError, python_pattern

DEEPEST = 24
"""Levels of a schema. The deepest that we met with a real tool has seven."""
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS_OF_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions")
_ONE_SCHEMA = ("items", "additionalProperties", "not", "contains", "propertyNames")


def schema_fault(schema: object) -> str | None:
    """Return in one line what is wrong with the schema of a tool's parameters, or None."""
    return next(_faults(schema, schema, "parameters", 0), None)


def _faults(part: object, root: object, where: str, depth: int) -> Iterator[str]:
    if isinstance(part, bool):
        return
    if not isinstance(part, Mapping):
        yield f"{where} must be an object"
        return
    if depth > DEEPEST:
        yield f"{where[:60]}… is nested deeper than {DEEPEST} levels"
        return
    yield from _of_keywords(part, where)
    reference = part.get("$ref")
    if reference is not None and not _points(reference, root):
        yield f"{where}.$ref must point into the same schema, as in #/$defs/Room"
    for keyword in _MAPS_OF_SCHEMAS:
        if keyword in part and not isinstance(part[keyword], Mapping):
            yield f"{where}.{keyword} must be an object"
            return
        for name, inner in (part.get(keyword) or {}).items():
            yield from _faults(inner, root, f"{where}.{keyword}.{name}", depth + 1)
    for keyword in _LISTS_OF_SCHEMAS:
        if keyword in part and not isinstance(part[keyword], list):
            yield f"{where}.{keyword} must be an array"
            return
        for number, inner in enumerate(part.get(keyword) or ()):
            yield from _faults(inner, root, f"{where}.{keyword}[{number}]", depth + 1)
    for keyword in _ONE_SCHEMA:
        if keyword in part:
            yield from _faults(part[keyword], root, f"{where}.{keyword}", depth + 1)


def _of_keywords(part: Mapping[str, Any], where: str) -> Iterator[str]:
    kinds = part.get("type")
    if kinds is not None:
        named = kinds if isinstance(kinds, list) else [kinds]
        if not named or any(not isinstance(kind, str) or kind not in _TYPES for kind in named):
            yield f"{where}.type must be one of {', '.join(sorted(_TYPES))}, or several"
    required = part.get("required")
    if required is not None and not (
        isinstance(required, list) and all(isinstance(name, str) for name in required)
    ):
        yield f"{where}.required must be an array of strings"
    if "enum" in part and not isinstance(part["enum"], list):
        yield f"{where}.enum must be an array"
    for keyword in _NUMBERS:
        if keyword in part and not _is_number(part[keyword]):
            yield f"{where}.{keyword} must be a number"
    for keyword in _LENGTHS:
        if keyword in part and not (_is_number(part[keyword]) and part[keyword] >= 0):
            yield f"{where}.{keyword} must be a number that is not negative"
    yield from _of_pattern(part, where)


def _of_pattern(part: Mapping[str, Any], where: str) -> Iterator[str]:
    if "pattern" not in part:
        return
    if not isinstance(part["pattern"], str):
        yield f"{where}.pattern must be a string"
        return
    try:
        python_pattern(part["pattern"])
    except PatternError as error:
        yield f"{where}.pattern: {error}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _points(reference: object, root: object) -> bool:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return False
    part = root
    for step in re.split("/", reference.removeprefix("#").strip("/")):
        if step:
            part = part.get(step) if isinstance(part, Mapping) else None
    return isinstance(part, Mapping | bool)
