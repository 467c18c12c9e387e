"""Brings an utterance, typed or transcribed, to the one form that templates are written for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_SIGNS = (
    (re.compile(r"[‘’ʼ`]"), "'"),
    (re.compile(r"[“”\"]"), ""),
    (re.compile(r"\b([ap])\.\s?m\b\.?"), r"\1m"),
    (re.compile(r"(?<=\d)(am|pm)\b"), r" \1"),
    (re.compile(r"(?<=\d),(?=\d{3}\b)"), ""),
    (re.compile(r"½"), " and a half"),
    (re.compile(r"¼"), " and a quarter"),
    (re.compile(r"¾"), " and three quarters"),
    (re.compile(r"(?<=\d)\s*%"), " percent"),
    (re.compile(r"°\s?c\b"), " degrees celsius"),
    (re.compile(r"°\s?f\b"), " degrees fahrenheit"),
    (re.compile(r"°"), " degrees"),
    (re.compile(r"\bkm/h\b"), "kmh"),
    (re.compile(r"(?<=\d)x(?=\d)"), " x "),
    (re.compile(r"[×✕]|(?<=\d)\s*\*\s*(?=\d)"), " times "),
    (re.compile(r"÷|(?<=\d)\s+/\s+(?=\d)"), " divided by "),
    (re.compile(r"\+"), " plus "),
    (re.compile(r"=\s*\??\s*$"), ""),
    (re.compile(r"(?<=\d)\s+[-–]\s+(?=\d)|(?<=\d)[–](?=\d)"), " minus "),
    (re.compile(r"(?<![\w.])-(?=\d)"), "minus "),
    (re.compile(r"(?<=[^\W\d_])[-–](?=\w)|(?<=\d)-(?=[^\W\d_])"), " "),
    (re.compile(r"(?<=\d)\.(?=\s|$)"), " "),
    (re.compile(r"(?<![\w'])[-–—…]+(?!\w)|[!?;,¿¡()\[\]{}<>*_~#|]+"), " "),
    (re.compile(r":(?!\d)"), " "),
    (re.compile(r"\.(?!\d)"), " "),
    (re.compile(r"(?<=\d)(kg|g|mg|km|m|cm|mm|ml|cl|l|oz|lbs?|ft|mins?|hrs?|secs?|s|h)\b"), r" \1"),
)


def normal(text: str) -> str:
    """Return the words in lower case, signs as words, numbers and times as they were."""
    text = unicodedata.normalize("NFC", text).casefold()
    for pattern, words in _SIGNS:
        text = pattern.sub(words, text)
    return " ".join(text.split())


def without_politeness(
    text: str, politeness: Mapping[str, Iterable[str]], names: Iterable[str]
) -> str:
    """Take courtesies and the assistant's name off both ends of a normal text.

    Something is always left: who says only "please" has said "please".
    """
    before = _alternatives([*politeness["before"], *names])
    after = _alternatives([*politeness["after"], *names])
    pattern = re.compile(rf"^(?:(?:{before})\s+)*(.+?)(?:\s+(?:{after}))*$")
    match = pattern.match(text)
    return match[1] if match else text


def as_said(words: str, utterance: str) -> str:
    """Find normal words in the utterance they come from, and return them with its capitals."""
    pattern = r"[\W_]+".join(re.escape(word) for word in words.split())
    match = re.search(rf"(?<!\w){pattern}(?!\w)", utterance, re.IGNORECASE) if words else None
    return match[0] if match else words


def _alternatives(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))
