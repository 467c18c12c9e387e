"""Turns the signature of a Python function into a JSON Schema, and JSON into its arguments."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec

from device.tools.docstring import Description, describe

MOST_CHARACTERS = 65_536
"""Longer arguments are refused unread; a model's whole answer is shorter than that."""

_ANNOTATED: Any = Annotated
"""For annotations made at run time, which a type checker cannot follow."""

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class ArgumentsError(Exception):
    """The arguments of a call are not what the tool takes; the text says what was expected."""


class Signature:
    """The parameters of one function: their schema, and the reading of arguments.

    Takes ``int``, ``float``, ``str``, ``bool``, ``Literal``, enumerations, lists, optional
    ones, dataclasses and msgspec structs, with ``Annotated[..., msgspec.Meta(...)]`` for
    bounds and patterns. Raises ``TypeError`` for a function that cannot be a tool: one
    without docstring, or with a parameter that has no type or no line in it.
    """

    def __init__(self, function: Callable[..., object], name: str) -> None:
        description = describe(inspect.getdoc(function) or "")
        if not description.text:
            raise TypeError(f"tool {name} has no docstring: a model would not know what it is for")
        self.description = description.text
        self._struct = _struct_of(function, name, description)
        self.schema = _schema_of(self._struct)

    def read(self, arguments_json: str) -> dict[str, Any]:
        """Keyword arguments for the function; raises :class:`ArgumentsError` with the reason.

        No text at all counts as no arguments, as some models leave the braces out. Numbers
        in quotes are taken as numbers.
        """
        text = arguments_json.strip()
        if len(text) > MOST_CHARACTERS:
            raise ArgumentsError(f"arguments are longer than {MOST_CHARACTERS} characters")
        if text in ("", "null"):
            text = "{}"
        try:
            given = msgspec.json.decode(text, type=self._struct, strict=False)
        except msgspec.ValidationError as error:
            raise ArgumentsError(f"{error}; expected: {self._expectation()}") from error
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ArgumentsError(
                f"arguments are not one whole JSON object ({error}); send them again, complete"
            ) from error
        return {name: getattr(given, name) for name in self._struct.__struct_fields__}

    def _expectation(self) -> str:
        properties: Mapping[str, Mapping[str, Any]] = self.schema["properties"]
        if not properties:
            return "{} (this tool takes no arguments)"
        required = self.schema["required"]
        return ", ".join(
            f"{name}: {_short_type(kind)}{'' if name in required else ' (optional)'}"
            for name, kind in properties.items()
        )


def _struct_of(
    function: Callable[..., object], name: str, description: Description
) -> type[msgspec.Struct]:
    """Build a struct with one field per parameter, unknown fields forbidden."""
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    superfluous = description.arguments.keys() - parameters.keys()
    if superfluous:
        raise TypeError(f"tool {name} describes parameters it does not have: {superfluous}")
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for parameter in parameters.values():
        if parameter.kind not in _NAMED:
            raise TypeError(f"tool {name} takes {parameter}: only named parameters have a schema")
        if parameter.name not in hints or parameter.name not in description.arguments:
            raise TypeError(f"tool {name} says no type, or no line, for {parameter.name}")
        meta = msgspec.Meta(description=description.arguments[parameter.name])
        annotated = _ANNOTATED[hints[parameter.name], meta]
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, annotated))
        else:
            fields.append((parameter.name, annotated, parameter.default))
    return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)


def _schema_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """JSON Schema of a struct, flat: no references, no titles, no null for what is optional.

    Small models follow ``{"type": "string"}`` better than a choice between string and null,
    and some endpoints take no ``$ref``.
    """
    schema = msgspec.json.schema(struct)
    definitions: dict[str, Any] = schema["$defs"]
    flat: dict[str, Any] = _flatten(schema, definitions, ())
    properties = {name: _without_null(kind) for name, kind in flat["properties"].items()}
    return {
        "type": "object",
        "properties": properties,
        "required": flat.get("required", []),
        "additionalProperties": False,
    }


def _flatten(node: Any, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_flatten(item, definitions, inside) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        if name in inside:
            raise TypeError(f"{name} contains itself: such a type has no flat schema")
        around = {key: value for key, value in node.items() if key not in ("$ref", "$defs")}
        return _flatten(definitions[name], definitions, (*inside, name)) | around
    flat: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            # The names of properties are not keywords: one may be called "title".
            flat[key] = {name: _flatten(kind, definitions, inside) for name, kind in value.items()}
        elif key not in ("title", "$defs"):
            flat[key] = _flatten(value, definitions, inside)
    if "enum" in flat and all(isinstance(choice, str) for choice in flat["enum"]):
        flat = {"type": "string"} | flat
    return flat


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    plain = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(choices) == 1:
        plain = choices[0] | plain
    elif choices:
        plain["anyOf"] = choices
    if plain.get("default", ...) is None:
        del plain["default"]
    return plain


def _short_type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + "|".join(str(choice) for choice in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_short_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
