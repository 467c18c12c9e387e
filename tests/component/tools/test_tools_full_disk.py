"""A real disk that is full, and one that can only be read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HELPER = Path(__file__).parent / "full_disk_process.py"


def in_a_small_disk(folder: Path) -> list[str]:
    """Command line that mounts half a megabyte at a folder, seen by its own process only."""
    script = 'mount -t tmpfs -o size=512k none "$1" && exec "$2" "$3" "$1"'
    return ["unshare", "-rm", "sh", "-c", script, "sh", str(folder), sys.executable, str(HELPER)]


def test_timers_on_a_full_disk(tmp_path: Path) -> None:
    can_mount = (
        shutil.which("unshare")
        and not subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(tmp_path)], capture_output=True
        ).returncode
    )
    if not can_mount:
        pytest.skip("mounting a small disk needs unshare and user namespaces")
    run = subprocess.run(in_a_small_disk(tmp_path), capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["opened"] == []
    # The space of some timers was taken beforehand: on a full disk they are still kept.
    assert told["first_on_full_disk"]["is_kept"] is True
    assert told["kept_before_it_failed"] >= 10
    # Beyond that one is told, and it rings all the same.
    assert told["not_kept"]["is_kept"] is False
    assert "lost if I lose power" in told["not_kept"]["spoken"]
    assert told["troubles"] == ["I can't save your timers and alarms at the moment."]
    assert "error" in told["list"]
    assert told["list"]["try_again"] is False
    assert told["rang"] == 1
    # With space again everything is kept, what was set meanwhile included.
    assert told["after_space"]["is_kept"] is True
    assert told["reopened"] == {"troubles": [], "timers": ["tea", "later"], "kept": True}
    # A card that can only be read any more still tells what is on it.
    assert told["read_only"]["timers"] == ["tea", "later"]
    assert told["read_only"]["kept"] is False
    assert "can't save" in told["read_only"]["troubles"][0]
    # Where there was no room from the start, one is told at once, and nothing is lost later.
    begun = told["full_from_the_start"]
    assert len(begun["told"]) == 1
    assert "may be full or worn out" in begun["told"][0]
    assert begun["kept"] == [False, True]
    assert begun["timers"] == ["first", "second"]
