"""Tables of free phrasing: what is called at once, what after a "yes", and what wrongly."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device.brain.base.abilities import FunctionTool, Thinker
from device.brain.trial import Case, calls_after_yes, calls_of, is_same, read_table
from device.workshop.bench.figures import spread

_COUNTS = (
    "right",
    "right_after_yes",
    "declined",
    "wrong_question",
    "wrong_call",
    "false_call",
    "false_question",
)
TABLES = (
    "utterances_held_out.toml",
    "utterances_free.toml",
    "utterances_unseen.toml",
    "utterances_house.toml",
)


def read_tools(path: Path) -> list[FunctionTool]:
    """Read the tools that a table declares beside the appliance's own."""
    return [FunctionTool(**tool) for tool in tomllib.loads(path.read_text("utf-8")).get("tool", ())]


def phrasings(
    thinker: Thinker, folder: Path, tools: Sequence[FunctionTool]
) -> dict[str, dict[str, Any]]:
    """Judge the tables of a folder, those that are there, by their names."""
    paths = [folder / name for name in TABLES if (folder / name).is_file()]
    return {
        path.stem: judged(thinker, read_table(path), [*tools, *read_tools(path)]) for path in paths
    }


def judged(
    thinker: Thinker, cases: Sequence[Case], tools: Sequence[FunctionTool]
) -> dict[str, Any]:
    """Count what becomes of the cases whose calls are stated, and name what goes wrong."""
    counts = dict.fromkeys(_COUNTS, 0)
    taken, misses = [], []
    stated = [case for case in cases if case.calls is not None]
    for case in stated:
        began = time.perf_counter()
        calls = calls_of(thinker, case.says, tools)
        taken.append(time.perf_counter() - began)
        outcome, got = _outcome(case, calls, calls_after_yes(thinker, case.says, tools))
        if outcome:
            counts[outcome] += 1
        if outcome and not outcome.startswith("right"):
            misses.append(f"{outcome}: {case.says} {got or ''}".strip())
    wanting = sum(case.wants_action for case in stated)
    return {
        "wanting_action": wanting,
        "without_action": len(stated) - wanting,
        **counts,
        "understanding_s": spread(taken),
        "misses": misses,
    }


def in_a_line(table: dict[str, Any]) -> str:
    """Say the figures of one table, the misses left out."""
    names = ("wanting_action", "without_action", *_COUNTS)
    counts = [f"{table[name]} {name.replace('_', ' ')}" for name in names if table[name]]
    took = table["understanding_s"]
    return f"{', '.join(counts)}; p50 {took['p50'] * 1000:.0f} ms, p99 {took['p99'] * 1000:.0f} ms"


def _outcome(
    case: Case, calls: list[tuple[str, dict[str, Any]]], after_yes: list[tuple[str, dict[str, Any]]]
) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """Name what became of a case; nothing where nothing was wanted and nothing was done."""
    wanted, got = list(case.calls or ()), calls or after_yes
    if not wanted:
        return ("false_call" if calls else "false_question" if got else ""), got
    if is_same(got, wanted):
        return ("right" if calls else "right_after_yes"), got
    return ("wrong_call" if calls else "wrong_question" if got else "declined"), got
