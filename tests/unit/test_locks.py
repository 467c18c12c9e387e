"""Locks that others cannot take, and say who has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from device.locks import locked

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


class HeldError(Exception):
    pass


def refuse(holder: str) -> None:
    raise HeldError(holder)


def test_nobody_else_may_open_the_lock(tmp_path: Path) -> None:
    """flock needs a file that was opened, be it for reading only."""
    path = tmp_path / "lock"
    path.touch(0o644)
    with locked(path, refuse):
        assert path.stat().st_mode & 0o777 == 0o600


def test_who_holds_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HeldError) as refused, locked(path, refuse):
            pass
        holder.kill()
    assert f"process {holder.pid} of " in str(refused.value)
    with locked(path, refuse):
        pass


def test_a_link_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path / "lock", refuse):
        pass
    assert not (tmp_path / "elsewhere").exists()
