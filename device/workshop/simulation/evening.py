"""A household's evening: questions, interruptions, a television, a Wi-Fi that comes and goes.

Everything happens in virtual time between one core and two scripted endpoints (their sessions,
turns and refusals are the brain's own protocol code). The same seed gives the same evening. What
must hold whatever happens is checked, and told when it does not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from device.assistant import effects as do
from device.assistant import inputs, news
from device.assistant.assistant import Assistant
from device.assistant.policy import EndpointPlan, Policy
from device.assistant.states import State
from device.realtime.endpoint import Endpoint
from device.realtime.events import (
    FunctionCallItem,
    FunctionCallOutputItem,
    Item,
    LinkEvent,
    SessionUpdate,
    SessionUpdated,
)
from device.realtime.failures import Failure, Reason
from device.realtime.session import session_for
from device.workshop.simulation.clock import VirtualClock, run_virtually
from device.workshop.simulation.household import RATE_HZ, Household
from device.workshop.simulation.paper_link import PaperLink
from device.workshop.simulation.script import AnswerItem, Fault, Script, ScriptedAnswer, Server

LONGEST_WAIT_S = 900.0
"""No chain of time-outs is longer."""
_ENDPOINTS = {"cloud": "ws://127.0.0.1/v1/realtime", "brain": "unix:brain"}
_FAULTS: Sequence[dict[str, object]] = (
    {"kind": "stall", "at": "created"},
    {"kind": "stall", "at": "updated"},
    {"kind": "reset", "at": "question", "after_ms": 500},
    {"kind": "stall", "at": "question", "after_ms": 300},
    {"kind": "expire", "at": "question", "after_ms": 700},
    {"kind": "error", "at": "answer", "error_code": "insufficient_quota"},
    {"kind": "error", "at": "answer", "error_code": "server_error"},
    {"kind": "stall", "at": "answer"},
    {"kind": "drop", "at": "answer", "after_ms": 400},
    {"kind": "close", "at": "answer", "code": 1011},
    {"kind": "expire", "at": "answer"},
    {"kind": "fail", "at": "answer", "error_code": "rate_limit_exceeded"},
    {"kind": "fail", "at": "answer", "error_code": "server_error"},
    {"kind": "garbage", "at": "answer", "count": 2},
    {"kind": "unknown", "at": "answer"},
    {"kind": "mistyped", "at": "answer", "count": 4, "seed": 0},
    {"kind": "mistyped", "at": "answer", "count": 4, "seed": 3},
    {"kind": "mistyped", "at": "question", "after_ms": 300, "count": 6},
    {"kind": "twice", "at": "answer"},
    {"kind": "delay", "at": "answer", "seconds": 5.0},
)


@dataclass(slots=True)
class LastAsked:
    """What somebody has asked last."""

    number: int = 0
    wants_action: bool = False


@dataclass(frozen=True, slots=True)
class EveningOutcome:
    """What became of an evening."""

    seed: int
    turns: int
    answered: int
    broken: tuple[str, ...]
    """Promises that were not kept, and when."""
    diary: tuple[str, ...] = field(repr=False)
    """All that happened, one line each."""


def evening(seed: int, acts: int = 12) -> EveningOutcome:
    """Live through the evening of a seed; ``acts``: things that people do in it."""

    async def play(_: VirtualClock) -> EveningOutcome:
        return await _Evening(seed).live(acts)

    return run_virtually(play)


class _Evening:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)
        self._question = LastAsked()
        self._questions = self._strays = 0
        self._loop = asyncio.get_running_loop()
        self._is_online = True
        self._turns = self._answered = 0
        self._heard_before: dict[int, int] = {}
        self._excused: set[int] = set()
        """Turns that need not be heard to their end: a person did something else."""
        self._broken: list[str] = []
        self._diary: list[str] = []
        plans = [EndpointPlan("cloud"), EndpointPlan("brain", is_local=True)]
        if self._random.random() < 0.25:
            del plans[1]
        core = Assistant(Policy(), plans, chance=self._random.random)
        self._house = Household(core, self._random, self._open)
        self._house.on_effect = self._notice

    # -- people ------------------------------------------------------------------------

    async def live(self, acts: int) -> EveningOutcome:
        """The whole evening."""
        doings = (self._ask, self._ask, self._ask, self._ask_twice, self._cough, self._television,
            self._stop, self._no_wifi, self._mute, self._press, self._alarm)  # fmt: skip
        for _ in range(acts):
            await self._random.choice(doings)()
            await asyncio.sleep(self._random.choice([0.5, 2.0, 6.0, 15.0, 45.0]))
        await asyncio.sleep(LONGEST_WAIT_S)
        core = self._house.core
        if core.state is not State.IDLE or core.deadline_s is not None:
            self._break(f"it ends in {core.state}, waiting for {core.deadline_s}")
        if self._house.links:
            self._break("a link is left open")
        self._check_once()
        await self._house.close()
        return EveningOutcome(
            self._seed, self._turns, self._answered, tuple(self._broken), tuple(self._diary)
        )

    def _act(self, what: str) -> None:
        """A person does something: whatever is going on need not come to its end."""
        self._write(what)
        self._excused.add(self._house.core.status.turn or 0)

    async def _ask(self) -> None:
        self._questions += 1
        self._question = LastAsked(self._questions, self._random.random() < 0.6)
        self._act(f"question {self._questions}{' to do' if self._question.wants_action else ''}")
        house = self._house
        word_end = house.now_sample()
        house.feed(inputs.WakeWordHeard("hey jarvis", 0.9, word_end, self._loop.time()))
        length_s = self._random.uniform(0.6, 2.5)
        begin = word_end + round(self._random.choice([0.1, 0.5, 1.2]) * RATE_HZ)
        house.tape.talk(begin, begin + round(length_s * RATE_HZ))
        await asyncio.sleep(0.1)
        house.feed(inputs.WakeWordEnded(word_end))
        await self._detect(begin, length_s)

    async def _detect(self, begin_sample: int, length_s: float) -> None:
        """The device's own detector: a moment late at both ends, where it is switched on."""
        house = self._house
        await self._until(begin_sample / RATE_HZ + 0.1)
        if house.noticed.is_listening:
            house.feed(inputs.SpeechStarted(begin_sample, self._loop.time()))
        end_s = begin_sample / RATE_HZ + length_s
        await self._until(end_s + 0.6)
        if house.noticed.is_listening:
            house.feed(inputs.SpeechEnded(round(end_s * RATE_HZ), self._loop.time()))

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(at_s - self._loop.time(), 0.0))

    async def _ask_twice(self) -> None:
        """Somebody else has a question, too."""
        await self._ask()
        await asyncio.sleep(self._random.choice([0.1, 0.7, 2.0, 4.0]))
        await self._ask()

    async def _cough(self) -> None:
        self._act("a cough")
        await self._detect(self._house.now_sample(), 0.3)

    async def _television(self) -> None:
        self._act("the television talks")
        # Whoever takes it for a question is asked nothing that is to be done.
        self._questions += 1
        self._question = LastAsked(self._questions)
        begin = self._house.now_sample()
        self._house.tape.talk(begin, begin + 8 * RATE_HZ)
        await self._detect(begin, 8.0)

    async def _stop(self) -> None:
        self._act("stop")
        self._house.feed(inputs.StopRequested())

    async def _no_wifi(self) -> None:
        """Questions are asked in the meantime, too."""
        self._write("the Wi-Fi is gone")
        self._is_online = False
        for number in list(self._house.links):
            self._lost(number, Failure(Reason.BLACK_HOLE, "no Wi-Fi"), only_cloud=True)
        back = asyncio.create_task(self._wifi_comes_back())
        if self._random.random() < 0.5:
            await self._ask()
        await back

    async def _wifi_comes_back(self) -> None:
        await asyncio.sleep(self._random.choice([2.0, 20.0]))
        self._is_online = True

    async def _mute(self) -> None:
        self._act("muted for a while")
        self._house.feed(inputs.MuteChanged(True))
        await asyncio.sleep(self._random.choice([1.0, 10.0]))
        self._house.feed(inputs.MuteChanged(False))

    async def _press(self) -> None:
        self._act("the button")
        self._house.feed(inputs.TalkPressed(self._house.now_sample()))

    async def _alarm(self) -> None:
        self._write("a timer rings")
        self._house.feed(inputs.SpeakerBusy(4.0))
        await asyncio.sleep(4.0)
        self._house.feed(inputs.SpeakerFree())

    # -- endpoints ---------------------------------------------------------------------

    async def _open(self, wanted: do.OpenLink) -> None:
        is_cloud = wanted.endpoint == "cloud"
        await asyncio.sleep(0.15)
        if is_cloud and not self._is_online:
            failure = Failure(Reason.UNREACHABLE, "no Wi-Fi")
            self._house.feed(inputs.LinkLost(wanted.link, failure))
            return
        number = wanted.link
        script = self._script(is_cloud=is_cloud)

        def came(event: LinkEvent) -> None:
            if isinstance(event, SessionUpdated) and number not in ready:
                ready.add(number)
                self._house.feed(inputs.LinkReady(number))
            elif number in ready:
                self._house.feed(inputs.ServerSaid(number, event))

        ready: set[int] = set()
        model = self._rogue if is_cloud else self._model
        link = PaperLink(script, number, model, came, lambda why: self._lost(number, why))
        self._house.links[number] = link
        endpoint = Endpoint(wanted.endpoint, _ENDPOINTS[wanted.endpoint], key_required=False)
        transcription = "whisper-1" if self._random.random() < 0.5 else None
        session = session_for(endpoint, instructions="Be brief.", transcription_model=transcription)
        link.send(SessionUpdate(session=session))
        self._loop.call_later(script.server.session_s - 20.0, self._expires, number)

    def _script(self, *, is_cloud: bool) -> Script:
        faults: list[Fault] = []
        session_s = 3600.0
        if is_cloud:
            session_s = self._random.choice([60.0, 3600.0, 3600.0])
            if self._random.random() < 0.4:
                chosen = self._random.choice(_FAULTS)
                self._write(f"the next session has a fault: {chosen['kind']} at {chosen['at']}")
                faults = [Fault(**chosen)]  # type: ignore[arg-type]
        return Script(server=Server(session_s=session_s), faults=faults)

    def _expires(self, number: int) -> None:
        if number in self._house.links:
            self._house.feed(inputs.LinkExpiring(number))

    def _lost(self, number: int, why: Failure, *, only_cloud: bool = False) -> None:
        link = self._house.core.status
        if only_cloud and link.is_local:
            return
        if (gone := self._house.links.pop(number, None)) is not None:
            gone.close()
        self._house.feed(inputs.LinkLost(number, why))

    def _rogue(self, items: Sequence[Item]) -> ScriptedAnswer:
        """A model that does not always do what is right."""
        kind = self._random.random()
        if kind < 0.04:
            return ScriptedAnswer()
        if kind < 0.08:
            return ScriptedAnswer([AnswerItem(say="It is in writing.")], in_writing=True)
        if kind < 0.11:
            return ScriptedAnswer(status="incomplete", reason="content_filter")
        if kind < 0.14:
            half = [AnswerItem(say="And then, and then, and")]
            return ScriptedAnswer(half, status="incomplete", reason="max_output_tokens")
        if kind < 0.16:
            # It runs in circles, with something that was asked for nowhere.
            return ScriptedAnswer(
                [AnswerItem(call="do_it", arguments={"number": self._number_of_nobody()})]
            )
        if kind < 0.2:
            return ScriptedAnswer(status="failed", error_code="server_error")
        return self._model(items)

    def _number_of_nobody(self) -> int:
        self._strays += 1
        return -self._strays

    def _model(self, items: Sequence[Item]) -> ScriptedAnswer:
        """Calls the tool where something is to be done and was not; else talks."""
        number = self._question.number
        words = f"question {number}"
        if not self._question.wants_action or number in _done_in(items):
            say = self._random.choice(["Yes.", "That is done now.", "It is a quarter past six."])
            return ScriptedAnswer([AnswerItem(say=say)], heard=words)
        call = AnswerItem(call="do_it", arguments={"number": number})
        return ScriptedAnswer([call], heard=words)

    # -- what must hold ----------------------------------------------------------------

    def _notice(self, effect: do.Effect) -> None:
        match effect:
            case do.Tell(news=what):
                self._told(what)
            case do.StartUplink() if self._house.core.state is State.MUTED:
                self._break("sound leaves while it is muted")
            case do.OpenLink(endpoint=endpoint):
                self._write(f"opens a link to {endpoint}")
            case do.Notice(name=name):
                self._write(f"says {name}")

    def _told(self, what: news.News) -> None:
        heard = self._house.noticed.heard
        match what:
            case news.TurnBegan(turn=turn):
                self._turns += 1
                self._heard_before[turn] = heard
            case news.NobodySpoke(turn=turn) | news.AnswerStopped(turn=turn):
                self._excused.add(turn)
            case news.AnswerSaid():
                self._answered += 1
            case news.LinkBroke(endpoint=endpoint, reason=reason):
                self._write(f"{endpoint} fails: {reason}")
            case news.TurnEnded(turn=turn):
                self._write(f"turn {turn} is over")
                if heard == self._heard_before[turn] and turn not in self._excused:
                    self._break(f"turn {turn} ends, and nobody has heard anything")
                self._check_once()

    def _check_once(self) -> None:
        for number, times in self._house.noticed.done.items():
            if times > 1:
                self._break(f"question {number} was carried out {times} times")

    def _break(self, what: str) -> None:
        self._write(f"BROKEN: {what}")
        if not any(what in each for each in self._broken):
            self._broken.append(f"{self._loop.time():.1f} s: {what}")

    def _write(self, what: str) -> None:
        self._diary.append(f"{self._loop.time():8.2f} {what}")


def _done_in(items: Sequence[Item]) -> set[int]:
    """The numbers of the questions that the conversation shows as carried out.

    Those after the last thing a user said; earlier ones were other questions.
    """
    calls = {
        item.call_id: int(json.loads(item.arguments).get("number", 0))
        for item in items
        if isinstance(item, FunctionCallItem) and item.arguments
    }
    outputs = {item.call_id for item in items if isinstance(item, FunctionCallOutputItem)}
    return {number for call, number in calls.items() if call in outputs}


__all__ = ["EveningOutcome", "evening"]
