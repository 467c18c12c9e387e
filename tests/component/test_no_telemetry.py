"""The libraries that we load tell nobody that they were loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from device.models import store

PROGRAM = """
import sys, time
from device.vad.silero import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
time.sleep(15)
"""


def test_models_are_run_without_a_word_to_anybody(tmp_path: Path) -> None:
    """Seen before: its makers' address is looked up nine seconds after the first session."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: nobody can watch the process")
    log = tmp_path / "connections"
    model = store().path_of("silero/silero_vad.onnx")
    watched = ["strace", "-f", "-e", "trace=connect,sendto,sendmmsg", "-o", str(log)]
    # Not as this process has it: the package itself must see to it.
    environment = {key: value for key, value in os.environ.items() if "TELEMETRY" not in key}
    done = subprocess.run(
        [*watched, sys.executable, "-c", PROGRAM, str(model)],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if "ptrace" in done.stderr:
        pytest.skip(f"processes may not be watched here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    spoken = [line for line in log.read_text().splitlines() if "AF_INET" in line]
    assert not spoken
