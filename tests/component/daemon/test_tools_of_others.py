"""Other people's tools in the running appliance: called in a turn, changed while it runs."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mcp")

from waiting import until

from device.assistant import inputs
from device.assistant.states import State
from device.audio.files import FileMicrophone, FileSpeaker, write_sound
from device.daemon.service import begin_service
from device.house.appliance import Hardware
from device.settings import load_settings
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import script_from

SERVER = Path(__file__).parents[2] / "support" / "bad_tool_server.py"
SERVERS = f"""
[[mcp]]
name = "bad"
command = ["{sys.executable}", "{SERVER}"]
deny = ["die"]
[[mcp]]
name = "dead"
command = ["/bin/false"]
"""
OWN = 'def airing() -> str:\n    """Say how to air a room."""\n    return "Open the window."\n'


def calls(name: str, **arguments: object) -> dict[str, Any]:
    return {"items": [{"call": name, "arguments": arguments}]}


SAYS = {"items": [{"say": "Done.", "audio_ms": 40}]}


@pytest.fixture
async def appliance_asked(settings, tmp_path: Path):
    """Return a function that opens an appliance at a cloud with these answers."""
    begun = []

    async def begin(more: str, *answers: dict[str, Any]) -> Any:
        silence = tmp_path / "silence.wav"
        write_sound(silence, np.zeros(24_000, np.int16), 24_000)
        cloud = await Cloud(script_from({"answers": list(answers)})).__aenter__()
        begun.append(lambda: cloud.__aexit__(None, None, None))
        spoken = (tmp_path / f"spoken-{number}.wav" for number in range(9))
        hardware = Hardware(lambda _: FileMicrophone(silence), lambda _: FileSpeaker(next(spoken)))
        own = f'[own_tools]\nfolder = "{tmp_path}/tools.d"\n'
        loaded = settings.load(settings.endpoint("cloud", cloud.url), more=own + more)
        service = await begin_service(loaded, lambda: load_settings(loaded.user_file), hardware)
        begun.append(service.stop)
        return service.appliance, cloud

    yield begin
    for end in reversed(begun):
        await end()


async def soon(happened: Any) -> None:
    await until(happened, asyncio.Event(), 20.0)


def offered(appliance: Any) -> list[str]:
    return [tool["name"] for tool in appliance.room.conductor.parts.registry.tools()]


async def ask(appliance: Any) -> None:
    appliance.room.conductor.feed(inputs.Asked("Do it."))
    await soon(lambda: appliance.room.state is not State.IDLE)
    await soon(lambda: appliance.room.is_at_rest)


def outputs(cloud: Cloud) -> list[dict[str, Any]]:
    return [
        json.loads(raw["item"]["output"])
        for visit in cloud.visits
        for raw in visit.of_type("conversation.item.create")
        if raw["item"]["type"] == "function_call_output"
    ]


async def test_a_tool_of_a_server_is_called_in_a_turn(appliance_asked) -> None:
    appliance, cloud = await appliance_asked(SERVERS, calls("bad_echo", text="hello"), SAYS)
    await soon(lambda: "bad_echo" in offered(appliance))
    assert "bad_die" not in offered(appliance)
    await ask(appliance)
    assert [each["result"] for each in outputs(cloud)] == ["you said hello"]


async def test_a_server_that_is_away_is_a_sentence_at_once(appliance_asked) -> None:
    appliance, cloud = await appliance_asked(
        SERVERS.replace('deny = ["die"]', ""), calls("bad_die"), calls("bad_echo", text="x"), SAYS
    )
    await soon(lambda: "bad_echo" in offered(appliance))
    await ask(appliance)
    assert "Connection closed" in outputs(cloud)[0]["error"]
    said = outputs(cloud)[1]
    assert said["spoken"] == "Sorry, that didn't work: bad is not there at the moment."


async def test_servers_come_and_go_with_the_settings(appliance_asked) -> None:
    appliance, _ = await appliance_asked("")
    assert not any(name.startswith("bad_") for name in offered(appliance))
    path = appliance.loaded.user_file
    text = path.read_text()
    path.write_text(text + SERVERS)
    await appliance.reload()
    await soon(lambda: "bad_echo" in offered(appliance))
    path.write_text(text + SERVERS.replace('deny = ["die"]', 'allow = ["hang"]'))
    await appliance.reload()
    assert "bad_echo" not in offered(appliance), "not for a moment after it was forbidden"
    await soon(lambda: "bad_hang" in offered(appliance))
    path.write_text(text)
    await appliance.reload()
    assert not any(name.startswith("bad_") for name in offered(appliance))


async def test_the_first_own_tool_is_offered_after_a_reload(appliance_asked, tmp_path) -> None:
    appliance, cloud = await appliance_asked("", calls("airing"), SAYS)
    (tmp_path / "tools.d").mkdir()
    (tmp_path / "tools.d" / "airing.py").write_text(OWN)
    await appliance.reload()
    await soon(lambda: "airing" in offered(appliance))
    await ask(appliance)
    assert [each["result"] for each in outputs(cloud)] == ["Open the window."]
