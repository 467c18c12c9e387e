"""What was found out about an endpoint: over restarts, and until it is of no use any more."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from device.house.remembered import GOOD_FOR_S, EndpointMemory
from device.realtime.addresses import UrlShape
from device.realtime.dialect import Dialect
from device.realtime.endpoint import Auth, Endpoint
from device.settings import tree
from device.settings.tree import Settings

SECRET = "key-in-the-query"
CHOSEN = tree.Endpoint(name="attic", url=f"ws://attic.lan/?token={SECRET}", model="m")
SETTINGS = Settings(endpoint=(CHOSEN,))
ASKED = Endpoint("attic", CHOSEN.url, "m")
FOUND = ASKED.learned(
    dialect=Dialect.BETA,
    refused="audio.output.speed",
    greets_late=True,
    shape=UrlShape.AZURE,
    auth=Auth.API_KEY,
)


async def learned(path: Path, found: Endpoint = FOUND, now_s: float = 1e9) -> None:
    memory = EndpointMemory(path, SETTINGS, lambda: now_s)
    memory.of(SETTINGS, CHOSEN).keep(ASKED, found)
    await memory.close()


def recalled(
    path: Path, settings: Settings = SETTINGS, chosen: tree.Endpoint = CHOSEN, now_s: float = 1e9
) -> Endpoint:
    return EndpointMemory(path, settings, lambda: now_s).of(settings, chosen).recall(ASKED)


async def test_all_that_was_found_out_survives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    assert recalled(file) == ASKED
    await learned(file)
    assert recalled(file) == FOUND
    assert SECRET not in file.read_text()


@pytest.mark.parametrize(
    "change",
    [{"model": "n"}, {"url": "ws://attic.lan/v1"}, {"voice": "marin"}, {"dialect": "ga"}],
)
async def test_changed_settings_are_found_out_anew(tmp_path: Path, change: dict[str, str]) -> None:
    file = tmp_path / "endpoints.json"
    await learned(file)
    other = dataclasses.replace(CHOSEN, **change)  # type: ignore[arg-type]
    settings = Settings(endpoint=(other,))
    assert recalled(file, settings, other) == ASKED
    memory = EndpointMemory(file, settings)
    await memory.close()
    assert recalled(file) == ASKED  # what was known of the old ones is gone from the file


async def test_a_voice_that_was_refused_for_all_is_asked_for_again_once_it_is_another(
    tmp_path: Path,
) -> None:
    file = tmp_path / "endpoints.json"
    await learned(file)
    voice = dataclasses.replace(SETTINGS.assistant, voice="cedar")
    settings = dataclasses.replace(SETTINGS, assistant=voice)
    assert recalled(file, settings) == ASKED


async def test_after_a_month_it_is_found_out_anew(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    await learned(file)
    assert recalled(file, now_s=1e9 + GOOD_FOR_S - 1) == FOUND
    assert recalled(file, now_s=1e9 + GOOD_FOR_S) == ASKED
    assert recalled(file, now_s=1e9 - GOOD_FOR_S) == FOUND  # a clock that was put back
    memory = EndpointMemory(file, SETTINGS, lambda: 1e9 + GOOD_FOR_S)
    await memory.close()
    assert file.read_text() == "{}"


async def test_what_the_settings_had_right_needs_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    await learned(file)
    await learned(file, ASKED)
    assert recalled(file) == ASKED


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"\xff", b"[]"])
async def test_a_broken_file_costs_what_was_known_and_is_mended(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "endpoints.json"
    file.write_bytes(content)
    assert recalled(file) == ASKED
    assert "cannot be read" in caplog.text
    await learned(file)
    assert recalled(file) == FOUND
