"""Changes single keys in the text of a settings file; whatever else is in it stays as it is.

A change is made by a library that keeps comments and order, and then judged by what Python's
own parser makes of the new text: it must be what the old one was, with exactly that key
changed. So a file may be refused, and is never damaged.
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
class KeyChange:
    """A key and its new value; ``("endpoint", "openai", "key_file")`` goes by the name."""

    path: tuple[str, ...]
    value: Value

    @property
    def line(self) -> str:
        """As it stands in the file."""
        return toml_line(self.path[-1], self.value)

    def __str__(self) -> str:
        return f"{'.'.join(self.path[:-1])}.{self.line}"


def edited(text: str, changes: Iterable[KeyChange], file: str = "settings") -> str:
    """Return the text with the changes made. Raises ``SetupError`` where one cannot be made."""
    for change in changes:
        text = _edited(text, change, file)
    return text


def _edited(text: str, change: KeyChange, file: str) -> str:
    document = parse_document(text.encode(), file)
    path = _place(document, change.path)
    unsafe = SetupError(
        f"{file} is written in a way that cannot be changed safely",
        f"Write {change.line!r} into [{'.'.join(change.path[:-1])}] yourself.",
    )
    if path is not None and not _has_room(document.table, path):
        raise unsafe
    import tomlkit  # tens of milliseconds on a Pi, which no start is to wait for

    written = tomlkit.parse(document.text)
    _put(written, path, change)
    new: str = tomlkit.dumps(written)
    new += "" if new.endswith("\n") else "\n"
    # Whatever the library makes of an unusual file, the owner's settings are not its victim.
    if _parsed(new) != _wanted(document, path, change):
        raise unsafe
    return new


def _has_room(table: Any, path: Path) -> bool:
    """Whether what is to hold the key is a table, or not there yet."""
    for part in path[:-1]:
        table = table[part] if isinstance(part, int) else table.get(part, {})
        if not isinstance(table, dict | list):
            return False
    return isinstance(table, dict)


def _put(written: Any, path: Path | None, change: KeyChange) -> None:
    import tomlkit

    value = tomlkit.parse(change.line)[change.path[-1]]
    if path is None:
        entry = tomlkit.table()
        entry["name"] = change.path[1]
        entry[change.path[-1]] = value
        if ENDPOINT not in written:
            _leave_a_line(written)
            written[ENDPOINT] = tomlkit.aot()
        else:
            _leave_a_line(written[ENDPOINT][-1])
        written[ENDPOINT].append(entry)
        return
    *tables, key = path
    inner: Any = written
    for part in tables:
        if not isinstance(part, int) and part not in inner:
            _leave_a_line(inner)
            inner[part] = tomlkit.table()
        inner = inner[part]
    inner[key] = value


def _leave_a_line(before: Any) -> None:
    """Keep a new table apart from what comes before it."""
    import tomlkit

    text = before.as_string()
    if text and not text.endswith("\n"):
        before.add(tomlkit.nl())
    if text.strip() and not text.endswith("\n\n"):
        before.add(tomlkit.nl())


def _place(document: Document, path: tuple[str, ...]) -> Path | None:
    """The path with the index of the endpoint; None for an endpoint that is not there yet."""
    if path[0] != ENDPOINT:
        return path
    entries = document.table.get(ENDPOINT, [])
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict) and entry.get("name") == path[1]:
            return (ENDPOINT, index, path[2])
    return None


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _wanted(document: Document, path: Path | None, change: KeyChange) -> dict[str, Any]:
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
