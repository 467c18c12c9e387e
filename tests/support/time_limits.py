"""What becomes of a test that does not end: always a failure of its own, never of the whole run.

pytest-timeout raises an exception in whatever runs at that moment. Two moments are bad for it:
an event loop takes it for a failure of the callback that runs, and goes on for ever; and while
pytest itself reports, it ends everything (INTERNALERROR). Here it waits for a better one. Where
none comes, in a thread that hangs in C or a loop in a callback, the process is ended with the
stacks of its threads: side by side the test has then failed, and another process goes on with
the next one.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from pytest_timeout import timeout_sigalrm

GRACE_S = 60.0
"""So long after its limit a test that has not ended is believed to hang for good."""
AGAIN_S = 0.05
MOST_TIMES = 100
"""How often to wait for a better moment: for five seconds."""
_STDERR = pytest.StashKey[int]()
_PHASE = pytest.CallInfo.from_call.__func__.__code__  # type: ignore[attr-defined]
"""What runs a test or a fixture."""
_CALLBACK = asyncio.Handle._run.__code__
"""What runs each step of a task, too."""


def pytest_configure(config: pytest.Config) -> None:
    # What pytest captures is lost with a process that ends by itself.
    config.stash[_STDERR] = os.dup((sys.__stderr__ or sys.stderr).fileno())


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[_STDERR])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that may take long: beside others, none of them must be the last."""
    limits_s: dict[Path, float] = defaultdict(float)
    for item in items:
        limits_s[item.path] = max(limits_s[item.path], _limit_s(item))
    items.sort(key=lambda item: limits_s[item.path], reverse=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Watch over the test from a thread in C, which nothing in Python holds up."""
    limit_s = _limit_s(item) or float(item.config.getini("timeout"))
    stderr = item.config.stash[_STDERR]
    faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True, file=stderr)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _limit_s(item: pytest.Item) -> float:
    """Its own, or its file's; 0 where it has the one of all."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark is not None else 0.0


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let no garbage be collected while a failure is put into words.

    pytest parses the source for that. A task that died of an exception which nobody took logs
    it when it is collected, and Python 3.11 parses the source for that, too: one within the
    other is a SystemError ("AST constructor recursion depth mismatch"), which ends the run.
    """
    if call.excinfo is None:
        return (yield)
    gc.collect()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: Any, settings: Any) -> bool | None:
    """As pytest-timeout, but for the moment."""
    if settings.method != "signal":
        return None
    left = MOST_TIMES

    def expire(_: int, frame: FrameType | None) -> None:
        nonlocal left
        running = set(_codes(frame))
        is_good = _PHASE in running and _CALLBACK not in running
        if not is_good:
            # And again: what is raised in a callback may be lost there.
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
            left -= 1
        if is_good or (_PHASE in running and left <= 0):
            left = MOST_TIMES
            timeout_sigalrm(item, settings)

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    item.cancel_timeout = cancel
    signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout)
    return True


def _codes(frame: FrameType | None) -> Generator[CodeType]:
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back
