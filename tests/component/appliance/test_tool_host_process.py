"""The host of other people's tools as a child: it ends with us, and takes along what it started."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from waiting import until

from device.appliance.tool_host import ToolHostError, ToolHostProcess
from device.tools.hosted.messages import LONGEST_LINE_BYTES

pytest.importorskip("mcp")

STAYS = "612.25"
"""An argument of ``sleep`` that nobody else has."""


def host(folder: Path, text: str) -> ToolHostProcess:
    settings = folder / "settings.toml"
    settings.write_text(f'[own_tools]\nfolder = "{folder}/none"\n{text}')
    arguments = ("--config", str(settings))
    return ToolHostProcess(folder / "t.sock", arguments, LONGEST_LINE_BYTES, is_quiet=True)


def sleepers() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"\0{STAYS}\0" in (entry / "cmdline").read_text():
                found.append(entry.name)
        except OSError:
            continue  # it has ended meanwhile
    return found


async def test_nothing_it_has_started_outlives_it(tmp_path: Path) -> None:
    process = host(tmp_path, f'[[mcp]]\nname = "stays"\ncommand = ["/bin/sleep", "{STAYS}"]\n')
    _, writer = await process.connect()
    await until(sleepers, asyncio.Event(), 15.0)
    writer.close()
    await process.stop()
    await until(lambda: not sleepers(), asyncio.Event(), 3.0)


async def test_one_with_older_settings_makes_way_for_the_next(tmp_path: Path) -> None:
    """As when an owner tries one server after the other: the host is not ours to end."""
    process = host(tmp_path, "")
    reader, _ = await process.connect()
    assert b'"own"' in await reader.readline()
    host(tmp_path, f'[[mcp]]\nname = "stays"\ncommand = ["/bin/sleep", "{STAYS}"]\n')
    refused, _ = await process.connect()
    assert await refused.read() == b""
    assert await reader.read() == b""
    again, _ = await process.connect()
    assert b'"stays"' in await again.readline()
    await process.stop()


async def test_one_that_cannot_start_is_told_with_what_to_do(tmp_path: Path) -> None:
    process = host(tmp_path, "[nonsense]\n")
    with pytest.raises(ToolHostError, match=r"did not start .*bittern tools host"):
        await process.connect()
