"""How people say things, beyond what `device.phrases.en.forms` knows: decimals, money, units.

Two directions. The functions that take values write the words of an answer. `as_spoken`
takes text that was written to be read, by a chat model or by a client, and removes what
a voice would stumble over; what the voice itself reads well (times, dates, prices,
ordinals, most units) it leaves alone.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from device.brain.speaking.written import said_instead
from device.phrases.en.forms import (
    clock_time,
    date,
    day,
    duration,
    listing,
    number,
    ordinal,
    rounded,
    weekdays,
    year,
)

__all__ = [
    "as_spoken",
    "clock_time",
    "date",
    "day",
    "decimal",
    "duration",
    "listing",
    "number",
    "ordinal",
    "quantity",
    "rounded",
    "time_word",
    "weekdays",
    "year",
]

_MOST_SAID = Decimal(10) ** 15
_MARKUP = re.compile(r"(\*{1,2}|__|`+|~~|^\s{0,3}#{1,6}\s+|^\s*>\s+|^\s*[-*•]\s+)", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"\bhttps?://(?:www\.)?([^\s/)\]]+)\S*")
_PRODUCT = re.compile(r"(?<=\d)\s?[x*]\s?(?=\d)")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U00002600-\U000027bf\U0001f1e6-\U0001f1ff\ufe0f\u200d\u20e3]"
)
_EXACT_WORDS = (
    (re.compile(r"\be\.\s?g\.,?", re.IGNORECASE), "for example"),
    (re.compile(r"\bi\.\s?e\.,?", re.IGNORECASE), "that is"),
    (re.compile(r"\betc\.", re.IGNORECASE), "and so on"),
    (re.compile(r"\bapprox\.", re.IGNORECASE), "about"),
    (re.compile(r"\b24/7\b"), "around the clock"),
    (re.compile(r"[≈~](?=\s?\d)"), "about "),
    (re.compile(r"(?<=\d)\s?[÷]\s?(?=\d)"), " divided by "),
    (re.compile(r"\s=\s|(?<=\d)=(?=\d)"), " equals "),
    (re.compile(r"\s*(?:→|->|=>)\s*"), ", "),
    (re.compile(r"\b00:00\b"), "midnight"),
    (re.compile(r"\b0?0:(\d\d)\b"), r"12:\1 AM"),
    (re.compile(r"(?<=\d)\s?°(?!\s?[CFK])"), " degrees"),
    (re.compile(r"\band/or\b"), "or"),
    (re.compile(r"(?<=[a-z]{2})/(?=[a-z]{2})"), " or "),
)
_KEEP_SLASH = re.compile(r"\b(?:km|m|mi|kB|MB|GB|Mbit|l|g|kg)/(?:h|s|min|l|kg|day)\b")


def as_spoken(text: str) -> str:
    """Return the text without what is only for the eye: markup, links, emoji, signs."""
    text = _LINK.sub(r"\1", text)
    text = _ADDRESS.sub(r"\1", text)
    text = _PRODUCT.sub(" times ", text)
    text = _MARKUP.sub("", text)
    text = said_instead(_EMOJI.sub("", text))
    slashes = {match[0]: f"\0{number}\0" for number, match in enumerate(_KEEP_SLASH.finditer(text))}
    for unit, mark in slashes.items():
        text = text.replace(unit, mark)
    for pattern, words in _EXACT_WORDS:
        text = pattern.sub(words, text)
    for unit, mark in slashes.items():
        text = text.replace(mark, unit)
    return re.sub(r"[ \t]+", " ", text).strip()


def decimal(value: Decimal | float | int) -> str:
    """Say a number: ``twenty-one point five``, ``minus three``, ``ten to the power of 20``."""
    exact = Decimal(str(value))
    if abs(exact) >= _MOST_SAID:
        digits, power = f"{exact:.2e}".split("e")
        return (
            f"{decimal(Decimal(digits).normalize())} times ten to the power of {number(int(power))}"
        )
    sign, exact = ("minus " if exact < 0 else ""), abs(exact)
    whole = int(exact)
    fraction = format(exact - whole, "f").rstrip("0")[2:] if exact != whole else ""
    digits = " ".join(number(int(digit)) for digit in fraction)
    return sign + number(whole) + (f" point {digits}" if digits else "")


def quantity(value: Decimal | float | int, singular: str, plural: str = "") -> str:
    """Say so much of something: ``one cup``, ``two and a half cups``, ``0.3 inches``."""
    exact = Decimal(str(value))
    if exact == 1:
        return f"one {singular}"
    plural = plural or f"{singular}s"
    if exact % 1 == Decimal("0.5") and 0 < exact < 20:
        whole = number(int(exact))
        return f"half a {singular}" if exact < 1 else f"{whole} and a half {plural}"
    return f"{decimal(exact)} {plural}"


def time_word(time: dt.time) -> str:
    """Say a time of day, without its seconds."""
    return clock_time(time.replace(second=0, microsecond=0))
