"""Servers made by others, of both eras of the protocol, over the whole way of a call.

They lie in an environment of their own (`tests/clients/prepare` makes it).
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("mcp")

from tool_hosting import hosting
from waiting import until

from device.toolhost.mcp_source import McpSource
from device.toolhost.plans import ServerPlan

SERVERS = Path(__file__).resolve().parents[3] / "build" / "test-servers"
OF_NPM = SERVERS / "npm" / "node_modules" / ".bin"


def server(name: str, program: Path, *arguments: str, timeout_s: float = 10.0) -> McpSource:
    if not program.exists():
        pytest.skip(f"there is no {program.name}; tests/clients/prepare brings it")
    return McpSource(ServerPlan(name, (str(program), *arguments), timeout_s=timeout_s), os.environ)


def children(parent: int, name: str) -> list[int]:
    """Processes that a process has started, whose command line has this name in it."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit()
        and f"PPid:\t{parent}\n" in (entry / "status").read_text()
        and name in (entry / "cmdline").read_text()
    ]


async def test_the_time_by_the_protocol_of_2026(tmp_path: Path) -> None:
    source = server("time", SERVERS / "bin" / "mcp-server-time", "--local-timezone", "UTC")
    async with hosting(tmp_path, [source]) as house:
        await house.until_ready("time")
        assert house.hosted.told["time"].detail.endswith("protocol 2026-07-28")
        said = await house.call("time_get_current_time", timezone="Asia/Tokyo")
        assert said["result"]["timezone"] == "Asia/Tokyo"
        assert "+09:00" in said["result"]["datetime"]
        wrong = await house.call("time_get_current_time", timezone="Nowhere/None")
        assert "Nowhere/None" in wrong["error"]
        assert "timezone is missing" in (await house.call("time_get_current_time"))["error"]


async def test_a_repository_of_git(tmp_path: Path) -> None:
    source = server("git", SERVERS / "bin" / "mcp-server-git")
    place = str(tmp_path / "notes")
    made = ["git", "init", "--quiet", "--initial-branch=shopping", place]
    await asyncio.to_thread(subprocess.run, made, check=True)
    async with hosting(tmp_path, [source]) as house:
        await house.until_ready("git")
        # Names that begin with the server's are not given it twice.
        assert "git_status" in house.names()
        assert not any(name.startswith("git_git_") for name in house.names())
        assert "shopping" in (await house.call("git_status", repo_path=place))["result"]


async def test_everything_by_the_protocol_of_2025(tmp_path: Path) -> None:
    source = server("all", OF_NPM / "mcp-server-everything", timeout_s=1.0)
    async with hosting(tmp_path, [source]) as house:
        await house.until_ready("all")
        assert house.hosted.told["all"].detail.endswith("protocol 2025-11-25")
        assert house.hosted.offers["all"].left_out == ()
        assert "hi" in (await house.call("all_echo", message="hi"))["result"]
        assert "5" in (await house.call("all_get-sum", a=2, b="3"))["result"]
        weather = await house.call("all_get-structured-content", location="Chicago")
        assert "temperature" in weather["result"]
        picture = await house.call("all_get-tiny-image")
        assert "[image]" in picture["result"]
        late = await house.call("all_trigger-long-running-operation", duration=20, steps=2)
        assert late["error"] == "all did not answer within 1 s"
        # It is slow and not dead: the session goes on.
        assert "still" in (await house.call("all_echo", message="still"))["result"]
        assert house.hosted.told["all"].is_ready


async def test_files_within_a_folder(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "note.txt").write_text("milk and bread")
    (tmp_path / "secret.txt").write_text("no")
    source = server("files", OF_NPM / "mcp-server-filesystem", str(shared))
    async with hosting(tmp_path, [source]) as house:
        await house.until_ready("files")
        said = await house.call("files_read_text_file", path=str(shared / "note.txt"))
        assert "milk and bread" in str(said["result"])
        refused = await house.call("files_read_text_file", path=str(tmp_path / "secret.txt"))
        assert "outside" in refused["error"]


async def test_one_that_is_killed_comes_back(tmp_path: Path) -> None:
    source = server("time", SERVERS / "bin" / "mcp-server-time")
    async with hosting(tmp_path, [source]) as house:
        await house.until_ready("time")
        (child,) = children(os.getpid(), "mcp-server-time")
        os.kill(child, signal.SIGKILL)
        await house.until_away("time")
        await until(lambda: house.hosted.told["time"].is_ready, asyncio.Event(), 20.0)
        assert "result" in await house.call("time_get_current_time", timezone="UTC")
