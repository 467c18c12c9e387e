"""What Whisper writes when nobody spoke: it was trained on subtitles."""

from __future__ import annotations

import difflib
import re

SURELY_NO_SPEECH = 0.6
"""Probability of "no speech", with a poor score, above which nothing was said (Whisper's own)."""
POOR_SCORE = -1.0
PERHAPS_NO_SPEECH = 0.2
"""Above it, a phrase that silence is known to produce is taken for silence."""

# What the tiny and base models make of silence, hum, kitchen noise and music, seen in
# this project's own runs; every one can also be said, hence the probability beside it.
_OF_SILENCE = frozenset(
    """
    you|thank you|thanks|thanks for watching|thank you for watching|bye|bye bye|okay|oh|so|
    i'm sorry|the end|the|uh|um|hmm|mm|please subscribe|see you next time|i|yeah|
    thank you very much|and|a
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
_ANNOTATION = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫]+")
_WORD = re.compile(r"[\w']+")
_ENDS = re.compile(r"([.?!,])\s+(?=\w)")
_ALIKE = 0.85


def without_inventions(text: str, score: float, no_speech: float) -> str:
    """Return the words that were said; empty if they were only heard into noise.

    ``score`` is the mean log probability of a token, ``no_speech`` the probability that
    the model gives to there being no speech.
    """
    words = " ".join(_ANNOTATION.sub(" ", text).split())
    if not _WORD.search(words):
        return ""
    if no_speech > SURELY_NO_SPEECH and score < POOR_SCORE:
        return ""
    if no_speech > PERHAPS_NO_SPEECH and _plain(words) in _OF_SILENCE:
        return ""
    return words


def without_echo(text: str) -> str:
    """Drop what begins the text anew: "Call mum at eight. Call mum at".

    With little silence after the words the decoder sometimes starts over, not always in
    the same spelling. Whoever really says a thing twice loses nothing by it.
    """
    for end in _ENDS.finditer(text):
        head, tail = text[: end.end()].rstrip(), text[end.end() :]
        said, again = _plain(head), _plain(tail)
        if not again or (end[1] == "," and " " not in said):
            continue
        if len(again) <= len(said) * 1.3 and _is_alike(said[: len(again)], again):
            return head.rstrip(",") + ("." if end[1] == "," else "")
    return text


def _is_alike(said: str, again: str) -> bool:
    return said == again or difflib.SequenceMatcher(None, said, again).ratio() >= _ALIKE


def _plain(words: str) -> str:
    return " ".join(_WORD.findall(words.lower().replace("’", "'")))
