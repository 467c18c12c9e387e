"""Needle itself, where its owner fetched it: right, alone, single-threaded, and off the network."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.brain.base.abilities import FunctionTool
from device.brain.understanding import needle_engine
from device.brain.understanding.intents.language import load_language
from device.brain.understanding.needle import Needle, described
from device.brain.understanding.needle_process import EngineFailedError, NeedleProcess
from device.models import MissingModel, path_of

HOUSE = Path(__file__).parents[2] / "data" / "utterances_house.toml"
TOOLS = [FunctionTool(**tool) for tool in tomllib.loads(HOUSE.read_text())["tool"]]
PAUSE = [tool for tool in TOOLS if tool.name == "pause_music"]
SAYS = "Stop the music for a moment."


@pytest.fixture(scope="module")
def files() -> tuple[Path, Path]:
    try:
        return path_of("needle3/libneedle3.so"), path_of("needle3/needle3.cact")
    except MissingModel as missing:
        pytest.skip(f"{missing.what}: {missing.advice}")


@pytest.fixture
def process(files: tuple[Path, Path]) -> Iterator[NeedleProcess]:
    running = NeedleProcess(*files)
    yield running
    running.close()


def engine(files: tuple[Path, Path], *around: str) -> subprocess.CompletedProcess[str]:
    """Run the child as `NeedleProcess` does, with something around it; one question."""
    program = [sys.executable, "-I", "-S", needle_engine.__file__, *map(str, files)]
    lines = [{"tools": described(PAUSE)}, {"say": SAYS, "tokens": 96}]
    return subprocess.run(
        [*around, *program],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def call_in(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ended.returncode == 0, ended.stderr
    last = json.loads(ended.stdout.splitlines()[-1])
    call: dict[str, Any] = json.loads(last["answer"])["function_calls"][0]
    return call


def test_it_calls_asks_and_declines(process: NeedleProcess) -> None:
    needle = Needle(process, load_language(), patience_s=120)
    try:
        call = needle.propose("The phone rings, please stop the music.", TOOLS)
        assert call is not None
        assert call.call.name == "pause_music"
        heated = needle.propose("I'm cold, make it twenty three degrees in the kitchen.", TOOLS)
        assert heated is not None
        assert json.loads(heated.call.arguments) == {"degrees": 23, "room": "kitchen"}
        assert needle.propose("My brother locked himself out.", TOOLS) is None
        assert needle.propose("I dream of a house by the sea.", TOOLS) is None
    finally:
        needle.close()


def test_it_has_one_thread_however_many_cores_there_are(process: NeedleProcess) -> None:
    process.start()
    process.read(described(PAUSE))
    process.say(SAYS)
    assert process.threads == 1
    assert process.pid is not None
    assert os.sched_getaffinity(process.pid) == os.sched_getaffinity(0)


def test_it_can_open_nothing_once_it_has_its_weights(files: tuple[Path, Path]) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed: what a C library does cannot be seen without it")
    ended = engine(files, "strace", "-f", "-qq", "-e", "trace=!write,read", "-o", "|cat >&2")
    assert call_in(ended)["name"] == "pause_music"
    calls = ended.stderr.splitlines()
    assert not [line for line in calls if re.search(r"\b(socket|connect|sendto|sendmsg)\(", line)]
    sealed = max(at for at, line in enumerate(calls) if "RLIMIT_NOFILE" in line)
    opened = [line for line in calls[sealed + 1 :] if re.search(r"\bopen(at)?\(", line)]
    assert opened, "it asks for the processors: without that line the trace saw nothing"
    assert all("EMFILE" in line for line in opened)


def test_it_works_without_any_network(files: tuple[Path, Path]) -> None:
    alone = ("unshare", "-n")
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to make a network namespace")
    assert call_in(engine(files, *alone))["name"] == "pause_music"


def test_it_works_on_one_core(files: tuple[Path, Path]) -> None:
    core = str(min(os.sched_getaffinity(0)))
    assert call_in(engine(files, "taskset", "-c", core))["name"] == "pause_music"


def test_it_is_there_again_after_a_kill(process: NeedleProcess) -> None:
    process.read(described(PAUSE))
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(EngineFailedError):
        process.say(SAYS)
    process.read(described(PAUSE))
    assert process.say(SAYS)["function_calls"][0]["name"] == "pause_music"


def test_it_ends_with_its_owner(process: NeedleProcess) -> None:
    process.start()
    pid = process.pid
    process.close()
    assert not Path(f"/proc/{pid}").exists()


_OWNER = """
import sys, threading, time
from pathlib import Path
from device.brain.understanding.needle_process import NeedleProcess
process = NeedleProcess(*map(Path, sys.argv[1:]))
process.start()
print(process.pid, flush=True)
time.sleep(60)
"""


def test_it_does_not_outlive_a_killed_brain(files: tuple[Path, Path]) -> None:
    command = [sys.executable, "-c", _OWNER, *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        child = Path(f"/proc/{int(owner.stdout.readline())}")
        assert child.exists()
        owner.kill()
    deadline = time.monotonic() + 5
    while child.exists() and time.monotonic() < deadline:
        # Whoever adopts orphans may take its time to bury them.
        if "\nState:\tZ" in (child / "status").read_text():
            return
        time.sleep(0.02)
    assert not child.exists()


def test_weights_that_are_none_are_said(files: tuple[Path, Path], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.cact"
    wrong.write_bytes(bytes(4096))
    with pytest.raises(EngineFailedError):
        NeedleProcess(files[0], wrong).start()
