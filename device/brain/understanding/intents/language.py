"""What a translator writes for one language, loaded."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from device.brain.understanding.intents.normal import normal, without_politeness

_FOLDER = Path(__file__).parent
_NOT_SENTENCES = (
    "words.yaml",
    "replies.yaml",
    "guesses.yaml",
    "probable.yaml",
    "commands.yaml",
    "devices.yaml",
    "fence.yaml",
)


@dataclass(frozen=True)
class Language:
    """The words, templates and replies of one language."""

    code: str
    words: Mapping[str, Any]
    """See ``en/words.yaml``."""
    replies: Replies
    guesses: Mapping[str, Any]
    """See ``en/guesses.yaml``."""
    sentences: tuple[Path, ...]
    """Files of templates, for `hassil`."""
    commands: Mapping[str, Any] = field(default_factory=dict)
    """See ``en/commands.yaml``."""
    devices: Mapping[str, Any] = field(default_factory=dict)
    """See ``en/devices.yaml``."""
    fence: Mapping[str, Any] = field(default_factory=dict)
    """See ``en/fence.yaml``."""
    probable: tuple[Path, ...] = ()
    """The same for what is no command; see ``en/probable.yaml``."""

    def command_in(self, utterance: str) -> str:
        """Return the utterance in normal form, without courtesies."""
        return without_politeness(normal(utterance), self.words["politeness"], self.words["names"])

    @cached_property
    def determiner(self) -> re.Pattern[str]:
        """Matches articles and the like at the start of a name."""
        words = "|".join(map(re.escape, self.words["determiners"]))
        return re.compile(rf"^(?:(?:{words})\s+)+")


@dataclass(frozen=True)
class Replies:
    """What the assistant says, several ways for some of it."""

    table: Mapping[str, Any]
    chance: random.Random

    def say(self, key: str, **slots: object) -> str:
        """Return one of the ways to say it; raises ``KeyError`` for what nobody wrote."""
        ways = self.table["say"][key]
        chosen = ways if isinstance(ways, str) else self.chance.choice(ways)
        return str(chosen).format(**slots)

    def has(self, key: str) -> bool:
        """Whether there is something to say under this key."""
        return key in self.table["say"]

    def cannot(self, intent: str) -> str:
        """Say that nothing here can do what was asked."""
        what = self.table["cannot"].get(intent)
        return self.say("cannot", what=what) if what else self.say("cannot_that")

    def question(self, intent: str, lacks: str) -> str | None:
        """Return what to ask where an intent lacks what it needs."""
        known = self.table["questions"].get(f"{intent}_{lacks}")
        return str(known["ask"]) if known else None

    def completions(self, question: str, before: str, answer: str) -> list[str]:
        """Return the commands that an answer may make of what was asked; none if not ours."""
        slots = {"before": before.rstrip(" .?!"), "answer": answer.rstrip(" .?!")}
        return [
            join.format(**slots)
            for known in self.table["questions"].values()
            if known["ask"] == question
            for join in known["joins"]
        ]


def load_language(code: str = "en", seed: int | None = None) -> Language:
    """Load a language; raises ``FileNotFoundError`` where nobody has written it."""
    folder = _FOLDER / code

    def read(name: str) -> Any:
        return yaml.safe_load((folder / name).read_text(encoding="utf-8"))

    probable = folder / "probable.yaml"
    return Language(
        code=code,
        words=read("words.yaml"),
        replies=Replies(read("replies.yaml"), random.Random(seed)),
        guesses=read("guesses.yaml"),
        commands=read("commands.yaml"),
        devices=read("devices.yaml"),
        fence=read("fence.yaml"),
        sentences=tuple(
            path for path in sorted(folder.glob("*.yaml")) if path.name not in _NOT_SENTENCES
        ),
        probable=(folder / "_slots.yaml", probable) if probable.is_file() else (),
    )
