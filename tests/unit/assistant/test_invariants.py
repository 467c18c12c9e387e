"""What holds whatever happens: random inputs in random order, in virtual time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from random import Random
from typing import Any, get_args

from hypothesis import find, given, settings
from hypothesis import strategies as st

from device.assistant import effects as do
from device.assistant import inputs, news
from device.assistant.assistant import Assistant
from device.assistant.budget import Budget
from device.assistant.checks import Ruling
from device.assistant.items import ItemKey
from device.assistant.policy import BargeIn, EndpointPlan, Policy
from device.assistant.states import State
from device.assistant.turn import Trigger
from device.realtime import events as wire
from device.realtime.failures import Failure, Reason
from device.realtime.items import FunctionCallItem
from device.realtime.response_object import Response

IDLE_WITHIN_S = 900.0
"""No chain of time-outs is longer: three endpoints' worth of them, tools, and an answer."""
SOUND = bytes(2400)

ids = st.sampled_from(["r1", "r2", "r3"])
item_ids = st.sampled_from(["a1", "a2"])
links = st.sampled_from([0, 0, 0, 0, 1, 2])
"""0 stands for the link that was opened last; the others are mostly stale."""
samples = st.integers(0, 10_000_000)
reasons = st.sampled_from([Reason.UNREACHABLE, Reason.REFUSED_KEY, Reason.CLOSED, Reason.QUOTA])


def error(code: str) -> wire.ErrorEvent:
    return wire.ErrorEvent(error=wire.ErrorDetails(type=code, code=code, message="from a test"))


def created(response: str) -> wire.ServerEvent:
    return wire.ResponseCreated(response=Response(id=response, status="in_progress"))


def done(response: str, status: str = "completed") -> wire.ServerEvent:
    return wire.ResponseDone(response=Response(id=response, status=status, output=[]))  # type: ignore[arg-type]


def audio(response: str, item: str) -> wire.AudioDelta:
    return wire.AudioDelta(response_id=response, item_id=item, content_index=0, pcm=SOUND)


def audio_done(response: str, item: str) -> wire.ServerEvent:
    return wire.ResponseOutputAudioDone(
        response_id=response, item_id=item, output_index=0, content_index=0
    )


def call(response: str, call_id: str) -> wire.ServerEvent:
    item = FunctionCallItem(name="get_time", arguments="{}", call_id=call_id, status="completed")
    return wire.ResponseOutputItemDone(response_id=response, output_index=0, item=item)


server_events = st.one_of(
    st.just(wire.InputAudioBufferSpeechStarted(item_id="u", audio_start_ms=0)),
    st.just(wire.InputAudioBufferSpeechStopped(item_id="u", audio_end_ms=1)),
    st.just(wire.InputAudioBufferCommitted(item_id="u")),
    ids.map(created),
    st.builds(
        done,
        ids,
        st.sampled_from(["completed", "cancelled", "failed", "incomplete"]),
    ),
    st.builds(audio, ids, item_ids),
    st.builds(audio_done, ids, item_ids),
    st.builds(call, ids, st.sampled_from(["c1", "c2", "c3"])),
    st.sampled_from(
        [
            error("conversation_already_has_active_response"),
            error("response_cancel_not_active"),
            error("insufficient_quota"),
            error("input_audio_buffer_commit_empty"),
        ]
    ),
)

happenings = st.one_of(
    st.builds(inputs.WakeWordHeard, st.just("jarvis"), st.floats(0, 1), samples, st.just(0.0)),
    st.builds(inputs.WakeWordEnded, samples),
    st.just(inputs.VoiceSuspected()),
    st.just(inputs.VoiceDoubted()),
    st.builds(inputs.SpeechStarted, samples, st.just(0.0)),
    st.builds(inputs.SpeechEnded, samples, st.just(0.0)),
    st.builds(inputs.VoiceMeasured, samples, st.sampled_from([-60.0, -30.0])),
    st.builds(inputs.TalkPressed, samples),
    st.just(inputs.Asked("what time is it")),
    st.just(inputs.StopRequested()),
    st.builds(inputs.MuteChanged, st.booleans()),
    st.just(inputs.MicrophoneFailed("test")),
    st.just(inputs.MicrophoneRecovered()),
    st.builds(inputs.LinkReady, links),
    st.builds(inputs.LinkLost, links, reasons.map(lambda reason: Failure(reason, "test"))),
    st.builds(inputs.ServerSaid, links, server_events),
    st.builds(inputs.ServerSaid, links, server_events),
    st.builds(inputs.LinkExpiring, links),
    st.builds(inputs.UplinkBegan, links),
    st.builds(inputs.UplinkDrained, links),
    st.builds(inputs.PlaybackStarted, item_ids.map(ItemKey), samples),
    st.builds(inputs.PlaybackFinished, item_ids.map(ItemKey), samples),
    st.builds(inputs.PlaybackStopped, st.just({ItemKey("a1"): 100})),
    st.builds(inputs.ToolFinished, st.sampled_from(["c1", "c2", "c3"]), st.just("{}")),
    st.builds(inputs.CameraChanged, st.booleans()),
    st.builds(inputs.Spent, st.floats(0, 2)),
    st.builds(inputs.EchoChanged, st.booleans()),
    st.builds(inputs.SpeakerBusy, st.sampled_from([0.5, 12.0])),
    st.just(inputs.SpeakerFree()),
    st.just(inputs.ToolsChanged()),
    st.builds(inputs.Ruled, st.integers(0, 9), st.sampled_from(list(Ruling))),
    st.just(inputs.TimePassed()),
)
KINDS = get_args(inputs.Input)
steps = st.lists(st.tuples(happenings, st.sampled_from([0.0, 0.01, 0.4, 3.0, 20.0])), max_size=60)
policies = st.builds(
    Policy,
    barge_in=st.sampled_from(list(BargeIn)),
    follow_up_s=st.sampled_from([0.0, 6.0]),
    say_notices=st.booleans(),
    chime=st.booleans(),
    budget=st.builds(Budget, st.sampled_from([0.0, 1.0]), stops=st.booleans()),
)
endpoint_lists = st.sampled_from(
    [
        [EndpointPlan("cloud", is_charged=True), EndpointPlan("brain", is_local=True)],
        [EndpointPlan("brain", is_local=True, detects_turns=False)],
        [EndpointPlan("one", detects_turns=False), EndpointPlan("two")],
    ]
)


@dataclass
class Floor:
    """Where the question under way may begin, by what a bystander saw of it."""

    sample: int | None = None
    """None while the ears listen for the end of the wake word."""
    guess_sample: int = 0
    guess_until_s: float = 0.0
    answer_sample: int = 0
    """Where the last answer began to be heard, or else the question before it."""

    def before(self, happened: inputs.Input, now_s: float) -> None:
        """Look at an input that the core is about to get."""
        if self.sample is None and now_s >= self.guess_until_s:
            self.settle(self.guess_sample)
        if self.sample is None and isinstance(happened, inputs.WakeWordEnded):
            self.settle(happened.end_sample)

    def settle(self, at_sample: int) -> None:
        self.sample = self.answer_sample = at_sample

    def began(self, turn: news.TurnBegan, happened: inputs.Input, until_s: float) -> None:
        """Look at a turn that has begun."""
        match turn.trigger:
            case Trigger.WAKE_WORD:
                assert isinstance(happened, inputs.WakeWordHeard)
                self.sample, self.guess_sample = None, happened.end_sample
                self.guess_until_s = until_s
            case Trigger.BUTTON:
                assert isinstance(happened, inputs.TalkPressed)
                self.settle(happened.at_sample)
            case Trigger.FOLLOW_UP | Trigger.VOICE:
                self.settle(self.answer_sample)

    def check(self, effect: do.Effect) -> None:
        """No effect names a sample before it."""
        match effect:
            case do.StartUplink():
                assert self.sample is not None, "the end of the wake word is not known"
                assert effect.floor_sample == self.sample, "the floor has moved"
                named = [effect.from_sample, effect.until_sample]
            case do.EndUplink():
                assert self.sample is not None, "the end of the wake word is not known"
                named = [effect.until_sample]
            case do.ListenForSpeech(on=True):
                named = [effect.from_sample]
            case _:
                return
        lowest = self.answer_sample if self.sample is None else self.sample
        assert all(each is None or each >= lowest for each in named), "from below the floor"


@dataclass
class Watch:
    """Looks at every effect with the eyes of somebody who trusts nobody."""

    core: Assistant
    now_s: float = 0.0
    may_send: bool = False
    requested: set[int] = field(default_factory=set)
    """Links with a ``response.create`` that the server has not taken up."""
    generating: dict[int, str] = field(default_factory=dict)
    """Links with a response that the server has begun and not ended."""
    open_links: set[int] = field(default_factory=set)
    ready_links: set[int] = field(default_factory=set)
    last_link: int = 0
    may_spend: bool = True
    floor: Floor = field(default_factory=Floor)

    def feed(self, happened: Any) -> None:
        # A shell wakes the core at its deadline, not together with what happens later.
        while (due_s := self.core.deadline_s) is not None and due_s <= self.now_s:
            self._feed(inputs.TimePassed())
        self._feed(happened)

    def _feed(self, happened: Any) -> None:
        before = self.core.state
        if getattr(happened, "link", None) == 0:
            happened = dataclasses.replace(happened, link=self.last_link)
        if isinstance(happened, (inputs.WakeWordHeard, inputs.TalkPressed)) and before not in (
            State.MUTED,
            State.FAULTED,
        ):
            self.may_send = True
        if isinstance(happened, inputs.Spent):
            self.may_spend = self.core.policy.budget.may_spend(happened.month_usd)
        if isinstance(happened, inputs.LinkReady) and happened.link in self.open_links:
            self.ready_links.add(happened.link)
        if isinstance(happened, inputs.ServerSaid) and happened.link in self.ready_links:
            self.server_said(happened)
        self.floor.before(happened, self.now_s)
        for effect in self.core.handle(happened, self.now_s):
            if isinstance(effect, do.Tell) and isinstance(effect.news, news.TurnBegan):
                guess_until_s = self.now_s + self.core.policy.word_end_timeout_s
                self.floor.began(effect.news, happened, guess_until_s)
            self.check(effect, before)
            self.floor.check(effect)
        if (before, self.core.state) == (State.THINKING, State.SPEAKING):
            assert isinstance(happened, inputs.PlaybackStarted)
            self.floor.answer_sample = happened.at_sample
        if self.core.state in (State.IDLE, State.MUTED, State.FAULTED):
            self.may_send = False

    def server_said(self, said: inputs.ServerSaid) -> None:
        event, link = said.event, said.link
        if isinstance(event, wire.ResponseCreated):
            self.requested.discard(link)
            self.generating[link] = event.response.id
        elif isinstance(event, wire.ResponseDone):
            if self.generating.get(link) == event.response.id:
                del self.generating[link]
        elif isinstance(event, wire.ErrorEvent):
            if event.error.code == "conversation_already_has_active_response":
                self.requested.discard(link)
            elif event.error.code == "response_cancel_not_active":
                self.generating.pop(link, None)

    def check(self, effect: do.Effect, before: State) -> None:
        if isinstance(effect, do.OpenLink):
            assert self.may_spend or effect.endpoint != "cloud", "money is spent that is not there"
            self.open_links.add(effect.link)
            self.last_link = effect.link
        if isinstance(effect, do.CloseLink):
            self.open_links.discard(effect.link)
            self.ready_links.discard(effect.link)
        if isinstance(effect, (do.StartUplink, do.EndUplink)):
            assert self.may_send, "audio would leave without a wake word or a button"
        if before is State.MUTED and self.core.state is State.MUTED:
            assert not isinstance(effect, do.AUDIO_EFFECTS), "muted, and yet there is sound"
        if isinstance(effect, do.Send) and isinstance(effect.event, wire.ResponseCreate):
            assert effect.link not in self.requested, "two response.create in flight"
            assert effect.link not in self.generating, "a response runs already"
            self.requested.add(effect.link)

    def cease(self) -> None:
        """No more inputs: only deadlines, until there are none or the time is up."""
        end_s = self.now_s + IDLE_WITHIN_S
        while (due_s := self.core.deadline_s) is not None and due_s <= end_s:
            self.now_s = max(self.now_s, due_s)
            self._feed(inputs.TimePassed())


class Walk:
    """A server, a speaker and a person who mostly do what comes next, and sometimes do not.

    Chance alone hardly ever holds a conversation long enough to break it.
    """

    def __init__(self, watch: Watch, random: Random) -> None:
        self.watch = watch
        self.random = random
        self.responses = 0
        self.calls = 0

    def step(self) -> None:
        self.watch.now_s += self.random.choice([0.0, 0.0, 0.01, 0.01, 0.1, 0.4, 3.0, 20.0])
        choices = self.what_comes_next()
        self.watch.feed(self.random.choice(choices))

    def turn(self) -> int:
        return self.watch.core.status.turn or 0

    def sample(self) -> int:
        """A place in what was captured lately: facts are told late, and not in their order."""
        return int(self.watch.now_s * 16_000) + self.random.randint(-40_000, 0)

    def what_comes_next(self) -> list[inputs.Input]:
        sample = self.sample()
        speech: list[inputs.Input] = [
            inputs.SpeechStarted(self.sample(), 0.0),
            inputs.SpeechEnded(self.sample(), 0.0),
            inputs.WakeWordEnded(self.sample()),
        ]
        wake = inputs.WakeWordHeard("jarvis", 1.0, sample, 0.0)
        if self.random.random() < 0.08:
            return [
                wake,
                inputs.TalkPressed(sample),
                inputs.StopRequested(),
                inputs.MuteChanged(True),
                inputs.MicrophoneFailed("walk"),
                inputs.LinkLost(0, Failure(Reason.CLOSED, "walk")),
                inputs.LinkExpiring(0),
                inputs.EchoChanged(self.random.random() < 0.5),
                inputs.SpeakerBusy(12.0),
                inputs.SpeakerFree(),
                inputs.ToolsChanged(),
                inputs.Ruled(self.turn(), self.random.choice(list(Ruling))),
            ]
        match self.watch.core.state:
            case State.IDLE:
                return [wake]
            case State.CONNECTING:
                return [inputs.LinkReady(0), inputs.LinkReady(0), *speech]
            case State.FOLLOW_UP:
                return [*speech, wake]
            case State.MUTED:
                return [inputs.MuteChanged(False)]
            case State.FAULTED:
                return [inputs.MicrophoneRecovered()]
        return [*speech, *self.answer(), inputs.UplinkDrained(0)]

    def answer(self) -> list[inputs.Input]:
        link = self.watch.last_link
        running = self.watch.generating.get(link)
        item = ItemKey(self.random.choice(["a1", "a2"]))
        started = inputs.PlaybackStarted(item, self.sample())
        finished = inputs.PlaybackFinished(item, self.sample())
        tools = [inputs.ToolFinished(f"c{n}", "{}") for n in range(self.calls, self.calls - 3, -1)]
        if running is None:
            self.responses += 1
            said = [created(f"r{self.responses}"), error("response_cancel_not_active")]
        else:
            self.calls += 1
            said = [
                audio(running, item.item_id),
                audio_done(running, item.item_id),
                call(running, f"c{self.calls}"),
                done(running),
                done(running, self.random.choice(["cancelled", "failed", "completed"])),
                error("conversation_already_has_active_response"),
            ]
        heard = [
            wire.InputAudioBufferSpeechStarted(item_id="u", audio_start_ms=0),
            wire.InputAudioBufferSpeechStopped(item_id="u", audio_end_ms=1),
        ]
        return [*(inputs.ServerSaid(0, event) for event in said + heard), started, finished, *tools]


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=True), policies, endpoint_lists, st.integers(0, 150))
def test_invariants_hold_in_conversations_that_go_wrong(random, policy, plans, length):
    watch = Watch(Assistant(policy, plans))
    walk = Walk(watch, random)
    for _ in range(length):
        walk.step()
    watch.cease()
    assert watch.core.state in (State.IDLE, State.MUTED, State.FAULTED)
    assert watch.core.deadline_s is None


def test_no_kind_of_input_is_left_out():
    """``happenings`` is what the tests below draw from; a new input belongs in it."""
    drawn = {type(find(happenings, lambda it, k=kind: isinstance(it, k))) for kind in KINDS}
    assert drawn == set(KINDS)


@settings(max_examples=400, deadline=None)
@given(steps, policies, endpoint_lists)
def test_invariants_hold_whatever_happens(happened, policy, plans):
    watch = Watch(Assistant(policy, plans))
    for step, pause_s in happened:
        watch.now_s += pause_s
        watch.feed(step)
    watch.cease()
    assert watch.core.state in (State.IDLE, State.MUTED, State.FAULTED)
    assert watch.core.deadline_s is None


@settings(max_examples=200, deadline=None)
@given(steps, policies, endpoint_lists)
def test_muted_means_no_sound_at_all(happened, policy, plans):
    core = Assistant(policy, plans)
    now_s = 0.0
    core.handle(inputs.MuteChanged(True), now_s)
    for step, pause_s in happened:
        now_s += pause_s
        if isinstance(step, inputs.MuteChanged):
            continue
        effects = core.handle(step, now_s)
        assert not [e for e in effects if isinstance(e, do.AUDIO_EFFECTS)]
        assert not [e for e in effects if isinstance(e, do.OpenLink)]
        assert core.state is State.MUTED
