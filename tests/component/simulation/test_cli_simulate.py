from __future__ import annotations

import asyncio
import json
import signal
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from device.cli import main
from device.realtime.endpoint import Endpoint
from device.realtime.events import (
    InputAudioBufferAppend,
    ResponseCreate,
    ResponseDone,
    pcm_to_base64,
)
from device.realtime.session import session_for
from device.realtime.websocket import WebSocketLink
from device.workshop.simulation.script import read_script


def test_the_example_is_a_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["simulate", "cloud", "--example"]) == 0
    example = tmp_path / "example.toml"
    example.write_text(capsys.readouterr().out)
    script = read_script(example)
    assert script.answers[0].items[0].call == "set_light"


@pytest.mark.parametrize("listen", ["nowhere", "host:port", "host:99999"])
def test_an_address_that_is_none(listen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "cloud", "--listen", listen]) == 2
    assert "expected HOST:PORT or unix:PATH" in capsys.readouterr().err


def test_a_script_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["simulate", "cloud", "--script", str(tmp_path / "no.toml")]) == 1
    assert "cannot read" in capsys.readouterr().err


async def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    script = tmp_path / "s.toml"
    script.write_text('[[answers]]\n[[answers.items]]\nsay = "Hello."\n')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "device", "simulate", "cloud", "--script", str(script),
        "--listen", "127.0.0.1:0", "--record", str(tmp_path / "kept"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    endpoint = Endpoint("cloud", line.split()[-1], key_required=False)
    link = await WebSocketLink.open(endpoint, session_for(endpoint, instructions="x"))
    link.send(InputAudioBufferAppend(audio=pcm_to_base64(np.full(2_400, 7, dtype=np.int16))))
    link.send(ResponseCreate())
    async for event in link.events():
        if isinstance(event, ResponseDone):
            break
    await link.close()
    process.send_signal(signal.SIGTERM)
    _, told = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert "  1 <- session.update" in told.decode()
    with wave.open(str(tmp_path / "kept" / "1.wav")) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (24_000, 2_400)
    kept = [json.loads(line) for line in (tmp_path / "kept" / "1.jsonl").read_text().splitlines()]
    assert kept[0]["event"]["type"] == "session.created"
    assert kept[-1]["event"]["type"] == "rate_limits.updated" or kept[-1]["way"] == "out"
