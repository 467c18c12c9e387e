"""A card is prepared on somebody's computer, where there is a Python and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
CHECK = """
import sys
sys.path.insert(0, sys.argv[1])
from device.settings import load_settings
load_settings()
foreign = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
print(*sorted(foreign - {"__main__", "device"}))
"""


def test_settings_are_checked_by_the_standard_library_alone() -> None:
    # -I -S: no packages of this environment, and nobody's variables.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CHECK, REPOSITORY],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
