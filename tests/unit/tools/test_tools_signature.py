"""A function's signature and docstring become a JSON Schema, and JSON its arguments."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Annotated, Literal

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.tools.docstring import describe
from device.tools.signature import ArgumentsError, Signature


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Lamp:
    room: str
    number: int = 1


class Scene(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    lamps: list[Lamp] = []


def light(
    on: bool,
    colour: Colour,
    level: Annotated[int, msgspec.Meta(ge=0, le=100)] = 50,
    fade_s: float = 0.5,
    mode: Literal["soft", "hard"] = "soft",
    rooms: list[str] | None = None,
    lamp: Lamp | None = None,
    scene: Scene | None = None,
    either: int | str = 0,
) -> None:
    """Switch a light.

    Does it at once,
    in every room.

    Args:
        on: Whether it is to shine.
        colour: Which colour,
            of the two there are.
        level: Percent.
        fade_s: Seconds.
        mode: How.
        rooms: Where.
        lamp: Which.
        scene: What.
        either: Number or name.

    Returns:
        nothing: at all
    """


@pytest.fixture(scope="module")
def signature() -> Signature:
    return Signature(light, "light")


def test_the_schema_is_what_the_types_say(signature: Signature) -> None:
    properties = signature.schema["properties"]
    assert signature.schema["required"] == ["on", "colour"]
    assert signature.schema["additionalProperties"] is False
    assert properties["on"] == {"type": "boolean", "description": "Whether it is to shine."}
    assert properties["colour"] == {
        "type": "string",
        "enum": ["blue", "red"],
        "description": "Which colour, of the two there are.",
    }
    assert properties["level"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 100,
        "default": 50,
        "description": "Percent.",
    }
    assert properties["fade_s"]["type"] == "number"
    assert properties["mode"]["enum"] == ["hard", "soft"]
    assert properties["rooms"] == {
        "type": "array",
        "items": {"type": "string"},
        "description": "Where.",
    }
    assert properties["lamp"]["properties"]["number"] == {"type": "integer", "default": 1}
    assert properties["scene"]["properties"]["title"] == {"type": "string"}
    assert properties["scene"]["additionalProperties"] is False
    assert "$ref" not in json.dumps(signature.schema)
    jsonschema.Draft202012Validator.check_schema(signature.schema)


def test_the_description_is_the_docstring_without_its_sections(signature: Signature) -> None:
    assert signature.description == "Switch a light.\nDoes it at once, in every room."


def test_arguments_arrive_as_the_types_say(signature: Signature) -> None:
    arguments = signature.read(
        '{"on":true,"colour":"blue","level":"70","lamp":{"room":"kitchen"},'
        '"scene":{"title":"t","lamps":[{"room":"r"}]}}'
    )
    assert arguments["colour"] is Colour.BLUE
    assert arguments["level"] == 70
    assert arguments["lamp"] == Lamp("kitchen")
    assert arguments["scene"].lamps == [Lamp("r")]
    assert arguments["rooms"] is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "missing required field `on`"),
        ("", "missing required field `on`"),
        ('{"on":true', "not one whole JSON object"),
        ('{"on":true,"colour":"red"} and more', "not one whole JSON object"),
        ("[]", "got `array`"),
        ('"on"', "got `str`"),
        ('{"on":true,"colour":"green"}', "Invalid enum value 'green'"),
        ('{"on":true,"colour":"red","level":101}', "<= 100"),
        ('{"on":true,"colour":"red","level":1.5}', "got `float` - at `$.level`"),
        ('{"on":true,"colour":"red","colours":1}', "unknown field `colours`"),
        ('{"on":true,"colour":"red","fade_s":NaN}', "not one whole JSON object"),
        ('{"on":true,"colour":"red","lamp":{}}', "missing required field `room`"),
        ('{"on":true,"colour":"red","rooms":["\\ud800"]}', "not one whole JSON object"),
        ('{"on":true,"colour":"red","rooms":["\ud800"]}', "not one whole JSON object"),
        ("[" * 60_000, "got `array`"),
        (" " * 10 + "x" * 70_000, "longer than 65536"),
    ],
)
def test_a_mistake_is_named(signature: Signature, text: str, reason: str) -> None:
    with pytest.raises(ArgumentsError, match=reason.replace("$", r"\$").replace("[", r"\[")):
        signature.read(text)


def test_a_mistake_says_what_was_expected(signature: Signature) -> None:
    with pytest.raises(ArgumentsError, match=r"mode: one of hard\|soft \(optional\)"):
        signature.read('{"on":1}')


def test_no_arguments_may_be_no_text() -> None:
    def ping() -> None:
        """Answer."""

    signature = Signature(ping, "ping")
    for text in ("", "  ", "{}", "null"):
        assert signature.read(text) == {}
    with pytest.raises(ArgumentsError, match="takes no arguments"):
        signature.read('{"x":1}')


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(json.dumps)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        arguments = Signature(light, "light").read(text)
    except ArgumentsError:
        return
    assert arguments["on"] in (True, False)


def test_what_cannot_be_a_tool_is_refused_when_it_is_added() -> None:
    def silent(x: int) -> None: ...

    def untyped(x) -> None:  # type: ignore[no-untyped-def]
        """Do.

        Args:
            x: A thing.
        """

    def undescribed(x: int) -> None:
        """Do."""

    def misdescribed() -> None:
        """Do.

        Args:
            y: Is not there.
        """

    def greedy(*x: int) -> None:
        """Do.

        Args:
            x: Many.
        """

    for function in (silent, untyped, undescribed, misdescribed, greedy):
        with pytest.raises(TypeError, match=r"tool \w+"):
            Signature(function, "f")


class Endless(msgspec.Struct):
    inner: Endless | None = None


def test_a_type_that_contains_itself_is_refused() -> None:
    def endless(x: Endless) -> None:
        """Do.

        Args:
            x: Itself.
        """

    with pytest.raises(TypeError, match="contains itself"):
        Signature(endless, "endless")


def test_a_docstring_without_arguments() -> None:
    assert describe("Do it.").arguments == {}
    assert describe("").text == ""
