"""Pictures go to who sees, for one answer, and are deleted at the endpoint behind it."""

from __future__ import annotations

import json

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.policy import EndpointPlan
from device.realtime import events as wire
from device.realtime.failures import Reason
from device.realtime.items import FunctionCallOutputItem, InputImage, MessageItem

JPEG = b"\xff\xd8 a picture \xff\xd9"
TAKEN = inputs.ToolFinished("c1", json.dumps({"pictures_attached": 1}), jpegs=(JPEG,))


@pytest.fixture
def bench(make_bench):
    return make_bench(
        EndpointPlan("cloud", sees=True),
        EndpointPlan("other", sees=True),
        EndpointPlan("brain", is_local=True),
    )


def looks(bench) -> None:
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "look")
    bench.end_response()
    bench.feed(TAKEN)


def pictures(bench, since: int = 0) -> list[str | None]:
    """Ids of the items with a picture, as they were sent."""
    items = [
        event.item
        for event in (e.event for e in bench.effects[since:] if isinstance(e, do.Send))
        if isinstance(event, wire.ConversationItemCreate) and isinstance(event.item, MessageItem)
    ]
    return [item.id for item in items if any(isinstance(part, InputImage) for part in item.content)]


def deleted(bench) -> list[str]:
    return [event.item_id for event in bench.sent(wire.ConversationItemDelete)]


def outputs(bench, since: int = 0) -> list[str]:
    events = [e.event for e in bench.effects[since:] if isinstance(e, do.Send)]
    items = [e.item for e in events if isinstance(e, wire.ConversationItemCreate)]
    return [item.output for item in items if isinstance(item, FunctionCallOutputItem)]


def test_a_picture_lies_before_the_model_when_it_is_asked_on(bench) -> None:
    looks(bench)
    assert len(pictures(bench)) == 1
    sent = [type(e.event).__name__ for e in bench.of(do.Send)]
    assert sent[-3:] == ["ConversationItemCreate", "ConversationItemCreate", "ResponseCreate"]
    assert not deleted(bench), "it is still being answered"


def test_it_is_deleted_when_the_answer_was_heard(bench) -> None:
    looks(bench)
    bench.answer(response="r2")
    assert deleted(bench) == pictures(bench)


def test_it_is_deleted_when_somebody_interrupts(bench) -> None:
    looks(bench)
    bench.begin_response("r2")
    bench.audio(response="r2")
    bench.play()
    bench.feed(inputs.StopRequested())
    assert deleted(bench) == pictures(bench)


def test_the_next_endpoint_is_shown_it_too(bench) -> None:
    looks(bench)
    bench.lose(Reason.CLOSED)
    since = len(bench.effects)
    bench.ready()
    assert len(pictures(bench, since)) == 1


def test_who_cannot_see_is_told_so_and_is_shown_nothing(make_bench) -> None:
    bench = make_bench(EndpointPlan("cloud", sees=True), EndpointPlan("brain", is_local=True))
    looks(bench)
    bench.lose(Reason.CLOSED)
    since = len(bench.effects)
    bench.ready()
    assert not pictures(bench, since)
    (output,) = outputs(bench, since)
    assert "cannot see" in json.loads(output)["error"]


def test_a_picture_that_was_asked_about_is_deleted_too(bench) -> None:
    bench.feed(inputs.Asked("What is this?", jpeg=JPEG))
    bench.ready()
    assert len(pictures(bench)) == 1
    bench.answer()
    assert deleted(bench) == pictures(bench)


def test_no_two_pictures_of_a_link_have_the_same_id(bench) -> None:
    for number in range(2):
        bench.feed(inputs.Asked("And this?", jpeg=JPEG))
        if not number:
            bench.ready()
        bench.answer(response=f"r{number}", item=f"a{number}")
    assert len(set(pictures(bench))) == 2


def test_the_panel_shows_that_the_camera_is_open(bench) -> None:
    (shown,) = [e for e in bench.feed(inputs.CameraChanged(True)) if isinstance(e, do.Show)]
    assert shown.looks
    (shown,) = [e for e in bench.feed(inputs.CameraChanged(False)) if isinstance(e, do.Show)]
    assert not shown.looks
