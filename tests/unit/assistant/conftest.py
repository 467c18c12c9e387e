"""A bench for the core: a clock that the test turns, and words for what a server says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.items import ItemKey
from device.assistant.policy import EndpointPlan, Policy
from device.realtime import events as wire
from device.realtime.failures import Failure, Reason
from device.realtime.items import FunctionCallItem
from device.realtime.response_object import Response, ResponseError, StatusDetails
from device.reports import record

CLOUD = EndpointPlan("cloud")
BRAIN = EndpointPlan("brain", is_local=True)


def seconds_of_sound(length_s: float) -> bytes:
    """That much silence, PCM16 at 24 kHz."""
    return bytes(2 * int(24_000 * length_s))


class Bench:
    """Feeds an assistant and keeps every effect it asked for."""

    def __init__(self, policy: Policy, plans: Sequence[EndpointPlan]) -> None:
        self.core = Assistant(policy, plans)
        self.now_s = 0.0
        self.effects: list[do.Effect] = []

    def feed(self, happened: inputs.Input) -> list[do.Effect]:
        effects = self.core.handle(happened, self.now_s)
        self.effects += effects
        return effects

    def wait(self, length_s: float) -> list[do.Effect]:
        """Let time pass, waking the core at each of its deadlines as a shell would."""
        until_s, effects = self.now_s + length_s, []
        while (due_s := self.core.deadline_s) is not None and due_s <= until_s:
            self.now_s = max(self.now_s, due_s)
            effects += self.feed(inputs.TimePassed())
        self.now_s = until_s
        return effects + self.feed(inputs.TimePassed())

    def wake(self, at_sample: int = 16_000) -> list[do.Effect]:
        effects = self.feed(inputs.WakeWordHeard("hey jarvis", 0.97, at_sample, self.now_s))
        return effects + self.feed(inputs.WakeWordEnded(at_sample))

    def link_number(self) -> int:
        return next(e.link for e in reversed(self.effects) if isinstance(e, do.OpenLink))

    def ready(self) -> list[do.Effect]:
        return self.feed(inputs.LinkReady(self.link_number()))

    def lose(self, reason: Reason = Reason.UNREACHABLE) -> list[do.Effect]:
        return self.feed(inputs.LinkLost(self.link_number(), Failure(reason, "test")))

    def server(self, event: wire.LinkEvent) -> list[do.Effect]:
        return self.feed(inputs.ServerSaid(self.link_number(), event))

    def follow_up(self, at_sample: int = 90_000, level_db: float = -30.0) -> list[do.Effect]:
        """Somebody speaks on after an answer, and is measured."""
        effects = self.feed(inputs.SpeechStarted(at_sample, self.now_s))
        return effects + self.feed(inputs.VoiceMeasured(at_sample, level_db))

    def speak(self, until_sample: int = 48_000) -> None:
        """The user says the question; the device hears its end."""
        self.feed(inputs.SpeechStarted(until_sample - 24_000, self.now_s))
        self.wait(1.0)
        self.feed(inputs.VoiceMeasured(until_sample - 24_000, -30.0))
        self.feed(inputs.SpeechEnded(until_sample, self.now_s))

    def server_begins_to_hear(self) -> None:
        self.server(wire.InputAudioBufferSpeechStarted(item_id="u1", audio_start_ms=0))

    def server_hears_question(self) -> None:
        self.server(wire.InputAudioBufferSpeechStarted(item_id="u1", audio_start_ms=0))
        self.server(wire.InputAudioBufferSpeechStopped(item_id="u1", audio_end_ms=900))
        self.server(wire.InputAudioBufferCommitted(item_id="u1"))

    def begin_response(self, response: str = "r1") -> None:
        self.server(wire.ResponseCreated(response=Response(id=response, status="in_progress")))

    def audio(
        self,
        length_s: float = 1.0,
        item: str = "a1",
        response: str = "r1",
        text: str = "It is six.",
    ) -> list[do.Effect]:
        self.server(
            wire.ResponseOutputAudioTranscriptDelta(
                response_id=response, item_id=item, output_index=0, content_index=0, delta=text
            )
        )
        return self.server(
            wire.AudioDelta(
                response_id=response,
                item_id=item,
                content_index=0,
                pcm=seconds_of_sound(length_s),
            )
        )

    def end_item(self, item: str = "a1", response: str = "r1") -> list[do.Effect]:
        return self.server(
            wire.ResponseOutputAudioDone(
                response_id=response, item_id=item, output_index=0, content_index=0
            )
        )

    def end_response(
        self, status: str = "completed", response: str = "r1", code: str = ""
    ) -> list[do.Effect]:
        details = StatusDetails(type="failed", error=ResponseError(type=code, code=code))
        return self.server(
            wire.ResponseDone(
                response=Response(
                    id=response,
                    status=status,  # type: ignore[arg-type]
                    status_details=details if code else None,
                    output=[],
                )
            )
        )

    def call_tool(self, call: str = "c1", name: str = "get_time", response: str = "r1") -> None:
        self.server(
            wire.ResponseOutputItemDone(
                response_id=response,
                output_index=0,
                item=FunctionCallItem(name=name, arguments="{}", call_id=call, status="completed"),
            )
        )

    def play(self, item: str = "a1") -> list[do.Effect]:
        return self.feed(inputs.PlaybackStarted(ItemKey(item), 60_000))

    def finish(self, item: str = "a1") -> list[do.Effect]:
        return self.feed(inputs.PlaybackFinished(ItemKey(item), 80_000))

    def finish_notices(self) -> None:
        for notice in self.of(do.Notice):
            self.finish(notice.item.item_id)

    def ask(self) -> None:
        """A whole question, up to where an answer is awaited."""
        self.wake()
        self.ready()
        self.speak()
        self.server_hears_question()

    def answer(self, response: str = "r1", item: str = "a1") -> None:
        """A whole answer, up to its end at the speaker."""
        self.begin_response(response)
        self.audio(item=item, response=response)
        self.play(item)
        self.end_item(item, response)
        self.end_response(response=response)
        self.wait(1.0)
        self.finish(item)

    def of(self, kind: type) -> list[do.Effect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def uplinks(self) -> list[do.StartUplink]:
        """What was to be sent, without its bounds, which have tests of their own."""
        began = [effect for effect in self.effects if isinstance(effect, do.StartUplink)]
        return [dataclasses.replace(effect, bound=None) for effect in began]

    def sent(self, kind: type) -> list[wire.ClientEvent]:
        return [
            e.event for e in self.effects if isinstance(e, do.Send) and isinstance(e.event, kind)
        ]

    def reports(self, event: str) -> list[dict[str, object]]:
        """The particulars of each record of that name, as the log would have it."""
        told = [record(e.news) for e in self.effects if isinstance(e, do.Tell)]
        return [dict(each.fields) for each in told if each is not None and each.event == event]


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench() -> MakeBench:
    """Build a bench; by default a cloud first, then the brain."""

    def make(*plans: EndpointPlan, **policy: object) -> Bench:
        return Bench(Policy(**policy), plans or (CLOUD, BRAIN))  # type: ignore[arg-type]

    return make


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()


@pytest.fixture
def local_endpointing(make_bench: MakeBench) -> Bench:
    """One endpoint, for which the device decides where a question ends."""
    return make_bench(EndpointPlan("plain", detects_turns=False))
