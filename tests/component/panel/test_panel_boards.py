"""The shipped boards, and the mistakes in one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from device.panel.boards import (
    Board,
    BoardError,
    board_names,
    load_board,
    parse_board,
    used_pins,
    with_actions,
)
from device.panel.describe import describe
from device.panel.wiring import lamps_of
from device.schema.document import parse_document

NAMES = [
    "adafruit-voice-bonnet",
    "i2s-inmp441-max98357a",
    "led-and-button",
    "none",
    "respeaker-2mic",
    "respeaker-2mic-v2",
    "respeaker-4mic",
    "rgb-two-buttons",
    "ws2812-ring",
]


def test_all_boards_are_there() -> None:
    assert board_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_board_is_good(name: str, pins: MockFactory) -> None:
    board = load_board(name)
    assert describe(board).startswith(board.title)
    lamps = lamps_of(board, lambda: pins)
    assert len(lamps) == (board.lights.kind != "none")
    if board.lights.kind == "apa102":
        assert lamps[0].leds == board.lights.count


@pytest.mark.parametrize("name", NAMES)
def test_the_wires_of_a_board_are_on_the_pins_they_name(name: str, pins: MockFactory) -> None:
    """gpiozero knows the 40-pin header; a wrong wire could harm the Pi."""
    header = pins.board_info.headers["J8"]
    for wire in load_board(name).wire:
        pin = header.pins[wire.header]
        note = wire.note.split(":")[0].split(",")[0].split(";")[0]
        expected = {"ground": "GND", "3.3 V": "3V3", "5 V": "5V"}.get(note, note)
        assert pin.name == expected, f"{wire.part}: pin {wire.header} is {pin.name}"


@pytest.mark.parametrize("name", NAMES)
def test_every_line_that_is_to_be_wired_by_hand_is_in_the_table(name: str) -> None:
    board = load_board(name)
    notes = " ".join(wire.note for wire in board.wire)
    if board.wire:
        for line, user in used_pins(board):
            if user == "lights (SPI)" and line != 10 and board.lights.kind == "ws2812":
                continue  # taken by the bus, and not wired: a WS2812 listens to data alone
            assert f"GPIO{line}" in notes, f"{user} on GPIO{line}"


@pytest.mark.parametrize("name", NAMES)
def test_a_board_says_what_the_pi_must_load(name: str) -> None:
    board = load_board(name)
    lines = board.boot.config_txt
    if board.lights.kind in ("apa102", "ws2812") and board.lights.data_pin < 0:
        assert "dtparam=spi=on" in lines
    if board.sound.uses_i2s:
        has_overlay = any(line.startswith("dtoverlay=") for line in lines)
        assert has_overlay or board.boot.needs_other_driver


def mistakes(text: str) -> list[str]:
    with pytest.raises(BoardError) as caught:
        parse_board(parse_document(text.encode(), "b.toml"))
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "b.toml: expected the key title"),
        (
            "title='x'\nbuttons = 1",
            "b.toml:2: buttons = 1: there is no such key; did you mean button?",
        ),
        (
            "title='x'\n[lights]\nkind='rgb'\nred=1",
            "b.toml: lights: expected the lines red, green and blue",
        ),
        ("title='x'\n[lights]\nkind='led'", "b.toml: lights.pin: expected the line of the LED"),
        (
            "title='x'\n[lights]\nkind='led'\npin=28",
            "b.toml:4: lights.pin = 28: expected -1 (not connected) or a whole number, 0 to 27",
        ),
        (
            "title='x'\n[lights]\nkind='neon'",
            'b.toml:3: lights.kind = "neon": '
            'expected one of "none", "led", "rgb", "apa102", "ws2812"',
        ),
        (
            "title='x'\n[lights]\nkind='led'\npin=23\n[[button]]\nname='a'\npin=23",
            "b.toml: GPIO23: expected one use of this line, found lights.pin and button a",
        ),
        (
            "title='x'\n[[button]]\nname='a'\npin=19\n[sound]\nuses_i2s=true",
            "b.toml: GPIO19: expected one use of this line, found button a and sound (I2S)",
        ),
        (
            "title='x'\n[lights]\nkind='ws2812'\n[[button]]\nname='a'\npin=10",
            "b.toml: GPIO10: expected one use of this line, found lights (SPI) and button a",
        ),
        (
            "title='x'\n[lights]\nkind='ws2812'\ndata_pin=5\nclock_pin=6",
            "b.toml: lights.data_pin: expected ws2812 on an SPI bus: its timing needs one",
        ),
        (
            "title='x'\n[lights]\nkind='apa102'\ndata_pin=5",
            "b.toml: lights: expected data_pin and clock_pin, both or neither",
        ),
        (
            "title='x'\n[[button]]\nname='a'\npin=5\npress='explode'",
            'b.toml:5: button#1.press = "explode": expected one of "none", "talk", "stop", '
            '"mute", "volume_up", "volume_down", "pair", "factory_reset"',
        ),
        ("title='x'\n[[button]]\nname='a'", "b.toml:2: button#1: expected the key pin"),
        (
            "title='x'\n[[button]]\nname='a'\npin=5\n[[button]]\nname='a'\npin=6",
            'b.toml: button: expected one button of the name "a"',
        ),
        (
            "title='x'\n[boot]\nconfig_txt=['rm -rf /']",
            'b.toml:3: boot.config_txt = ["rm -rf /"]: '
            'expected a list of lines such as "dtparam=spi=on"',
        ),
        (
            "title='x'\n[[sound.mixer]]\ncontrol='PCM'",
            "b.toml:2: sound.mixer#1: expected the key value",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(text: str, message: str) -> None:
    assert mistakes(text) == [message]


def test_an_unknown_board_is_answered_with_those_there_are() -> None:
    with pytest.raises(BoardError, match="did you mean respeaker-2mic"):
        load_board("respeaker-2mics")


def test_a_board_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("title = 'Mine'\n[lights]\nkind = 'led'\npin = 4\n")
    assert load_board(str(path)).title == "Mine"
    with pytest.raises(BoardError, match="there is no such file"):
        load_board(str(tmp_path / "other.toml"))


def test_the_settings_can_give_the_first_button_other_actions() -> None:
    board = load_board("rgb-two-buttons")
    changed = with_actions(board, press="stop", double="", long="none", very_long="pair")
    first, second = changed.button
    assert (first.press, first.double, first.long, first.very_long) == (
        "stop", "none", "none", "pair",
    )  # fmt: skip
    assert second == board.button[1]
    assert with_actions(Board(title="x"), press="stop") == Board(title="x")


def test_gpiozero_agrees_that_the_lines_exist(pins: MockFactory) -> None:
    for name in NAMES:
        for line, _ in used_pins(load_board(name)):
            assert pins.pin(line).info.name == f"GPIO{line}"
