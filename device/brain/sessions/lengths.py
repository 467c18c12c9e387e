"""How much text one client may have kept and read: what is too long is refused in words.

Everything that is kept is looked at again for every answer, on the thread that serves all
clients. A context holds about as much as one item may have: more could not be answered.
"""

from __future__ import annotations

from typing import Any

from device.brain.protocol.limits import BrainLimits
from device.brain.protocol.shapes import RequestError

_NO_TEXT = frozenset({"image_url", "audio"})


def characters_of(value: Any) -> int:
    """Count the text in a JSON value, however deep it is; pictures and sound are left out."""
    count, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            count += len(part)
        elif isinstance(part, dict):
            count += sum(map(len, part))
            waiting += [inner for name, inner in part.items() if name not in _NO_TEXT]
        elif isinstance(part, list):
            waiting += part
    return count


def check_item(fields: dict[str, Any], limits: BrainLimits, param: str) -> None:
    """Raise `RequestError` for an item with too much text."""
    _check(fields, limits.item_characters, "An item", param)


def check_wishes(given: dict[str, Any], limits: BrainLimits, param: str) -> None:
    """Raise `RequestError` for a session, or a response, that is told too much."""
    for name in ("instructions", "tools", "prompt"):
        _check(given.get(name), limits.item_characters, f"'{param}.{name}'", f"{param}.{name}")
    _check(given, limits.session_characters, f"'{param}'", param)


def _check(value: Any, most: int, what: str, param: str) -> None:
    length = characters_of(value)
    if length > most:
        message = f"{what} may have {most} characters of text, not {length}. Send less of it."
        raise RequestError("string_above_max_length", message, param)
