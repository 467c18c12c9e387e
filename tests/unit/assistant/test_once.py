"""A thing is done once: every failure, before, while and after a tool runs, in virtual time.

The second endpoint is a model like any other: it calls the tool, unless it was told that
this was done already.
"""

from __future__ import annotations

import json

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.policy import EndpointPlan
from device.realtime import events as wire
from device.realtime.failures import Reason
from device.realtime.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    McpCallItem,
    MessageItem,
)

DONE = json.dumps({"minutes": 5, "spoken": "Five minutes, starting now."})
BUSY = "conversation_already_has_active_response"


def error(code: str) -> wire.ErrorEvent:
    return wire.ErrorEvent(error=wire.ErrorDetails(type=code, code=code, message="test"))


def fails_by_error(bench) -> None:
    bench.server(error("insufficient_quota"))


def fails_by_response(bench) -> None:
    bench.begin_response("r2")
    bench.end_response("failed", response="r2", code="server_error")


def is_reset(bench) -> None:
    bench.lose(Reason.CLOSED)


def expires(bench) -> None:
    bench.server(error("session_expired"))


def says_nothing(bench) -> None:
    bench.wait(8.5)


def is_busy(bench) -> None:
    for _ in range(9):
        bench.server(error(BUSY))
        bench.wait(1.0)


FAILURES = [fails_by_error, fails_by_response, is_reset, expires, says_nothing, is_busy]
MOMENTS = ["before", "during", "after"]


def timers_set(bench) -> int:
    return sum(e.name == "set_timer" for e in bench.of(do.RunTool))


def is_told(bench, since: int) -> bool:
    """Whether the endpoint that is asked now has been told what was done."""
    events = [e.event for e in bench.effects[since:] if isinstance(e, do.Send)]
    items = [e.item for e in events if isinstance(e, wire.ConversationItemCreate)]
    return any(isinstance(item, FunctionCallOutputItem) for item in items)


def answers_like_a_model(bench, since: int) -> None:
    """The endpoint that is asked now: calls the tool, unless it knows that this was done."""
    if not is_told(bench, since):
        bench.server_hears_question()
        bench.begin_response("m1")
        bench.call_tool("other", "set_timer", response="m1")
        bench.end_response(response="m1")
        bench.feed(inputs.ToolFinished("other", DONE))
    assert len(bench.sent(wire.ResponseCreate)) >= 1
    bench.begin_response("m2")
    bench.audio(response="m2", item="spoken")
    bench.play("spoken")
    bench.end_item("spoken", response="m2")
    bench.end_response(response="m2")
    bench.finish("spoken")
    bench.finish_notices()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda it: it.__name__)
def test_what_was_asked_is_done_once_and_told(bench, failure, moment) -> None:
    bench.ask()
    opened = len(bench.of(do.OpenLink))
    if moment != "before":
        bench.begin_response()
        bench.call_tool("c1", "set_timer")
        bench.end_response()
    if moment == "after":
        bench.feed(inputs.ToolFinished("c1", DONE))
    since = len(bench.effects)
    failure(bench)
    if moment == "during":
        bench.feed(inputs.ToolFinished("c1", DONE))
    if moment == "during" and bench.core.status.endpoint == "cloud":
        # It is asked for the answer now, and fails again.
        failure(bench)
    assert len(bench.of(do.OpenLink)) > opened
    bench.ready()
    answers_like_a_model(bench, since)
    assert timers_set(bench) == 1
    by = "cloud" if failure is expires else "brain"
    assert bench.reports("said")[-1]["endpoint"] == by, "a session that is over is opened anew"


def test_the_next_endpoint_gets_the_words_the_call_and_its_outcome(bench) -> None:
    bench.ask()
    bench.server(
        wire.ConversationItemInputAudioTranscriptionCompleted(
            item_id="u1", content_index=0, transcript="Set a timer for five minutes."
        )
    )
    bench.begin_response()
    bench.call_tool("c1", "set_timer")
    bench.end_response()
    bench.feed(inputs.ToolFinished("c1", DONE))
    bench.lose(Reason.CLOSED)
    since = len(bench.effects)
    bench.ready()
    events = [e.event for e in bench.effects[since:] if isinstance(e, do.Send)]
    assert [type(e) for e in events] == [wire.ConversationItemCreate] * 3 + [wire.ResponseCreate]
    asked, call, outcome = (e.item for e in events[:3])
    assert isinstance(asked, MessageItem)
    assert asked.role == "user"
    assert asked.content[0].text == "Set a timer for five minutes."
    assert isinstance(call, FunctionCallItem)
    assert call.name == "set_timer"
    assert (outcome.call_id, outcome.output) == (call.call_id, DONE)
    assert not [e for e in bench.effects[since:] if isinstance(e, do.StartUplink)]


def test_words_nobody_understood_are_not_invented(bench) -> None:
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "set_timer")
    bench.feed(inputs.ToolFinished("c1", DONE))
    bench.lose(Reason.CLOSED)
    since = len(bench.effects)
    bench.ready()
    first = next(e.event.item for e in bench.effects[since:] if isinstance(e, do.Send))
    assert first.role == "system"


def test_a_model_that_calls_again_in_spite_of_all_gets_the_outcome_there_was(bench) -> None:
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "set_timer")
    bench.end_response()
    bench.feed(inputs.ToolFinished("c1", DONE))
    bench.lose(Reason.CLOSED)
    bench.ready()
    bench.begin_response("r9")
    bench.call_tool("c9", "set_timer", response="r9")
    bench.end_response(response="r9")
    assert timers_set(bench) == 1
    outputs = [
        e.item
        for e in bench.sent(wire.ConversationItemCreate)
        if isinstance(e.item, FunctionCallOutputItem)
    ]
    assert [(it.call_id, it.output) for it in outputs][-1] == ("c9", DONE)
    assert bench.effects[-1] == do.Send(2, wire.ResponseCreate()), "and it is asked to say so"


def test_a_tool_that_still_runs_is_waited_for(bench) -> None:
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "set_timer")
    since = len(bench.effects)
    bench.lose(Reason.CLOSED)
    assert not [e for e in bench.effects[since:] if isinstance(e, do.CancelTools)]
    bench.wait(1.0)
    bench.ready()
    assert not is_told(bench, since), "nobody knows yet what came of it"
    bench.feed(inputs.ToolFinished("c1", DONE))
    assert is_told(bench, since)
    assert len(bench.sent(wire.ResponseCreate)) == 1
    assert bench.reports("tool")[0]["result"] == DONE


def test_what_was_done_is_said_when_nobody_is_left(make_bench) -> None:
    bench = make_bench(EndpointPlan("only"))
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "set_timer")
    bench.end_response()
    bench.feed(inputs.ToolFinished("c1", DONE))
    fails_by_response(bench)
    assert [e.text for e in bench.of(do.SayText)] == ["Five minutes, starting now."]
    bench.finish(bench.of(do.SayText)[0].item.item_id)
    assert bench.core.status.is_at_rest
    assert timers_set(bench) == 1


def test_what_was_done_has_a_sentence_of_ours_where_it_has_no_words(make_bench) -> None:
    bench = make_bench(EndpointPlan("only"))
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "set_timer")
    bench.end_response()
    bench.feed(inputs.ToolFinished("c1", json.dumps({"minutes": 5})))
    fails_by_response(bench)
    assert [e.name for e in bench.of(do.Notice)] == ["done_untold"]


def test_a_tool_that_failed_was_not_done(make_bench) -> None:
    bench = make_bench(EndpointPlan("only"))
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "set_timer")
    bench.end_response()
    bench.feed(inputs.ToolFinished("c1", json.dumps({"error": "the store is full"})))
    fails_by_response(bench)
    assert [e.name for e in bench.of(do.Notice)] == ["no_answer_trouble"]


def test_after_let_me_see_the_outcome_is_told_by_somebody_else(bench) -> None:
    """A model that talks before it calls has said something, but not what matters."""
    bench.ask()
    bench.begin_response()
    bench.audio(text="Let me set that.")
    bench.play()
    bench.end_item()
    bench.call_tool("c1", "set_timer")
    bench.end_response()
    bench.feed(inputs.ToolFinished("c1", DONE))
    since = len(bench.effects)
    fails_by_response(bench)
    assert not [e for e in bench.effects[since:] if isinstance(e, do.StopPlayback)]
    bench.finish()
    bench.ready()
    answers_like_a_model(bench, since)
    assert timers_set(bench) == 1
    assert [e.name for e in bench.of(do.Notice)] == ["local_trouble"]


def test_what_the_endpoint_did_itself_is_not_asked_for_again(bench) -> None:
    bench.ask()
    bench.begin_response()
    item = McpCallItem(
        id="m1", server_label="home", name="open_door", arguments="{}", output="it is open"
    )
    bench.server(wire.ResponseOutputItemDone(response_id="r1", output_index=0, item=item))
    bench.lose(Reason.CLOSED)
    since = len(bench.effects)
    bench.ready()
    assert is_told(bench, since)


def test_who_was_busy_is_asked_again_and_not_replaced(local_endpointing) -> None:
    bench = local_endpointing
    bench.wake()
    bench.ready()
    bench.speak()
    bench.feed(inputs.UplinkDrained(1))
    bench.server(error(BUSY))
    assert len(bench.sent(wire.ResponseCreate)) == 1
    bench.wait(0.6)
    assert len(bench.sent(wire.ResponseCreate)) == 2
    bench.answer()
    assert len(bench.of(do.OpenLink)) == 1
