"""What the local brain says by itself, several ways for some of it: ``en/replies.yaml``."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Replies:
    """The brain's sentences in one language. ``{words}`` in them are filled in."""

    ways: Mapping[str, str | Sequence[str]]
    """One way to say it, or several."""
    inabilities: Mapping[str, str]
    """What cannot be done, by intent."""
    questions: Mapping[str, str]
    """What is asked where an intent lacks something, by both names."""
    abilities: Mapping[str, str]
    """What can be done, by the intent that a tool serves."""
    always: Sequence[str]
    """What can be done without any tool."""
    chance: random.Random

    def say(self, key: str, **slots: object) -> str:
        """Return one of the ways to say it; raises ``KeyError`` for what nobody wrote."""
        ways = self.ways[key]
        chosen = ways if isinstance(ways, str) else self.chance.choice(ways)
        return chosen.format(**slots)

    def has(self, key: str) -> bool:
        """Whether there is something to say under this key."""
        return key in self.ways

    def cannot(self, intent: str) -> str:
        """Say that nothing here can do what was asked."""
        what = self.inabilities.get(intent)
        return self.say("cannot", what=what) if what else self.say("cannot_that")

    def question(self, intent: str, lacks: str) -> str | None:
        """Return what to ask where an intent lacks what it needs."""
        return self.questions.get(f"{intent}_{lacks}")


def load_replies(code: str, chance: random.Random) -> Replies:
    """Load a language; raises ``FileNotFoundError`` where nobody has written it."""
    table = yaml.safe_load((_FOLDER / code / "replies.yaml").read_text(encoding="utf-8"))
    abilities = dict(table["abilities"])
    always = abilities.pop("always")
    return Replies(table["say"], table["cannot"], table["questions"], abilities, always, chance)
