"""The part of JSON Schema that tools use: does a value fit, and if not, why not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from device.brain.understanding.patterns import python_pattern
from device.tools.json_types import JSON_TYPES, is_of_type

Schema = Mapping[str, Any]


def fault_in(value: object, schema: Schema) -> str | None:
    """Say in one line why a value does not fit a schema; None when it does.

    Knows ``type``, ``enum``, ``const``, bounds, lengths, ``pattern``, ``items``,
    ``properties``, ``required``, ``additionalProperties``, ``anyOf``, ``oneOf``,
    ``allOf`` and references within the schema. Other keywords allow everything.
    """
    return next(_faults(value, schema, schema, "it"), None)


def properties_of(schema: Schema) -> dict[str, Schema]:
    """Return the properties of an object schema, references resolved, ``null`` left out."""
    found = resolved(schema, schema).get("properties") or {}
    return {name: without_null(resolved(part, schema)) for name, part in found.items()}


def required_of(schema: Schema) -> list[str]:
    """Return the names of what an object must have."""
    return list(resolved(schema, schema).get("required") or [])


def resolved(part: object, root: Schema) -> Schema:
    """Follow ``$ref`` into the same document; a part that is no object allows everything."""
    for _ in range(16):
        if not isinstance(part, Mapping):
            return {}
        reference = part.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            return part
        part = _pointed(reference, root)
    return {}


def without_null(schema: Schema) -> Schema:
    """Return the schema of a value that is present, of one that may also be null."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return {**schema, "type": next((kind for kind in kinds if kind != "null"), "null")}
    for keyword in ("anyOf", "oneOf"):
        choices = [c for c in schema.get(keyword) or [] if c != {"type": "null"}]
        if len(choices) == 1:
            return {**{k: v for k, v in schema.items() if k != keyword}, **choices[0]}
    return schema


def _pointed(reference: str, root: Schema) -> object:
    part: object = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            part = part.get(step) if isinstance(part, Mapping) else None
    return part


def _faults(value: object, part: object, root: Schema, where: str) -> Iterator[str]:
    schema = resolved(part, root)
    if part is False:
        yield f"{where} must not be there"
    yield from _of_type(value, schema, where)
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} must be one of {json.dumps(schema['enum'])}"
    if "const" in schema and value != schema["const"]:
        yield f"{where} must be {json.dumps(schema['const'])}"
    yield from _of_choices(value, schema, root, where)
    if isinstance(value, str):
        yield from _of_text(value, schema, where)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _of_number(value, schema, where)
    elif isinstance(value, list):
        yield from _of_list(value, schema, root, where)
    elif isinstance(value, dict):
        yield from _of_object(value, schema, root, where)


def _of_type(value: object, schema: Schema, where: str) -> Iterator[str]:
    kinds = schema.get("type")
    if kinds is None:
        return
    names = kinds if isinstance(kinds, list) else [kinds]
    for name in names:
        if name not in JSON_TYPES or is_of_type(value, name):
            return
    yield f"{where} must be {' or '.join(map(str, names))}"


def _of_choices(value: object, schema: Schema, root: Schema, where: str) -> Iterator[str]:
    for part in schema.get("allOf") or []:
        yield from _faults(value, part, root, where)
    for keyword in ("anyOf", "oneOf"):
        choices = schema.get(keyword) or []
        reasons = [next(_faults(value, choice, root, where), None) for choice in choices]
        if reasons and None not in reasons:
            yield str(reasons[0])


def _of_text(value: str, schema: Schema, where: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{where} must have at least {schema['minLength']} characters"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{where} must have at most {schema['maxLength']} characters"
    if "pattern" in schema and not python_pattern(schema["pattern"]).search(value):
        yield f"{where} must match {schema['pattern']}"


def _of_number(value: float, schema: Schema, where: str) -> Iterator[str]:
    if value < schema.get("minimum", value):
        yield f"{where} must be at least {schema['minimum']}"
    if value > schema.get("maximum", value):
        yield f"{where} must be at most {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{where} must be above {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"{where} must be below {schema['exclusiveMaximum']}"


def _of_list(value: list[Any], schema: Schema, root: Schema, where: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{where} must have at least {schema['minItems']} items"
    if len(value) > schema.get("maxItems", len(value)):
        yield f"{where} must have at most {schema['maxItems']} items"
    if "items" in schema:
        for item in value:
            yield from _faults(item, schema["items"], root, f"each of {where}")


def _of_object(value: dict[str, Any], schema: Schema, root: Schema, where: str) -> Iterator[str]:
    known = schema.get("properties") or {}
    for name in schema.get("required") or []:
        if name not in value:
            yield f"{name} is missing in {where}"
    for name, part in value.items():
        if name in known:
            yield from _faults(part, known[name], root, name)
        elif schema.get("additionalProperties") is False:
            yield f"{where} must not have {name}"
