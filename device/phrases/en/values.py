"""Puts one value of a tool's result in words, by its name (English).

A result is JSON made for programs: ``temperature_c: 21``, ``eta: 2026-11-23T14:00``. Names
are split into words, units are read from the ends of names, times become words that one
says, and what is only for programs (ids, addresses, versions) is nobody's to hear.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from device.phrases.en.forms import clock_time, day, duration, rounded

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_SILENT = frozenset({
    "ssid", "iban", "bssid", "imei", "firmware",
    "checksum", "code", "created", "currency", "cursor", "epoch", "etag", "guid", "hash",
    "hex", "href", "icon", "id", "ids", "image", "index", "ip", "key", "kind", "lat",
    "latitude", "link", "lng", "locale", "lon", "longitude", "mac", "modified", "object",
    "offset", "ok", "page", "photo", "request", "requested", "rgb", "schema", "serial",
    "sku", "source", "success", "symbol", "thumbnail", "timestamp", "timezone", "token",
    "ts", "type", "unit", "units", "updated", "uri", "url", "uuid", "version",
})  # fmt: skip
_BEFORE = frozenset({"created", "updated", "modified", "previous", "prior", "old", "former"})
_MACHINE = re.compile(
    r"(?:https?:|data:|www\.)\S*|[0-9a-f]{8}-[0-9a-f-]{20,}|(?=\S*\d)[0-9a-zA-Z_\-+/=]{16,}"
    r"|[A-Za-z]+[-_][0-9a-f]*\d[0-9a-f]*|[{\[<].*"
)
"""A value that nobody says: addresses, ids, markup."""
_UNITS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("c", "celsius", "°c", "degrees"), ("degree", "degrees")),
    **dict.fromkeys(("f", "fahrenheit", "°f"), ("degree Fahrenheit", "degrees Fahrenheit")),
    **dict.fromkeys(("percent", "pct", "percentage", "%"), ("percent", "percent")),
    **dict.fromkeys(("km", "kilometers", "kilometres"), ("kilometer", "kilometers")),
    **dict.fromkeys(("m", "meters", "metres"), ("meter", "meters")),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    **dict.fromkeys(("mi", "miles"), ("mile", "miles")),
    **dict.fromkeys(("ft", "feet"), ("foot", "feet")),
    **dict.fromkeys(("in", "inches"), ("inch", "inches")),
    **dict.fromkeys(("kmh", "kph", "km/h"), ("kilometer an hour", "kilometers an hour")),
    "mph": ("mile an hour", "miles an hour"),
    **dict.fromkeys(("kg", "kilograms"), ("kilogram", "kilograms")),
    **dict.fromkeys(("g", "grams"), ("gram", "grams")),
    **dict.fromkeys(("lb", "lbs"), ("pound", "pounds")),
    **dict.fromkeys(("l", "liters", "litres"), ("liter", "liters")),
    "ml": ("milliliter", "milliliters"),
    **dict.fromkeys(("w", "watts"), ("watt", "watts")),
    "kw": ("kilowatt", "kilowatts"),
    "wh": ("watt-hour", "watt-hours"),
    "kwh": ("kilowatt-hour", "kilowatt-hours"),
    **dict.fromkeys(("v", "volts"), ("volt", "volts")),
    "hpa": ("hectopascal", "hectopascals"),
    "bar": ("bar", "bar"),
    "db": ("decibel", "decibels"),
    "lux": ("lux", "lux"),
    "ppm": ("part per million", "parts per million"),
    "kcal": ("kilocalorie", "kilocalories"),
    "mb": ("megabyte", "megabytes"),
    "gb": ("gigabyte", "gigabytes"),
    "mbps": ("megabit a second", "megabits a second"),
    "bpm": ("beat a minute", "beats a minute"),
    "rpm": ("turn a minute", "turns a minute"),
}
_SECONDS: Mapping[str, float] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600),
    **dict.fromkeys(("day", "days"), 86_400),
    **dict.fromkeys(("ms", "millis", "milliseconds"), 0.001),
}
_SIGNS: Mapping[str, str] = {"usd": "$", "eur": "€", "gbp": "£", "$": "$", "€": "€", "£": "£"}
_ALWAYS_PERCENT = frozenset({"humidity", "battery", "soc"})
_LONG_FORMS = {
    "temp": "temperature", "temps": "temperatures", "min": "minimum", "max": "maximum",
    "avg": "average", "desc": "description", "qty": "quantity", "eta": "arrival",
    "loc": "location", "tmrw": "tomorrow", "num": "number", "pos": "position",
    "soc": "charge", "precip": "precipitation", "aqi": "air quality index", "uv": "UV",
    "co2": "CO2", "pm25": "PM 2.5", "pm10": "PM 10", "tv": "TV", "wifi": "wifi", "fm": "FM",
}  # fmt: skip
_LONGEST_VALUE = 160
_MOST_SAID = 1e15


def words_of_name(name: str) -> list[str]:
    """Split a name: ``remainingMinutes``, ``remaining_minutes``; in small letters."""
    words = [word.lower() for word in _WORD.findall(name)]
    for at in range(len(words) - 1):
        if words[at] + words[at + 1] in _LONG_FORMS:  # a formula: co2, pm25
            return [*words[:at], words[at] + words[at + 1], *words[at + 2 :]]
    return words


def phrase_of(words: Sequence[str]) -> str:
    """Say a name, abbreviations in full: ``temperature``."""
    return " ".join(_LONG_FORMS.get(word, word) for word in words)


def is_silent(name: str) -> bool:
    """Whether a field is only for programs."""
    words = words_of_name(name)
    if not words or words[-1] in _SILENT or words[0] in _BEFORE:
        return True
    return words[0] == "last" and words[-1] in ("seen", "changed", "update", "sync")


def is_sayable(value: object) -> bool:
    """Whether a scalar can be said at all."""
    if isinstance(value, str):
        text = value.strip()
        return bool(text) and not _MACHINE.fullmatch(text)
    return isinstance(value, bool) or (
        isinstance(value, int | float) and -_MOST_SAID < value < _MOST_SAID
    )


def unit_in(words: Sequence[str]) -> str:
    """Return the unit that a name ends with; empty where there is none."""
    if words[-1:] and words[-1] in ("%", "percent", "pct", "percentage"):
        return words[-1]
    if len(words) >= 2:
        last, two = words[-1], "".join(words[-2:])
        if two in _UNITS and len(words) > 2:
            return two
        if last in _UNITS or last in _SECONDS or last in _SIGNS:
            return last
    alone = {"seconds", "minutes", "hours", "days", "secs", "mins", "miles", "kilometers"}
    return words[0] if len(words) == 1 and words[0] in alone else ""


def without_unit(words: Sequence[str], unit: str) -> list[str]:
    """Return the name without the unit that it ends with."""
    kept = list(words)
    ending = unit
    while ending and kept and ending.endswith(kept[-1]):
        ending = ending[: -len(kept.pop())]
    return kept


def say_value(value: object, words: Sequence[str], unit: str, now: dt.datetime) -> str:
    """Say a scalar; ``words`` is its name, ``unit`` what it is counted in."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if not unit and _ALWAYS_PERCENT & set(words):
            unit = "percent"
        return _amount(value, unit.lower(), is_plain="year" in words)
    text = " ".join(str(value).split())
    if moment := _moment(text, now):
        return moment
    if number := re.fullmatch(r"(-?\d+(?:\.\d+)?)\s?(\S*)", text):
        known = (number[2] or unit).lower()
        if known in _UNITS or known in _SECONDS:
            return _amount(float(number[1]), known)
    return _plain(text)


def _amount(value: float, unit: str, is_plain: bool = False) -> str:
    if unit in _SECONDS:
        seconds = value * _SECONDS[unit]
        if seconds >= 1 or seconds == 0:
            return duration(seconds)
        return f"{figures(value)} milliseconds"
    if unit in _SIGNS:
        return f"{'minus ' if value < 0 else ''}{_SIGNS[unit]}{abs(value):.2f}".replace(".00", "")
    said = str(value) if is_plain else figures(value)
    if unit in _UNITS:
        said = figures(value, 3)
        return f"{said} {_UNITS[unit][abs(value) != 1]}"
    return f"{said} {unit}".strip()


def figures(value: float, most: int = 4) -> str:
    """Write a number as one reads it: ``21``, ``3.5``, ``12,000``, ``minus 4``."""
    exact = rounded(Decimal(str(value)), most)
    exact = exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact
    sign = "minus " if exact < 0 else ""
    return sign + (f"{abs(exact):,f}" if abs(exact) >= 10_000 else f"{abs(exact):f}")


def _moment(text: str, now: dt.datetime) -> str:
    """Say a time in ISO 8601, seen from now; empty for what is none."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        try:
            return day(dt.date.fromisoformat(text), now.date())
        except ValueError:
            return ""
    if re.fullmatch(r"\d\d:\d\d(:\d\d)?", text):
        try:
            return f"at {clock_time(dt.time.fromisoformat(text).replace(second=0))}"
        except ValueError:
            return ""
    if not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text):
        return ""
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        return ""
    if when.tzinfo is not None:
        when = when.astimezone(now.tzinfo)
    time = when.time().replace(second=0, microsecond=0, tzinfo=None)
    said = f"at {clock_time(time)}"
    return said if when.date() == now.date() else f"{day(when.date(), now.date())} {said}"


def _plain(text: str) -> str:
    """Words of a program (``out_for_delivery``) as words; a long text up to a sentence's end."""
    if re.fullmatch(r"[A-Za-z]+(?:_[A-Za-z0-9]+)+", text):
        text = text.replace("_", " ").lower()
    elif re.fullmatch(r"[A-Z]{6,}", text):
        text = text.lower()
    return shortened(text, _LONGEST_VALUE)


def shortened(text: str, most: int) -> str:
    """Cut a text where a sentence ends, or failing that between words."""
    if len(text) <= most:
        return text
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s)", text[: most + 1])]
    if ends:
        return text[: ends[-1]]
    return text[:most].rsplit(" ", 1)[0].rstrip(",;:") + "…"
