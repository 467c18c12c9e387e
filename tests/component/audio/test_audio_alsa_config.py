"""A configuration of ALSA that would end PortAudio, and the process, is told instead."""

from __future__ import annotations

import ctypes.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from device.audio.devices import present_card_ids

pytestmark = pytest.mark.skipif(
    ctypes.util.find_library("asound") is None, reason="this machine has no ALSA"
)


def run(folder: Path, configuration: str | None, *arguments: str) -> subprocess.CompletedProcess:
    file = folder / "alsa.conf"
    if configuration is not None:
        file.write_text(configuration)
    return subprocess.run(
        [sys.executable, "-m", "device", *arguments],
        env={**os.environ, "ALSA_CONFIG_PATH": str(file), "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


NO_CARD = pytest.mark.skipif(bool(present_card_ids()), reason="this machine has a sound card")


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        pytest.param("", "names no device, and there is no card", marks=NO_CARD),
        pytest.param(None, "ALSA", marks=NO_CARD),
        ("pcm.!default {", "ALSA cannot read its configuration"),
    ],
)
def test_it_is_told_in_words(tmp_path: Path, configuration: str | None, said: str) -> None:
    done = run(tmp_path, configuration, "devices")
    assert done.returncode == 1, done
    assert said in done.stderr
    assert "libasound2-data" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_goes_on_to_the_other_checks(tmp_path: Path) -> None:
    settings = tmp_path / "my.toml"
    settings.write_text('[[endpoint]]\nname = "house"\nurl = "ws://127.0.0.1:9"\n'
                        '[[endpoint]]\nname = "brain"\nenabled = false\n')  # fmt: skip
    done = run(tmp_path, "pcm.!default {", "doctor", "--json", "--config", str(settings))
    findings = {each["check"]: each for each in json.loads(done.stdout)["findings"]}
    assert any("ALSA" in each["found"] for each in findings.values())
    assert "budget" in findings
    assert "Traceback" not in done.stderr
