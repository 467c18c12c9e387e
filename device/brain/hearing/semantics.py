"""Has the user finished? A judgement on the words, for ``semantic_vad``."""

from __future__ import annotations

import math
import re
from typing import Literal

from device.brain.hearing.turn_detection import LONGEST_WAIT_MS

Eagerness = Literal["low", "medium", "high"]

_SHORTEST_WAIT_MS = {"low": 900, "medium": 600, "high": 350}
"""Silence after a sentence that is certainly complete (ours: 350 ms is about the longest
pause within a fluent phrase, 900 ms that of a slow thinker)."""
# fmt: off
_NEVER_LAST = frozenset((
    "a", "an", "the", "and", "or", "but", "so", "because", "if", "that", "which", "than", "as",
    "of", "to", "for", "from", "with", "my", "your", "our", "their", "these", "those", "very",
    "um", "uh", "er", "erm", "hmm", "plus", "minus", "times", "versus", "called", "named",
    "please", "set",
))
"""No sentence ends in one of these, whatever mark the transcriber puts behind it: articles,
conjunctions, possessives, fillers, and prepositions that are rarely part of a verb."""
_SELDOM_LAST = frozenset((
    "when", "while", "at", "by", "in", "into", "on", "onto", "off", "up", "about", "between",
    "his", "her", "its", "this", "is", "are", "was", "were", "am", "be", "will", "would", "can",
    "could", "should", "shall", "may", "might", "must", "do", "does", "did", "have", "has", "had",
    "more", "another", "some", "any", "every", "like", "also", "then", "add", "put", "play",
    "tell", "make", "without",
))
"""These end a sentence only where the transcriber heard its end ("turn it on.", "can you?"):
prepositions that go with verbs, auxiliaries, determiners, and verbs that want an object."""
# fmt: on
_OPENERS = re.compile(r"^(?:(?:okay|ok|hey|well|so|yes|no|and|but|um|uh)\W*)+$", re.IGNORECASE)
_WORD = re.compile(r"[\w'/-]+")


def completeness(text: str) -> float:
    """Return how likely it is that nothing more follows, 0 to 1.

    The rules read what a transcriber writes: a full stop or a question mark is its own
    opinion that the sentence ends, a comma, a dash or three dots that it does not; and a
    last word such as "the" or "for" outweighs both, since transcribers like to put a full
    stop behind anything. The melody of the voice is in the transcriber's marks already.
    """
    written = text.strip()
    words = _WORD.findall(written.lower())
    if not words:
        return 0.5
    has_ended = written.endswith((".", "?", "!")) and not written.endswith("...")
    if words[-1] in _NEVER_LAST:
        return 0.3 if written.endswith(("?", "!")) else 0.1
    if words[-1] in _SELDOM_LAST and not has_ended:
        return 0.1
    if written.endswith(("...", "…", ",", "-", "–", "—", ":")):
        return 0.25
    if _OPENERS.match(written):
        return 0.4
    if written.endswith(("?", "!")):
        return 1.0
    return 0.9 if has_ended else 0.6


def wait_ms(text: str, eagerness: Eagerness) -> int:
    """Return how much silence ends a turn with these words."""
    shortest, longest = _SHORTEST_WAIT_MS[eagerness], LONGEST_WAIT_MS[eagerness]
    doubt = 1.0 - completeness(text)
    return round(shortest * math.pow(longest / shortest, doubt))
