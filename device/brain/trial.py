"""Holds the brain's understanding to a table of what people say."""

from __future__ import annotations

import datetime as dt
import json
import random
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from device.brain.answering.history import is_look
from device.brain.answering.thinker import LayeredThinker
from device.brain.base.abilities import (
    Cancellation,
    ContextItem,
    FunctionTool,
    Message,
    TextPart,
    TextPiece,
    Thinker,
    ThinkRequest,
    ToolCall,
    ToolCallPiece,
    ToolResult,
)
from device.brain.understanding.intents.language import load_language

TABLE_NOW = dt.datetime(2026, 11, 24, 14, 30, tzinfo=dt.UTC)
"""What the clock shows for the table: a Tuesday afternoon."""


@dataclass(frozen=True, slots=True)
class Case:
    """An utterance and what is to come of it."""

    says: str
    calls: tuple[tuple[str, dict[str, Any]], ...] | None
    """What must be called; empty: nothing may be; None: it is the brain's own affair."""
    intent: str = ""
    kind: str = ""

    @property
    def wants_action(self) -> bool:
        """Whether anything is to be called."""
        return bool(self.calls)


@dataclass(frozen=True, slots=True)
class Miss:
    """A case that came out wrong."""

    case: Case
    got: str


def read_table(path: Path) -> list[Case]:
    """Read a table such as ``tests/data/utterances.toml``."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["utterance"]
    return [
        Case(
            row["says"],
            tuple((call["name"], call["arguments"]) for call in row["calls"])
            if "calls" in row
            else None,
            row.get("intent", ""),
            row.get("kind", ""),
        )
        for row in rows
    ]


def appliance_tools() -> list[FunctionTool]:
    """The appliance's own tools, as a session declares them."""
    from device.tools.builtin import add_builtin_tools
    from device.tools.house import NoHouse
    from device.tools.moments import SystemClock
    from device.tools.registry import Registry

    registry = Registry()
    # Nothing is called, so what would be called needs nothing behind it.
    nothing = cast(Any, None)
    add_builtin_tools(registry, house=NoHouse(), clock=SystemClock(), ringer=nothing, lists=nothing)
    return [
        FunctionTool(tool["name"], tool["description"], tool["parameters"])
        for tool in registry.tools()
    ]


def trial_thinker() -> LayeredThinker:
    """A brain without chat model, whose clock stands where the table's does."""
    return LayeredThinker(load_language(seed=1), now=lambda: TABLE_NOW, chance=random.Random(1))


def calls_of(
    thinker: Thinker,
    utterance: str,
    tools: Sequence[FunctionTool],
    wanted: Sequence[tuple[str, dict[str, Any]]] = (),
) -> list[tuple[str, dict[str, Any]]]:
    """What the brain calls when this is the first thing that is said.

    Where it looks first what there is, it finds what the ``wanted`` calls are about, and
    something else.
    """
    said: list[ContextItem] = [Message("user", (TextPart(utterance),))]
    return _after_looks(thinker, said, tools, wanted)


def _after_looks(
    thinker: Thinker,
    said: list[ContextItem],
    tools: Sequence[FunctionTool],
    wanted: Sequence[tuple[str, dict[str, Any]]],
) -> list[tuple[str, dict[str, Any]]]:
    calls, _ = _answered(thinker, said, tools)
    if not calls or is_same(calls, wanted) or not all(is_look(name) for name, _ in calls):
        return calls
    for number, (name, arguments) in enumerate(calls):
        said.append(ToolCall(f"look_{number}", name, json.dumps(arguments)))
        said.append(ToolResult(f"look_{number}", json.dumps(_found(name, wanted))))
    return _answered(thinker, said, tools)[0]


def _found(look: str, wanted: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """What there is in a house where the wanted calls make sense."""
    arguments = next((arguments for _, arguments in wanted), {})
    minutes = arguments.get("minutes", 10)
    thing = {
        "name": arguments.get("name", ""),
        "length_s": minutes * 60,
        "left_s": minutes * 60,
        "time": arguments.get("time", "07:00"),
        "date": "2026-11-25",
        "weekdays": arguments.get("weekdays", []),
        "text": arguments.get("text", "call the dentist"),
    }
    other = {**thing, "name": "other", "length_s": 4321, "left_s": 4321, "time": "03:21"}
    return {look.removeprefix("list_"): [thing, {**other, "text": "something else"}]}


def calls_after_yes(
    thinker: Thinker,
    utterance: str,
    tools: Sequence[FunctionTool],
    wanted: Sequence[tuple[str, dict[str, Any]]] = (),
) -> list[tuple[str, dict[str, Any]]]:
    """What the brain calls when it asks back, and is told yes; nothing where it did not ask."""
    said: list[ContextItem] = [Message("user", (TextPart(utterance),))]
    calls, text = _answered(thinker, said, tools)
    if calls or not text.endswith("?"):
        return []
    said += [Message("assistant", (TextPart(text),)), Message("user", (TextPart("Yes."),))]
    return _after_looks(thinker, said, tools, wanted)


def _answered(
    thinker: Thinker, items: Sequence[ContextItem], tools: Sequence[FunctionTool]
) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    pieces = list(thinker.answer(ThinkRequest(items, "", tools), Cancellation()))
    calls = [(p.name, json.loads(p.arguments)) for p in pieces if isinstance(p, ToolCallPiece)]
    return calls, "".join(p.text for p in pieces if isinstance(p, TextPiece))


def misses(
    thinker: LayeredThinker,
    cases: Iterable[Case],
    tools: Sequence[FunctionTool],
    heard: Callable[[Case], str] = lambda case: case.says,
) -> Iterator[Miss]:
    """Yield every case that comes out wrong; ``heard`` is what was made of its words."""
    for case in cases:
        utterance = heard(case)
        wanted = list(case.calls or ())
        calls = calls_of(thinker, utterance, tools, wanted)
        if not is_same(calls, wanted):
            yield Miss(case, f"{utterance!r} called {calls}")
        elif case.intent and (found := thinker.intents(utterance)) != [case.intent]:
            yield Miss(case, f"{utterance!r} was understood as {found}")
        elif case.kind and (kind := str(thinker.kind(utterance))) != case.kind:
            yield Miss(case, f"{utterance!r} was taken for {kind}")


def is_same(
    calls: Sequence[tuple[str, dict[str, Any]]], wanted: Sequence[tuple[str, dict[str, Any]]]
) -> bool:
    """Compare calls; spans of time by their length, texts without regard to case."""
    return [_comparable(call) for call in calls] == [_comparable(call) for call in wanted]


def _comparable(call: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    name, arguments = call
    plain = {key: _plain(value) for key, value in arguments.items()}
    units = {"hours": 3600, "minutes": 60, "seconds": 1}
    span = sum(plain.pop(unit, 0) * size for unit, size in units.items())
    return name, plain | ({"span_s": span} if span else {})


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    return [_plain(part) for part in value] if isinstance(value, list) else value
