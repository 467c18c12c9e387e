"""Reads a conversation as turns: what was said, called, found out and answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from device.brain.base.abilities import ContextItem, Message, ToolCall, ToolResult
from device.brain.understanding.commands.context import Past, PastCall, domain_of
from device.brain.understanding.functions import intent_of

_LOOKS = frozenset({"list_timers", "list_alarms", "list_reminders", "read_list", "list_lists"})
_ASKS = _LOOKS | {"get_time", "get_date", "get_volume", "device_status", "repeat", "repeat_last"}


@dataclass
class UserTurn:
    """One question and what came of it."""

    utterance: str
    calls: list[tuple[ToolCall, ToolResult | None]] = field(default_factory=list)
    said: str = ""

    @property
    def has_asked(self) -> bool:
        """Whether the user was asked something: by a tool, which says so, or by what was said."""
        results = [result for _, result in self.calls if result is not None]
        return self.said.endswith("?") or any(
            _object(one.output).get("question") for one in results
        )

    @property
    def done(self) -> list[PastCall]:
        """The calls with their results, as far as there are any."""
        return [
            PastCall(
                intent_of(call.name), call.name, _object(call.arguments), _object(result.output)
            )
            for call, result in self.calls
            if result is not None
        ]


def exchanges(items: Sequence[ContextItem]) -> list[UserTurn]:
    """Return the turns that begin with something that the user said, oldest first."""
    found: list[UserTurn] = []
    for item in items:
        if isinstance(item, Message) and item.role == "user":
            found.append(UserTurn(item.text.strip()))
        elif not found:
            continue
        elif isinstance(item, Message) and item.role == "assistant":
            found[-1].said = item.text.strip() or found[-1].said
        elif isinstance(item, ToolCall):
            found[-1].calls.append((item, None))
        elif isinstance(item, ToolResult):
            _fill_in(found, item)
    return found


def _fill_in(found: Sequence[UserTurn], result: ToolResult) -> None:
    for exchange in reversed(found):
        for place, (call, _) in enumerate(exchange.calls):
            if call.call_id == result.call_id:
                exchange.calls[place] = call, result
                return


def is_change(done: PastCall) -> bool:
    """Whether a call changed something."""
    return not done.is_failure and done.intent not in _ASKS


def is_look(name: str) -> bool:
    """Whether a call of this tool only finds out what there is."""
    return intent_of(name) in _LOOKS


def past_of(before: Sequence[UserTurn]) -> Past:
    """What a command may refer to, after these turns."""
    last: list[PastCall] = []
    domain = ""
    names: dict[str, set[str]] = {"timer": set(), "alarm": set(), "reminder": set()}
    for exchange in before:
        done = exchange.done
        changed = [one for one in done if is_change(one)]
        if changed:
            last = changed
        for one in done:
            domain = domain_of(one.intent) or ("home" if not one.intent else domain)
            _note_names(one.facts, names)
    last_list = next(
        (str(one.facts.get("list")) for one in reversed(last) if one.facts.get("list")), ""
    )
    known = {kind: frozenset(those) for kind, those in names.items()}
    return Past(tuple(last), known, domain, last_list)


def _note_names(facts: Mapping[str, Any], names: Mapping[str, set[str]]) -> None:
    for kind, those in names.items():
        listed = facts.get(f"{kind}s")
        things = [facts.get(kind), *(listed if isinstance(listed, list) else [])]
        for thing in things:
            if isinstance(thing, Mapping) and thing.get("name"):
                those.add(str(thing["name"]).casefold())


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {"result": value}
