"""Which board is this? A guess from the HAT's EEPROM, the sound cards and USB.

Nothing is probed: only what the kernel has already found is read, so that it is safe at
any time, needs no rights, and finds nothing before the board's overlay is loaded.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from device.panel.boards import Board

_CARD = re.compile(r"^\s*(\d+) \[(\S+)\s*\]: (.*)$", re.MULTILINE)
NONE = "none"


@dataclasses.dataclass(frozen=True)
class SoundCard:
    """A sound card as ALSA knows it."""

    number: int
    id: str
    description: str
    usb_id: str = ""
    """``vendor:product`` of a card on USB, in hexadecimal; empty for others."""
    captures: bool = False
    plays: bool = False


@dataclasses.dataclass(frozen=True)
class Found:
    """What the kernel says about this machine."""

    model: str = ""
    """Of the Raspberry Pi; empty on other machines."""
    hat: str = ""
    """Vendor and product from the EEPROM of a HAT; empty where there is none."""
    cards: tuple[SoundCard, ...] = ()


@dataclasses.dataclass(frozen=True)
class Guess:
    """A board that this may be, and why."""

    board: str
    why: str


def look(root: Path = Path("/")) -> Found:
    """Read what the kernel has found, below another root in tests."""
    tree = root / "proc/device-tree"
    hat = " ".join(filter(None, (_text(tree / "hat" / name) for name in ("vendor", "product"))))
    return Found(_text(tree / "model"), hat, tuple(_cards(root / "proc/asound")))


def guesses(found: Found, boards: Mapping[str, Board]) -> list[Guess]:
    """Return the boards that this may be, the likeliest first; never empty."""
    guessed = list(_by_hat(found, boards))
    known = {guess.board for guess in guessed}
    guessed += [guess for guess in _by_card(found, boards) if guess.board not in known]
    return guessed or [_no_board(found)]


def _by_hat(found: Found, boards: Mapping[str, Board]) -> Iterator[Guess]:
    for name, board in boards.items():
        for text in board.detect.hats:
            if text.lower() in found.hat.lower():
                yield Guess(name, f'the EEPROM of the HAT says "{found.hat}"')


def _by_card(found: Found, boards: Mapping[str, Board]) -> Iterator[Guess]:
    for card in found.cards:
        for name, board in boards.items():
            # ALSA numbers cards of the same name: seeed2micvoicec, seeed2micvoicec_1.
            if board.sound.card and re.fullmatch(rf"{board.sound.card}(_\d+)?", card.id):
                yield Guess(name, f"there is a sound card {card.id}")


def _no_board(found: Found) -> Guess:
    usb = [card for card in found.cards if card.usb_id and card.captures]
    if usb:
        names = ", ".join(f"{card.description} ({card.usb_id})" for card in usb)
        return Guess(NONE, f"there is a microphone on USB: {names}")
    return Guess(NONE, "no board that we know has shown itself")


def _cards(folder: Path) -> Iterator[SoundCard]:
    for number, name, description in _CARD.findall(_text(folder / "cards")):
        card = folder / f"card{number}"
        yield SoundCard(
            int(number),
            name,
            description,
            usb_id=_text(card / "usbid"),
            captures=any(card.glob("pcm*c")),
            plays=any(card.glob("pcm*p")),
        )


def _text(path: Path) -> str:
    """Read a file of the kernel; texts of a device tree end with a zero byte."""
    try:
        return path.read_text("utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""
