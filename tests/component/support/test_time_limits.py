"""A test that does not end has failed, and all others have their say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parents[2] / "support"
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
TESTS = """\
import asyncio
import time

def test_before(): pass

{hangs}

def test_after(): pass
"""
IN_MANY_SHORT_CALLBACKS = """\
def test_hangs():
    async def busy():
        while True:
            time.sleep(0.02)
            await asyncio.sleep(0)

    async def waits():
        task = asyncio.create_task(busy())
        await asyncio.wait({task})
        await asyncio.Event().wait()  # the failure is one of the task's own

    asyncio.run(waits())
"""
HEEDING_NOTHING = """\
def test_hangs():
    async def heeds_nothing():
        while True:
            try:
                while True:
                    time.sleep(0.01)
            except BaseException:
                continue

    asyncio.run(heeds_nothing())
"""
DYING_WHILE_PYTEST_REPORTS = """\
import gc
import sys

def test_hangs():
    async def fails():
        return 1 + (1 / 0)

    gc.disable()
    loop = asyncio.new_event_loop()
    task = loop.create_task(fails())
    loop.run_until_complete(asyncio.wait({task}))
    loop.close()
    garbage = [task]
    garbage.append(garbage)
    del task, garbage
    # It is collected when pytest parses the source of what failed.
    gc.set_threshold(1)
    sys.addaudithook(lambda event, _: event == "compile" and gc.enable())
    assert False
"""
WHILE_PYTEST_REPORTS = """
import time

def pytest_runtest_logreport(report):
    if report.when == "setup" and "test_hangs" in report.nodeid:
        time.sleep(1.5)
"""


def run(
    folder: Path, hangs: str, more: str = "", *options: str, grace_s: float = 10.0
) -> tuple[int, str, str]:
    """Run three tests, the second of which is to fail after a second."""
    plugin = (SUPPORT / "time_limits.py").read_text()
    sooner = {"GRACE_S = 60.0": f"GRACE_S = {grace_s}", "MOST_TIMES = 100": "MOST_TIMES = 10"}
    for usual, soon in sooner.items():
        assert usual in plugin
        plugin = plugin.replace(usual, soon)
    (folder / "time_limits.py").write_text(plugin)
    (folder / "conftest.py").write_text('pytest_plugins = ["time_limits"]\n' + more)
    (folder / "test_it.py").write_text(TESTS.format(hangs=hangs))
    (folder / "pytest.ini").write_text("[pytest]\ntimeout = 1\npythonpath = .\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *WITHOUT, *options, folder],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=folder,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("hangs", "more"),
    [
        (IN_MANY_SHORT_CALLBACKS, ""),
        ("def test_hangs(): time.sleep(60)", ""),
        ("def test_hangs(): time.sleep(60)", WHILE_PYTEST_REPORTS),
    ],
    ids=["in callbacks", "in the open", "while pytest reports"],
)
def test_it_fails_and_the_others_go_on(tmp_path: Path, hangs: str, more: str) -> None:
    status, told, _ = run(tmp_path, hangs, more)
    assert status == 1, told
    assert "1 failed, 2 passed" in told
    assert "Timeout (>1.0s)" in told


def test_a_failure_that_nobody_took_does_not_end_the_run(tmp_path: Path) -> None:
    status, told, _ = run(tmp_path, DYING_WHILE_PYTEST_REPORTS)
    assert status == 1, told
    assert "1 failed, 2 passed" in told
    assert "INTERNALERROR" not in told


def test_what_heeds_nothing_costs_its_own_process_and_shows_its_stack(tmp_path: Path) -> None:
    status, told, stacks = run(tmp_path, HEEDING_NOTHING, "", "--numprocesses=1", grace_s=0.5)
    assert status == 1, told
    assert "1 failed, 2 passed" in told
    assert "crashed while running 'test_it.py::test_hangs'" in told
    assert "in heeds_nothing" in stacks
