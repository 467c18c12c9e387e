"""SIGTERM ends the appliance soon, whatever hangs, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ENDS_WITHIN_S = 5.0
"""Two, on a machine with time for it; without an end of its own it would be never."""
READY_WITHIN_S = 40.0


class Run:
    """``bittern run`` as a process, on a test's own sound server."""

    def __init__(self, folder: Path, environment: dict[str, str], *options: str) -> None:
        self.socket = folder / "run" / "brain.sock"
        self.log = folder / f"log-{time.monotonic_ns()}"
        settings = folder / "bittern.toml"
        settings.write_text(
            '[microphone]\ndevice = "test_microphone"\n[speaker]\ndevice = "test_speaker"\n'
            f'[paths]\nruntime = "{folder}/run"\nstate = "{folder}/state"\n'
            '[[endpoint]]\nname = "openai"\nenabled = false\n'
        )
        with self.log.open("w") as lines:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "device", "run", "--config", str(settings), *options],
                env=environment,
                stderr=lines,
            )

    def until_it_listens(self) -> None:
        """Wait until the ears and the brain are there."""
        self._until(lambda: "listening for" in self.log.read_text())
        self._until(self.children)
        self._until(lambda: self.socket.exists())

    def until_it_starts(self) -> None:
        """Wait until signals are heeded: from then on the two seconds count."""
        catches = f"/proc/{self.process.pid}/status"
        bit = 1 << (signal.SIGTERM - 1)

        def caught() -> bool:
            lines = Path(catches).read_text().splitlines()
            mask = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
            return bool(int(mask, 16) & bit)

        self._until(caught)

    def _until(self, happened: Callable[[], object]) -> None:
        deadline_s = time.monotonic() + READY_WITHIN_S
        while not happened():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline_s, self.log.read_text()
            time.sleep(0.02)

    def children(self) -> list[int]:
        """The processes it has started: the brain."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in path.read_text().split()]

    def end(self) -> float:
        """Send SIGTERM; return how long it took."""
        begun_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20.0)
        return time.monotonic() - begun_s

    def kill(self) -> None:
        for number in self.children() if self.process.poll() is None else []:
            os.kill(number, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def run(sound_server: Any, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(*options: str) -> Run:
        runs.append(Run(tmp_path, sound_server.environment, *options))
        return runs[-1]

    yield start
    sound_server.thaw()
    for each in runs:
        each.kill()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def assert_clean(ended: Run, took_s: float, brains: list[int]) -> None:
    assert ended.process.returncode == 0, ended.log.read_text()
    assert "Traceback" not in ended.log.read_text()
    assert took_s < ENDS_WITHIN_S
    assert not [pid for pid in brains if is_alive(pid)], "a brain was left behind"


def test_when_all_is_well(run) -> None:
    appliance = run()
    appliance.until_it_listens()
    brains = appliance.children()
    assert len(brains) == 1
    assert_clean(appliance, appliance.end(), brains)


def test_before_it_is_ready(run) -> None:
    appliance = run()
    appliance.until_it_starts()
    assert_clean(appliance, appliance.end(), [])


@pytest.mark.parametrize("brain_hangs", [False, True], ids=["", "and so does the brain"])
def test_when_the_sound_server_hangs(run, sound_server, brain_hangs: bool) -> None:
    appliance = run()
    appliance.until_it_listens()
    brains = appliance.children()
    if brain_hangs:
        os.kill(brains[0], signal.SIGSTOP)
    sound_server.freeze()
    took_s = appliance.end()
    assert_clean(appliance, took_s, brains)
