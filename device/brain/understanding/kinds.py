"""What kind of thing was said, where no template knows it: by its first words.

A model of 135 million weights answers questions of fact wrongly and with confidence, so
it is not asked any. This is the fence: rules, written by hand for each language
(``intents/en/kinds.yaml``), that tell a question of fact, a wish for news and a
command from chat.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum


class SentenceKind(StrEnum):
    """What was said."""

    CHAT = "chat"
    """Small talk, opinions, stories: the chat model may answer."""
    FACT = "fact"
    """A question with a true and a false answer."""
    LIVE = "live"
    """A question about weather, news, traffic: only the network knows."""
    COMMAND = "command"
    """Something is to be done."""


class Kinds:
    """Tells the kinds apart in one language."""

    def __init__(self, patterns: Mapping[str, Sequence[str]]) -> None:
        self._patterns = {
            SentenceKind(kind): re.compile("|".join(f"(?:{pattern})" for pattern in those))
            for kind, those in patterns.items()
        }

    def kind_of(self, command: str) -> SentenceKind:
        """Judge an utterance in normal form, without courtesies."""
        for kind in (SentenceKind.CHAT, SentenceKind.LIVE, SentenceKind.COMMAND, SentenceKind.FACT):
            if self._patterns[kind].search(command):
                return kind
        return SentenceKind.CHAT
