"""Running the sound programs against a test's own sound server."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).with_name("sound_programs.py")


class Program:
    """One running program: its JSON lines, its orders."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAMS), *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_lines, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self.errors.extend(self._process.stderr)

    def next(self, event: str, timeout_s: float = 20.0, **wanted: object) -> dict[str, Any]:
        """Return the next line of this event (and these fields); others are passed over."""
        while True:
            try:
                line = self._lines.get(timeout=timeout_s)
            except queue.Empty:
                raise AssertionError(f"no {event} {wanted}; {''.join(self.errors)}") from None
            if line["event"] == event and wanted.items() <= line.items():
                return line

    def order(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def end(self, timeout_s: float = 20.0) -> int:
        """Wait until it has ended by itself; return its exit status."""
        status = self._process.wait(timeout_s)
        for reader in self._readers:
            reader.join(timeout_s)
        return status

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.end()


@pytest.fixture
def run_program() -> Iterator[Callable[..., Program]]:
    """Start a program of ``sound_programs``: server, name, arguments."""
    running: list[Program] = []

    def start(server: Any, name: str, *arguments: object) -> Program:
        running.append(Program([name, *map(str, arguments)], server.environment))
        return running[-1]

    yield start
    for program in running:
        program.kill()
