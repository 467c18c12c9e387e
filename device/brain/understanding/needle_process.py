"""Owns the child process that runs Needle: starts it, asks it, ends it."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device.brain.understanding import needle_engine

_log = logging.getLogger(__name__)
_READY_S = 20.0
_JOB_S = 180.0
"""Longer than any job took by far, on two cores with a load of twelve: beyond it, it hangs."""
_ANSWER_TOKENS = 128
"""A call with its reason took 20 to 60; a model that rambles is cut off."""


class EngineFailedError(Exception):
    """The engine ended or hung."""


class EngineRefusedError(EngineFailedError):
    """The engine runs on, but did not take what it was given."""


class NeedleProcess:
    """One child. Not safe from several threads at once: one of them owns it."""

    def __init__(self, library: Path, weights: Path) -> None:
        self._files = (library, weights)
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the child and wait until the weights are loaded; nothing if it runs."""
        if self._child is not None:
            return
        program = (sys.executable, "-I", "-S", needle_engine.__file__, *map(str, self._files))
        self._child = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # Nothing of ours in its environment, keys least of all. Not that the engine
            # asks for this name (the telemetry is in a Python package that is not here).
            env={"NEEDLE_TELEMETRY": "0"},
            # Ctrl-C is for the brain; the child ends when its input does.
            start_new_session=True,
        )
        try:
            self._receive(_READY_S)
        except EngineRefusedError as error:
            self.close()
            raise EngineFailedError(f"it does not take its weights: {error}") from error
        if (threads := self.threads) > 1:
            _log.warning("Needle runs on %d threads, which spin: it will be slow", threads)

    @property
    def threads(self) -> int:
        """How many threads the child has; 0 where that cannot be seen."""
        if self._child is None:
            return 0
        try:
            return len(os.listdir(f"/proc/{self._child.pid}/task"))
        except OSError:
            return 0

    @property
    def pid(self) -> int | None:
        """The process id of the child, while there is one."""
        return self._child.pid if self._child else None

    def read(self, tools: str) -> int:
        """Read a JSON list of tools, in place of those before; return how many tokens it has."""
        return int(self._ask({"tools": tools})["tokens"])

    def say(self, utterance: str) -> dict[str, Any]:
        """Return what the model makes of an utterance, in the engine's own words."""
        answer = self._ask({"say": utterance, "tokens": _ANSWER_TOKENS})["answer"]
        try:
            made = json.loads(answer)
        except ValueError as error:
            raise EngineFailedError(f"it answered no JSON: {answer[:200]!r}") from error
        return made if isinstance(made, dict) else {}

    def close(self) -> None:
        """End the child, whatever it is at."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        self.start()
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(question) + "\n")
            self._child.stdin.flush()
        except OSError as error:
            self.close()
            raise EngineFailedError(f"it is gone: {error}") from error
        return self._receive(_JOB_S)

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        """Wait for the one line that answers; a child without one is ended."""
        assert self._child is not None
        assert self._child.stdout is not None
        ready, _, _ = select.select([self._child.stdout], [], [], timeout_s)
        line = self._child.stdout.readline() if ready else ""
        if not line:
            ended = self._child.poll()
            self.close()
            raise EngineFailedError(f"no answer within {timeout_s:.0f} s, exit status {ended}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise EngineRefusedError(str(answer["failed"]))
        return answer
