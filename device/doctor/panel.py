"""The board: its description, its lines, its lights, the levels of its sound card."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from device.doctor.findings import Finding, Verdict
from device.errors import BitternError
from device.panel import mixer
from device.panel.boards import NOT_CONNECTED, Board, LightsSpec, load_board
from device.panel.kernel_line import header_chip

_GROUPS = (
    "Is the user in the groups gpio and spi? Are the lines in config.txt (`bittern board show`)?"
)


def check_board(name: str, devices: Path = Path("/dev")) -> Iterator[Finding]:
    """Look at everything that the board needs, without taking anything."""
    try:
        board = load_board(name)
    except BitternError as failure:
        yield Finding("board", Verdict.BAD, failure.what, "See `bittern board list`.")
        return
    yield Finding("board", Verdict.GOOD, board.title)
    yield _gpio(board, devices)
    yield _lights(board.lights, devices)
    yield _mixer(board)


def _gpio(board: Board, devices: Path) -> Finding:
    if not (_lines_of(board.lights) or board.button or board.mute_switch.pin != NOT_CONNECTED):
        return Finding("gpio", Verdict.SKIPPED, "the board uses no lines")
    try:
        os.close(header_chip(devices))
    except BitternError as failure:
        return Finding("gpio", Verdict.BAD, failure.what, failure.advice or _GROUPS)
    buttons = ", ".join(f"{each.name} GPIO{each.pin}" for each in board.button) or "no buttons"
    return Finding("gpio", Verdict.GOOD, f"the chip of the header can be opened; {buttons}")


def _lines_of(lights: LightsSpec) -> bool:
    return lights.kind in ("led", "rgb") or lights.data_pin != NOT_CONNECTED


def _lights(lights: LightsSpec, devices: Path) -> Finding:
    if lights.kind == "none":
        return Finding("lights", Verdict.SKIPPED, "the board has none")
    if lights.kind in ("led", "rgb") or lights.data_pin != NOT_CONNECTED:
        return Finding("lights", Verdict.GOOD, f"{lights.kind} on lines of the header (see gpio)")
    bus = devices / f"spidev{lights.spi_bus}.{lights.spi_device}"
    if not bus.exists():
        advice = "config.txt needs dtparam=spi=on, and the machine a restart."
        return Finding("lights", Verdict.BAD, f"there is no {bus}", advice)
    if not os.access(bus, os.R_OK | os.W_OK):
        return Finding("lights", Verdict.BAD, f"{bus} may not be used", _GROUPS)
    return Finding("lights", Verdict.GOOD, f"{lights.count} {lights.kind} on {bus}")


def _mixer(board: Board) -> Finding:
    if not board.sound.mixer:
        return Finding("mixer", Verdict.SKIPPED, "the board describes no levels")
    if not mixer.is_available():
        advice = "Install alsa-utils."
        return Finding("mixer", Verdict.WARNING, "amixer is not installed", advice)
    found = mixer.levels(board.sound)
    wrong = [level for level in found if not level.is_right]
    if not wrong:
        return Finding("mixer", Verdict.GOOD, f"{len(found)} levels as the board wants them")
    first = wrong[0]
    told = first.trouble or f"is {first.found}, should be {first.wanted}"
    text = f"{len(wrong)} of {len(found)} levels are not right: {first.control} {told}"
    return Finding("mixer", Verdict.WARNING, text, "Run `bittern board mixer --apply`.")
