"""A bug of ours in the connection to the host of other people's tools."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from waiting import until

from device.house.other_tools import OtherTools
from device.settings.tree import Mcp, Settings
from device.tools.hosted.hosted import HostedTools


async def test_it_is_told_and_a_reload_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: HostedTools) -> None:
        raise KeyError("a bug of ours")

    settings = Settings(mcp=(Mcp(name="time", command=("/nowhere/server",)),))
    others = OtherTools(tmp_path / "tools.sock", None)
    with monkeypatch.context() as patch:
        patch.setattr(HostedTools, "run", broken)
        await others.adopt(settings)
        await until(lambda: "gone until `bittern reload`" in caplog.text, asyncio.Event(), 5.0)
    assert others.is_outdated(settings)
    await others.adopt(settings)
    assert not others.is_outdated(settings)
    await others.close()
