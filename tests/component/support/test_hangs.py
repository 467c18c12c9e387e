"""A test that hangs beyond its limit costs its own process and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[2] / "conftest.py"
HANGING = """\
import asyncio
import time

def test_before(): pass

def test_that_hangs():
    async def heeds_nothing():
        while True:
            try:
                while True:
                    time.sleep(0.01)
            except BaseException:
                continue

    asyncio.run(heeds_nothing())

def test_after(): pass
"""


def test_the_others_go_on_and_the_stack_is_shown(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text().replace("60.0", "0.5"))
    (tmp_path / "test_it.py").write_text(HANGING)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--numprocesses=1", "-p", "no:cacheprovider", tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stdout
    assert "1 failed, 2 passed" in done.stdout
    assert "crashed while running 'test_it.py::test_that_hangs'" in done.stdout
    assert "in heeds_nothing" in done.stderr
