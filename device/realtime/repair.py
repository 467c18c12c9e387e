"""Makes an imperfect event fit its structure: liberal in what we accept.

Compatible servers leave out fields (``name``, ``item_id``), write ``null`` where the
protocol says string, and invent values. A field that does not fit is dropped when it is
optional and becomes empty (``""``, ``0``, ``[]``) when it is not; an item or a content
part of an unknown type is kept as :class:`UnknownItem` or dropped. Only a value whose
very shape is wrong (text where an object belongs, with nothing to make of it) is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import inspect

UNKNOWN_ITEM_TAG = "bittern.unknown"


class UnrepairableError(Exception):
    """A value cannot be made to fit its type."""


@cache
def _structure(cls: type) -> inspect.StructType:
    described = inspect.type_info(cls)
    assert isinstance(described, inspect.StructType)
    return described


def repaired(raw: Mapping[str, Any], cls: type) -> dict[str, Any]:
    """Return a copy of ``raw`` that :func:`msgspec.convert` accepts as ``cls``.

    Raises :class:`UnrepairableError` when nothing can be made of it.
    """
    return _fit_struct(raw, _structure(cls))


def unknown_fields(raw: Mapping[str, Any], cls: type) -> list[str]:
    """Name every field of ``raw`` that ``cls`` does not know, as ``audio.input.foo``.

    For servers that refuse unknown fields, as OpenAI does.
    """
    return list(_unknown(raw, _structure(cls), ""))


def _fit(value: Any, expected: inspect.Type) -> Any:
    match expected:
        case inspect.StructType():
            return _fit_struct(value, expected)
        case inspect.UnionType():
            return _fit_union(value, expected)
        case inspect.ListType():
            return _fit_list(value, expected)
        case inspect.DictType():
            return _fit_dict(value, expected)
        case inspect.LiteralType():
            if value in expected.values:
                return value
            raise UnrepairableError
        case inspect.AnyType():
            return value
    return _fit_scalar(value, expected)


def _fit_scalar(value: Any, expected: inspect.Type) -> Any:
    match expected:
        case inspect.StrType():
            return _text(value)
        case inspect.BoolType() if isinstance(value, bool):
            return value
        case inspect.IntType() | inspect.FloatType():
            return _number(value, expected)
        case inspect.NoneType() if value is None:
            return None
    raise UnrepairableError


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise UnrepairableError


def _number(value: Any, expected: inspect.IntType | inspect.FloatType) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UnrepairableError
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise UnrepairableError from None
    if not math.isfinite(number):
        raise UnrepairableError
    low, high = expected.ge, expected.le
    if (low is not None and number < low) or (high is not None and number > high):
        raise UnrepairableError
    return round(number) if isinstance(expected, inspect.IntType) else number


def _fit_list(value: Any, expected: inspect.ListType) -> list[Any]:
    if not isinstance(value, list):
        raise UnrepairableError
    fitting = []
    for element in value:
        try:
            fitting.append(_fit(element, expected.item_type))
        except UnrepairableError:
            continue
    return fitting


def _fit_dict(value: Any, expected: inspect.DictType) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnrepairableError
    fitting = {}
    for key, element in value.items():
        try:
            fitting[key] = _fit(element, expected.value_type)
        except UnrepairableError:
            continue
    return fitting


def _fit_union(value: Any, expected: inspect.UnionType) -> Any:
    structures = [t for t in expected.types if isinstance(t, inspect.StructType)]
    if isinstance(value, dict) and structures:
        return _fit_struct(value, _member(value, structures))
    for member in expected.types:
        if isinstance(member, inspect.StructType):
            continue
        try:
            return _fit(value, member)
        except UnrepairableError:
            continue
    raise UnrepairableError


def _member(value: Mapping[str, Any], structures: list[inspect.StructType]) -> inspect.StructType:
    """Choose the member of a tagged union by its tag, or the one for what is unknown."""
    if len(structures) == 1 and structures[0].tag_field is None:
        return structures[0]
    by_tag = {structure.tag: structure for structure in structures}
    tag = value.get("type")
    if isinstance(tag, str) and tag in by_tag and tag != UNKNOWN_ITEM_TAG:
        return by_tag[tag]
    if UNKNOWN_ITEM_TAG in by_tag:
        return by_tag[UNKNOWN_ITEM_TAG]
    raise UnrepairableError


def _fit_struct(value: Any, expected: inspect.StructType) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UnrepairableError
    if expected.tag == UNKNOWN_ITEM_TAG:
        return _unknown_item(value)
    fitting: dict[str, Any] = {}
    if expected.tag_field is not None:
        fitting[expected.tag_field] = expected.tag
    for field in expected.fields:
        name = field.encode_name
        try:
            if name in value:
                fitting[name] = _fit(value[name], field.type)
            elif field.required:
                fitting[name] = _empty(field.type)
        except UnrepairableError:
            if field.required:
                fitting[name] = _empty(field.type)
    return fitting


def _unknown_item(value: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"type": UNKNOWN_ITEM_TAG, "raw": dict(value)}
    if isinstance(value.get("id"), str):
        kept["id"] = value["id"]
    return kept


def _empty(expected: inspect.Type) -> Any:
    match expected:
        case inspect.StrType():
            return ""
        case inspect.IntType() | inspect.FloatType():
            return 0
        case inspect.BoolType():
            return False
        case inspect.ListType():
            return []
        case inspect.DictType():
            return {}
        case inspect.AnyType():
            return None
        case inspect.StructType():
            return _fit_struct({}, expected)
        case inspect.UnionType():
            return _empty_union(expected)
    raise UnrepairableError


def _empty_union(expected: inspect.UnionType) -> Any:
    if any(isinstance(member, inspect.NoneType) for member in expected.types):
        return None
    for member in expected.types:
        if isinstance(member, inspect.StructType) and member.tag == UNKNOWN_ITEM_TAG:
            return _unknown_item({})
    raise UnrepairableError


def _unknown(value: Any, expected: inspect.Type, path: str) -> list[str]:
    match expected:
        case inspect.StructType() if isinstance(value, Mapping):
            return _unknown_of_struct(value, expected, path)
        case inspect.UnionType() if isinstance(value, Mapping):
            structures = [t for t in expected.types if isinstance(t, inspect.StructType)]
            try:
                return _unknown(value, _member(value, structures), path)
            except UnrepairableError:
                return []
        case inspect.ListType() if isinstance(value, list):
            found: list[str] = []
            for index, element in enumerate(value):
                found += _unknown(element, expected.item_type, f"{path}[{index}]")
            return found
    return []


def _unknown_of_struct(
    value: Mapping[str, Any], expected: inspect.StructType, path: str
) -> list[str]:
    known = {field.encode_name: field for field in expected.fields}
    found: list[str] = []
    for name, element in value.items():
        where = f"{path}.{name}" if path else name
        if name in known:
            found += _unknown(element, known[name].type, where)
        elif name != expected.tag_field and expected.tag != UNKNOWN_ITEM_TAG:
            found.append(where)
    return found
