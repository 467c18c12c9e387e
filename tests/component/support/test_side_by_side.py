"""What plays of the daemon's tests stand on: whatever hangs in one, the others have their say."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from side_by_side import HungPlayError, PlayCancelledError, SideBySide, run_and_leave
from waiting import until

SOON_S = 0.5


async def fine() -> str:
    await asyncio.sleep(0.01)
    return "fine"


async def waits_for_ever() -> None:
    await asyncio.Event().wait()


async def waits_for_a_thread() -> None:
    await asyncio.to_thread(threading.Event().wait)


async def heeds_nothing() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


async def is_cancelled() -> None:
    raise asyncio.CancelledError


async def fails() -> None:
    raise KeyError("of its own")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("side_by_side.LETS_GO_WITHIN_S", SOON_S)


@pytest.mark.parametrize(
    ("play", "place"),
    [
        (waits_for_ever, "in waits_for_ever"),
        (waits_for_a_thread, "thread call in a play:"),
        (heeds_nothing, "in heeds_nothing"),
    ],
)
def test_a_play_that_hangs_says_where_and_holds_up_nobody(play, place: str) -> None:
    plays = {"before": fine, "hung": play, "after": fine}
    outcomes = SideBySide(2, play_within_s=SOON_S).play(plays)
    assert outcomes["before"] == outcomes["after"] == "fine"
    assert isinstance(outcomes["hung"], HungPlayError)
    assert place in str(outcomes["hung"])


def test_how_a_play_ends_is_its_own_business() -> None:
    plays = {"cancelled": is_cancelled, "failed": fails, "after": fine}
    outcomes = SideBySide(2).play(plays)
    assert isinstance(outcomes["cancelled"], PlayCancelledError)
    assert isinstance(outcomes["failed"], KeyError)
    assert outcomes["after"] == "fine"


def test_a_limit_holds_however_much_happens_at_that_moment() -> None:
    async def wait_in_a_busy_loop() -> None:
        changed = asyncio.Event()

        async def stir() -> None:
            while True:
                await asyncio.sleep(0)
                time.sleep(0.02)  # noqa: ASYNC251 - as it is where others have the processor
                changed.set()

        stirring = asyncio.create_task(stir())
        waiting = asyncio.create_task(until(lambda: False, changed, 0.3, lambda: "stirred"))
        await asyncio.wait({waiting}, timeout=10.0)
        stirring.cancel()
        assert waiting.done(), "it would wait for ever"
        with pytest.raises(TimeoutError, match="stirred"):
            waiting.result()

    for _ in range(5):
        run_and_leave(wait_in_a_busy_loop())
