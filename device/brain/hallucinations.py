"""What Whisper writes when nobody spoke: it was trained on subtitles."""

from __future__ import annotations

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
_LAST_PIECE = re.compile(r"^(.*[.?!])\s+(\w[^.?!]*)$", re.DOTALL)


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
    """Drop a last piece that begins the text anew.

    With little silence after the words the decoder sometimes starts over: "Call mum at
    eight. Call mum". A whole sentence said twice is left alone.
    """
    match = _LAST_PIECE.match(text)
    if match and _plain(match[1]).startswith(_plain(match[2])):
        return match[1]
    return text


def _plain(words: str) -> str:
    return " ".join(_WORD.findall(words.lower().replace("’", "'")))
