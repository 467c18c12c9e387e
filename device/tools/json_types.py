"""The types of JSON Schema, as Python holds their values."""

from __future__ import annotations

from collections.abc import Mapping

JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def is_of_type(value: object, name: str) -> bool:
    """Whether a value, as JSON gives it, is of one of :data:`JSON_TYPES`.

    As JSON Schema has it: a flag is no number, and ``3.0`` is an integer.
    """
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, JSON_TYPES[name])
