"""The set-up at a real pseudo-terminal, and somebody who types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]


class Person:
    """Reads what the terminal shows and types answers."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self.shown = ""
        self._read = 0
        self._master, slave = pty.openpty()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")),
            "BITTERN_MODELS": os.environ.get(
                "BITTERN_MODELS", os.path.expanduser("~/.cache/bittern/models")
            ),
            "TERM": "dumb",
        }

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "device", "setup", *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=REPOSITORY,
            preexec_fn=take_terminal,
        )  # fmt: skip
        os.close(slave)

    def sees(self, text: str, within_s: float = 30.0) -> str:
        """Wait until something new holds this text; return what came up to its end."""
        until_s = time.monotonic() + within_s
        while text not in self.shown[self._read :]:
            assert time.monotonic() < until_s, f"{text!r} never came:\n{self.shown}"
            self._more()
        begin = self._read
        self._read = self.shown.index(text, begin) + len(text)
        return self.shown[begin : self._read]

    def _more(self) -> None:
        ready, _, _ = select.select([self._master], [], [], 0.5)
        if not ready:
            return
        try:
            self.shown += os.read(self._master, 65_536).decode(errors="replace")
        except OSError:
            assert self.process.wait(60) is not None
            raise AssertionError(f"it ended too soon:\n{self.shown}") from None

    def types(self, text: str = "") -> None:
        """A line, and Enter."""
        os.write(self._master, f"{text}\n".encode())

    def presses(self, keys: bytes) -> None:
        """Keys without Enter."""
        os.write(self._master, keys)

    def answers(self, question: str, text: str = "", within_s: float = 30.0) -> str:
        """Wait for a question and answer it."""
        seen = self.sees(question, within_s)
        self.types(text)
        return seen

    def ends(self, within_s: float = 30.0) -> int:
        """Read on to the end; return the exit status."""
        until_s = time.monotonic() + within_s
        while self.process.poll() is None and time.monotonic() < until_s:
            try:
                self._more()
            except AssertionError:
                break
        return self.process.wait(60)

    def leave(self) -> None:
        """Whatever is going on."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


PersonAt = Callable[..., Person]


@pytest.fixture
def person_at(tmp_path: Path) -> Iterator[PersonAt]:
    """Begin ``bittern setup`` with these arguments at a terminal of its own."""
    there: list[Person] = []

    def begin(*arguments: object) -> Person:
        there.append(Person(tmp_path, list(map(str, arguments))))
        return there[-1]

    yield begin
    for each in there:
        each.leave()
