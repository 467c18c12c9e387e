"""Intents become calls of tools of any make, or of none where something would be lost."""

import datetime as dt
import json
from typing import Any

import pytest

from device.brain.base.abilities import FunctionTool
from device.brain.trial import appliance_tools
from device.brain.understanding.functions import calls_for, is_known_kind, tools_for, words_of
from device.brain.understanding.intents.language import load_language
from device.brain.understanding.intents.recognition import Recognizer

NOW = dt.datetime(2026, 11, 24, 14, 30, tzinfo=dt.UTC)
RECOGNIZER = Recognizer(load_language(), lambda: NOW)


def tool(name: str, required: str = "", **properties: Any) -> FunctionTool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }
    return FunctionTool(name, "", schema)


def calls(says: str, *tools: FunctionTool) -> list[dict[str, Any]]:
    (meant,) = RECOGNIZER.understand(says)
    return [json.loads(call.arguments) for call in calls_for(meant, tools, NOW, ["and"])]


TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({"seconds": NUMBER}, {"seconds": 5400}),
        ({"minutes": NUMBER}, {"minutes": 90}),
        ({"hours": WHOLE, "minutes": WHOLE}, {"hours": 1, "minutes": 30}),
        ({"duration": NUMBER}, {"duration": 5400}),
        ({"duration": {**NUMBER, "description": "Length in minutes."}}, {"duration": 90}),
        ({"duration_ms": WHOLE}, {"duration_ms": 5400000}),
        ({"durationSeconds": WHOLE}, {"durationSeconds": 5400}),
        ({"duration": {**TEXT, "description": "ISO 8601, such as PT5M"}}, {"duration": "PT1H30M"}),
    ],
)
def test_fits_a_span_to_any_schema(schema: Any, arguments: Any) -> None:
    for name in ("set_timer", "startTimer", "create_kitchen_timer", "timer_start"):
        assert calls("Set a timer for an hour and a half", tool(name, **schema)) == [arguments]


def test_a_tool_that_would_lose_something_does_not_fit() -> None:
    nameless = tool("set_timer", seconds=NUMBER)
    assert calls("Set a pasta timer for ten minutes", nameless) == []
    once = tool("set_alarm", time=TEXT)
    assert calls("Set an alarm for 7 a.m. on weekdays", once) == []
    assert calls("Set an alarm for 7 a.m. on Friday", once) == []
    assert calls("Set an alarm for 7 a.m. tomorrow", once) == [{"time": "07:00"}]


def test_a_tool_that_needs_what_was_not_said_does_not_fit() -> None:
    assert calls("Set a timer for ten minutes", tool("set_timer", "room", seconds=NUMBER)) == []


def test_a_value_out_of_bounds_does_not_fit() -> None:
    bounded = tool("set_timer", seconds={**NUMBER, "maximum": 60})
    assert calls("Set a timer for ten minutes", bounded) == []


def test_the_second_tool_is_tried_where_the_first_does_not_fit() -> None:
    poor, rich = tool("set_timer", minutes=WHOLE), tool("start_timer", seconds=NUMBER)
    assert calls("Set a timer for 90 seconds", poor, rich) == [{"seconds": 90}]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (TEXT, "07:15"),
        ({**TEXT, "description": "Such as 7:15 AM"}, "7:15 AM"),
        ({**TEXT, "format": "date-time"}, "2026-11-25T07:15:00+00:00"),
        (WHOLE, int(dt.datetime(2026, 11, 25, 7, 15, tzinfo=dt.UTC).timestamp())),
    ],
)
def test_fits_a_time_to_any_schema(part: Any, value: Any) -> None:
    assert calls("Wake me at 7:15 a.m.", tool("set_alarm", time=part)) == [{"time": value}]


@pytest.mark.parametrize(
    ("items", "days"),
    [
        (TEXT, ["monday", "wednesday"]),
        ({**TEXT, "enum": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]}, ["Mon", "Wed"]),
        ({**TEXT, "enum": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]}, None),
        (WHOLE, [0, 2]),
    ],
)
def test_fits_weekdays_to_any_schema(items: Any, days: Any) -> None:
    alarm = tool("set_alarm", time=TEXT, days={"type": "array", "items": items})
    expected = (
        [{"time": "07:00", "days": days}] if days else [{"time": "07:00", "days": ["MO", "WE"]}]
    )
    assert calls("Set an alarm for 7 a.m. every Monday and Wednesday", alarm) == expected


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (WHOLE, 40),
        ({**NUMBER, "minimum": 0, "maximum": 1}, 0.4),
        ({**WHOLE, "minimum": 0, "maximum": 10}, 4),
    ],
)
def test_fits_percent_to_the_scale_of_the_schema(part: Any, value: Any) -> None:
    assert calls("Set the volume to 40%", tool("set_volume", "level", level=part)) == [
        {"level": value}
    ]


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({"direction": {**TEXT, "enum": ["louder", "quieter"]}}, {"direction": "quieter"}),
        ({"step_percent": WHOLE}, {"step_percent": -10}),
        ({"delta": NUMBER}, {"delta": -10}),
    ],
)
def test_says_which_way_to_turn_the_volume(schema: Any, arguments: Any) -> None:
    assert calls("Turn it down", tool("change_volume", **schema)) == [arguments]


def test_several_things_are_one_call_or_several() -> None:
    many = tool("add_to_list", items={"type": "array", "items": TEXT}, list_name=TEXT)
    one = tool("add_to_shopping_list", "item", item=TEXT)
    says = "Add milk, eggs and butter to the shopping list"
    assert calls(says, many) == [{"items": ["milk", "eggs", "butter"], "list_name": "shopping"}]
    assert calls(says, one) == [{"item": "milk"}, {"item": "eggs"}, {"item": "butter"}]


def test_capitals_of_names_are_kept() -> None:
    reminder = tool("set_reminder", text=TEXT, minutes=NUMBER)
    assert calls("Remind me to call Anna McCoy in ten minutes", reminder) == [
        {"text": "call Anna McCoy", "minutes": 10}
    ]


def test_a_span_becomes_a_time_where_the_tool_takes_only_that() -> None:
    (arguments,) = calls(
        "Remind me to stir in ten minutes", tool("set_reminder", text=TEXT, time=TEXT)
    )
    assert arguments == {"text": "stir", "time": "14:40"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("orderBeverage", "order beverage"),
        ("set_timer", "set timer"),
        ("HTTPServerStart", "http server start"),
        ("get-Time2", "get time 2"),
    ],
)
def test_splits_names(name: str, words: str) -> None:
    assert words_of(name) == words.split()


def test_every_tool_of_the_appliance_is_of_a_known_kind() -> None:
    assert [tool.name for tool in appliance_tools() if not is_known_kind(tool.name)] == []


def test_tools_of_other_kinds_are_left_alone() -> None:
    others = [
        tool(name) for name in ("set_light", "timer_statistics_reset", "play_music", "settimer_x")
    ]
    assert [one.name for one in others if is_known_kind(one.name)] == []
    assert tools_for("set_timer", others) == []
