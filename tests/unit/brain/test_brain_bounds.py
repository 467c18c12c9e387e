"""What is too long is refused in words, and holds nobody up; what one response is told is done."""

from __future__ import annotations

import pytest

from device.brain.answering.instructed import words_of
from device.brain.answering.turns import shortened
from device.brain.base.abilities import (
    Cancellation,
    Message,
    TextPart,
    TextPiece,
    ThinkRequest,
)
from device.brain.sessions.lengths import characters_of
from device.brain.trial import appliance_tools, trial_thinker

THINKER = trial_thinker()
TOOLS = appliance_tools()


def said(*items: Message, **request: str) -> str:
    asked = ThinkRequest(items, "Your name is Reed.", tools=TOOLS, **request)
    pieces = THINKER.answer(asked, Cancellation())
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


def user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def bot(text: str) -> Message:
    return Message("assistant", (TextPart(text),))


@pytest.mark.parametrize("text", ["x" * 100_000, "set a timer " * 9000, "1 + " * 20_000])
def test_a_text_longer_than_a_command_is_refused_in_words_and_at_once(text):
    assert said(user(text)) == "That is too long for me. Please say it in a sentence or two."
    later = said(user(text), bot("What?"), user("what is two plus two"))
    assert later in ("That's four.", "It's four.")


def test_the_rules_read_no_more_than_a_command_of_anything_that_was_said():
    """40,000 letters without a space took them 5 s, and kept all other threads waiting."""
    read = shortened([user("x" * 100_000), bot("y" * 100_000), user("short")])
    assert [len(item.text) for item in read if isinstance(item, Message)] == [1000, 1000, 5]


def test_text_is_counted_however_deep_it_lies():
    deep: object = "four"
    for _ in range(5000):
        deep = [deep]
    assert characters_of({"a": deep, "image_url": "x" * 99, "audio": "x" * 99}) == 1 + 9 + 5 + 4


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ('Say exactly: "Dinner is ready."', "Dinner is ready."),
        ("Tell the user that their pizza is here", "Your pizza is here."),
        ("Say that the washing machine has finished", "The washing machine has finished."),
        ("Ask the user whether they want to add milk", "Do you want to add milk?"),
        ("Be kind and think of the environment", None),
    ],
)
def test_the_words_of_instructions(told, words):
    assert words_of(told) == words


def test_a_response_follows_its_instructions_and_not_the_question_before():
    talk = (user("what is two plus two"), bot("That's four."))
    told = "Tell the user that their pizza is here."
    assert said(*talk, own_instructions=told) == "Your pizza is here."
    assert said(own_instructions="Greet the user and offer your help.").startswith(("Hello", "Hi"))
    unknown = said(*talk, own_instructions="Write a haiku about rain.")
    assert "four" not in unknown
    assert "can't put into words" in unknown


def test_a_question_that_waits_is_answered_whatever_else_is_told():
    asked = said(user("what is two plus two"), own_instructions="Be brief.")
    assert asked in ("That's four.", "It's four.")
