"""A conversation gets an answer: calls, their outcome, questions asked back, and limits."""

import json
from typing import Any

import pytest

from device.brain.base.abilities import (
    AbilityFailedError,
    Cancellation,
    FunctionTool,
    ImagePart,
    Message,
    NamedTool,
    Piece,
    StopPiece,
    TextPart,
    TextPiece,
    ThinkRequest,
    ToolCall,
    ToolCallPiece,
    ToolResult,
)
from device.brain.trial import appliance_tools, trial_thinker

THINKER = trial_thinker()
TOOLS = appliance_tools()


def user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def bot(text: str) -> Message:
    return Message("assistant", (TextPart(text),))


def pieces(*items: Any, **request: Any) -> list[Piece]:
    request.setdefault("tools", TOOLS)
    return list(THINKER.answer(ThinkRequest(items, "", **request), Cancellation()))


def text(*items: Any, **request: Any) -> str:
    return "".join(p.text for p in pieces(*items, **request) if isinstance(p, TextPiece))


def calls(*items: Any, **request: Any) -> list[tuple[str, dict[str, Any]]]:
    found = [p for p in pieces(*items, **request) if isinstance(p, ToolCallPiece)]
    return [(call.name, json.loads(call.arguments)) for call in found]


class Talk:
    """A conversation in which every answer becomes part of what was said."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def say(self, words: str) -> list[tuple[str, dict[str, Any]]]:
        self.items.append(user(words))
        answer = text(*self.items)
        found = calls(*self.items)
        self.items.append(bot(answer))
        return found

    @property
    def answer(self) -> str:
        return str(self.items[-1].text)


def test_answers_the_time_itself_where_there_is_no_tool() -> None:
    assert text(user("What time is it?"), tools=[]) == "It's two thirty in the afternoon."
    assert calls(user("What time is it?")) == [("get_time", {})]


@pytest.mark.parametrize(
    ("says", "answer"),
    [
        ("What's the date?", "It's Tuesday, the twenty-fourth of November, twenty twenty-six."),
        (
            "How many days until Christmas?",
            "It's thirty-one days until Friday, the twenty-fifth of December.",
        ),
        ("How many cups in two litres?", "Two liters is about eight point four five four cups."),
        (
            "Convert 100 degrees Celsius to Fahrenheit.",
            "One hundred degrees Celsius is two hundred and twelve degrees Fahrenheit.",
        ),
        ("How many miles in a pound?", "I can't turn pounds into miles."),
        ("What is five divided by zero?", "Nothing can be divided by zero."),
        ("What week is it?", "It's week forty-eight."),
    ],
)
def test_answers_by_itself(says: str, answer: str) -> None:
    assert text(user(says), tools=[]) == answer


def test_says_that_it_cannot_where_no_tool_fits() -> None:
    assert "can't set timers here" in text(user("Set a timer for ten minutes"), tools=[])
    assert calls(user("Set a timer for ten minutes"), tool_choice="none") == []


def test_tells_what_came_of_the_calls() -> None:
    said = user("Set a timer for ten minutes and add milk to the shopping list")
    assert [name for name, _ in calls(said)] == ["set_timer", "add_to_list"]
    done = [
        ToolCall("1", "set_timer", "{}"),
        ToolCall("2", "add_to_list", "{}"),
        ToolResult("1", '{"spoken": "Ten minutes, starting now."}'),
        ToolResult("2", '{"spoken": "Milk is on the list."}'),
    ]
    assert text(said, *done) == "Ten minutes, starting now. Milk is on the list."
    assert calls(said, *done) == []


def test_a_new_question_after_the_outcome_is_answered_anew() -> None:
    before = [user("Stop"), ToolCall("1", "stop", "{}"), ToolResult("1", "{}"), bot("Okay.")]
    assert calls(*before, user("Turn it up")) == [("change_volume", {"direction": "up"})]


def test_one_call_at_a_time_where_the_client_wants_it() -> None:
    said = user("Set a timer for 5 minutes and turn the volume down")
    assert len(calls(said)) == 2
    assert len(calls(said, parallel_tool_calls=False)) == 1


def test_asks_for_what_is_missing_and_takes_the_answer() -> None:
    talk = Talk()
    assert talk.say("Set a pasta timer.") == []
    assert talk.answer == "For how long?"
    assert talk.say("Nine minutes.") == [("set_timer", {"name": "pasta", "minutes": 9})]
    assert talk.say("Remind me to feed the cat.") == []
    assert talk.answer == "When shall I remind you?"
    assert talk.say("In two hours.") == [("set_reminder", {"text": "feed the cat", "hours": 2})]
    assert talk.say("Set an alarm.") == []
    assert talk.say("Seven a.m.") == [("set_alarm", {"time": "07:00"})]


def test_another_command_is_not_taken_for_the_answer() -> None:
    talk = Talk()
    talk.say("Set a timer.")
    assert talk.say("Turn it up.") == [("change_volume", {"direction": "up"})]
    talk.say("Set a timer.")
    assert talk.say("Never mind.") == []
    assert "?" not in talk.answer


FOUR_TIMERS = json.dumps(
    {
        "timers": [
            {"name": name, "length_s": length_s, "left_s": length_s}
            for name, length_s in (("pasta", 480), ("egg", 300), ("", 600), ("", 1200))
        ]
    }
)


def test_takes_the_choice_that_a_tool_asked_for() -> None:
    asks = "There are four timers. Which one?"
    before = [
        user("Cancel the timer."),
        ToolCall("1", "cancel_timer", "{}"),
        ToolResult("1", json.dumps({"error": "4 fit", "question": asks, "spoken": asks})),
        bot(asks),
    ]
    for answer, wanted in (
        ("The pasta one.", {"name": "pasta"}),
        ("The ten minute timer", {"minutes": 10}),
        ("The second one.", {"name": "egg"}),
        ("The last.", {"minutes": 20}),
    ):
        asked = [*before, user(answer)]
        assert calls(*asked) == [("list_timers", {})]
        looked = [ToolCall("2", "list_timers", "{}"), ToolResult("2", FOUR_TIMERS)]
        assert calls(*asked, *looked) == [("cancel_timer", wanted)], answer
    assert calls(*before, user("All of them.")) == [("cancel_timer", {"all_timers": True})]


@pytest.mark.parametrize("told", ["There are four of them. Say which.", "Es gibt vier."])
def test_that_a_tool_asked_is_a_field_of_its_result(told: str) -> None:
    result = {"error": "4 fit", "question": told, "spoken": told}
    before = [
        user("Cancel the timer."),
        ToolCall("1", "cancel_timer", "{}"),
        ToolResult("1", json.dumps(result)),
        bot(told),
    ]
    looked = [ToolCall("2", "list_timers", "{}"), ToolResult("2", FOUR_TIMERS)]
    assert calls(*before, user("The pasta one."), *looked) == [("cancel_timer", {"name": "pasta"})]


def test_a_doubtful_call_is_asked_for_first() -> None:
    talk = Talk()
    assert talk.say("I need twelve minutes for the rice.") == []
    assert talk.answer == "Set a rice timer for twelve minutes?"
    assert talk.say("Yes please.") == [("set_timer", {"minutes": 12, "name": "rice"})]
    talk.say("I need twelve minutes for the rice.")
    assert talk.say("No.") == []
    assert calls(user("Yes."), bot("Okay."), user("Yes.")) == []


def test_yes_means_only_what_was_asked() -> None:
    asked = "I need twelve minutes for the rice."
    assert calls(user(asked), bot("Hello."), user("Yes.")) == []


def test_repeats_what_it_said() -> None:
    assert text(user("Hi"), bot("It's noon."), user("Say that again"), tools=[]) == "It's noon."


@pytest.mark.parametrize("says", ["What's the capital of France?", "Who wrote Hamlet?"])
def test_does_not_invent_facts(says: str) -> None:
    assert "offline" in text(user(says))
    assert calls(user(says)) == []


def test_says_so_when_nothing_was_heard_or_only_shown() -> None:
    assert "catch" in text(user("")) or "hear" in text(user(""))
    picture = Message("user", (ImagePart("data:image/png;base64,", "auto"),))
    assert text(picture) == "I can't see pictures, I'm afraid."


def test_keeps_to_the_clients_limit() -> None:
    found = pieces(user("What can you do?"), max_output_tokens=5)
    assert found[-1] == StopPiece("max_output_tokens")
    said = "".join(p.text for p in found if isinstance(p, TextPiece))
    assert 0 < THINKER.count_tokens(said) <= 5


def test_a_cancelled_answer_is_silent() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    assert list(THINKER.answer(ThinkRequest([user("Hello")], ""), cancellation)) == []


def test_a_demanded_call_is_made_or_refused() -> None:
    bare = FunctionTool("finish", "End the call.", {"type": "object", "properties": {}})
    assert calls(user("So long"), tools=[bare], tool_choice=NamedTool("finish")) == [("finish", {})]
    needy = FunctionTool("f", "", {"type": "object", "properties": {"x": {}}, "required": ["x"]})
    with pytest.raises(AbilityFailedError):
        calls(user("Good heavens"), tools=[needy], tool_choice="required")


def test_only_the_named_tool_is_called() -> None:
    said = user("Set a timer for ten minutes")
    assert calls(said, tool_choice=NamedTool("set_timer")) == [("set_timer", {"minutes": 10})]
