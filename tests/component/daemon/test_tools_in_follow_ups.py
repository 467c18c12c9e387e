"""Every turn has the tools anew: a long conversation is no model that runs in circles."""

from __future__ import annotations

import asyncio
from typing import Any

from waiting import until

from device.assistant import inputs, news
from device.assistant.assistant import Assistant
from device.assistant.items import ItemKey
from device.assistant.policy import EndpointPlan, Policy
from device.assistant.states import State
from device.clocks import SessionClock
from device.realtime import events as wire
from device.realtime.items import FunctionCallItem
from device.realtime.response_object import Response
from device.room.conductor import Conductor, ConductorParts
from device.room.inbox import Inbox
from device.tools.registry import Registry

QUESTIONS = 40
SOUND = bytes(4_800)


class Anything:
    """A part of the appliance that nobody looks at here: takes every call, does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


class SilentMouth(Anything):
    """Of what it was to say, nothing has been heard."""

    def stop_conversation(self) -> dict[ItemKey, int]:
        return {}


class Conversation:
    """A core with its conductor and its tools, between a link and a speaker of paper."""

    def __init__(self) -> None:
        self.told: list[news.News] = []
        self.changed = asyncio.Event()
        self.registry = Registry()
        self.registry.add(self.count)
        self.core = Assistant(
            Policy(chime=False, follow_ups=99, follow_up_done_s=5.0), [EndpointPlan("cloud")]
        )
        parts = ConductorParts(
            Anything(),  # type: ignore[arg-type]
            SilentMouth(),  # type: ignore[arg-type]
            Anything(),
            self.registry,
            lambda _: None,
            self.tell,
            SessionClock(),
        )
        self.conductor = Conductor(self.core, parts, {}, Inbox())
        self.conductor.links = Anything()  # type: ignore[assignment]
        self.conductor.uplinks = Anything()  # type: ignore[assignment]

    def tell(self, what: news.News) -> None:
        self.told.append(what)
        self.changed.set()

    def count(self) -> int:
        """Count something."""
        return len(self.told)

    def server(self, *events: wire.LinkEvent) -> None:
        for event in events:
            self.conductor.feed(inputs.ServerSaid(1, event))

    async def question_with_tool(self, number: int) -> None:
        """From the end of a question to the end of its answer, with one call on the way."""
        call = FunctionCallItem(
            name="count", arguments="{}", call_id=f"c{number}", status="completed"
        )
        asking = Response(id=f"r{number}", status="in_progress")
        done = Response(id=f"r{number}", status="completed", output=[])
        answer = ItemKey(f"a{number}")
        at = {"response_id": f"r{number}", "output_index": 0}
        audio = {"output_index": 0, "item_id": answer.item_id, "content_index": 0}
        self.server(
            wire.InputAudioBufferSpeechStarted(item_id="u", audio_start_ms=0),
            wire.InputAudioBufferSpeechStopped(item_id="u", audio_end_ms=900),
            wire.ResponseCreated(response=asking),
            wire.ResponseOutputItemDone(item=call, **at),
        )
        await until(lambda: len(self.ran) >= number, self.changed, 10.0)
        self.server(wire.ResponseDone(response=done))
        again = f"again{number}"
        self.server(
            wire.ResponseCreated(response=Response(id=again, status="in_progress")),
            wire.AudioDelta(again, answer.item_id, 0, SOUND),
            wire.ResponseOutputAudioDone(response_id=again, **audio),
            wire.ResponseDone(response=Response(id=again, status="completed", output=[])),
        )
        self.conductor.feed(inputs.PlaybackStarted(answer, 1_000))
        self.conductor.feed(inputs.PlaybackFinished(answer, 2_000))

    @property
    def ran(self) -> list[news.ToolRan]:
        return [each for each in self.told if isinstance(each, news.ToolRan)]


async def test_the_tools_of_a_follow_up_are_counted_anew() -> None:
    it = Conversation()
    assert it.registry.limits.calls_per_turn < QUESTIONS
    it.conductor.feed(inputs.WakeWordHeard("hey jarvis", 0.9, 100, 0.0))
    it.conductor.feed(inputs.WakeWordEnded(100))
    it.conductor.feed(inputs.LinkReady(1))
    for number in range(1, QUESTIONS + 1):
        await it.question_with_tool(number)
        assert it.core.state is State.FOLLOW_UP
        it.conductor.feed(inputs.SpeechStarted(3_000, 0.0))
        it.conductor.feed(inputs.VoiceMeasured(3_000, -30.0))
    assert [each.result for each in it.ran if "error" in each.result] == []
    await it.registry.close()
