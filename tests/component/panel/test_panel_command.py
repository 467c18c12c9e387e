"""``bittern panel`` and the terminal lamp, as a person sees them."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from device.assistant.states import State
from device.panel.output import PanelError
from device.panel.terminal import TerminalLights, caption
from device.panel.view import PanelView

REPOSITORY = Path(__file__).parents[3]


def bittern(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "device", "panel", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=REPOSITORY,
    )


def test_the_demo_shows_every_state() -> None:
    done = bittern("demo", "--seconds", "0.1")
    assert (done.returncode, done.stderr) == (0, "")
    for state in State:
        assert f"[panel] {state.value.replace('_', ' ')}" in done.stdout
    assert "(local brain)" in done.stdout
    assert "volume 100%" in done.stdout


def test_a_demo_on_hardware_that_is_not_there_says_so_and_fails() -> None:
    done = bittern("demo", "--seconds", "0.1", "--board", "respeaker-2mic")
    if Path("/dev/spidev0.0").exists():
        pytest.skip("this machine has an SPI bus")
    assert done.returncode == 1
    assert "cannot open /dev/spidev0.0: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_name_it_is_the_board_of_the_settings(tmp_path: Path) -> None:
    settings = tmp_path / "mine.toml"
    settings.write_text('[panel]\nboard = "led-and-button"\n')
    done = bittern("test", "--seconds", "0.1", BITTERN_CONFIG=str(settings))
    assert "One LED and one button; buttons: talk (GPIO23)" in done.stdout


def test_boards_as_json() -> None:
    lines = bittern("boards", "--json").stdout.splitlines()
    boards = {board["name"]: board for board in map(json.loads, lines)}
    assert boards["respeaker-2mic"]["lights"]["count"] == 3
    assert boards["i2s-inmp441-max98357a"]["boot"]["config_txt"] == [
        "dtoverlay=googlevoicehat-soundcard"
    ]


def test_one_board_with_its_wires() -> None:
    text = bittern("boards", "led-and-button").stdout
    assert "pin 16 (GPIO23): button, one side" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--board", "nope"], "expected a board of: "),
        (["demo", "--seconds", "x"], "expected a number of seconds, above 0, not 'x'"),
        (["demo", "--seconds", "nan"], "expected a number of seconds, above 0, not 'nan'"),
        (["demo", "--brightness", "101"], "expected a whole number from 0 to 100, not '101'"),
    ],
)
def test_wrong_arguments_are_a_clear_message(arguments: list[str], message: str) -> None:
    done = bittern(*arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_on_a_terminal_there_is_one_line_that_changes() -> None:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as stream:
        lamp = TerminalLights(stream, leds=2)
        lamp.open()
        lamp.write(((1.0, 0.0, 0.0), (0.0, 0.0, 0.0)), PanelView(State.MUTED))
        lamp.close()
        content = b""
        while select.select([leader], [], [], 0.2)[0]:
            content += os.read(leader, 4096)
    os.close(leader)
    text = content.decode()
    assert text.startswith("\r\x1b[2K\x1b[38;2;255;0;0m●\x1b[90m○\x1b[0m  muted")
    assert text.endswith("\r\x1b[2K")
    assert "\n" not in text


def test_elsewhere_there_is_a_line_for_each_new_state() -> None:
    stream = io.StringIO()
    lamp = TerminalLights(stream, leds=1)
    for level in (0.0, 0.5):
        lamp.write(((0.0, level, 1.0),), PanelView(State.LISTENING, level=level))
    lamp.write(((0.0, 0.0, 1.0),), PanelView(State.SPEAKING, is_local=True))
    lamp.close()
    assert stream.getvalue() == "[panel] listening\n[panel] speaking (local brain)\n"


def test_a_terminal_that_went_away_is_a_broken_lamp() -> None:
    stream = io.StringIO()
    lamp = TerminalLights(stream)
    stream.close()
    with pytest.raises(PanelError, match="cannot write to the terminal"):
        lamp._put("x")


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (PanelView(State.FOLLOW_UP), "follow up"),
        (PanelView(State.SPEAKING, muted=True), "muted"),
        (PanelView(State.FAULTED, fault="no microphone"), "faulted: no microphone"),
        (PanelView(State.IDLE, volume=0.3), "volume 30%"),
    ],
)
def test_captions(view: PanelView, words: str) -> None:
    assert caption(view) == words
