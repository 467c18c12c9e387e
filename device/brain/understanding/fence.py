"""The fence: what is answered by rules, whatever a model of language would make of it.

Emergencies, and questions about the assistant itself. Regular expressions, written by hand
for each language (``fence.yaml``): who is in trouble says it in few and plain words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

_MOST_CHARACTERS = 400
"""Longer ones are looked at from their beginning: the time to match grows with the length."""


class Emergency(StrEnum):
    """What is wrong."""

    DESPAIR = "despair"
    """Somebody wants to die, or to hurt themselves."""
    POISON = "poison"
    FIRE = "fire"
    """Fire, smoke, gas."""
    VIOLENCE = "violence"
    MEDICAL = "medical"
    NUMBER = "number"
    """Only the number is asked for."""
    HELP = "help"
    """Something is wrong, and nobody knows what."""


class AboutUs(StrEnum):
    """What somebody wants to know, or has done, of the assistant itself."""

    RECORDING = "recording"
    """Who hears, what is kept, where it goes."""
    COST = "cost"
    MAKER = "maker"
    NAME = "name"
    NATURE = "nature"
    """Whether it lives, feels, likes."""
    LANGUAGE = "language"
    ABILITIES = "abilities"
    SLOWER = "slower"
    FASTER = "faster"
    STORY = "story"
    """A story or poem, which nothing here can make."""


class Fence:
    """Tells what is fenced off, in one language. Safe from several threads."""

    def __init__(self, table: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """``table`` is what ``fence.yaml`` holds."""
        alarms = table["emergencies"]
        self._no_emergency = _any_of(alarms["none"])
        self._emergencies = {kind: _any_of(alarms[kind]) for kind in Emergency}
        self._about = {kind: _any_of(table["about"][kind]) for kind in AboutUs}

    def emergency(self, said: str, command: str) -> Emergency | None:
        """Tell what is wrong; None if nothing is.

        ``said`` is the utterance in normal form, ``command`` the same without courtesies:
        "I want to" is one of them, and it is all that tells a wish to die.
        """
        if self._no_emergency.search(command[:_MOST_CHARACTERS]):
            return None
        words = said[:_MOST_CHARACTERS]
        return next((kind for kind, sign in self._emergencies.items() if sign.search(words)), None)

    def about_us(self, said: str, command: str) -> AboutUs | None:
        """Tell what of the assistant an utterance is about, in the same two forms."""
        if len(said) > _MOST_CHARACTERS:
            return None
        forms = dict.fromkeys((said, command))
        return next(
            (kind for kind, sign in self._about.items() if any(map(sign.search, forms))), None
        )


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
