"""Every sentence of docs/privacy.md is in a table with the test that fails when it is untrue."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "privacy.md"
TABLE = REPOSITORY / "tests" / "data" / "privacy_promises.toml"
ENTRIES: list[dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["sentence"]


def sentences() -> list[str]:
    """Of the paragraphs, and the rows of the tables; commands are left out."""
    text = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    found: list[str] = []
    for block in map(str.strip, re.split(r"\n\s*\n", text)):
        if not block or block.startswith("#"):
            continue
        if block.startswith("|"):
            found += [line.strip() for line in block.splitlines()[2:]]
            continue
        for item in re.split(r"\n(?=\* )", block):
            found += re.split(r"(?<=[.?!:])\s+(?=[A-Z`*])", " ".join(item.split()))
    return found


def test_every_sentence_is_in_the_table_and_no_other() -> None:
    assert [entry["says"] for entry in ENTRIES] == sentences(), (
        f"the page has changed: say in {TABLE.name} what shows the new sentence"
    )


def test_each_has_a_proof_or_says_why_not() -> None:
    for entry in ENTRIES:
        kinds = {"proofs", "explains", "untested"} & entry.keys()
        assert len(kinds) == 1, entry["says"]
        assert entry.get("proofs") != [], entry["says"]


@pytest.mark.parametrize(
    "proof", sorted({proof for entry in ENTRIES for proof in entry.get("proofs", [])})
)
def test_every_proof_is_there(proof: str) -> None:
    file, _, name = proof.partition("::")
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    assert (f"def {name}(" if file.endswith(".py") else name) in text
