"""Schemas and arguments of other people's tools: what is passed on, and what is left out."""

from __future__ import annotations

from typing import Any, NoReturn

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.tools.hosted.arguments import read_arguments
from device.tools.hosted.hosted import HostedTools
from device.tools.hosted.messages import MOST_TOOLS, MOST_TOOLS_IN_ALL, OfferedTool, SourceTold
from device.tools.hosted.offers import SourceRules, offer_of
from device.tools.hosted.schemas import SchemaError, cleaned_schema
from device.tools.signature import ArgumentsError


def test_a_schema_is_written_anew() -> None:
    given: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Args",
        "properties": {
            "title": {"type": "string", "title": "Title", "format": "uri", "pattern": "(?<a>x)"},
            "room": {"$ref": "#/$defs/Room", "description": "Which\x1b[2J room"},
            "count": {"type": ["integer", "null"], "default": None, "minimum": 1},
            "mode": {"const": "fast"},
            "tags": {"type": "array"},
        },
        "required": ["room", "gone"],
        "$defs": {"Room": {"enum": ["kitchen", "bath"], "title": "Room"}},
        "outputSchema": {},
    }
    assert cleaned_schema(given) == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "room": {
                "type": "string",
                "enum": ["kitchen", "bath"],
                "description": "Which\\x1b[2J room",
            },
            "count": {"type": "integer", "minimum": 1},
            "mode": {"type": "string", "enum": ["fast"]},
            "tags": {"type": "array", "items": {}},
        },
        "required": ["room"],
    }
    assert cleaned_schema(None) == {"type": "object", "properties": {}, "required": []}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ("text", "no object"),
        ({"type": "string"}, "no object"),
        ({"properties": {"a": {"type": "colour"}}}, "no type that there is"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "another document"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "refers to nothing"),
        ({"properties": {"a": {"enum": []}}}, "no value at all"),
        ({"properties": {str(n): {} for n in range(50)}}, "bounded"),
        ({"properties": {"a\nb": {}}}, "usable name"),
        ({"properties": {"a": {"enum": ["x" * 9000]}}}, "longer than"),
        ({"properties": {"a": 7}}, "is no schema"),
    ],
)
def test_a_schema_that_no_endpoint_could_read(schema: object, why: str) -> None:
    with pytest.raises(SchemaError, match=why):
        cleaned_schema(schema)


def test_a_schema_that_never_ends() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    with pytest.raises(SchemaError, match="too deep"):
        cleaned_schema({"properties": {"a": deep}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "enum", "$ref", "required", "a", "default"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_whatever_is_offered_is_a_schema_or_left_out(schema: object) -> None:
    offer = offer_of(SourceRules("s", 1.0, "s_"), [OfferedTool("t", "T.", schema)])
    assert len(offer.tools) + len(offer.left_out) == 1
    for tool in offer.tools:
        jsonschema.Draft202012Validator.check_schema(tool.schema)
        assert tool.schema["type"] == "object"


def test_names_are_bounded_and_told_apart() -> None:
    names = ["a b", "a_b", "s_own", "", "ü", *(f"n{number}" for number in range(MOST_TOOLS))]
    offer = offer_of(SourceRules("s", 1.0, "s_"), [OfferedTool(name, "") for name in names])
    assert [tool.name for tool in offer.tools][:4] == ["s_a_b", "s_own", "s__", "s_n0"]
    assert len(offer.tools) == MOST_TOOLS
    assert [line.split(":")[0] for line in offer.left_out][:2] == ["a_b", "one without a name"]
    assert "has this name already" in offer.left_out[0]


SCHEMA = cleaned_schema(
    {
        "properties": {
            "name": {"type": "string", "maxLength": 5},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "share": {"type": "number"},
            "on": {"type": "boolean"},
            "rooms": {"type": "array", "items": {"enum": ["bath"]}, "minItems": 1},
            "either": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {}}]},
            "inner": {"type": "object", "properties": {"x": {"type": "integer"}}},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"name": "a"}', {"name": "a"}),
        ('{"name": "a", "count": "3", "share": "0.5"}', {"name": "a", "count": 3, "share": 0.5}),
        ('{"name": "a", "on": null}', {"name": "a"}),
        ('{"name": "a", "either": [1]}', {"name": "a", "either": [1]}),
        ('{"name": "a", "inner": {"x": "4"}}', {"name": "a", "inner": {"x": 4}}),
    ],
)
def test_arguments_are_read(written: str, read: dict[str, object]) -> None:
    assert read_arguments(written, SCHEMA) == read


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "name is missing; expected: name: string, count: integer"),
        ("[1]", "no JSON object"),
        ('{"name": "a"', "not one whole JSON object"),
        ('{"name": 7}', "name must be of type string"),
        ('{"name": "too long"}', "the length of name must be at most 5"),
        ('{"name": "a", "count": 10}', "count must be at most 9"),
        ('{"name": "a", "count": true}', "count must be of type integer"),
        ('{"name": "a", "count": 1.5}', "count must be of type integer"),
        ('{"name": "a", "rooms": ["hall"]}', r"rooms\[0\] must be one of bath"),
        ('{"name": "a", "rooms": []}', "the length of rooms must be at least 1"),
        ('{"name": "a", "either": "x"}', "either must be of type integer or either must be"),
        ('{"name": "a", "more": 1}', "there is no more; expected"),
    ],
)
def test_arguments_that_do_not_fit(written: str, why: str) -> None:
    with pytest.raises(ArgumentsError, match=why):
        read_arguments(written, SCHEMA)


def test_all_sources_together_leave_room_for_our_own_tools() -> None:
    """What an endpoint refuses for being too much, it refuses as a whole."""

    async def connect() -> NoReturn:
        raise OSError

    rules = [SourceRules(name, 1.0, f"{name}_") for name in ("a", "b")]
    hosted = HostedTools(connect, rules)
    tools = tuple(OfferedTool(f"t{number}", "T.") for number in range(50))
    for each in rules:
        hosted.hear(SourceTold(each.name, is_ready=True, tools=tools))
    assert [len(hosted.tools_of(each.name)) for each in rules] == [50, MOST_TOOLS_IN_ALL - 50]
    assert "too many" in hosted.offers["b"].left_out[0]
