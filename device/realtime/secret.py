"""A text that must never be seen: not in a log, a traceback, a repr or a message."""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "***"


class Secret:
    """Holds an API key. Only :meth:`reveal` gives it away.

    Raises :class:`ValueError`, without the value, for text that could not be an HTTP
    header (a key pasted with a line break inside).
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        value = value.strip()
        if any(ord(character) < 33 or ord(character) > 126 for character in value):
            raise ValueError("the key holds spaces, line breaks or letters beyond ASCII")
        self._value = value

    def reveal(self) -> str:
        """Return the text itself, for the one place that needs it."""
        return self._value

    def scrub(self, text: str) -> str:
        """Return ``text`` with the secret masked, should it be in there."""
        return text.replace(self._value, MASK) if self._value else text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
