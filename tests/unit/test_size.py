"""A file is read in one sitting and a function on one screen."""

from __future__ import annotations

import ast
from pathlib import Path

DEVICE = Path(__file__).parents[2] / "device"
FILE_LINES = 500
FUNCTION_LINES = 50
TABLES = {"settings/tree.py": "every setting there is, one after the other"}
"""Longer, because they are looked up in and not read."""


def test_no_file_is_longer_than_one_sitting() -> None:
    lengths = {
        str(file.relative_to(DEVICE)): len(file.read_text().splitlines())
        for file in DEVICE.rglob("*.py")
    }
    long = {file for file, lines in lengths.items() if lines > FILE_LINES}
    assert long - set(TABLES) == set()
    assert set(TABLES) - long == set(), "short enough by now: take it out of the list"


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for file in DEVICE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long[f"{file.relative_to(DEVICE)}:{node.name}"] = lines
    assert long == {}
