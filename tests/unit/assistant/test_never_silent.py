"""Whatever an endpoint makes of a question: somebody is heard, or the next one is asked."""

from __future__ import annotations

import json

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.policy import EndpointPlan
from device.assistant.remarks import Remarks
from device.assistant.states import State
from device.phrases.en.sentences import NOTICES
from device.realtime import events as wire
from device.realtime.failures import Reason
from device.realtime.items import (
    FunctionCallOutputItem,
    McpApprovalRequestItem,
    McpApprovalResponseItem,
    MessageItem,
    OutputText,
)
from device.realtime.response_object import Response, StatusDetails


def notices(bench) -> list[str]:
    return [e.name for e in bench.of(do.Notice)]


def spoken(bench) -> list[str]:
    return [e.text for e in bench.of(do.SayText)]


def text_delta(bench, text: str, item: str = "a1") -> None:
    place = {"response_id": "r1", "item_id": item, "output_index": 0, "content_index": 0}
    bench.server(wire.ResponseOutputTextDelta(**place, delta=text))


def ends(bench, status: str = "completed", reason: str = "", output=()) -> None:
    details = StatusDetails(type=status, reason=reason) if reason else None
    response = Response(id="r1", status=status, status_details=details, output=list(output))
    bench.server(wire.ResponseDone(response=response))


def speaker_plays(bench) -> None:
    item = bench.of(do.SayText)[-1].item
    bench.play(item.item_id)
    bench.finish(item.item_id)


def test_an_answer_in_writing_is_spoken_by_the_house(bench) -> None:
    bench.ask()
    bench.begin_response()
    text_delta(bench, "It is ")
    text_delta(bench, "noon.")
    ends(bench)
    assert spoken(bench) == ["It is noon."]
    speaker_plays(bench)
    assert bench.reports("said")[-1]["text"] == "It is noon."
    assert bench.core.state is State.FOLLOW_UP
    assert notices(bench) == []


def test_words_that_come_with_the_end_alone_are_spoken_as_well(bench) -> None:
    bench.ask()
    bench.begin_response()
    item = MessageItem(id="a1", role="assistant", content=[OutputText(text="It is noon.")])
    ends(bench, output=[item])
    assert spoken(bench) == ["It is noon."]


def test_who_interrupts_a_written_answer_is_listened_to(bench) -> None:
    bench.ask()
    bench.begin_response()
    text_delta(bench, "It is noon.")
    ends(bench)
    bench.play(bench.of(do.SayText)[-1].item.item_id)
    since = len(bench.effects)
    bench.wake(90_000)
    assert [e for e in bench.effects[since:] if isinstance(e, do.StopPlayback)]
    assert bench.core.state is State.LISTENING


def test_an_answer_with_sound_is_not_said_twice(bench) -> None:
    bench.ask()
    bench.begin_response()
    bench.audio(text="It is six.")
    text_delta(bench, "It is six.", item="a2")
    bench.play()
    bench.end_item()
    ends(bench)
    assert spoken(bench) == []


def test_a_voice_that_never_comes_ends_too(bench) -> None:
    bench.ask()
    bench.begin_response()
    text_delta(bench, "It is noon.")
    ends(bench)
    bench.wait(80.0)
    assert bench.core.state is State.IDLE


def test_an_empty_answer_is_asked_for_elsewhere(bench) -> None:
    bench.ask()
    bench.begin_response()
    ends(bench)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "brain"]
    bench.ready()
    bench.server_hears_question()
    bench.answer()
    assert notices(bench) == ["local_empty"]


def test_an_empty_answer_of_the_only_endpoint_is_told(make_bench) -> None:
    bench = make_bench(EndpointPlan("only"))
    bench.ask()
    bench.begin_response()
    ends(bench)
    assert notices(bench) == ["no_answer_empty"]


@pytest.mark.parametrize(
    ("reason", "notice"),
    [("content_filter", "answer_filtered"), ("max_output_tokens", "answer_limited")],
)
@pytest.mark.parametrize("has_sound", [True, False])
def test_an_answer_that_was_cut_is_told_to_be(bench, reason, notice, has_sound) -> None:
    bench.ask()
    bench.begin_response()
    if has_sound:
        bench.audio()
        bench.play()
    ends(bench, "incomplete", reason)
    if has_sound:
        bench.finish()
    assert notices(bench) == [notice]
    bench.finish_notices()
    assert bench.core.state is State.FOLLOW_UP


def test_leave_for_a_tool_of_the_endpoint_is_refused_and_that_is_told(bench) -> None:
    bench.ask()
    bench.begin_response()
    request = McpApprovalRequestItem(id="q1", server_label="s", name="buy", arguments="{}")
    bench.server(wire.ResponseOutputItemDone(response_id="r1", output_index=0, item=request))
    ends(bench)
    (refusal,) = [e.item for e in bench.sent(wire.ConversationItemCreate)]
    assert isinstance(refusal, McpApprovalResponseItem)
    assert (refusal.approval_request_id, refusal.approve) == ("q1", False)
    assert bench.sent(wire.ResponseCreate) == [wire.ResponseCreate()]
    bench.begin_response("r2")
    bench.end_response(response="r2")
    assert notices(bench) == ["approval_refused"]


def test_nine_calls_of_one_response_are_one_round(bench) -> None:
    bench.ask()
    bench.begin_response()
    for number in range(9):
        bench.call_tool(f"c{number}")
    bench.end_response()
    assert len(bench.of(do.RunTool)) == 9


def loops(bench, rounds: int) -> None:
    for number in range(1, rounds + 1):
        bench.begin_response(f"r{number}")
        bench.call_tool(f"c{number}", response=f"r{number}")
        bench.end_response(response=f"r{number}")
        bench.feed(inputs.ToolFinished(f"c{number}", json.dumps({"time": "12:00"})))


def test_a_model_that_only_calls_tools_ends_with_a_sentence(bench) -> None:
    bench.ask()
    loops(bench, bench.core.policy.tool_rounds + 2)
    assert len(bench.of(do.RunTool)) == bench.core.policy.tool_rounds
    assert notices(bench) == ["too_many_steps"]
    bench.finish_notices()
    assert bench.core.state is State.FOLLOW_UP


def test_the_last_round_may_be_told_by_the_model_itself(bench) -> None:
    bench.ask()
    loops(bench, bench.core.policy.tool_rounds + 1)
    outputs = [e.item for e in bench.sent(wire.ConversationItemCreate)]
    assert isinstance(outputs[-1], FunctionCallOutputItem)
    assert "error" in json.loads(outputs[-1].output)
    bench.begin_response("last")
    bench.audio(response="last")
    bench.play()
    bench.end_item()
    bench.end_response(response="last")
    bench.finish()
    assert notices(bench) == []


@pytest.mark.parametrize(
    ("output", "heard"),
    [
        ({"spoken": "Five minutes, starting now."}, ["Five minutes, starting now."]),
        ({"spoken": ""}, []),
        ({"minutes": 5}, ["done"]),
        ({"error": "the store is full"}, ["not_done"]),
    ],
)
def test_a_model_without_words_for_what_was_done(bench, output, heard) -> None:
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "set_timer")
    bench.end_response()
    bench.feed(inputs.ToolFinished("c1", json.dumps(output)))
    bench.begin_response("r2")
    bench.end_response(response="r2")
    assert [*spoken(bench), *notices(bench)] == heard
    assert len(bench.of(do.OpenLink)) == 1


def test_every_reason_has_its_sentences() -> None:
    for reason in Reason:
        remarks = Remarks()
        remarks.fell_back(reason)
        assert remarks.take() in NOTICES
        assert remarks.no_answer(reason) in NOTICES


def test_a_single_endpoint_tells_the_true_reason(make_bench) -> None:
    bench = make_bench(EndpointPlan("only"))
    bench.wake()
    bench.lose(Reason.RATE_LIMITED)
    assert notices(bench) == ["no_answer_busy"]


def test_the_reason_of_the_first_choice_is_told_when_the_brain_fails_too(bench) -> None:
    bench.wake()
    bench.lose(Reason.CLOCK)
    bench.lose(Reason.UNREACHABLE)
    assert notices(bench) == ["no_answer_clock"]


def test_history_goes_to_a_cloud_without_text_of_the_assistants(bench) -> None:
    """Such text makes models of speech answer in text."""
    bench.ask()
    bench.server(
        wire.ConversationItemInputAudioTranscriptionCompleted(
            item_id="u1", content_index=0, transcript="What time is it?"
        )
    )
    bench.answer()
    bench.lose(Reason.CLOSED)
    bench.follow_up(95_000)
    since = len(bench.effects)
    bench.ready()
    sent = [e.event for e in bench.effects[since:] if isinstance(e, do.Send)]
    (item,) = [e.item for e in sent if isinstance(e, wire.ConversationItemCreate)]
    assert item.role == "system"
    assert "What time is it?" in item.content[0].text
    assert "It is six." in item.content[0].text
