"""The wizard's sound steps through PortAudio and a real sound server, at a real terminal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def typed(server: Any, lines: str, *arguments: str) -> str:
    """Answer with these lines, typed ahead; return what the terminal showed."""
    if shutil.which("script") is None:
        pytest.skip("script is not installed (package bsdutils)")
    command = " ".join([sys.executable, "-m", "device", "setup", *arguments])
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", command, "/dev/null"],
        input=lines, env=server.environment, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def words(server: Any, seconds: float) -> np.ndarray:
    moments = np.arange(round(seconds * server.rate_hz)) / server.rate_hz
    sound = 8_000 * np.sin(2 * np.pi * 440 * moments) * (moments % 0.5 < 0.3)
    return (sound + np.random.default_rng(1).normal(0, 20, len(moments))).astype(np.int16)


def test_microphone_and_speaker(sound_server: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[microphone]\ndevice = "test_microphone"\n[speaker]\ndevice = "test_speaker"\n'
    )
    sound_server.say(words(sound_server, 40.0))
    heard = sound_server.hear()
    # Enter begins; Enter keeps the device; Enter goes on; the same again, louder, and once
    # more what the microphone heard; no step again; yes, write it.
    answers = "\n\n\n" + "\n\n100\n\ny\n\n" + "\ny\n"
    shown = typed(sound_server, answers, "microphone", "speaker", "--config", str(file))
    assert "test_microphone" in shown
    assert "#" in shown
    assert "Good: noise" in shown
    assert "speaker.volume_percent = 100" in shown
    assert "volume_percent = 100" in file.read_text()
    sound = np.frombuffer(heard.read_bytes()[: heard.stat().st_size // 2 * 2], np.int16)
    audible_s = np.count_nonzero(np.abs(sound.astype(int)) > 300) / sound_server.rate_hz
    # The greeting twice, and the five seconds that the microphone heard.
    assert audible_s > 2.0
