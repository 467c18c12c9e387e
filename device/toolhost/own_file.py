"""One of the owner's Python files, in a process of its own: says what is in it, or calls it.

    python -m device.toolhost.own_file describe FILE
    python -m device.toolhost.own_file call FILE FUNCTION     (arguments as JSON on standard input)

The answer is one JSON object on standard output; what the file prints goes to standard error.
Each public function that is written in the file is a tool. A mistake is named with its line.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from device.tools.signature import ArgumentsError, Signature

NAME = "bittern_tools_file"
"""What the file is called as a module."""


class OwnFileError(Exception):
    """What is wrong in the file, with its line."""


def described(path: Path) -> dict[str, Any]:
    """``tools``, each with name, description and schema; ``mistakes``, one line each."""
    try:
        module = _loaded(path)
    except OwnFileError as wrong:
        return {"tools": [], "mistakes": [str(wrong)]}
    tools, mistakes = [], []
    for name, function in _functions(module).items():
        try:
            signature = Signature(function, name)
        except (TypeError, NameError) as wrong:
            line = function.__code__.co_firstlineno
            mistakes.append(f"{path.name}:{line}: {wrong}")
            continue
        tools.append(
            {"name": name, "description": signature.description, "schema": signature.schema}
        )
    if not tools and not mistakes:
        mistakes.append(
            f"{path.name}:1: there is no function in it whose name begins with a letter"
        )
    return {"tools": tools, "mistakes": mistakes}


def called(path: Path, name: str, arguments_json: str) -> dict[str, Any]:
    """``result``, or ``error`` with the reason."""
    try:
        function = _functions(_loaded(path)).get(name)
        if function is None:
            return {"error": f"there is no {name} in {path.name} any more"}
        arguments = Signature(function, name).read(arguments_json)
    except (OwnFileError, ArgumentsError, TypeError, NameError) as wrong:
        return {"error": str(wrong)}
    try:
        result = function(**arguments)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
    except Exception as error:
        # The owner's function may raise what it likes: that is its answer.
        return {"error": f"{error or type(error).__name__} ({_place_in(path, error)})"}
    return {"result": result}


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(NAME, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise OwnFileError(f"{path.name}:{error.lineno or 1}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        # It is code: whatever it raises while it is read is a mistake of the file's.
        what = f"{type(error).__name__}: {error}"
        raise OwnFileError(f"{_place_in(path, error)}: {what}") from error
    return module


def _functions(module: ModuleType) -> Mapping[str, Callable[..., Any]]:
    return {
        name: found
        for name, found in vars(module).items()
        if not name.startswith("_") and inspect.isfunction(found) and found.__module__ == NAME
    }


def _place_in(path: Path, error: BaseException) -> str:
    """The last line of the file that had a part in it."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f"{path.name}:{lines[-1] if lines else 1}"


def main(arguments: list[str]) -> int:
    """Run one of the two orders."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the file prints is no part of the answer
    order, path, *name = arguments
    if order == "describe":
        found = described(Path(path))
    else:
        found = called(Path(path), name[0], sys.stdin.read())
    try:
        encoded = msgspec.json.encode(found)
    except TypeError as unfit:
        encoded = msgspec.json.encode(
            {"error": f"{name[0]} returns what JSON cannot hold: {unfit}"}
        )
    answer.write(encoded)
    answer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
