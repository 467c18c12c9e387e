"""What the brain says of the results of tools it knows nothing about."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.brain.answering.reports import report
from device.brain.base.abilities import ToolCall, ToolResult
from device.brain.understanding.intents.language import load_language

REPLIES = load_language(seed=1).replies
NOW = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
TABLE = Path(__file__).resolve().parents[2] / "data" / "tool_results.toml"
CASES: list[dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["results"]
DONE = {"Done.", "Okay, done."}


def told(output: str, tool: str = "tool", arguments: str = "{}") -> str:
    return report([(ToolCall("c", tool, arguments), ToolResult("c", output))], REPLIES, NOW)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["output"][:60])
def test_results_are_told_as_people_tell_them(case: dict[str, Any]) -> None:
    said = told(case["output"], case["tool"], case.get("arguments", "{}"))
    assert said == case["said"] or (case["said"] == "Done." and said in DONE)


def test_the_table_is_large_enough() -> None:
    assert len({case["tool"] for case in CASES}) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["output"][:60])
def test_no_word_of_a_program_is_said(case: dict[str, Any]) -> None:
    said = told(case["output"], case["tool"], case.get("arguments", "{}"))
    assert not re.search(r"[_{}\[\]<>\"]|\bnull\b|\bNone\b|[0-9a-f]{12}|https?:", said)


def test_a_long_text_ends_where_a_sentence_ends() -> None:
    said = told("Bees are insects that live in a hive. " * 60)
    assert len(said) <= 400
    assert said.endswith("in a hive.")
    cut = told("buzz " * 300)
    assert cut.endswith("…")
    assert len(cut) <= 401


def test_a_long_list_is_cut() -> None:
    assert told(json.dumps([f"thing {n}" for n in range(30)])).endswith("and twenty-six more.")


def test_two_results_are_told_one_after_the_other() -> None:
    results = [
        (ToolCall("a", "t", "{}"), ToolResult("a", '{"temperature_c": 21}')),
        (ToolCall("b", "t", "{}"), ToolResult("b", '{"error": "The door is open"}')),
    ]
    assert report(results, REPLIES, NOW) == "It's 21 degrees. That didn't work: the door is open."


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=12), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_result_becomes_one_or_more_sentences(value: object) -> None:
    said = told(json.dumps(value))
    assert said
    assert len(said) < 1500


@given(st.text(max_size=80))
def test_any_text_becomes_a_sentence(output: str) -> None:
    assert told(output)
