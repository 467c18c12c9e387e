"""The owner's own tools: Python files and programs of a folder, each in a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from device.plain_text import one_line
from device.toolhost.own_process import Finished, run_to_end
from device.toolhost.plans import CallResult, Tell, environment_for
from device.tools.hosted.messages import OfferedTool, SourceTold

log = logging.getLogger(__name__)

LOOKED_EVERY_S = 3.0
"""For new and changed files; nothing but their dates is read."""
DESCRIBED_WITHIN_S = 15.0
MOST_FILES = 50
OWN_FILE = "device.toolhost.own_file"


class OwnSource:
    """See the module. A mistake in one file harms no other."""

    def __init__(
        self, name: str, folder: Path, timeout_s: float, environ: Mapping[str, str]
    ) -> None:
        self._name = name
        self._folder = folder
        self._timeout_s = timeout_s
        self._environment = environment_for("", "", environ)
        self._places: dict[str, Path] = {}

    @property
    def name(self) -> str:
        """As the settings call it."""
        return self._name

    async def run(self, tell: Tell) -> None:
        """Read the files, and read them again when they change."""
        seen: object = None
        while True:
            files = await asyncio.to_thread(files_in, self._folder)
            if files != seen:
                seen = files
                tell(await self.look(list(files)))
            await asyncio.sleep(LOOKED_EVERY_S)

    async def look(self, files: list[Path]) -> SourceTold:
        """What is in these files."""
        tools: dict[str, OfferedTool] = {}
        places: dict[str, Path] = {}
        mistakes: list[str] = []
        for path in files:
            found, wrong = await self._described(path)
            mistakes += wrong
            for tool in found:
                if tool.name in tools:
                    other = places[tool.name].name
                    mistakes.append(
                        f"{path.name}:1: there is a tool {tool.name} in {other} already"
                    )
                else:
                    tools[tool.name], places[tool.name] = tool, path
        self._places = places
        about = f"{len(files)} files in {self._folder}"
        return SourceTold(self.name, True, about, tuple(tools.values()), tuple(mistakes))

    async def _described(self, path: Path) -> tuple[list[OfferedTool], list[str]]:
        try:
            if wrong := _refusal(path):
                return [], [f"{path.name}:1: {wrong}"]
            done = await self._run(_command(path, "describe"), b"", DESCRIBED_WITHIN_S)
            if path.suffix == ".py":
                found = msgspec.json.decode(done.out, type=_Described)
            else:
                said = msgspec.json.decode(done.out, type=_ProgramSays)
                found = _Described([OfferedTool(path.stem, said.description, said.parameters)])
        except TimeoutError:
            return [], [
                f"{path.name}:1: it does not say within {DESCRIBED_WITHIN_S:g} s what it is"
            ]
        except (OSError, ValueError, msgspec.MsgspecError) as failure:
            reason = one_line(f"it does not say what it is: {failure}", 200)
            return [], [f"{path.name}:1: {reason}"]
        return found.tools, found.mistakes

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """Run its file."""
        path = self._places.get(tool)
        if path is None:
            return CallResult(f"there is no tool {tool}", is_error=True)
        given = msgspec.json.encode(dict(arguments))
        try:
            done = await self._run(_command(path, "call", tool), given, self._timeout_s)
        except TimeoutError:
            return CallResult(f"{tool} did not end within {self._timeout_s:g} s", is_error=True)
        except (OSError, ValueError) as failure:
            return CallResult(one_line(f"{tool}: {failure}", 300), is_error=True)
        result = _of_python(done) if path.suffix == ".py" else _of_program(done)
        if result.is_error:
            log.warning("%s: %s", tool, one_line(result.text, 300))
        return result

    async def _run(self, command: list[str], given: bytes, within_s: float) -> Finished:
        return await run_to_end(command, given, self._environment, within_s)


class _Described(msgspec.Struct):
    tools: list[OfferedTool]
    mistakes: list[str] = []


class _ProgramSays(msgspec.Struct):
    description: str
    parameters: Any = None


class _PythonSays(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None


def _of_python(done: Finished) -> CallResult:
    try:
        said = msgspec.json.decode(done.out, type=_PythonSays)
    except msgspec.MsgspecError:
        return CallResult(_last_words(done), is_error=True)
    if said.error is not None:
        return CallResult(said.error, is_error=True)
    return CallResult(_in_words(bytes(said.result).decode()))


def _of_program(done: Finished) -> CallResult:
    if done.status:
        return CallResult(_last_words(done), is_error=True)
    return CallResult(done.out.strip() or "done")


def _in_words(result: str) -> str:
    """A text as it is; None as a word; anything else as the JSON that it is."""
    found = msgspec.json.decode(result)
    if found is None:
        return "done"
    return found if isinstance(found, str) else result


def _last_words(done: Finished) -> str:
    said = (done.errors.strip() or done.out.strip()).splitlines()
    return one_line(said[-1], 300) if said else f"it ended with status {done.status}"


def _command(path: Path, *order: str) -> list[str]:
    if path.suffix == ".py":
        verb, *rest = order
        return [sys.executable, "-P", "-m", OWN_FILE, verb, str(path), *rest]
    return [str(path), order[0]]


def files_in(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """The files, sorted, with what changes when they do."""
    found = {}
    try:
        for path in sorted(folder.iterdir())[:MOST_FILES]:
            if not path.name.startswith((".", "_")) and path.is_file():
                status = path.stat()
                found[path] = (status.st_mtime_ns, status.st_size, status.st_mode)
    except OSError as failure:
        log.warning("%s cannot be read: %s", folder, failure.strerror)
    return found


def _refusal(path: Path) -> str:
    """Why it is not run; empty where it is. What anybody may write, anybody could have written.

    Raises ``OSError`` for one that has just gone.
    """
    mode = path.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write to it: chmod go-w {path}"
    if path.suffix != ".py" and not os.access(path, os.X_OK):
        return f"it is neither a .py file nor a program: chmod a+x {path}"
    return ""
