"""One normal example of every event, and the judgement of OpenAI's own types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

HERE = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for side in ("client", "server"):
        if f"{side}_example" in metafunc.fixturenames:
            lines = (HERE / f"{side}_examples.jsonl").read_text().splitlines()
            names = [f"{number}-{line[9:40]}" for number, line in enumerate(lines)]
            metafunc.parametrize(f"{side}_example", lines, ids=names)


@pytest.fixture(scope="session")
def openai_accepts_from_client() -> Callable[[Any], Any]:
    return TypeAdapter(RealtimeClientEvent).validate_python


@pytest.fixture(scope="session")
def openai_accepts_from_server() -> Callable[[Any], Any]:
    return TypeAdapter(RealtimeServerEvent).validate_python
