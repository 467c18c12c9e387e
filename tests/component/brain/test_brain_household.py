"""Dialogues of a household, judged by the state of the house after each turn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from household import play

DATA = Path(__file__).parents[2] / "data" / "household"


@pytest.fixture
def stores() -> Iterator[Path]:
    """A folder in memory, where there is one: every case has a store of its own."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("table", "floor"), [("dev.toml", 0.97), ("held_out.toml", 0.9)])
def test_a_household_can_rely_on_it(table: str, floor: float, stores: Path) -> None:
    count, missed = play(DATA / table, stores)
    told = "\n".join(map(str, missed))
    assert len(missed) <= (1 - floor) * count, f"{len(missed)} of {count}:\n{told}"
    acts = [miss for miss in missed if miss.is_act]
    assert not acts, "\n".join(map(str, acts))
