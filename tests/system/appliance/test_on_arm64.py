"""The programs on an emulated 64-bit ARM: see ``run_arm64.sh``, which does it.

Emulation is some hundred times slower than a Raspberry Pi: a quarter of an hour and more, and
600 MB. So it runs only when asked to: ``BITTERN_ARM64=1 scripts/test tests/system/appliance``,
as root. ``BITTERN_ARM64_ROOT`` names a folder that is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("run_arm64.sh")
NEEDED = ("mmdebstrap", "qemu-aarch64-static", "unshare")


def why_not() -> str:
    """What this machine lacks; empty when nothing."""
    if os.environ.get("BITTERN_ARM64") != "1":
        return "emulates an ARM for a quarter of an hour: set BITTERN_ARM64=1 to have that"
    if os.geteuid() != 0:
        return "needs root, for a root folder of another architecture"
    missing = [program for program in NEEDED if shutil.which(program) is None]
    return f"this machine lacks {', '.join(missing)}" if missing else ""


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
@pytest.mark.timeout(5400)
def test_the_programs_on_an_emulated_arm(tmp_path, suite):
    folder = os.environ.get("BITTERN_ARM64_ROOT") or str(tmp_path)
    done = subprocess.run([SCRIPT, folder, suite], capture_output=True, text=True, timeout=5300)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("ok ", "not ok "))]
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines) == 4
