"""What a translator writes for one language, loaded."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from device.brain.understanding.intents.normal import normal, without_politeness
from device.phrases.replies import Replies, load_replies

_FOLDER = Path(__file__).parent
_NOT_SENTENCES = (
    "words.yaml",
    "questions.yaml",
    "kinds.yaml",
    "guesses.yaml",
    "probable.yaml",
    "commands.yaml",
    "devices.yaml",
    "fence.yaml",
)


@dataclass(frozen=True)
class Language:
    """The words, templates and replies of one language; what is said is in `device.phrases`."""

    code: str
    words: Mapping[str, Any]
    """See ``en/words.yaml``."""
    replies: Replies
    kinds: Mapping[str, Sequence[str]]
    """See ``en/kinds.yaml``."""
    joins: Mapping[str, Sequence[str]]
    """See ``en/questions.yaml``."""
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

    def completions(self, question: str, before: str, answer: str) -> list[str]:
        """Return the commands that an answer may make of what was asked; none if not ours."""
        slots = {"before": before.rstrip(" .?!"), "answer": answer.rstrip(" .?!")}
        return [
            join.format(**slots)
            for name, joins in self.joins.items()
            if self.replies.questions[name] == question
            for join in joins
        ]

    @cached_property
    def determiner(self) -> re.Pattern[str]:
        """Matches articles and the like at the start of a name."""
        words = "|".join(map(re.escape, self.words["determiners"]))
        return re.compile(rf"^(?:(?:{words})\s+)+")


def load_language(code: str = "en", seed: int | None = None) -> Language:
    """Load a language; raises ``FileNotFoundError`` where nobody has written it."""
    folder = _FOLDER / code

    def read(name: str) -> Any:
        return yaml.safe_load((folder / name).read_text(encoding="utf-8"))

    probable = folder / "probable.yaml"
    return Language(
        code=code,
        words=read("words.yaml"),
        replies=load_replies(code, random.Random(seed)),
        kinds=read("kinds.yaml"),
        joins=read("questions.yaml"),
        guesses=read("guesses.yaml"),
        commands=read("commands.yaml"),
        devices=read("devices.yaml"),
        fence=read("fence.yaml"),
        sentences=tuple(
            path for path in sorted(folder.glob("*.yaml")) if path.name not in _NOT_SENTENCES
        ),
        probable=(folder / "_slots.yaml", probable) if probable.is_file() else (),
    )
