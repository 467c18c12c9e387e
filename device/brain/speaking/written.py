"""Written forms that a voice would stumble over, as the words that people say for them.

What the voice itself reads well (most times, dates, prices, ordinals, units, acronyms) is
left alone; every rule here is there because a form of `tests/data/spoken_forms.toml` was
read wrongly without it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_UNITS = {
    "m²": ("square meter", "square meters"),
    "m2": ("square meter", "square meters"),
    "km²": ("square kilometer", "square kilometers"),
    "cm²": ("square centimeter", "square centimeters"),
    "m³": ("cubic meter", "cubic meters"),
    "m3": ("cubic meter", "cubic meters"),
    "g": ("gram", "grams"),
    "l": ("liter", "liters"),
    "L": ("liter", "liters"),
    "m": ("meter", "meters"),
    "V": ("volt", "volts"),
    "W": ("watt", "watts"),
    "kW": ("kilowatt", "kilowatts"),
    "h": ("hour", "hours"),
    "hPa": ("hectopascal", "hectopascals"),
    "m/s": ("meter per second", "meters per second"),
    "Mbit/s": ("megabit per second", "megabits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"),
    "l/min": ("liter per minute", "liters per minute"),
    "ct": ("cent", "cents"),
    "µg": ("microgram", "micrograms"),
    "mg": ("milligram", "milligrams"),
    "dB": ("decibel", "decibels"),
    "kcal": ("kilocalorie", "kilocalories"),
}
_BARE_UNITS = {"km/h": "kilometers per hour", "m/s": "meters per second", "m²": "square meters"}
_PARTS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
_SAID_PARTS = {
    "1/2": "a half",
    "1/4": "a quarter",
    "3/4": "three quarters",
    "1/3": "a third",
    "2/3": "two thirds",
}
_DAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
_DOMAIN = r"(?:[A-Za-z0-9-]+\.)+(?:com|org|net|de|uk|io|dev|eu|co|info|edu|gov|app|tv|me|us|local)"
_UNIT_NAMES = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_DAY = rf"({'|'.join(sorted(_DAYS, key=len, reverse=True))})\b\.?"


def _with_unit(match: re.Match[str]) -> str:
    singular, plural = _UNITS[match[2]]
    return f"{match[1]} {singular if match[1] == '1' else plural}"


def _hours_and_minutes(match: re.Match[str]) -> str:
    hours, minutes = ("" if n == "1" else "s" for n in match.groups())
    return f"{match[1]} hour{hours} {match[2]} minute{minutes}"


def _and_part(match: re.Match[str]) -> str:
    return f"{match[1]} and {_SAID_PARTS[match[2]]}"


def _dotted(match: re.Match[str]) -> str:
    return match[0].removeprefix("www.").replace(".", " dot ")


def _digits(match: re.Match[str]) -> str:
    """A telephone number, digit by digit, with its pauses."""
    groups = re.findall(r"\d+", match[0])
    plus = "plus " if match[0].startswith("+") else ""
    return plus + ", ".join(" ".join(group) for group in groups)


def _weekdays(match: re.Match[str]) -> str:
    return f"{_DAYS[match[1]]} to {_DAYS[match[2]]}"


def _rules(*rules: tuple[str, str | Callable[[re.Match[str]], str]]) -> Sequence[_Rule]:
    return [(re.compile(pattern), said) for pattern, said in rules]


_IN_ORDER = _rules(
    # What is only for the eye.
    (r"</?[A-Za-z][^<>]{0,200}>", ""),
    (r"\s?\[\d{1,3}\]", ""),
    (r"(?<!\w)_([^_\n]+)_(?!\w)", r"\1"),
    (r"(?<!\S)[:;]-?[)(DP](?!\S)", ""),
    (r"(?m)^\s*\|[\s|:-]*\|\s*$\n?", ""),
    (r"(?m)^\s*\|\s*|\s*\|\s*$", ""),
    (r"\s+\|\s+", ", "),
    (r"(?m)^\s*(\d{1,2})\)\s+", r"\1. "),
    # Signs.
    (r"[\u2212\u2012](?=\s?\d)", "-"),
    (r"√\s?(?=\d)", "the square root of "),
    (r"(?<=\d) [-–] (?=\d)", " minus "),
    (r"\bC#(?!\w)", "C sharp"),
    (r"\bF#(?!\w)", "F sharp"),
    (r"(\d)e\+?(\d+)\b", r"\1 times 10 to the power of \2"),
    # Times and ranges.
    (
        r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?",
        r"\1 at \2",
    ),
    (r"\b(\d+)\s?h\s?(\d+)\s?m(?:in)?\b", _hours_and_minutes),
    (rf"\b{_DAY}\s?[-–—]\s?{_DAY}", _weekdays),
    (r"\b(Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri)\b\.?(?=[,\s]|$)", lambda m: _DAYS[m[1]]),
    (r"(?<=[\dmM])\s?[–—]\s?(?=[€$£]?\d)", " to "),
    # Money.
    (r"(\d+),(\d\d)(?=\s?[€£])", r"\1.\2"),
    (r"([€£]\s?\d+),(\d\d)(?!\d)", r"\1.\2"),
    (r"(?<![€$£\d])(\d[\d.,]*\d|\d)\s?([€£])(?!\d)", r"\2\1"),
    # Fractions.
    (r"(\d+)\s?(1/2|1/4|3/4|1/3|2/3)\b(?!/)", _and_part),
    # Addresses and numbers of telephones.
    (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", _dotted),
    (rf"(?:www\.)?(?<![\w])(?:[\w.+-]+@)?{_DOMAIN}\b", _dotted),
    (r"\+\d{1,3}(?:[\s/()-]{0,2}\d{2,}){2,}", _digits),
    (r"\b0\d{2,4}[\s/-]\d{5,}\b", _digits),
    # Measures.
    (r"(\d+)['′](\d{1,2})[\"″]", r"\1 foot \2"),
    (r"(\d+)\s?ft\.? (\d{1,2})\s?in\b\.?", r"\1 foot \2"),
    (r"(?<=\d)[′'](?!\w)", " feet"),
    (
        rf"(?<![€$£\d.,])(\d[\d.,]*\d|\d)\s?({_UNIT_NAMES})(?![\w/²³])",
        _with_unit,
    ),
    (r"(?<![\w])(?<!\d )(?:km/h|m/s|m²)(?!\w)", lambda m: _BARE_UNITS[m[0]]),
    (r"\b(\d+)x\b", r"\1 times"),
    # Formulas, and shorter ways to write.
    (r"\bCO(?:2|₂)", "C O 2"),
    (r"\bH(?:2|₂)O\b", "H 2 O"),
    (r"\bn/a\b", "not available"),
    (r"\bv(\d+)\.(\d+)", r"version \1 point \2"),
    (r"\bpp\. ?(?=\d)", "pages "),
    (r"\bp\. ?(?=\d)", "page "),
    (r"\bmin\. ?(?=\d)", "at least "),
    (r"\bmax\. ?(?=\d)", "at most "),
)


def said_instead(text: str) -> str:
    """Return text with what is written otherwise than it is said in the words that are said."""
    text = html.unescape(text).replace("\u00a0", " ")
    for sign, fraction in _PARTS.items():
        text = re.sub(rf"(?<=\d){sign}", f" {fraction}", text).replace(sign, fraction)
    for pattern, said in _IN_ORDER:
        text = pattern.sub(said, text)
    return text
