"""Watching a running service over its control socket, and calling its tools by hand."""

from __future__ import annotations

import asyncio
import json

import pytest

from device.cli import main
from device.house.watching import MOST_WATCHERS
from device.tools.alarms.entries import Kind
from tests.component.daemon.test_service import Running, run, running

__all__ = ["run", "running"]


async def _watch(running: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_unix_connection(running.socket)
    writer.write(b'{"command": "watch"}\n')
    return reader, writer


async def _turn(reader: asyncio.StreamReader) -> list[dict[str, object]]:
    events = []
    async with asyncio.timeout(20):
        while not events or events[-1]["event"] != "turn":
            events.append(json.loads(await reader.readline()))
    return events


@pytest.mark.parametrize("with_transcripts", [False, True])
async def test_a_turn_is_watched_with_words_only_where_the_owner_allows_them(
    run, settings, cloud_of, with_transcripts
):
    cloud = await cloud_of({"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]})
    log = f"[log]\ntranscripts = {str(with_transcripts).lower()}\n"
    running = await run(settings.load(settings.endpoint("cloud", cloud.url), more=log))
    reader, writer = await _watch(running)
    assert json.loads(await reader.readline())["ok"]
    asked = asyncio.create_task(running.order("ask", text="what time is it"))
    events = await _turn(reader)
    assert (await asked)["ok"]
    states = {event["state"] for event in events if event["event"] == "status"}
    assert "idle" in states
    (said,) = [event for event in events if event["event"] == "said"]
    assert said["endpoint"] == "cloud"
    assert ("text" in said) == with_transcripts
    assert ("noon" in json.dumps(events)) == with_transcripts
    assert events[-1]["first_audio_played_s"]
    writer.close()


async def test_nothing_is_done_when_nobody_watches(running):
    house = running.service.appliance.house
    before = len(house.listeners)
    watching = [await _watch(running) for _ in range(MOST_WATCHERS)]
    for reader, _ in watching:
        assert json.loads(await reader.readline())["ok"]
    assert len(house.listeners) == before + 1
    refused = await running.order("watch")
    assert (refused["ok"], refused["error"]) == (False, f"{MOST_WATCHERS} others are watching")
    for _, writer in watching:
        writer.close()
    async with asyncio.timeout(5):
        while len(house.listeners) > before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "watchers" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_timers_of_a_running_appliance_are_set_read_and_cancelled(running, capsys):
    async def bittern(*words: str) -> str:
        socket = ["--socket", str(running.socket)]
        assert await asyncio.to_thread(main, [words[0], *socket, *words[1:]]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return str(captured.out)

    assert "ten minutes" in await bittern("timers", "set", "10m", "--name", "tea")
    ringer = running.service.appliance.house.services.ringer
    assert [each.name for each in ringer.waiting(Kind.TIMER)] == ["tea"]
    assert "tea" in await bittern("timers")
    for _ in range(40):  # more than a model may call in one turn
        await running.order("tool", name="list_timers")
    await bittern("timers", "cancel", "tea")
    assert "no timers" in (await bittern("timers")).lower()
    await bittern("lists", "add", "shopping", "milk", "bread")
    assert "milk" in await bittern("lists", "show", "shopping")
    await bittern("alarms", "set", "6:45", "--every", "monday", "friday")
    assert "six forty-five" in await bittern("alarms")
    await bittern("reminders", "set", "call mum", "--in", "2h")
    assert "call mum" in await bittern("reminders")


async def test_a_tool_call_needs_a_name_and_an_object(running):
    assert not (await running.order("tool"))["ok"]
    assert not (await running.order("tool", name="list_timers", arguments=[1]))["ok"]
    unknown = await running.order("tool", name="fly", arguments={})
    assert (unknown["ok"], unknown["is_error"]) == (True, True)
