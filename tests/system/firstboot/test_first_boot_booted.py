"""A whole first boot in a Debian that systemd has booted: see ``run_firstboot.sh``.

It takes some minutes and makes a Debian system of 500 MB, so it runs only when asked to:
``BITTERN_BOOTED=1 scripts/test tests/system/firstboot``, as root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from device.models.location import store_folder

SCRIPT = Path(__file__).with_name("run_firstboot.sh")


def why_not() -> str:
    """What this machine lacks; empty when nothing."""
    if os.environ.get("BITTERN_BOOTED") != "1":
        return "boots a Debian for some minutes: set BITTERN_BOOTED=1 to have that"
    if os.geteuid() != 0:
        return "needs root, to boot a Debian in a container"
    needed = ("systemd-nspawn", "mmdebstrap", "nsenter")
    missing = [program for program in needed if shutil.which(program) is None]
    return f"this machine lacks {', '.join(missing)}" if missing else ""


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("system", ["trixie", "bookworm"])
def test_a_card_becomes_an_appliance_though_the_power_is_cut(system: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [SCRIPT, system, tmp_path / system, store_folder()],
        capture_output=True, text=True, timeout=2900,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith(("ok ", "not ok "))]
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines) > 15
