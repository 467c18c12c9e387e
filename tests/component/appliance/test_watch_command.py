"""``bittern watch`` against a control socket: one line an event, or JSON, until the end."""

from __future__ import annotations

import asyncio
import json

import pytest

from device.appliance.control import ControlServer
from device.appliance.feed import Feed
from device.cli import main
from device.cli.watch import status_line

STATUS = {
    "event": "status",
    "at_unix_s": 1.0,
    "state": "listening",
    "fault": "",
    "is_ringing": True,
    "volume_percent": 100,
    "endpoint": "openai",
    "level": 1.0,
    "spent_usd": 12.3456,
}
WAKE = {"event": "wake", "turn": 1, "at_unix_s": 1.0, "word": "hey \x1b[31mjarvis", "score": 0.951}


@pytest.fixture
async def path(tmp_path):
    async def answer(_):
        feed = Feed(lambda _: None)
        for event in (STATUS, STATUS, WAKE):
            feed.put(event)
        asyncio.get_running_loop().call_later(0.3, feed.close)
        return feed

    server = ControlServer(tmp_path / "control.sock", answer)
    await server.start()
    yield server.path
    await server.close()


async def watched(path, *words: str) -> int:
    return await asyncio.to_thread(main, ["watch", "--socket", str(path), *words])


async def test_for_people_a_line_an_event_and_a_state_once(path, capsys):
    assert await watched(path) == 1
    captured = capsys.readouterr()
    state, wake = captured.out.splitlines()
    assert "listening" in state
    assert "score 0.95" in wake
    assert "\x1b" not in captured.out
    assert "has ended this view" in captured.err


async def test_as_json_every_event_as_it_came(path, capsys):
    assert await watched(path, "--json") == 1
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        STATUS, STATUS, WAKE
    ]  # fmt: skip


async def test_nobody_there_is_said(tmp_path, capsys):
    assert await watched(tmp_path / "none.sock") == 1
    assert "no appliance listens" in capsys.readouterr().err


def test_how_it_is_fits_80_columns():
    assert len(status_line(STATUS)) < 80
