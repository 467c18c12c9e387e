"""The doctor on other people's tools: each server, and what had to be left out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from device.doctor.findings import Verdict
from device.doctor.other_tools import check_other_tools
from device.settings import load_settings

pytest.importorskip("mcp")

BAD = Path(__file__).parents[2] / "support" / "bad_tool_server.py"


async def test_nothing_is_said_where_nothing_is_set_up(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f'[own_tools]\nfolder = "{tmp_path}/none"\n')
    assert await check_other_tools(load_settings(path)) == []


async def test_each_source_is_told_with_what_was_left_out(tmp_path: Path) -> None:
    own = tmp_path / "tools.d"
    own.mkdir()
    (own / "wrong.py").write_text("def f(:\n")
    path = tmp_path / "settings.toml"
    path.write_text(
        f'[own_tools]\nfolder = "{own}"\n'
        f'[[mcp]]\nname = "bad"\ncommand = ["{sys.executable}", "{BAD}"]\n'
        '[[mcp]]\nname = "gone"\ncommand = ["/nowhere/at/all"]\n'
        '[[mcp]]\nname = "far"\nurl = "http://hub.invalid/mcp"\n'
    )
    found = await check_other_tools(load_settings(path))
    said = {each.found: each for each in found if each.check == "tools of bad"}
    (bad,) = said.values()
    assert bad.verdict is Verdict.WARNING
    assert "left out: recursive: parameters.a contains itself" in bad.found
    by_name = {each.check: each for each in found}
    assert "wrong.py:1: invalid syntax" in by_name["tools of own"].found
    assert "No such file" in by_name["tools of gone"].found
    assert "it reaches nobody" in by_name["tools of far"].found
