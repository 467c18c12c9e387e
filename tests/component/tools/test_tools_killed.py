"""Killed with SIGKILL at every step of setting, ringing and stopping: a real process.

The promise: what somebody was told is set rings, once, unless the process was killed
while it was ringing (or about to) and nobody had stopped it: then it rings on, marked as
resumed, in the next process. What has been stopped never rings again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HELPER = Path(__file__).parent / "ringing_process.py"


def play(folder: Path, story: str) -> list[dict[str, Any]]:
    command = [sys.executable, str(HELPER), str(folder / "state"), story]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def split(events: list[dict[str, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    names = [event.get("event", "killed") for event in events]
    second = names.index("second process")
    return names[:second], events[second + 1 :]


def killed_at(events: list[dict[str, Any]]) -> str:
    return next((str(event["killed_at"]) for event in events if "killed_at" in event), "nowhere")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what is killed here is the process, not the disk."""
    if not Path("/dev/shm").is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="bittern-test-") as name:
        yield Path(name)


@pytest.mark.parametrize(("story", "rings"), [("timer", 1), ("weekly_alarm", 1), ("snooze", 2)])
def test_killed_at_every_step(folder: Path, story: str, rings: int) -> None:
    plays = play(folder, story)
    steps = [killed_at(one["events"]) for one in plays]
    for expected in ("COMMIT", "before sound", "after sound", "before silence", "after silence"):
        assert expected in steps, f"no process was killed at {expected}"
    assert any(step.startswith("INSERT OR REPLACE INTO ringings") for step in steps)
    assert any(step.startswith("DELETE FROM ringings") for step in steps)
    assert not plays[-1]["was_killed"]
    for one in plays:
        check(one["events"], rings, ends_written_down(one["steps"]))


def ends_written_down(steps: list[str]) -> int:
    """How many rings were over, as the store has it, when the process was killed.

    Between that and the silence the store writes its second copy. Each ring is written down,
    and then its end: stopped for good, or to come again after a while.
    """
    committed = max(
        (n for n, step in enumerate(steps[:-1]) if step.startswith("COMMIT")), default=0
    )
    written = [step for step in steps[:committed] if " ringings" in step]
    return len(written) // 2


def check(events: list[dict[str, Any]], rings: int, ends: int) -> None:
    where = killed_at(events)
    first, second = split(events)
    heard_before, heard_after = first.count("ring"), [e for e in second if e.get("event") == "ring"]
    assert not [e for e in events if e.get("event") in ("crashed", "missed")], where
    assert all(e["troubles"] == [] for e in events if e.get("event") == "opened"), where
    # Silence is written down before it falls.
    silenced = max(first.count("silence") + (where == "before silence"), ends)
    if silenced == rings:
        assert heard_before == rings, where
        assert heard_after == [], where
    elif "set" in first:
        assert len(heard_after) == 1, where
    else:
        assert len(heard_after) <= 1, where
    if heard_before > silenced:
        # Killed while it rang: it goes on in the next process, and says so.
        assert heard_after[0]["resumed"], where
    # Every ring of the second process was stopped there; tomorrow's alarm is all that is left.
    assert len([e for e in second if e.get("event") == "silence"]) == len(heard_after), where
    left = next(e["kept"] for e in second if e.get("event") == "end")
    assert left in ([], ["2026-11-24"]), where


def test_killed_at_every_step_of_making_the_file(folder: Path) -> None:
    plays = play(folder, "create")
    steps = [killed_at(one["events"]) for one in plays]
    assert sum(step.startswith("CREATE TABLE") for step in steps) >= 4
    for one in plays:
        opened = [event for event in one["events"] if event.get("event") == "opened"]
        assert opened[-1]["troubles"] == [], killed_at(one["events"])
        assert not [event for event in one["events"] if event.get("event") == "crashed"]
