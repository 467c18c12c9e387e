"""Other tools are on offer: when a link in use is told."""

from __future__ import annotations

from typing import Any

from device.assistant import effects as do
from device.assistant import inputs


def test_a_link_at_rest_is_told_at_once(bench: Any) -> None:
    bench.ask()
    bench.answer()
    assert bench.feed(inputs.ToolsChanged()) == [do.UpdateTools(bench.link_number())]
    assert bench.feed(inputs.TimePassed()) == []


def test_an_answer_under_way_keeps_its_tools_and_the_next_question_has_the_new_ones(
    bench: Any,
) -> None:
    bench.ask()
    bench.begin_response()
    assert bench.feed(inputs.ToolsChanged()) == []
    assert bench.feed(inputs.ToolsChanged()) == []
    bench.answer()
    assert not bench.of(do.UpdateTools)
    bench.follow_up()
    assert bench.of(do.UpdateTools) == [do.UpdateTools(bench.link_number())], "once"
    kinds = [type(effect) for effect in bench.effects]
    asked_again = len(kinds) - 1 - kinds[::-1].index(do.StartUplink)
    assert kinds.index(do.UpdateTools) < asked_again, "before the sound of the question"


def test_a_link_that_is_not_ready_is_told_when_it_is(bench: Any) -> None:
    bench.wake()
    assert bench.feed(inputs.ToolsChanged()) == []
    effects = bench.ready()
    assert do.UpdateTools(bench.link_number()) in effects


def test_a_link_opened_later_has_them_anyway(bench: Any) -> None:
    bench.feed(inputs.ToolsChanged())
    bench.ask()
    bench.answer()
    assert not bench.of(do.UpdateTools)
