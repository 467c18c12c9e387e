"""Calls that may never come back, and what becomes of those that do so too late."""

from __future__ import annotations

import threading
import time

import pytest

from device.audio.timeout import GuardedCall, HangsError


def test_returns_and_raises_like_the_call_itself() -> None:
    assert GuardedCall("asking", lambda: 42).wait(5) == 42
    with pytest.raises(ZeroDivisionError):
        GuardedCall("dividing", lambda: 1 // 0).wait(5)


def test_gives_up_and_undoes_what_comes_too_late() -> None:
    free, undone = threading.Event(), threading.Event()
    late: list[str] = []

    def undo(result: str) -> None:
        late.append(result)
        undone.set()

    call = GuardedCall("opening", lambda: (free.wait(10), "stream")[1], undo)
    began = time.monotonic()
    with pytest.raises(HangsError, match=r"opening takes longer than 0\.05 s"):
        call.wait(0.05)
    assert time.monotonic() - began < 2
    assert call.is_running
    free.set()
    assert undone.wait(5)
    assert late == ["stream"]


def test_a_failure_that_comes_too_late_is_nobodys() -> None:
    free = threading.Event()

    def fail() -> None:
        free.wait(10)
        raise OSError

    call = GuardedCall("closing", fail)
    with pytest.raises(HangsError):
        call.wait(0.01)
    free.set()
    deadline = time.monotonic() + 5
    while call.is_running:
        assert time.monotonic() < deadline
