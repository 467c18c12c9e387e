"""One TOML file: reading it with clear failures, and the line of each key in it."""

from __future__ import annotations

import dataclasses
import functools
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from device.schema.mistakes import Mistake, MistakesError, Path

LARGEST_BYTES = 256 * 1024
"""A file for people is never longer; what is, is the wrong file."""
DEEPEST = 32
_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)")
_AT_END = "(at end of document)"
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
    r"|#[^\n]*|[\[\]{}=\n]",
    re.DOTALL,
)


@dataclasses.dataclass(frozen=True)
class Document:
    """A parsed file; ``table`` is what ``tomllib`` makes of it."""

    file: str
    table: Mapping[str, Any]
    text: str = ""

    def line_of(self, path: Path) -> int | None:
        """Return the line (from 1) where this key, or the table around it, is written."""
        for length in range(len(path), 0, -1):
            if (line := self._lines.get(path[:length])) is not None:
                return line
        return None

    @functools.cached_property
    def _lines(self) -> Mapping[Path, int]:
        return dict(_numbered_paths(self.text))


def read_document(path: FilePath) -> Document:
    """Read and parse a file, or raise :class:`MistakesError` that says why it is none."""
    file = str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise _unusable(file, "expected a file, this is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise _unusable(file, "expected an ordinary file, this is a device or a pipe")
        if status.st_size > LARGEST_BYTES:
            raise _unusable(
                file,
                f"expected at most {LARGEST_BYTES // 1024} KiB of TOML, "
                f"this file has {status.st_size // 1024} KiB",
            )
        # A byte-order mark comes with files written on Windows (the card's boot partition).
        content = path.read_bytes()
    except FileNotFoundError:
        raise _unusable(file, "there is no such file") from None
    except (OSError, ValueError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else str(failure)
        raise _unusable(file, f"cannot be read: {reason or failure}") from None
    return parse_document(content, file)


def parse_document(content: bytes, file: str) -> Document:
    """Parse the content of a file called ``file``."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        problem = f"expected UTF-8, found the byte 0x{content[failure.start]:02x}"
        raise MistakesError([Mistake(file, line, "", "", problem)]) from None
    try:
        table = tomllib.loads(text)
        if _is_deep(table):
            raise RecursionError
    except RecursionError:
        raise _unusable(file, f"expected brackets nested at most {DEEPEST} deep") from None
    except ValueError as failure:
        raise _not_toml(file, text, str(failure)) from None
    return Document(file, table, text)


def _is_deep(table: Mapping[str, Any]) -> bool:
    """Say whether a table is nested deeper than any file for people; without recursion."""
    level: list[Any] = [table]
    for _ in range(DEEPEST):
        containers = [entry for entry in level if isinstance(entry, dict | list)]
        if not containers:
            return False
        level = [inner for c in containers for inner in (c.values() if isinstance(c, dict) else c)]
    return True


def _unusable(file: str, problem: str) -> MistakesError:
    return MistakesError([Mistake(file, None, "", "", problem)])


def _not_toml(file: str, text: str, problem: str) -> MistakesError:
    position = _POSITION.search(problem)
    line, column = None, ""
    if position is not None:
        line, column = int(position[1]), f"column {position[2]}: "
    elif _AT_END in problem:
        line = len(text.splitlines())
    problem = _POSITION.sub("", problem).replace(_AT_END, "").strip()
    return MistakesError([Mistake(file, line, "", "", f"{column}not TOML: {problem}")])


def _numbered_paths(text: str) -> Iterator[tuple[Path, int]]:
    """Yield where each table and each key of a valid document begins."""
    table: Path = ()
    counts: dict[Path, int] = {}
    for line, statement, key_text in _statements(text):
        if key_text is None:
            names, is_array = _header(statement)
            if is_array:
                whole = _in_arrays(names[:-1], counts) + names[-1:]
                counts[whole] = counts.get(whole, -1) + 1
            table = _in_arrays(names, counts)
            yield table, line
        else:
            yield table + _chain(tomllib.loads(key_text + "= 0"))[0], line


def _statements(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Yield line, text and, unless it is a table header, the key part of each statement."""
    start, line, depth, equals = 0, 1, 0, None
    for token in _TOKEN.finditer(text + "\n"):
        mark = token[0]
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        elif mark == "=" and depth == 0 and equals is None:
            equals = token.start()
        elif mark == "\n" and depth == 0:
            statement = text[start : token.start()].strip()
            if statement and not statement.startswith("#"):
                yield line, statement, None if equals is None else text[start:equals]
            line += text.count("\n", start, token.end())
            start, equals = token.end(), None


def _header(statement: str) -> tuple[Path, bool]:
    path, end = _chain(tomllib.loads(statement))
    return path, isinstance(end, list)


def _chain(nested: Mapping[str, Any]) -> tuple[Path, Any]:
    """Follow tables with one entry each; return the names and what the last one holds."""
    names: list[str] = []
    inside: Any = nested
    while isinstance(inside, dict) and inside:
        name, inside = next(iter(inside.items()))
        names.append(name)
    return tuple(names), inside


def _in_arrays(names: Path, counts: Mapping[Path, int]) -> Path:
    """Insert the index of the newest entry behind each name that is an array of tables."""
    path: Path = ()
    for name in names:
        path += (name,)
        if path in counts:
            path += (counts[path],)
    return path
