"""What is wrong with a file that a person wrote, in one line for each mistake."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from device.errors import EXIT_BAD_SETTINGS, BitternError

Path = tuple[str | int, ...]
"""Where a value stands: table names and keys, and the index in an array of tables."""

LONGEST_VALUE = 60
"""Characters of a value that are repeated in a message; the rest is cut."""
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclasses.dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a file, and what was expected instead."""

    file: str
    line: int | None
    path: str
    """The dotted key; empty when the mistake is in the file as a whole."""
    value: str
    """The value as written, shortened, with secrets masked; empty for none."""
    problem: str
    """Mostly ``expected …``."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        what = f"{self.path} = {self.value}" if self.value else self.path
        return f"{place}: {what}: {self.problem}" if what else f"{place}: {self.problem}"


class MistakesError(BitternError):
    """A file that cannot be used; ``mistakes`` holds every one that was found."""

    exit_code = EXIT_BAD_SETTINGS

    def __init__(self, mistakes: Sequence[Mistake], advice: str = "") -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes), advice)


def path_text(path: Path) -> str:
    """Write a path as in TOML; ``endpoint#2`` is the second ``[[endpoint]]`` of the file."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"#{part + 1}"
        else:
            text += ("." if text else "") + (part if _BARE_KEY.fullmatch(part) else quoted(part))
    return text


def quoted(text: str) -> str:
    """Quote a text in one line, with nothing in it that a terminal would obey."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escaped(c) for c in escaped)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def value_text(value: Any) -> str:
    """Write a value as it would stand in the file, shortened."""
    return _shortened(_toml(value))


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value[: LONGEST_VALUE + 1])
        case int() if value.bit_length() > 200:
            return "an enormous number"
        case list() | tuple():
            return "[" + ", ".join(_toml(entry) for entry in value[:LONGEST_VALUE]) + "]"
        case dict():
            return "{ … }" if value else "{}"
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None."""
    known = tuple(known)
    lowered = {name.lower(): name for name in known}
    begun = [name for name in lowered if len(word) >= 3 and name.startswith(word.lower())]
    if len(begun) == 1:
        return lowered[begun[0]]
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return lowered[close[0]]
    if len(word) < 3:
        return None
    partly = [name for name in known if word.lower() in name or name in word.lower()]
    return min(partly, key=len, default=None)
