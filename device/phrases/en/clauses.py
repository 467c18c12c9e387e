"""Clauses about the fields of a tool's result: who or what, and how it is (English)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.phrases.en.values import phrase_of

_DAYS = frozenset({"today", "tonight", "tomorrow", "yesterday", "now"})
_LINKS = frozenset({"with", "by", "to", "from", "in", "of", "for", "near", "until"})
_VERBS = frozenset(
    {"ends", "starts", "begins", "opens", "closes", "departs", "arrives", "leaves", "finishes"}
)
_OF_COUNTS = frozenset({"unread", "missed", "pending", "new", "free", "waiting", "due"})
_MASSES = frozenset({"motion", "movement", "smoke", "rain", "snow", "traffic", "gas", "noise"})
_OPPOSITES = {"on": "off", "open": "closed", "locked": "unlocked", "online": "offline"}
_LEFT = frozenset({"remaining", "left"})
_ADJECTIVE = re.compile(
    r"\w+(?:ed|ing|able)|on|off|open|full|empty|online|offline|dry|wet|ready|home|away|free|busy|"
    r"found|lost|broken|done|shut|awake|asleep|available|present|paid|late|active|low|high|sunny|rainy|cloudy|dark|clean|dirty"
)


def flag(who: str, words: Sequence[str], value: bool) -> str:
    """Say a yes or no: ``it's locked``, ``it's off``, ``it has no bag``, ``rain: yes``."""
    if words[:1] in (["is"], ["are"]) and len(words) > 1:
        words = words[1:]
    name = phrase_of(words)
    is_ = is_now(who) if who else ""
    if words[:1] == ["will"] and len(words) > 1:
        return f"{who} {'will' if value else 'will not'} {phrase_of(words[1:])}"
    if len(words) > 1 and words[0] in ("needs", "wants", "uses"):
        what = phrase_of(words[1:])
        return f"{who} {words[0]} {what}" if value else f"{who} doesn't {words[0][:-1]} {what}"
    if words[0] in ("exists", "works"):
        return f"{who} {words[0]}" if value else f"{who} doesn't {words[0][:-1]}"
    if len(words) == 1 and words[0] in _MASSES:
        return f"there's {'' if value else 'no '}{words[0]}"
    if len(words) == 2 and words[1] in _DAYS and _ADJECTIVE.fullmatch(words[0]):
        return f"{flag(who, words[:1], value)} {words[1]}"
    if words[:1] == ["has"]:
        return f"{who} has {'' if value else 'no '}{phrase_of(words[1:])}"
    if _ADJECTIVE.fullmatch(words[-1]):
        owner = "" if len(words) == 1 else f"the {phrase_of(words[:-1])} is"
        state = words[-1] if value else _OPPOSITES.get(words[-1], f"not {words[-1]}")
        return f"{owner or is_} {state}".strip()
    return f"{name}: {'yes' if value else 'no'}"


def is_now(who: str) -> str:
    """Say that it is something: ``it's``, ``the door is``."""
    return f"{who}'s" if who in ("it", "It") else f"{who} is"


def state(who: str, owner: Sequence[str], said: str) -> str:
    """Say how it is, or what belongs to it: ``it's open``, ``the front door is open``."""
    return f"{is_now(f'the {phrase_of(owner)}' if owner else who)} {uncapitalized(said)}"


def holds(who: str, name: Sequence[str], words: Sequence[str], said: str, item: object) -> str:
    """Say what a field of this name holds."""
    is_number = isinstance(item, int | float)
    if name[-1:] == ["at"] and len(name) > 1:
        verb = " ".join(name[:-1])
        return f"{who} {verb if verb.endswith('s') else f'was {verb}'} {said}"
    if name and name[-1] in _VERBS and said.startswith(("at ", "on ", "tomorrow")):
        return f"{who} {phrase_of(name)} {said}"
    if is_number and len(name) == 1 and name[0] in _OF_COUNTS:
        return f"there {'is' if item == 1 else 'are'} {said} {name[0]}"
    if is_number and not item and list(name) == ["delay"]:
        return "there's no delay"
    if is_number and list(name) == ["eta"]:
        return f"{is_now(who)} expected in {said}"
    if words == ["eta"] or list(name) in (["arrival"], ["expected"], ["delivery", "date"]):
        return f"{is_now(who)} expected {said}"
    if _LEFT & set(name) and is_number:
        return f"there {'is' if said.startswith(('one ', '1 ')) else 'are'} {said} left"
    if name and name[-1] in _LINKS and len(name) > 1:
        return f"{who} was {phrase_of(name)} {said}"
    if not name or set(name) <= _DAYS:
        return f"it's {said} {phrase_of(name)}".rstrip()
    phrase = phrase_of(name)
    if is_number and list(words) == list(name) and singular(phrase) != phrase:
        one = item == 1
        said = "no" if not item else said
        return f"there {'is' if one else 'are'} {said} {singular(phrase) if one else phrase}"
    return f"the {phrase} {'are' if singular(phrase) != phrase else 'is'} {said}"


def singular(noun: str) -> str:
    """One of what a noun names several of; the noun itself where it is no plural."""
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    is_plural = noun.endswith("s") and not noun.endswith(("ss", "us", "is"))
    return noun[:-1] if is_plural else noun


def uncapitalized(text: str) -> str:
    """Small letter first, unless the word is one of capitals or a name that goes on."""
    first = text.split(" ")[0]
    if not text or first[:2].isupper() or first in ("I", "I'm"):
        return text
    known = ("It", "There", "The", "Running", "On", "Off", "Open", "Closed", "Rain", "Sunny")
    return text[0].lower() + text[1:] if first.rstrip("'s") in known or first == "It's" else text


def without_preposition(said: str) -> str:
    """A time or a day as it is said behind "is": ``at noon`` is ``noon``."""
    return said.removeprefix("at ").removeprefix("on ")
