"""Reads what a model wrote as the arguments of a tool that is described by a schema alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from device.tools.json_types import is_of_type
from device.tools.signature import MOST_CHARACTERS, ArgumentsError


def read_arguments(arguments_json: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, which fit the schema (one that was cleaned); raises ``ArgumentsError``.

    The server behind the tool checks them again: here a model learns in its own turn what was
    wrong, and without anybody being asked. Null counts as left out, a number in quotes as a
    number.
    """
    text = arguments_json.strip() or "{}"
    if len(text) > MOST_CHARACTERS:
        raise ArgumentsError(f"arguments are longer than {MOST_CHARACTERS} characters")
    try:
        given = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ArgumentsError(
            f"arguments are not one whole JSON object ({error}); send them again, complete"
        ) from error
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ArgumentsError("arguments are no JSON object")
    properties = schema.get("properties", {})
    given = {name: value for name, value in given.items() if value is not None}
    for name in schema.get("required", ()):
        if name not in given:
            raise ArgumentsError(f"{name} is missing; expected: {_expectation(schema)}")
    for name, value in given.items():
        if name in properties:
            given[name] = _fit(value, properties[name], name)
        elif schema.get("additionalProperties") is False:
            raise ArgumentsError(f"there is no {name}; expected: {_expectation(schema)}")
    return given


def _fit(value: object, schema: Mapping[str, Any], where: str) -> object:
    if choices := schema.get("anyOf"):
        return _fit_any(value, choices, where)
    kind = schema.get("type")
    if kind in ("number", "integer") and isinstance(value, str):
        value = _number_in(value)
    if kind is not None and not is_of_type(value, kind):
        raise ArgumentsError(f"{where} must be of type {kind}")
    if "enum" in schema and value not in schema["enum"]:
        raise ArgumentsError(f"{where} must be one of {', '.join(map(str, schema['enum'][:20]))}")
    _must_be_within(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        return [_fit(each, schema["items"], f"{where}[{at}]") for at, each in enumerate(value)]
    if isinstance(value, dict) and "properties" in schema:
        return {
            name: _fit(each, schema["properties"].get(name, {}), f"{where}.{name}")
            for name, each in value.items()
        }
    return value


def _fit_any(value: object, choices: list[Mapping[str, Any]], where: str) -> object:
    reasons = []
    for choice in choices:
        try:
            return _fit(value, choice, where)
        except ArgumentsError as not_this:
            reasons.append(str(not_this))
    raise ArgumentsError(" or ".join(dict.fromkeys(reasons)))


def _must_be_within(value: object, schema: Mapping[str, Any], where: str) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        measured, low, high, what = value, "minimum", "maximum", where
    elif isinstance(value, str):
        measured, low, high, what = len(value), "minLength", "maxLength", f"the length of {where}"
    elif isinstance(value, list):
        measured, low, high, what = len(value), "minItems", "maxItems", f"the length of {where}"
    else:
        return
    if low in schema and measured < schema[low]:
        raise ArgumentsError(f"{what} must be at least {schema[low]}")
    if high in schema and measured > schema[high]:
        raise ArgumentsError(f"{what} must be at most {schema[high]}")


def _number_in(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _expectation(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    named = (
        f"{name}: {kind.get('type', 'any')}{'' if name in required else ' (optional)'}"
        for name, kind in schema.get("properties", {}).items()
    )
    return ", ".join(named) or "{} (this tool takes no arguments)"
