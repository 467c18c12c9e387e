"""Changes single keys in the text of a settings file; whatever else is in it stays as it is.

A change is made by lines, and then judged by what a TOML parser makes of the new text:
it must be what the old one was, with exactly that key changed. So a file that is written
in an unusual way may be refused, and is never damaged.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from device.schema.document import Document, parse_document
from device.schema.mistakes import Path
from device.settings.setup_errors import SetupError
from device.settings.template import toml_line

Value = str | int | float | bool | tuple[str, ...]
ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class Change:
    """A key and its new value; ``("endpoint", "openai", "key_file")`` goes by the name."""

    path: tuple[str, ...]
    value: Value

    @property
    def line(self) -> str:
        """As it stands in the file."""
        return toml_line(self.path[-1], self.value)

    def __str__(self) -> str:
        return f"{'.'.join(self.path[:-1])}.{self.line}"


def edited(text: str, changes: Iterable[Change], file: str = "settings") -> str:
    """Return the text with the changes made. Raises ``SetupError`` where one cannot be made."""
    for change in changes:
        text = _edited(text, change, file)
    return text


def _edited(text: str, change: Change, file: str) -> str:
    document = parse_document(text.encode(), file)
    path = _place(document, change.path)
    lines = document.text.splitlines()
    if path is None:
        lines = _with_table(lines, change)
    elif _is_given(document.table, path):
        lines = _replaced(lines, _line_of(document, path), change)
    elif _is_given(document.table, path[:-1]):
        lines.insert(_line_of(document, path[:-1]) + 1, change.line)
    else:
        lines = _with_table(lines, change)
    new = "\n".join(lines) + "\n"
    if _parsed(new) != _wanted(document, path, change):
        raise SetupError(
            f"{file} is written in a way that cannot be changed safely",
            f"Write {change.line!r} into [{'.'.join(change.path[:-1])}] yourself.",
        )
    return new


def _place(document: Document, path: tuple[str, ...]) -> Path | None:
    """The path with the index of the endpoint; None for an endpoint that is not there yet."""
    if path[0] != ENDPOINT:
        return path
    entries = document.table.get(ENDPOINT, [])
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict) and entry.get("name") == path[1]:
            return (ENDPOINT, index, path[2])
    return None


def _is_given(table: Any, path: Path) -> bool:
    for part in path:
        if isinstance(part, int):
            table = table[part]
        elif part not in table:
            return False
        else:
            table = table[part]
    return True


def _line_of(document: Document, path: Path) -> int:
    """Counted from 0; the judge at the end finds out where this was not the key's own."""
    return (document.line_of(path) or 1) - 1


def _replaced(lines: list[str], first: int, change: Change) -> list[str]:
    last = next(
        (end for end in range(first, len(lines)) if _is_whole(lines[first : end + 1])), None
    )
    if last is None:
        return lines
    margin = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    # A key may be written with its table in front of it: "microphone.device".
    name = lines[first].partition("=")[0].strip()
    written = f"{name} = {change.line.partition(' = ')[2]}"
    new = f"{margin}{written}{_comment_of(lines[first : last + 1])}"
    return [*lines[:first], *new.splitlines(), *lines[last + 1 :]]


def _is_whole(lines: list[str]) -> bool:
    return _parsed("\n".join(lines)) is not None


def _comment_of(lines: list[str]) -> str:
    """What follows the value on its last line."""
    whole = _parsed("\n".join(lines))
    for at, character in enumerate(lines[-1]):
        if character == "#" and _parsed("\n".join([*lines[:-1], lines[-1][:at]])) == whole:
            before = lines[-1][:at]
            return lines[-1][len(before.rstrip()) :]
    return ""


def _with_table(lines: list[str], change: Change) -> list[str]:
    *tables, _ = change.path
    gap = [""] if lines and lines[-1].strip() else []
    if tables[0] == ENDPOINT:
        return [*lines, *gap, "[[endpoint]]", toml_line("name", tables[1]), change.line]
    return [*lines, *gap, f"[{'.'.join(tables)}]", change.line]


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _wanted(document: Document, path: Path | None, change: Change) -> dict[str, Any]:
    table: Any = copy.deepcopy(dict(document.table))
    value = list(change.value) if isinstance(change.value, tuple) else change.value
    if path is None:
        entry = {"name": change.path[1], change.path[2]: value}
        table.setdefault(ENDPOINT, []).append(entry)
        return dict(table)
    inner = table
    for part in path[:-1]:
        inner = inner[part] if isinstance(part, int) else inner.setdefault(part, {})
    inner[path[-1]] = value
    return dict(table)
