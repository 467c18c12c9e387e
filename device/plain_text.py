"""The border for text from elsewhere: what it may do to a line, a log and a terminal.

Servers send names, errors, reasons, transcripts and tool names, and all of them end in log
lines, in the journal or on a screen. None may begin a line of its own, move a cursor, or turn
the reading direction round what follows it.
"""

from __future__ import annotations

import re
from typing import Any

LONGEST_DETAIL = 300
"""Characters of a text that explains something to a person."""

_BREAKS = "\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029"
_REST = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u2060-\u2064\u202a-\u202e\u2066-\u206f"
_MORE = "\u00ad\u061c\u180e\u200e\u200f\ufeff\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
_UNSAFE = re.compile(f"[{_BREAKS}{_REST}{_MORE}]")
_UNSAFE_LINES = re.compile(f"[{_BREAKS.replace(chr(10), '')}{_REST}{_MORE}]")
_BREAK = re.compile(f"[{_BREAKS}]")


def one_line(text: str, longest: int | None = None) -> str:
    """Return a text as one line that does nothing but be read.

    Line breaks and tabs become spaces; other control characters (C0, C1), marks of reading
    direction, invisible characters and lone surrogates become visible, as ``\\x1b``. Cut to
    ``longest`` characters, with an ellipsis.
    """
    if not text.isprintable():
        text = _UNSAFE.sub(_shown, text)
    if longest is not None and len(text) > longest:
        text = text[: longest - 1] + "…"
    return text


def lines(text: str) -> str:
    """As :func:`one_line`, for a text of our own whose line breaks are meant."""
    return text if text.isprintable() else _UNSAFE_LINES.sub(_shown, text)


def cleaned(value: Any) -> Any:
    """Return JSON with every text in it, keys included, as :func:`one_line` has it."""
    match value:
        case str():
            return one_line(value)
        case list():
            return [cleaned(each) for each in value]
        case dict():
            return {one_line(str(key)): cleaned(each) for key, each in value.items()}
        case _:
            return value


def _shown(found: re.Match[str]) -> str:
    if _BREAK.match(found[0]):
        return " "
    number = ord(found[0])
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
