"""Tools of which only the schema is known are called by what was said, and by nothing else."""

import json
from typing import Any

import pytest

from device.brain.base.abilities import FunctionTool
from device.brain.trial import appliance_tools
from device.brain.understanding.expected_words import expected_words
from device.brain.understanding.intents.language import load_language
from device.brain.understanding.matching import SchemaMatcher
from device.brain.understanding.schemas import fault_in

MATCHER = SchemaMatcher(load_language())


def one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def tool(name: str, about: str, required: str = "", **properties: Any) -> FunctionTool:
    schema = {"type": "object", "properties": properties, "required": required.split()}
    return FunctionTool(name, about, schema)


HOUSE = [
    tool(
        "orderBeverage",
        "Order a drink from the coffee machine.",
        "drink",
        drink=one_of("coffee", "iced coffee", "latte", "cappuccino", "mocha"),
        size=one_of("small", "medium", "large", "twelveOunce"),
        roast=one_of("light_roast", "medium_roast", "dark_roast"),
        decaf={"type": "boolean"},
    ),
    tool(
        "set_light",
        "Turn a light on or off, or dim it.",
        "room",
        room=one_of("kitchen", "living_room", "bedroom"),
        on={"type": "boolean"},
        brightness={"type": "integer", "minimum": 0, "maximum": 100},
    ),
    tool("play_music", "Play music.", "query", query={"type": "string"}),
    tool("get_weather", "Get the weather forecast."),
    tool("openGarage", "Open the garage door."),
    *appliance_tools(),
]


@pytest.mark.parametrize(
    ("says", "name", "arguments"),
    [
        (
            "I'd like a small iced coffee",
            "orderBeverage",
            {"drink": "iced coffee", "size": "small"},
        ),
        (
            "Make me a medium roast 12-ounce latte",
            "orderBeverage",
            {"drink": "latte", "roast": "medium_roast", "size": "twelveOunce"},
        ),
        ("get me a capicino", "orderBeverage", {"drink": "cappuccino"}),
        ("Brew a decaf coffee", "orderBeverage", {"drink": "coffee", "decaf": True}),
        ("turn on the kitchen light", "set_light", {"room": "kitchen", "on": True}),
        ("Turn off the light in the bedroom", "set_light", {"room": "bedroom", "on": False}),
        (
            "dim the living room light to thirty percent",
            "set_light",
            {"room": "living_room", "brightness": 30},
        ),
        ("Play some jazz", "play_music", {"query": "jazz"}),
        ("play The Beatles", "play_music", {"query": "Beatles"}),
        ("what's the weather like", "get_weather", {}),
        ("open the garage door", "openGarage", {}),
    ],
)
def test_calls_what_was_meant(says: str, name: str, arguments: dict[str, Any]) -> None:
    proposal = MATCHER.propose(says, HOUSE)
    assert proposal is not None
    assert (proposal.call.name, json.loads(proposal.call.arguments)) == (name, arguments)
    assert fault_in(arguments, next(t for t in HOUSE if t.name == name).parameters) is None


@pytest.mark.parametrize(
    "says",
    [
        "I like coffee",
        "my kitchen is dirty",
        "open the window",
        "what's the capital of France",
        "the garage door was open all night",
        "who invented the cappuccino",
        "how is coffee made",
        "make it so",
        "get me out of here",
        "turn around",
        "",
        "a large elephant",
    ],
)
def test_calls_nothing_for_other_talk(says: str) -> None:
    assert MATCHER.propose(says, HOUSE) is None


def test_needs_everything_that_the_schema_needs() -> None:
    assert MATCHER.propose("order a large dark roast", HOUSE) is None


def test_a_search_tool_gets_the_questions_of_fact() -> None:
    search = tool("search_web", "Search the web.", "query", query={"type": "string"})
    proposal = MATCHER.propose("Who wrote Hamlet?", [search])
    assert proposal is not None
    assert json.loads(proposal.call.arguments) == {"query": "Who wrote Hamlet?"}
    assert proposal.is_sure


def test_the_words_to_expect_are_the_values_of_the_schemas() -> None:
    words = expected_words([{"parameters": tool.parameters} for tool in HOUSE[:2]])
    assert words.startswith("coffee, iced coffee, latte")
    assert "twelve Ounce" in words or "twelve ounce" in words
    assert "living room" in words
    assert expected_words([]) == ""
    own = [{"name": tool.name, "parameters": tool.parameters} for tool in appliance_tools()]
    assert expected_words(own) == ""
    assert len(expected_words([{"parameters": {"enum": ["word" * 20] * 3 + ["x" * 90] * 9}}])) < 500
