"""What every test may ask for, and how all of them run side by side."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["time_limits"]
REPOSITORY = Path(__file__).resolve().parent.parent
WORKER_MB = 2000
"""What one process of tests may need once it has loaded every model."""

# A machine that is busy with other things makes no property false.
settings.register_profile("bittern", deadline=None)
settings.load_profile("bittern")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since most tests wait; fewer where memory is short."""
    fields = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    available_mb = next(int(size) for name, size, *_ in fields if name == "MemAvailable:") // 1024
    return max(1, min(len(os.sched_getaffinity(0)) + 1, available_mb // WORKER_MB))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder with recordings of real people; skips where there is none."""
    folder = Path(os.environ.get("BITTERN_RECORDINGS", REPOSITORY.parent / "shared" / "audio"))
    if not folder.is_dir():
        pytest.skip(f"no recordings of people at {folder} (set BITTERN_RECORDINGS)")
    return folder


@pytest.fixture(autouse=True)
def root_logger_stays() -> Iterator[None]:
    """A command that a test runs in this process sets up logging, but not for the next test."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
