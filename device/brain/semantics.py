"""Has the user finished? A judgement on the words, for ``semantic_vad``."""

from __future__ import annotations

import math
import re
from typing import Literal

from device.brain.turn_detection import LONGEST_WAIT_MS

Eagerness = Literal["low", "medium", "high"]

_SHORTEST_WAIT_MS = {"low": 900, "medium": 600, "high": 350}
"""Silence after a sentence that is certainly complete (ours: 350 ms is about the longest
pause within a fluent phrase, 900 ms that of a slow thinker)."""
# fmt: off
_HANGING = frozenset((
    "a", "an", "the", "and", "or", "but", "so", "because", "if", "when", "while", "that", "which",
    "than", "as", "of", "to", "for", "from", "with", "without", "at", "by", "in", "into", "on",
    "onto", "about", "between", "my", "your", "his", "her", "its", "our", "their", "this",
    "these", "is", "are", "was", "were", "am", "be", "will", "would", "can", "could", "should",
    "shall", "may", "might", "must", "do", "does", "did", "have", "has", "had", "very", "more",
    "another", "some", "any", "every", "um", "uh", "er", "erm", "hmm", "like", "also", "then",
    "plus", "minus", "times", "versus", "called", "named", "please", "set", "add", "put", "play",
    "tell", "make",
))
# fmt: on
"""A sentence that ends in one of these goes on: articles, conjunctions, prepositions,
possessives, auxiliaries, fillers, and verbs that want an object."""
_OPENERS = re.compile(r"^(?:(?:okay|ok|hey|well|so|yes|no|and|but|um|uh)\W*)+$", re.IGNORECASE)
_WORD = re.compile(r"[\w'/-]+")


def completeness(text: str) -> float:
    """Return how likely it is that nothing more follows, 0 to 1.

    The rules read what a transcriber writes: a full stop or a question mark is its own
    opinion that the sentence ends, a comma, a dash or three dots that it does not; and a
    last word such as "the" or "for" outweighs both, since transcribers like to put a full
    stop behind anything.
    """
    words = _WORD.findall(text.lower())
    if not words:
        return 0.5
    if words[-1] in _HANGING:
        return 0.1
    if text.rstrip().endswith(("...", "…", ",", "-", "–", "—", ":")):
        return 0.25
    if _OPENERS.match(text.strip()):
        return 0.4
    if text.rstrip().endswith(("?", "!")):
        return 1.0
    return 0.9 if text.rstrip().endswith(".") else 0.6


def wait_ms(text: str, eagerness: Eagerness) -> int:
    """Return how much silence ends a turn with these words."""
    shortest, longest = _SHORTEST_WAIT_MS[eagerness], LONGEST_WAIT_MS[eagerness]
    doubt = 1.0 - completeness(text)
    return round(shortest * math.pow(longest / shortest, doubt))
