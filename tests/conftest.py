"""What every test may ask for, and how all of them run side by side."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent
GRACE_S = 60.0
"""So long after its limit a test that has not ended is believed to hang for good."""
WORKER_MB = 2000
"""What one process of tests may need once it has loaded every model."""
_STDERR = pytest.StashKey[int]()

# A machine that is busy with other things makes no property false.
settings.register_profile("bittern", deadline=None)
settings.load_profile("bittern")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since most tests wait; fewer where memory is short."""
    fields = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    available_mb = next(int(size) for name, size, *_ in fields if name == "MemAvailable:") // 1024
    return max(1, min(len(os.sched_getaffinity(0)) + 1, available_mb // WORKER_MB))


def pytest_configure(config: pytest.Config) -> None:
    # What pytest captures is lost with a process that ends by itself.
    config.stash[_STDERR] = os.dup((sys.__stderr__ or sys.stderr).fileno())


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[_STDERR])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End a process that hangs beyond its limit, with the stacks of all its threads.

    pytest-timeout raises an exception, which an event loop takes for one of a task's or a
    callback's own; and nothing is raised in a thread that hangs in C. Side by side, the
    test has then failed, and another process goes on with the next one.
    """
    limit_s = _limit_s(item) or float(item.config.getini("timeout"))
    stderr = item.config.stash[_STDERR]
    faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True, file=stderr)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that may take long: beside others, none of them must be the last."""
    limits_s: dict[Path, float] = defaultdict(float)
    for item in items:
        limits_s[item.path] = max(limits_s[item.path], _limit_s(item))
    items.sort(key=lambda item: limits_s[item.path], reverse=True)


def _limit_s(item: pytest.Item) -> float:
    """Its own, or its file's; 0 where it has the one of all."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark is not None else 0.0


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder with recordings of real people; skips where there is none."""
    folder = Path(os.environ.get("BITTERN_RECORDINGS", REPOSITORY.parent / "shared" / "audio"))
    if not folder.is_dir():
        pytest.skip(f"no recordings of people at {folder} (set BITTERN_RECORDINGS)")
    return folder
