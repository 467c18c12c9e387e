"""Emergencies and questions about the assistant are answered by rules, whatever else there is."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from device.brain.answering.thinker import LayeredThinker
from device.brain.base.abilities import (
    Cancellation,
    FunctionTool,
    Message,
    Piece,
    TextPart,
    TextPiece,
    ThinkRequest,
    ToolCall,
    ToolCallPiece,
    ToolResult,
)
from device.brain.base.truths import HouseTruths, numbers_of
from device.brain.trial import TABLE_NOW, appliance_tools
from device.brain.understanding.intents.language import load_language

TOOLS = appliance_tools()
FORGETFUL = [tool for tool in TOOLS if "fact" not in tool.name]
SESSION = "Your name is Reed. You are the voice of a small speaker."
CALL_NEIGHBOUR = FunctionTool("call_neighbour", "Rings next door.", {"type": "object"})


def thinker(**truths: Any) -> LayeredThinker:
    return LayeredThinker(
        load_language(seed=1),
        now=lambda: TABLE_NOW,
        chance=random.Random(1),
        truths=HouseTruths(**truths),
    )


PLAIN = thinker()


class Talk:
    """A conversation in which every answer becomes part of what was said."""

    def __init__(self, brain: LayeredThinker = PLAIN, tools: list[FunctionTool] = TOOLS) -> None:
        self.brain, self.tools = brain, tools
        self.items: list[Any] = []

    def say(self, words: str) -> str:
        self.items.append(Message("user", (TextPart(words),)))
        return self.answer()

    def answer(self) -> str:
        request = ThinkRequest(tuple(self.items), SESSION, tools=self.tools)
        pieces: list[Piece] = list(self.brain.answer(request, Cancellation()))
        self.calls = [p for p in pieces if isinstance(p, ToolCallPiece)]
        text = "".join(p.text for p in pieces if isinstance(p, TextPiece))
        if text:
            self.items.append(Message("assistant", (TextPart(text),)))
        return text

    def results(self) -> str:
        for number, call in enumerate(self.calls):
            self.items.append(ToolCall(f"c{number}", call.name, call.arguments))
            self.items.append(ToolResult(f"c{number}", '{"spoken": "One second, starting now."}'))
        return self.answer()


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("I want to die", "talk to someone"),
        ("Everyone would be better off without me.", "talk to someone"),
        ("My friend says she is going to kill herself", "talk to someone"),
        ("My son drank bleach!", "what it was"),
        ("She took too many of her sleeping pills", "what it was"),
        ("the kitchen is on fire", "outside"),
        ("I can smell gas in the hallway", "outside"),
        ("Somebody is breaking into my house", "safe"),
        ("my boyfriend hit me", "safe"),
        ("Grandpa fell and can't get up", "loudspeaker"),
        ("I think my wife is having a heart attack", "loudspeaker"),
        ("my baby isn't breathing", "loudspeaker"),
        ("call an ambulance", "loudspeaker"),
        ("somebody help me", "emergency"),
    ],
)
def test_an_emergency_gets_the_number_of_the_country_and_nothing_is_done(words, advice):
    talk = Talk(thinker(country="US"))
    said = talk.say(words)
    assert "9 1 1" in said
    assert advice in said
    assert "1 1 2" not in said
    assert not talk.calls


@pytest.mark.parametrize(
    "words",
    [
        "remind me to call the doctor at five",
        "add bleach to the shopping list",
        "what is a heart attack",
        "I'm dying to see that film",
        "I beat my brother at chess",
        "I fell asleep on the sofa",
        "my phone is dying",
        "I cut the cake",
        "I need a doctor's appointment",
        "kill the lights",
        "turn on the fire",
        "I have a knife and a fork",
        "I took my pills",
    ],
)
def test_words_of_emergencies_are_not_yet_one(words):
    said = Talk().say(words)
    assert "1 1 2" not in said


def test_numbers_are_those_of_the_service():
    said = Talk(thinker(country="NO")).say("someone is breaking into my house")
    assert "Call 1 1 2" in said
    assert "Call 1 1 3" in Talk(thinker(country="NO")).say("he's unconscious")
    assert "1 8 0 0 2 2 2 1 2 2 2" in Talk(thinker(country="US")).say("she swallowed a battery")
    assert "9 8 8" in Talk(thinker(country="US")).say("I don't want to live any more")
    assert "1 1 6 1 2 3" in Talk(thinker(country="GB")).say("I don't want to live any more")
    assert "1 1 2 or 9 1 1" in Talk().say("he's unconscious")
    assert numbers_of("XX") is None


def test_yes_makes_a_noise_and_no_repeats_the_number():
    talk = Talk(thinker(country="DE"))
    assert talk.say("Grandma fell down the stairs").endswith(
        "Shall I make a loud noise, so that others come?"
    )
    assert talk.say("Yes, please!") == ""
    assert [(c.name, json.loads(c.arguments)) for c in talk.calls] == [
        ("set_timer", {"seconds": 1, "name": "help"})
    ]
    assert talk.results() == "That is done. Call 1 1 2 as well."
    talk = Talk(thinker(country="DE"))
    talk.say("Grandma fell down the stairs")
    assert "1 1 2" in talk.say("no")
    assert not talk.calls


def test_the_tool_of_the_settings_is_offered_first():
    brain = thinker(help_tool="call_neighbour", country="DE")
    talk = Talk(brain, [*TOOLS, CALL_NEIGHBOUR])
    assert talk.say("I want to die").endswith("Shall I use call neighbour for you?")
    talk.say("yes")
    assert [call.name for call in talk.calls] == ["call_neighbour"]


def test_without_tools_nothing_is_offered():
    assert not Talk(tools=[]).say("Grandma fell down the stairs").endswith("?")


# ------------------------------------------------------------------ about itself


def test_what_is_kept_is_told_from_the_settings():
    for words in ("do you record me", "Are you always listening?", "Where does my voice go?"):
        said = Talk().say(words)
        assert "No recording of it is kept." in said
        assert "cloud" not in said
    said = Talk(thinker(keeps_sound=True, keeps_words=True, may_ask_cloud=True)).say(
        "do you record me"
    )
    assert "kept on this device" in said
    assert "log" in said
    assert "cloud" in said
    assert "No recording" not in said


def test_name_cost_and_abilities_are_those_of_the_session():
    assert Talk().say("What's your name?").startswith("My name is Reed.")
    assert Talk().say("are you a real person").startswith("I'm Reed, a program")
    assert Talk().say("how much do you cost").startswith("Nothing")
    assert "bittern spending" in Talk(thinker(may_ask_cloud=True)).say("how much do you cost")
    assert "timers" in Talk().say("what can you do")
    bare = Talk(tools=[CALL_NEIGHBOUR]).say("what can you do")
    assert "timers" not in bare
    assert "call neighbour" in bare


def test_slow_down_is_recognised_and_says_the_last_answer_again():
    talk = Talk()
    said = talk.say("what time is it")
    said = said or talk.results()
    assert talk.say("slow down, please").startswith("I can't speak more slowly.")
    assert said in talk.items[-1].text


# ------------------------------------------------------------------ what one was told


def test_a_name_is_known_as_long_as_the_conversation():
    talk = Talk()
    assert "haven't told me" in talk.say("what's my name?")
    assert talk.say("My name is Anna.").startswith("Hello, Anna.")
    talk.say("what time is it")
    assert talk.say("Do you know what my name is?") == "You told me that your name is Anna."


def test_a_fact_is_kept_and_found_by_its_words():
    talk = Talk(tools=FORGETFUL)
    assert "until this conversation ends" in talk.say("Remember that my keys are in the drawer")
    talk.say("remember that our cat is called Tom")
    assert talk.say("where are my keys") == "You told me: your keys are in the drawer."
    assert "your wallet" not in talk.say("where is my wallet")
    assert "keys are in the drawer" in talk.say("what did I tell you to remember")


def test_the_appliance_keeps_what_it_is_asked_to_and_nothing_else():
    talk = Talk()
    talk.say("Remember that my keys are in the drawer")
    assert [(c.name, json.loads(c.arguments)) for c in talk.calls] == [
        ("remember_fact", {"fact": "my keys are in the drawer"})
    ]
    for nothing_asked in ("My dog is called Timer.", "Note down my words.", "My name is Anna"):
        talk.say(nothing_asked)
        assert talk.calls == []


def test_what_is_kept_for_good_is_told_in_a_later_session():
    talk = Talk()
    talk.say("what did I ask you to remember")
    assert [(c.name, c.arguments) for c in talk.calls] == [("list_facts", "{}")]


def test_a_tool_that_remembers_is_used():
    keeper = FunctionTool("remember_fact", "", {"type": "object", "required": ["text"]})
    talk = Talk(tools=[*FORGETFUL, keeper])
    talk.say("Remember that my keys are in the drawer")
    assert [(c.name, json.loads(c.arguments)) for c in talk.calls] == [
        ("remember_fact", {"text": "my keys are in the drawer"})
    ]
