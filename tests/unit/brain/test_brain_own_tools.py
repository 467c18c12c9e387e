"""The tools of one's own that are shipped, as the local brain understands them: by name."""

from __future__ import annotations

import json

import pytest

from device.brain.base.abilities import FunctionTool
from device.brain.trial import appliance_tools
from device.brain.understanding.intents.language import load_language
from device.brain.understanding.matching import SchemaMatcher
from device.firmware import FIRMWARE
from device.toolhost.own_file import described

OWN = [
    FunctionTool(each["name"], each["description"], each["schema"])
    for file in ("weather", "news")
    for each in described(FIRMWARE / "tools" / f"{file}.py")["tools"]
]


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("what is the weather like", "get_weather"),
        ("how is the weather", "get_weather"),
        ("tell me the news", "get_news"),
        ("get the news", "get_news"),
    ],
)
def test_weather_and_news_are_called_at_once(said: str, tool: str) -> None:
    proposal = SchemaMatcher(load_language()).propose(said, [*appliance_tools(), *OWN])
    assert proposal is not None
    assert (proposal.call.name, json.loads(proposal.call.arguments)) == (tool, {})
    assert proposal.is_sure


def test_the_weather_elsewhere_and_what_is_not_about_it_call_nothing() -> None:
    matcher = SchemaMatcher(load_language())
    for said in ("what is the weather in oslo tomorrow", "set a timer for ten minutes"):
        assert matcher.propose(said, [*appliance_tools(), *OWN]) is None
