"""Whatever a model calls, and whatever a tool does, there is one outcome to send back."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import time
from typing import Any

import pytest

from device.errors import BitternError
from device.tools.answers import Answer, ToolError
from device.tools.registry import CallLimits, Registry, ToolOutcome


def facts(outcome: ToolOutcome) -> dict[str, Any]:
    found = json.loads(outcome.output_json)
    assert isinstance(found, dict)
    return found


async def double(number: int) -> Answer:
    """Double a number.

    Args:
        number: Which one.
    """
    return Answer({"doubled": 2 * number}, f"That's {2 * number}.")


async def test_a_call_gives_facts_and_a_sentence() -> None:
    registry = Registry()
    registry.add(double)
    outcome = await registry.run("double", '{"number":4}', "c1")
    assert facts(outcome) == {"doubled": 8, "spoken": "That's 8."}
    assert outcome.spoken == "That's 8."
    assert not outcome.is_error


def test_the_list_of_tools_is_what_a_session_takes() -> None:
    registry = Registry()
    registry.add(double)
    (tool,) = registry.tools()
    assert tool["type"] == "function"
    assert tool["name"] == "double"
    assert tool["description"] == "Double a number."
    assert tool["parameters"]["required"] == ["number"]


def test_a_name_is_taken_once() -> None:
    registry = Registry()
    registry.add(double)
    registry.add(double, name="twice")
    with pytest.raises(ValueError, match="a tool double already"):
        registry.add(double)


async def test_a_mistake_goes_back_and_too_many_end_it() -> None:
    registry = Registry(limits=CallLimits(mistakes_per_turn=3))
    registry.add(double)
    first = await registry.run("double", '{"number":"many"}', "c1")
    assert first.is_error
    assert facts(first)["try_again"] is True
    assert "Expected `int`" in facts(first)["error"]
    second = await registry.run("double", "", "c2")
    assert facts(second)["try_again"] is True
    third = await registry.run("double", '{"number":', "c3")
    assert facts(third)["try_again"] is False
    assert "give up" in facts(third)["error"]
    registry.new_turn()
    fourth = await registry.run("double", "", "c4")
    assert facts(fourth)["try_again"] is True


async def test_a_right_call_clears_the_mistakes() -> None:
    registry = Registry(limits=CallLimits(mistakes_per_turn=2))
    registry.add(double)
    for turn in range(3):
        assert facts(await registry.run("double", "", f"bad{turn}"))["try_again"] is True
        assert not (await registry.run("double", '{"number":1}', f"good{turn}")).is_error


async def test_an_unknown_tool_is_named_with_its_neighbours() -> None:
    registry = Registry()
    registry.add(double)
    outcome = await registry.run("doubel", "{}", "c1")
    assert outcome.is_error
    assert "did you mean double?" in facts(outcome)["error"]
    assert facts(await registry.run("xyz", "{}", "c2"))["try_again"] is True
    assert facts(await registry.run("zyx", "{}", "c3"))["try_again"] is False


async def test_a_tool_that_raises_is_logged_and_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> None:
        """Break."""
        raise ZeroDivisionError("secret detail")

    registry = Registry()
    registry.add(broken)
    with caplog.at_level(logging.ERROR):
        outcome = await registry.run("broken", "{}", "c1")
    assert outcome.is_error
    assert "secret detail" not in outcome.output_json
    assert "ZeroDivisionError: secret detail" in caplog.text
    assert facts(outcome)["try_again"] is False


async def test_a_tool_cannot_end_the_process_or_its_caller() -> None:
    async def leave() -> None:
        """Leave."""
        sys.exit(3)

    def leave_in_a_thread() -> None:
        """Leave."""
        sys.exit(3)

    async def pretend() -> None:
        """Pretend to be cancelled."""
        raise asyncio.CancelledError

    registry = Registry()
    for function in (leave, leave_in_a_thread, pretend):
        registry.add(function)
        outcome = await registry.run(function.__name__, "", "c")
        assert outcome.is_error, function.__name__


async def test_a_failure_of_the_house_is_told_in_its_own_words() -> None:
    async def play() -> None:
        """Play."""
        raise BitternError("the speaker is unplugged", "plug it in")

    async def refuse() -> None:
        """Refuse."""
        raise ToolError("no", spoken="No.", facts={"why": "because"}, try_again=False)

    registry = Registry()
    registry.add(play)
    registry.add(refuse)
    assert facts(await registry.run("play", "", "c1"))["error"] == "the speaker is unplugged"
    outcome = await registry.run("refuse", "", "c2")
    assert facts(outcome) == {"error": "no", "spoken": "No.", "try_again": False, "why": "because"}


async def test_a_slow_tool_is_left_behind() -> None:
    ended = asyncio.Event()

    async def slow() -> None:
        """Take a long time."""
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def stubborn() -> None:
        """Take a long time, and do not listen."""
        for _ in range(3):
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue

    registry = Registry()
    registry.add(slow, timeout_s=0.02)
    registry.add(stubborn, timeout_s=0.02)
    began_s = time.monotonic()
    outcome = await registry.run("slow", "", "c1")
    assert "did not finish" in facts(outcome)["error"]
    await asyncio.wait_for(ended.wait(), 1)
    assert (await registry.run("stubborn", "", "c2")).is_error
    assert time.monotonic() - began_s < 0.5
    await registry.close()


async def test_a_blocking_tool_delays_nobody_and_its_threads_are_bounded() -> None:
    release = threading.Event()

    def block() -> str:
        """Block."""
        release.wait(10)
        return threading.current_thread().name

    registry = Registry(limits=CallLimits(threads=2, timeout_s=0.05))
    registry.add(block)
    registry.add(double)
    blocked = [asyncio.create_task(registry.run("block", "", f"c{n}")) for n in range(3)]
    assert not (await registry.run("double", '{"number":1}', "d")).is_error
    outcomes = [facts(await task)["error"] for task in blocked]
    assert sum("did not finish" in error for error in outcomes) == 2
    assert sum("have not returned" in error for error in outcomes) == 1
    release.set()
    await asyncio.sleep(0.05)
    registry.new_turn()
    assert facts(await registry.run("block", "", "again"))["result"] == "tool-block"
    await registry.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("tool-")]


async def test_many_calls_at_once_each_have_their_own_outcome() -> None:
    registry = Registry(limits=CallLimits(calls_per_turn=100))
    registry.add(double)
    outcomes = await asyncio.gather(
        *(registry.run("double", f'{{"number":{n}}}', f"c{n}") for n in range(100))
    )
    assert [facts(outcome)["doubled"] for outcome in outcomes] == [2 * n for n in range(100)]


async def test_one_call_is_run_once_however_often_it_arrives() -> None:
    runs = 0

    async def count() -> dict[str, int]:
        """Count."""
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        return {"runs": runs}

    registry = Registry()
    registry.add(count)
    twice = await asyncio.gather(registry.run("count", "", "c1"), registry.run("count", "", "c1"))
    assert twice[0] == twice[1]
    assert await registry.run("count", "", "c1") == twice[0]
    assert runs == 1
    registry.new_turn()
    await registry.run("count", "", "c1")
    assert runs == 2


async def test_who_stops_waiting_does_not_stop_the_tool() -> None:
    done = asyncio.Event()

    async def act() -> None:
        """Act."""
        await asyncio.sleep(0.02)
        done.set()

    registry = Registry()
    registry.add(act)
    waiting = asyncio.create_task(registry.run("act", "", "c1"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(done.wait(), 1)


async def test_running_in_circles_is_ended() -> None:
    registry = Registry(limits=CallLimits(calls_per_turn=3))
    registry.add(double)
    for n in range(3):
        assert not (await registry.run("double", '{"number":1}', f"c{n}")).is_error
    assert (
        "answer the user now" in facts(await registry.run("double", '{"number":1}', "c9"))["error"]
    )


async def test_results_that_cannot_be_sent_are_failures() -> None:
    async def endless() -> str:
        """Say much."""
        return "x" * 100_000

    async def opaque() -> object:
        """Give an object."""
        return object()

    registry = Registry()
    registry.add(endless)
    registry.add(opaque)
    assert "too long" in facts(await registry.run("endless", "", "c1"))["error"]
    assert (await registry.run("opaque", "", "c2")).is_error


async def test_quiet_is_not_the_same_as_no_words() -> None:
    async def hush() -> Answer:
        """Say nothing."""
        return Answer({}, "")

    async def plain() -> None:
        """Say it in your own words."""

    registry = Registry()
    registry.add(hush)
    registry.add(plain)
    assert facts(await registry.run("hush", "", "c1")) == {"spoken": ""}
    plain_outcome = await registry.run("plain", "", "c2")
    assert facts(plain_outcome) == {"ok": True}
    assert plain_outcome.spoken is None
