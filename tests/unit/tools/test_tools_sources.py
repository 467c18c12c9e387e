"""Tools come and go with their sources, while calls are made."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from device.tools.answers import ToolError
from device.tools.registry import CallLimits, Registry
from device.tools.signature import ArgumentsError
from device.tools.sources import Tool


@dataclass
class Remote:
    """A tool that is no function: its schema is given, its arguments are read by hand."""

    name: str
    description: str = "Does something elsewhere."
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    timeout_s: float = 1.0
    answer: object = "done"
    gate: asyncio.Event | None = None
    began: asyncio.Event = field(default_factory=asyncio.Event)

    def read(self, arguments_json: str) -> dict[str, Any]:
        try:
            arguments = json.loads(arguments_json or "{}")
        except ValueError as bad:
            raise ArgumentsError(f"no JSON: {bad}") from None
        assert isinstance(arguments, dict)
        return arguments

    async def call(self, arguments: Mapping[str, Any]) -> object:
        self.began.set()
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"answer": self.answer, **arguments}


class Server:
    """A source that a test changes."""

    def __init__(self, name: str, *tools: Remote) -> None:
        self.name = name
        self.has: list[Remote] = list(tools)
        self.is_closed = False
        self.changed: Callable[[], None] = lambda: None

    def tools(self) -> Sequence[Tool]:
        return list(self.has)

    def watch(self, changed: Callable[[], None]) -> None:
        self.changed = changed

    def has_now(self, *tools: Remote) -> None:
        self.has = list(tools)
        self.changed()

    async def close(self) -> None:
        self.is_closed = True


async def get_time() -> str:
    """Tell the time."""
    return "six"


def names(registry: Registry) -> list[str]:
    return [tool["name"] for tool in registry.tools()]


async def result(registry: Registry, name: str, arguments: str = "{}") -> dict[str, Any]:
    registry.new_turn()
    outcome = await registry.run(name, arguments, "c")
    found = json.loads(outcome.output_json)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def registry() -> Registry:
    registry = Registry(limits=CallLimits())
    registry.add(get_time)
    return registry


async def test_a_source_appears_changes_and_vanishes(registry: Registry) -> None:
    told: list[list[str]] = []
    registry.watch(lambda: told.append(names(registry)))
    lamps = Server("lamps", Remote("lamp_on"))
    registry.attach(lamps)
    assert await result(registry, "lamp_on", '{"room": "hall"}') == {
        "answer": "done",
        "room": "hall",
    }
    lamps.has_now(Remote("lamp_on"), Remote("lamp_off"))
    lamps.has_now(Remote("lamp_off"))
    assert "no tool 'lamp_on'" in (await result(registry, "lamp_on"))["error"]
    await registry.detach("lamps")
    assert lamps.is_closed
    assert told == [
        ["get_time", "lamp_on"],
        ["get_time", "lamp_on", "lamp_off"],
        ["get_time", "lamp_off"],
        ["get_time"],
    ]


async def test_what_stays_the_same_is_not_told(registry: Registry) -> None:
    told: list[None] = []
    unwatch = registry.watch(lambda: told.append(None))
    lamps = Server("lamps", Remote("lamp_on"))
    registry.attach(lamps)
    lamps.has_now(Remote("lamp_on"))
    assert len(told) == 1
    lamps.has_now(Remote("lamp_on", description="Turns a lamp on."))
    assert len(told) == 2
    unwatch()
    lamps.has_now()
    assert len(told) == 2


async def test_the_first_source_keeps_a_name_until_it_goes(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    first = Server("first", Remote("play", answer="by the first"))
    second = Server("second", Remote("play", answer="by the second"), Remote("get_time"))
    registry.attach(first)
    registry.attach(second)
    assert names(registry) == ["get_time", "play"]
    assert (await result(registry, "play"))["answer"] == "by the first"
    assert (await result(registry, "get_time"))["result"] == "six", "ours are never replaced"
    assert "tool play of second is left out: first has one of that name" in caplog.text
    caplog.clear()
    second.has_now(*second.has)
    assert not caplog.text, "told once"
    first.has_now()
    assert (await result(registry, "play"))["answer"] == "by the second"
    with pytest.raises(ValueError, match="source of tools called second already"):
        registry.attach(Server("second"))


async def test_a_call_under_way_outlives_its_tool(registry: Registry) -> None:
    lamp = Remote("lamp_on", gate=asyncio.Event())
    lamps = Server("lamps", lamp)
    registry.attach(lamps)
    calling = asyncio.create_task(registry.run("lamp_on", "{}", "c"))
    await lamp.began.wait()
    lamps.has_now()
    assert lamp.gate is not None
    lamp.gate.set()
    assert not (await calling).is_error


@pytest.mark.parametrize(
    ("remote", "arguments", "reason"),
    [
        (Remote("it"), "{", "no JSON"),
        (Remote("it", answer=ToolError("the lamp is gone")), "{}", "the lamp is gone"),
        (Remote("it", answer=RuntimeError("oops")), "{}", "failed on the device"),
        (Remote("it", gate=asyncio.Event(), timeout_s=0.01), "{}", "did not finish within 0.01 s"),
    ],
)
async def test_whatever_a_source_does_is_an_outcome(
    registry: Registry, remote: Remote, arguments: str, reason: str
) -> None:
    registry.attach(Server("remote", remote))
    assert reason in (await result(registry, "it", arguments))["error"]


async def test_closing_closes_every_source(registry: Registry) -> None:
    lamps, radio = Server("lamps"), Server("radio")
    registry.attach(lamps)
    registry.attach(radio)
    await registry.close()
    assert lamps.is_closed
    assert radio.is_closed


async def test_a_function_can_go_again(registry: Registry) -> None:
    registry.functions.remove("get_time")
    assert names(registry) == []
    assert "no tool 'get_time'" in (await result(registry, "get_time"))["error"]
