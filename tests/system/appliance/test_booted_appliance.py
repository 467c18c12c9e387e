"""The appliance in a Debian that systemd has booted: see ``run_booted.sh``, which does it.

It takes ten to fifteen minutes and makes a Debian system of 400 MB, so it runs only when asked
to: ``BITTERN_BOOTED=1 scripts/test tests/system/appliance``, as root. ``BITTERN_BOOTED_ROOT``
names the folder of that system; it is made there once and kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from device.models.location import store_folder

SCRIPT = Path(__file__).with_name("run_booted.sh")
NEEDED = ("systemd-nspawn", "mmdebstrap", "nsenter", "pulseaudio", "pactl")


def why_not() -> str:
    """What this machine lacks; empty when nothing."""
    if os.environ.get("BITTERN_BOOTED") != "1":
        return "boots a Debian for some minutes: set BITTERN_BOOTED=1 to have that"
    if os.geteuid() != 0:
        return "needs root, to boot a Debian in a container"
    missing = [program for program in NEEDED if shutil.which(program) is None]
    return f"this machine lacks {', '.join(missing)}" if missing else ""


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
@pytest.mark.timeout(1800)
def test_the_appliance_in_a_booted_debian(tmp_path):
    root = os.environ.get("BITTERN_BOOTED_ROOT") or str(tmp_path / "debian")
    done = subprocess.run(
        [SCRIPT, root, store_folder()], capture_output=True, text=True, timeout=1700
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("ok ", "not ok "))]
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines) > 60
    assert not [line for line in lines if line.startswith("not")]
