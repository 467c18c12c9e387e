"""``kill -9`` of the brain in the middle of an answer: it is said, and the next one is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device.audio.resample import resample
from device.audio.sounds import brain_voice
from device.models import MissingModel, path_of

PATIENCE_S = 60.0
TELLS_LONG = "Hey Jarvis, what can you do?"
"""Several sentences, which take seconds to be said."""
ASKS = "Hey Jarvis, what time is it?"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def appliance(sound_server, tmp_path, log):
    try:
        path_of("whisper-tiny.en")
    except MissingModel as missing:
        pytest.skip(str(missing))
    settings = tmp_path / "bittern.toml"
    settings.write_text(
        '[microphone]\ndevice = "test_microphone"\n[speaker]\ndevice = "test_speaker"\n'
        f'[paths]\nruntime = "{tmp_path}/run"\nstate = "{tmp_path}/state"\n'
        "[log]\ntranscripts = true\n[assistant]\nfollow_up_s = 0\n"
        '[[endpoint]]\nname = "openai"\nenabled = false\n'
    )
    with log.open("w") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "device", "run", "--config", str(settings)],
            env=sound_server.environment,
            stderr=lines,
        )
    yield process
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5.0)
    finally:
        process.kill()


def brain_of(process: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def until(happened: Callable[[], bool], log: Path) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline_s, log.read_text()
        time.sleep(0.02)


def is_loud(played: Path, since: int) -> bool:
    """Whether there is sound in what the speaker has played since a size of the file."""
    new = np.frombuffer(played.read_bytes()[since:][: 1 << 30], dtype=np.uint8)
    sound = new[: len(new) // 2 * 2].view(np.int16)
    return bool(len(sound)) and int(np.abs(sound.astype(np.int32)).max()) > 500


def say(sound_server, words: str) -> None:
    spoken = np.concatenate((brain_voice()(words), np.zeros(24_000, dtype=np.int16)))
    sound_server.say(resample(spoken, 24_000, sound_server.rate_hz))


def test_the_answer_that_broke_is_told_and_the_next_one_comes(
    appliance, sound_server, log, tmp_path
) -> None:
    until(lambda: "listening for" in log.read_text(), log)
    until((tmp_path / "run" / "brain.sock").exists, log)
    played = sound_server.hear()
    say(sound_server, TELLS_LONG)
    until(lambda: " heard text=" in log.read_text(), log)
    before = played.stat().st_size
    until(lambda: is_loud(played, before), log)
    first = brain_of(appliance)
    os.kill(first, signal.SIGKILL)
    until(lambda: "answer_cut" in log.read_text(), log)
    until(lambda: " turn wake_s=" in log.read_text(), log)
    say(sound_server, ASKS)
    until(lambda: "get_time" in log.read_text(), log)
    until(lambda: log.read_text().count(" turn wake_s=") == 2, log)
    assert brain_of(appliance) != first
    assert "Traceback" not in log.read_text()
