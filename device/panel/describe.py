"""A board in words: its lights, buttons, sound card, config.txt and wires."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from device.panel.boards import NOT_CONNECTED, Board, ButtonSpec, LightsSpec

PREFACE = """\
# Boards

`bittern board list --markdown` wrote this page from `firmware_config/boards/`; a test keeps it so.

`bittern board detect` guesses which board yours is; `bittern setup board` chooses it and tries its
lights and buttons. The installer writes the lines for config.txt (between markers, with a backup)
and the appliance sets the levels of the sound card, once (`bittern board mixer` shows them). All
drivers are in the kernel of Raspberry Pi OS, unless a section says otherwise.

A button may have other actions: `press`, `double`, `long` (0.8 s) and `very_long` (10 s, announced
after 5) in `[panel]` of the settings. The actions are `talk`, `stop`, `mute`, `volume_up`,
`volume_down`, `pair` (it says its name and address), `factory_reset` (see
[lights and sounds](lights-and-sounds.md)) and `none`.

Pins in the wiring tables are those of the 40-pin header, counted from the corner of the board: odd
ones inside, even ones at the edge. Wire with the power off.
"""
GESTURES = ("press", "double", "long", "very_long")


def describe(board: Board) -> str:
    """Return everything about a board as text for a terminal."""
    return "\n".join(_lines(board))


def _lines(board: Board) -> Iterator[str]:
    yield board.title
    if board.about:
        yield textwrap.fill(board.about, 92)
    yield from _facts(board)
    for mixer in board.sound.mixer:
        yield f"  mixer: {mixer.control} = {mixer.value}"
    for line in board.boot.config_txt:
        yield f"config.txt: {line}"
    if board.boot.needs_other_driver:
        yield textwrap.fill(f"Note: {board.boot.needs_other_driver}", 92)
    if board.wire:
        yield "wires:"
    for wire in board.wire:
        yield f"  pin {wire.header:2} ({wire.note}): {wire.part}"


def _facts(board: Board) -> Iterator[str]:
    yield f"lights: {lights_text(board.lights)}"
    for button in board.button:
        yield f"button {button.name} on GPIO{button.pin}: {button_text(button)}"
    if board.mute_switch.pin != NOT_CONNECTED:
        spec = board.mute_switch
        yield f"mute switch on GPIO{spec.pin}: muted when {spec.muted_when}"
    if board.sound.card:
        count = board.sound.microphones
        yield f"sound card: {board.sound.card}, {count} microphone{'s' if count > 1 else ''}"


def lights_text(lights: LightsSpec) -> str:
    """Say in a few words what lights a board has and where."""
    if lights.kind == "led":
        return f"one LED on GPIO{lights.pin}"
    if lights.kind == "rgb":
        return f"one RGB LED on GPIO{lights.red}, GPIO{lights.green} and GPIO{lights.blue}"
    if lights.kind == "none":
        return "none"
    strip = f"{lights.count} {lights.kind.upper()}"
    if lights.data_pin != NOT_CONNECTED:
        return f"{strip}, data on GPIO{lights.data_pin}, clock on GPIO{lights.clock_pin}"
    return f"{strip} on /dev/spidev{lights.spi_bus}.{lights.spi_device}"


def button_text(button: ButtonSpec) -> str:
    """Say what each gesture on a button does."""
    actions = ((gesture, getattr(button, gesture)) for gesture in GESTURES)
    return ", ".join(
        f"{gesture.replace('_', ' ')} = {action}" for gesture, action in actions if action != "none"
    )


def document(boards: Mapping[str, Board]) -> str:
    """Return the whole page of the documentation."""
    rows = [
        f'| [{board.title}](#{_anchor(board.title)}) | `"{name}"` | {lights_text(board.lights)} '
        f"| {', '.join(button.name for button in board.button) or 'none'} "
        f"| {board.sound.card or 'any'} |"
        for name, board in boards.items()
    ]
    table = "\n".join(["| board | name | lights | buttons | sound card |", "|---|---|---|---|---|"])
    sections = [markdown(name, board) for name, board in boards.items()]
    return "\n".join([f"{PREFACE}\n{table}", *rows, "", *sections])


def _anchor(title: str) -> str:
    """As GitHub makes one of a heading."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -")
    return kept.replace(" ", "-")


def markdown(name: str, board: Board) -> str:
    """Return a section for the documentation: what the board has, and how it is wired."""
    return "\n".join(_markdown(name, board))


def _markdown(name: str, board: Board) -> Iterator[str]:
    yield f'## {board.title}\n\n`board = "{name}"`\n'
    if board.about:
        yield f"{board.about}\n"
    if board.boot.needs_other_driver:
        yield f"**{board.boot.needs_other_driver}**\n"
    yield from (f"- {line}" for line in _facts(board))
    if board.boot.config_txt:
        yield "\n```ini\n# config.txt\n" + "\n".join(board.boot.config_txt) + "\n```"
    if board.wire:
        yield "\n| pin of the header | line | part |\n|---|---|---|"
        yield from (f"| {wire.header} | {wire.note} | {wire.part} |" for wire in board.wire)
    if board.sound.mixer:
        yield "\n| mixer control | value |\n|---|---|"
        yield from (f"| {mixer.control} | {mixer.value} |" for mixer in board.sound.mixer)
    yield ""
