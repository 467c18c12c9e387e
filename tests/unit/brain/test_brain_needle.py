"""What is made of Needle's answers: gated, checked against schema and words, kept, given up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from device.brain.answering.thinker import LayeredThinker
from device.brain.base.abilities import FunctionTool
from device.brain.trial import TABLE_NOW, appliance_tools, calls_after_yes, calls_of
from device.brain.understanding.intents.language import load_language
from device.brain.understanding.needle import Needle, described
from device.brain.understanding.needle_process import EngineFailedError, EngineRefusedError

LANGUAGE = load_language(seed=1)
MESSAGE = FunctionTool(
    "send_message",
    "Send a text message to a person. It is sent at once.",
    {
        "type": "object",
        "required": ["to", "text"],
        "properties": {
            "to": {"type": "string", "description": "The person."},
            "text": {"type": "string", "maxLength": 60},
            "copies": {"type": "integer", "minimum": 1, "maximum": 5},
            "tone": {"type": "string", "enum": ["friendly", "formal"]},
        },
    },
)
SAYS = "Let Anna know that dinner is ready."
RIGHT = {"to": "Anna", "text": "dinner is ready"}


class Scripted:
    """An engine that says what it was told to, and notes what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.read_tools: list[str] = []
        self.starts = 0
        self.go = threading.Event()
        self.go.set()

    def start(self) -> None:
        self.starts += 1

    def read(self, tools: str) -> int:
        self.read_tools.append(tools)
        return len(tools) // 4

    def say(self, utterance: str) -> dict[str, Any]:
        self.asked.append(utterance)
        self.go.wait(5)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        made: dict[str, Any] = answer
        return made

    def close(self) -> None:
        self.starts = 0


def made(confidence: float | None, arguments: Any = RIGHT, name: str = "send_message") -> Any:
    return {"function_calls": [{"name": name, "arguments": arguments}], "confidence": confidence}


@pytest.fixture
def needles() -> Iterator[Any]:
    opened: list[Needle] = []

    def open_one(engine: Scripted, patience_s: float = 5) -> Needle:
        opened.append(Needle(engine, LANGUAGE, patience_s=patience_s))
        return opened[-1]

    yield open_one
    for needle in opened:
        needle.close()


@pytest.mark.parametrize(
    ("confidence", "sure"),
    [(0.0, None), (0.49, None), (None, None), (0.5, False), (0.79, False), (0.8, True)],
)
def test_confidence_decides_between_declining_asking_and_calling(
    needles: Any, confidence: float | None, sure: bool | None
) -> None:
    proposal = needles(Scripted(made(confidence))).propose(SAYS, [MESSAGE])
    assert (proposal.is_sure if proposal else None) is sure


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"function_calls": [], "confidence": 0.99},
        {**made(0.99), "function_calls": made(0.99)["function_calls"] * 2},
        {**made(0.99), "validation": {"negation": True}},
        made(0.99, name="open_safe"),
        made(0.99, name="set_timer"),
        made(0.99, ["Anna"]),
        made(0.99, {"to": "Anna"}),
        made(0.99, {"to": "Maria", "text": "dinner is ready"}),
        made(0.99, {"to": "Anna", "text": "dinner is ready at seven"}),
    ],
)
def test_what_does_not_fit_the_tools_or_the_words_is_declined(needles: Any, answer: Any) -> None:
    tools = [*appliance_tools(), MESSAGE]
    assert needles(Scripted(answer)).propose(SAYS, tools) is None


def test_an_invented_extra_is_dropped_and_the_rest_put_as_a_question(needles: Any) -> None:
    engine = Scripted(made(0.95, {**RIGHT, "copies": 3.0}))
    proposal = needles(engine).propose(SAYS, [MESSAGE])
    assert '"copies"' not in proposal.call.arguments
    assert not proposal.is_sure


def test_a_choice_for_which_no_word_was_said_is_asked(needles: Any) -> None:
    engine = Scripted(
        made(0.95, {**RIGHT, "tone": "formal"}), made(0.95, {**RIGHT, "tone": "rude"})
    )
    needle = needles(engine)
    proposal = needle.propose(SAYS, [MESSAGE])
    assert '"formal"' in proposal.call.arguments
    assert not proposal.is_sure
    assert needle.propose("Let Anna know that dinner is ready now.", [MESSAGE]) is None


def test_numbers_are_those_that_were_said(needles: Any) -> None:
    answer = made(0.9, {"to": "Anna", "text": "hello", "copies": 3.0})
    proposal = needles(Scripted(answer)).propose("Send hello to Anna three times.", [MESSAGE])
    assert '"copies": 3' in proposal.call.arguments
    assert proposal.is_sure


@pytest.mark.parametrize(
    "says", ["Who wrote Hamlet?", "Why is the sky blue?", "Anna", "word " * 30]
)
def test_questions_of_fact_and_scraps_are_not_even_asked(needles: Any, says: str) -> None:
    engine = Scripted(made(0.99))
    assert needles(engine).propose(says, [MESSAGE]) is None
    assert not engine.asked


def test_news_calls_only_what_looks(needles: Any) -> None:
    forecast = FunctionTool("get_weather", "Tell the weather.", {"type": "object"})
    engine = Scripted(made(0.99, {}, "get_weather"), made(0.99, {"to": "rain", "text": "tomorrow"}))
    needle = needles(engine)
    assert needle.propose("Will it rain tomorrow?", [forecast]) is not None
    assert needle.propose("Will it rain tomorrow?", [MESSAGE]) is None


def test_it_is_shown_few_words_and_none_of_the_appliance_s_own_tools() -> None:
    text = described([*appliance_tools(), MESSAGE])
    assert '"send_message"' in text
    assert "Send a text message to a person" in text
    assert not any(part in text for part in ("set_timer", "at once", "maxLength"))
    assert described(appliance_tools()) == ""
    many = [FunctionTool(f"wipe_{n}", "Wipe a thing. " * 9, {"type": "object"}) for n in range(90)]
    assert described(many) == ""


def test_tools_are_read_once_and_ahead(needles: Any) -> None:
    engine = Scripted(made(0.9), made(0.9))
    needle = needles(engine)
    for _ in range(3):
        needle.prepare([MESSAGE])
    assert needle.propose(SAYS, [MESSAGE])
    assert needle.propose(SAYS + " Now.", [MESSAGE])
    assert len(engine.read_tools) == 1


def test_nobody_waits_for_long_and_what_comes_late_is_kept(needles: Any) -> None:
    engine = Scripted(made(0.9))
    engine.go.clear()
    needle = needles(engine, patience_s=0.05)
    assert needle.propose(SAYS, [MESSAGE]) is None
    engine.go.set()
    needle._patience_s = 5
    assert needle.propose(SAYS, [MESSAGE])
    assert engine.asked == [SAYS]


def test_a_dead_engine_declines_and_after_three_deaths_is_left_alone(needles: Any) -> None:
    engine = Scripted(*[EngineFailedError("gone")] * 3, made(0.9))
    needle = needles(engine)
    for number in range(5):
        assert needle.propose(f"{SAYS} {'now ' * number}", [MESSAGE]) is None
    assert len(engine.asked) == 3


def test_a_death_is_forgiven_and_the_tools_are_read_again(needles: Any) -> None:
    engine = Scripted(EngineFailedError("gone"), made(0.9))
    needle = needles(engine)
    assert needle.propose(SAYS, [MESSAGE]) is None
    assert needle.propose(SAYS, [MESSAGE])
    assert len(engine.read_tools) == 2


def test_a_refusal_is_not_a_death(needles: Any) -> None:
    engine = Scripted(*[EngineRefusedError("too long")] * 4, made(0.9))
    needle = needles(engine)
    for number in range(4):
        assert needle.propose(f"{SAYS} {'now ' * number}", [MESSAGE]) is None
    assert needle.propose(SAYS, [MESSAGE])


def test_rules_come_first_and_a_yes_calls_what_was_asked(needles: Any) -> None:
    engine = Scripted(made(0.6))
    thinker = LayeredThinker(LANGUAGE, now=lambda: TABLE_NOW, tool_model=needles(engine))
    tools = [*appliance_tools(), MESSAGE]
    assert calls_of(thinker, "Set a timer for ten minutes.", tools)
    assert not engine.asked
    assert calls_of(thinker, SAYS, tools) == []
    assert calls_after_yes(thinker, SAYS, tools) == [("send_message", RIGHT)]
    assert engine.asked == [SAYS]
