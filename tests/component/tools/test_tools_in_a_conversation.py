"""A source of tools comes, changes and goes while a conversation runs against a cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from waiting import until

from device.assistant import inputs, news
from device.assistant.assistant import Assistant
from device.assistant.items import ItemKey
from device.assistant.policy import EndpointPlan, Policy
from device.assistant.states import State
from device.clocks import SessionClock
from device.realtime.endpoint import Endpoint
from device.realtime.session import session_for
from device.realtime.session_object import FunctionTool, Session
from device.realtime.websocket import WebSocketLink
from device.room.conductor import Conductor, ConductorParts
from device.room.inbox import Inbox
from device.room.links import EndpointEntry
from device.tools.registry import Registry
from device.tools.sources import Tool
from device.workshop.simulation.cloud import Cloud

CloudOf = Callable[..., Awaitable[Cloud]]


@dataclass
class Lamp:
    name: str
    description: str = "Switches a lamp."
    timeout_s: float = 1.0
    schema: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "object", "properties": {}, "required": []}
    )

    def read(self, arguments_json: str) -> dict[str, Any]:
        return dict(msgspec.json.decode(arguments_json))

    async def call(self, arguments: Mapping[str, Any]) -> object:
        return {"switched": self.name}


class Lamps:
    """A source whose lamps are plugged in and out."""

    name = "lamps"

    def __init__(self, *names: str) -> None:
        self._names = names
        self._changed: Callable[[], None] = lambda: None

    def tools(self) -> Sequence[Tool]:
        return [Lamp(name) for name in self._names]

    def watch(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def plugged(self, *names: str) -> None:
        self._names = names
        self._changed()

    async def close(self) -> None:
        return None


class Anything:
    """A part of the appliance that nobody looks at here: takes every call, does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


class QuickMouth(Anything):
    """Has said everything as soon as it is whole."""

    def __init__(self, said: Callable[[ItemKey], None]) -> None:
        self.finish_answer = said

    def stop_conversation(self) -> dict[ItemKey, int]:
        return {}


class Conversation:
    """Typed questions by the real core, conductor, links and tools; a speaker of paper."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.changed = asyncio.Event()
        self.registry = Registry()
        self.registry.add(self.get_time)
        self.told: list[news.News] = []
        parts = ConductorParts(
            Anything(),  # type: ignore[arg-type]
            QuickMouth(self._played),  # type: ignore[arg-type]
            Anything(),
            self.registry,
            lambda _: self.changed.set(),
            self.told.append,
            SessionClock(),
        )
        self.core = Assistant(Policy(chime=False, follow_up_s=0), [EndpointPlan("cloud")])
        entry = EndpointEntry(endpoint, self._session, WebSocketLink.open)
        self.conductor = Conductor(self.core, parts, {"cloud": entry}, Inbox())

    async def get_time(self) -> str:
        """Tell the time."""
        return "six"

    def _session(self, endpoint: Endpoint, profile: str = "") -> Session:
        tools = [msgspec.convert(tool, FunctionTool) for tool in self.registry.tools()]
        return session_for(endpoint, instructions="Be brief.", tools=tools)

    def _played(self, key: ItemKey) -> None:
        self.conductor.feed(inputs.PlaybackStarted(key, 0))
        self.conductor.feed(inputs.PlaybackFinished(key, 0))

    async def ask(self, text: str) -> None:
        self.conductor.feed(inputs.Asked(text))
        await self.ask_is_over()

    async def ask_is_over(self) -> None:
        await until(
            lambda: self.core.state is State.IDLE, self.changed, 10.0, lambda: str(self.told)
        )

    @property
    def ran(self) -> list[tuple[str, bool]]:
        return [(n.name, "error" in n.result) for n in self.told if isinstance(n, news.ToolRan)]


def lists_sent(cloud: Cloud) -> list[list[str]]:
    (visit,) = cloud.visits
    return [
        [tool["name"] for tool in update["session"]["tools"]]
        for update in visit.of_type("session.update")
    ]


def types_of(cloud: Cloud) -> list[str]:
    return [kind for visit in cloud.visits for kind in visit.types_sent()]


async def test_the_next_turn_has_the_tools_that_there_are(cloud_of: CloudOf) -> None:
    calls = [{"items": [{"call": "hall", "arguments": {}}]}, {"items": [{"say": "Done."}]}]
    cloud = await cloud_of({"server": {"pace": 0, "first_delta_ms": 1}, "answers": 3 * calls})
    it = Conversation(cloud.endpoint())
    await it.ask("switch the lamp in the hall on")
    assert it.ran == [("hall", True)], "no such tool yet"

    lamps = Lamps("hall")
    it.registry.attach(lamps)
    await it.ask("try again")
    assert it.ran[1:] == [("hall", False)]

    lamps.plugged("kitchen", "porch")
    await it.registry.detach("lamps")
    await it.ask("and again")
    assert it.ran[2:] == [("hall", True)]
    assert lists_sent(cloud) == [
        ["get_time"],
        ["get_time", "hall"],
        ["get_time", "kitchen", "porch"],
        ["get_time"],
    ], "on the link in use, each list once"
    await it.conductor.close()


async def test_a_change_in_the_middle_of_an_answer_waits_for_the_next_question(
    cloud_of: CloudOf,
) -> None:
    calls = [{"items": [{"call": "get_time", "arguments": {}}]}, {"items": [{"say": "Six."}]}]
    cloud = await cloud_of({"server": {"pace": 0, "first_delta_ms": 50}, "answers": calls})
    it = Conversation(cloud.endpoint())
    it.conductor.feed(inputs.Asked("what time is it"))
    await until(
        lambda: cloud.visits and cloud.visits[0].of_type("response.created"), it.changed, 10
    )
    it.registry.attach(Lamps("hall"))
    await it.ask_is_over()
    assert lists_sent(cloud) == [["get_time"]], "not while the model is at it"
    await it.ask("and now?")
    assert lists_sent(cloud) == [["get_time"], ["get_time", "hall"]]
    await it.conductor.close()
