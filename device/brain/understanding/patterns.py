"""Patterns of JSON Schema are ECMAScript's: this writes them as Python's `re` reads them."""

from __future__ import annotations

import re
from functools import lru_cache

# Unicode properties that `re` can say in another way; the same inside of a set.
_LETTERS = r"A-Za-z\u00aa-\u024f\u0370-\u1fff\u2c00-\ud7ff"
_PROPERTIES = {
    "Nd": r"\d",
    "N": r"\d",
    "L": _LETTERS,
    "Alphabetic": _LETTERS,
    "Lu": r"A-Z\u00c0-\u00de",
    "Ll": r"a-z\u00df-\u00ff",
    "P": r"!-/:-@\[-`{-~",
    "Z": r"\s",
    "Zs": r"\s",
}
_PROPERTY = re.compile(r"\\([pP])\{(?:General_Category=|gc=)?(\w+)\}")


class PatternError(ValueError):
    """A pattern that nobody here can read."""


@lru_cache(maxsize=512)
def python_pattern(pattern: str) -> re.Pattern[str]:
    """Compile an ECMAScript pattern; raises `PatternError` with what stands in the way."""
    text = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    text = re.sub(r"\\k<(\w+)>", r"(?P=\1)", text)
    text = re.sub(r"\\u\{([0-9a-fA-F]{1,6})\}", lambda m: re.escape(chr(int(m[1], 16))), text)
    text = _properties(text).replace("\\/", "/")
    try:
        return re.compile(text, re.ASCII if "\\p" not in pattern else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"{pattern!r} is no pattern that can be read ({error})") from error


def _properties(text: str) -> str:
    """Write ``\\p{L}`` as a set, or as a part of the set in which it stands."""
    out, at, is_in_set = "", 0, False
    while at < len(text):
        if match := _PROPERTY.match(text, at):
            known = _PROPERTIES.get(match[2])
            if known is None or (is_in_set and match[1] == "P"):
                raise PatternError(f"{match[0]} is not known here")
            out += known if is_in_set else f"[{'^' if match[1] == 'P' else ''}{known}]"
            at = match.end()
            continue
        if text[at] == "\\":
            out, at = out + text[at : at + 2], at + 2
            continue
        is_in_set = (is_in_set or text[at] == "[") and text[at] != "]"
        out, at = out + text[at], at + 1
    return out
