"""What is said about a command that was not carried out, and about some that were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from device.brain.base.abilities import ToolCall, ToolResult
from device.brain.understanding.commands.outcome import (
    Act,
    Cannot,
    Confirm,
    Dropped,
    Lacking,
    Leave,
    Outcome,
    Unclear,
)
from device.brain.understanding.intents.language import Language
from device.phrases.en.forms import count


class Saying:
    """Puts outcomes in words, always in the same ones: a question is known by them."""

    def __init__(self, language: Language) -> None:
        self._replies = language.replies

    def of(self, outcome: Outcome) -> str:
        """Say why nothing was done, or ask for what is missing."""
        match outcome:
            case Lacking():
                return self._asking(outcome)
            case Confirm(key=key, slots=slots):
                return self._replies.say(key, **slots)
            case Unclear(part=part):
                return (
                    self._replies.say("unclear", part=part)
                    if part
                    else self._replies.say("unclear_all")
                )
            case Cannot(key=key, slots=slots):
                return self._replies.say(key, **slots)
            case Leave():
                return self._replies.say("left")
            case Dropped():
                return self._replies.say("dropped")
            case Act():
                return ""
            case _:
                assert_never(outcome)

    def _asking(self, lacking: Lacking) -> str:
        question = self._replies.question(lacking.command.intent, lacking.lacks) or ""
        match lacking.problem:
            case "":
                return question
            case "either" | "minutes":
                said = self._replies.say(lacking.problem, part=lacking.part)
                return said[0].upper() + said[1:]
            case "unclear":
                return f"{self._replies.say('unclear_part', part=lacking.part)} {question}"
            case problem:
                return f"{self._replies.say(problem, part=lacking.part)} {question}"

    def results(self, act: Act, results: Sequence[tuple[ToolCall | None, ToolResult]]) -> str:
        """Answer what was asked of a list; empty where the tool's own words answer it."""
        if len(act.commands) != 1 or not results:
            return ""
        slots = act.commands[0].slots
        asked = slots.get("ask")
        if act.commands[0].intent != "read_list" or asked not in ("item", "count"):
            return ""
        facts = _object(results[-1][1].output)
        items = facts.get("items")
        if not isinstance(items, list):
            return ""
        name = str(slots.get("list", ""))
        if asked == "count":
            if len(items) == 1:
                return self._replies.say("one_on_list", list=name)
            return self._replies.say("count_on_list", count=count(len(items), "thing"), list=name)
        wanted = str(slots.get("wanted", ""))
        found = next((str(item) for item in items if _is_same_thing(str(item), wanted)), None)
        key = "on_list" if found else "not_on_list"
        return self._replies.say(key, item=found or wanted, list=name)


def _is_same_thing(item: str, wanted: str) -> bool:
    """``2 litres of milk`` is milk."""
    words, other = set(item.casefold().split()), set(wanted.casefold().split())
    return other <= words or {word.rstrip("s") for word in other} <= {w.rstrip("s") for w in words}


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}
