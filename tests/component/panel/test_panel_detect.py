"""Guessing the board from what a kernel would show."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.panel.boards import Board, board_names, load_board, parse_board
from device.panel.detect import Found, SoundCard, guesses, look
from device.schema.document import parse_document

BOARDS = {name: load_board(name) for name in board_names()}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The files of a Raspberry Pi 4 with HDMI, a WM8960 and a speakerphone on USB."""
    (tmp_path / "proc/device-tree/hat").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    (tmp_path / "proc/device-tree/hat/vendor").write_bytes(b"Somebody\0")
    (tmp_path / "proc/device-tree/hat/product").write_bytes(b"Talking HAT\0")
    asound = tmp_path / "proc/asound"
    (asound / "card1/pcm0p").mkdir(parents=True)
    (asound / "card1/pcm0c").mkdir()
    (asound / "card2/pcm0c").mkdir(parents=True)
    (asound / "card2/usbid").write_text("0b0e:0420\n")
    (asound / "cards").write_text(
        " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n"
        "                      vc4-hdmi\n"
        " 1 [wm8960soundcard]: simple-card - wm8960-soundcard\n"
        "                      wm8960-soundcard\n"
        " 2 [USB            ]: USB-Audio - Jabra SPEAK 510 USB\n"
        "                      Jabra Jabra SPEAK 510 USB at usb-0000:01:00.0-1.3, full speed\n"
    )
    return tmp_path


def test_what_is_found(machine: Path) -> None:
    assert look(machine) == Found(
        "Raspberry Pi 4 Model B Rev 1.4",
        "Somebody Talking HAT",
        (
            SoundCard(0, "vc4hdmi", "vc4-hdmi - vc4-hdmi"),
            SoundCard(
                1, "wm8960soundcard", "simple-card - wm8960-soundcard", captures=True, plays=True
            ),
            SoundCard(2, "USB", "USB-Audio - Jabra SPEAK 510 USB", "0b0e:0420", captures=True),
        ),
    )


def test_two_boards_with_the_same_codec_are_both_named(machine: Path) -> None:
    names = [guess.board for guess in guesses(look(machine), BOARDS)]
    assert names == ["adafruit-voice-bonnet", "respeaker-2mic"]


def test_the_eeprom_comes_first(machine: Path) -> None:
    talking: Board = parse_board(
        parse_document(b"title='Talking'\n[detect]\nhats=['talking hat']", "x")
    )
    first, *_ = guesses(look(machine), {**BOARDS, "talking": talking})
    assert (first.board, first.why) == (
        "talking",
        'the EEPROM of the HAT says "Somebody Talking HAT"',
    )


@pytest.mark.parametrize(
    ("card", "board"),
    [
        ("seeed2micvoicec", "respeaker-2mic-v2"),
        ("seeed2micvoicec_1", "respeaker-2mic-v2"),
        ("seeed4micvoicec", "respeaker-4mic"),
        ("sndrpigooglevoi", "i2s-inmp441-max98357a"),
        ("vc4hdmi", "none"),
        ("seeed2micvoicecx", "none"),
    ],
)
def test_each_card_has_its_board(card: str, board: str) -> None:
    (guess,) = guesses(Found(cards=(SoundCard(0, card, ""),)), BOARDS)
    assert guess.board == board


def test_a_microphone_on_usb_needs_no_board() -> None:
    card = SoundCard(3, "USB", "USB-Audio - Jabra", "0b0e:0420", captures=True)
    (guess,) = guesses(Found(cards=(card,)), BOARDS)
    assert guess.board == "none"
    assert guess.why == "there is a microphone on USB: USB-Audio - Jabra (0b0e:0420)"


def test_a_machine_that_shows_nothing(tmp_path: Path) -> None:
    assert look(tmp_path) == Found()
    (guess,) = guesses(Found(), BOARDS)
    assert guess.board == "none"
