"""Descriptions of boards: ``firmware_config/boards/*.toml``, or a file of the user's own.

Pins are numbers of GPIO lines (GPIO17 is 17, wherever it is on the header). The file is
read as strictly as the settings are, and its pins must not contradict each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from device.firmware import FIRMWARE
from device.panel.actions import Action
from device.schema.checker import Checker, build
from device.schema.document import Document, read_document
from device.schema.keys import key
from device.schema.mistakes import Mistake, MistakesError, nearest, quoted

FOLDER = FIRMWARE / "boards"
NOT_CONNECTED = -1
I2S_PINS = (18, 19, 20, 21)
SPI0_PINS = (9, 10, 11)
SPI0_SELECT_PINS = (8, 7)
I2C1_PINS = (2, 3)

ACTIONS = tuple(action.value for action in Action)
NO_PIN = {NOT_CONNECTED: "not connected"}


def pin_key(default: int, help: str) -> int:
    """Declare a key that is a GPIO line of the 40-pin header."""
    pin: int = key(default, help, special=NO_PIN, low=0, high=27)
    return pin


@dataclass(frozen=True)
class LightsSpec:
    """The LEDs of a board."""

    kind: Literal["none", "led", "rgb", "apa102", "ws2812"] = key(
        "none",
        "led: one plain LED; rgb: one LED of three colours; apa102, ws2812: a strip or ring.",
    )
    count: int = key(1, "LEDs of a strip or ring.", low=1, high=64)
    pin: int = pin_key(NOT_CONNECTED, "led: its line.")
    red: int = pin_key(NOT_CONNECTED, "rgb: line of the red LED.")
    green: int = pin_key(NOT_CONNECTED, "rgb: line of the green LED.")
    blue: int = pin_key(NOT_CONNECTED, "rgb: line of the blue LED.")
    lit_when: Literal["high", "low"] = key(
        "high", "led, rgb: level that lights it; low for a common anode."
    )
    pwm: bool = key(True, "led, rgb: can be dimmed by pulses; false only switches.")
    spi_bus: int = key(0, "Strip: SPI bus.", low=0, high=6)
    spi_device: int = key(0, "Strip: chip select of the bus.", low=0, high=2)
    data_pin: int = pin_key(
        NOT_CONNECTED, "apa102: data line, where the strip is not on an SPI bus."
    )
    clock_pin: int = pin_key(
        NOT_CONNECTED, "apa102: clock line, where the strip is not on an SPI bus."
    )
    power_pin: int = pin_key(NOT_CONNECTED, "Line that switches the strip's power on.")
    order: Literal["rgb", "grb", "bgr"] = key("bgr", "Strip: order of the colours on the wire.")
    strongest_percent: int = key(
        100, "Most light this board may give, for its power and for the eyes.", unit="%", low=1,
        high=100,
    )  # fmt: skip


@dataclass(frozen=True)
class ButtonSpec:
    """A push button, and what each way of pressing it does."""

    name: str = key(
        help="How it is called.",
        form=r"[a-z0-9][a-z0-9_-]{0,31}",
        form_help="a short name: small letters, digits, - and _",
    )
    pin: int = key(help="Its line.", low=0, high=27)
    pull: Literal["up", "down", "none"] = key(
        "up", "Resistor of the Pi on the line; up for a button against ground."
    )
    pressed_when: Literal["low", "high"] = key("low", "Level while it is pressed.")
    press: str = key("talk", "What a short press does.", choices=ACTIONS)
    double: str = key(
        "none", "What a double press does; a short one then waits for it.", choices=ACTIONS
    )
    long: str = key("mute", "What holding it for 0.8 s does.", choices=ACTIONS)
    very_long: str = key(
        "none", "What holding it for 10 s does, warned of after 5 s.", choices=ACTIONS
    )


@dataclass(frozen=True)
class MuteSwitchSpec:
    """A switch that closes the microphone, and wins over software."""

    pin: int = pin_key(NOT_CONNECTED, "Its line.")
    pull: Literal["up", "down", "none"] = key("up", "Resistor of the Pi on the line.")
    muted_when: Literal["low", "high"] = key("low", "Level while the microphone shall be closed.")


@dataclass(frozen=True)
class MixerSpec:
    """A control of the sound card, and what it is set to."""

    control: str = key(help="Name of the control, as amixer contents shows it.", form=r".{1,80}",
                       form_help="the name of a control")  # fmt: skip
    value: str = key(
        help="Value, as amixer cset takes it.", form=r".{1,40}", form_help="a value for amixer"
    )


@dataclass(frozen=True)
class SoundSpec:
    """The sound card of a board."""

    card: str = key(
        "",
        "Name of the card, as /proc/asound/cards shows it in brackets.",
        special={"": "any"},
        form=r"[A-Za-z0-9_]{1,15}",
        form_help="the name of an ALSA card, at most 15 letters, digits and _",
    )
    uses_i2s: bool = key(False, "It is on the I2S lines, GPIO18 to GPIO21.")
    uses_i2c: bool = key(False, "Its codec is set up through I2C, GPIO2 and GPIO3.")
    amplifier_pin: int = pin_key(
        NOT_CONNECTED, "Line with which the driver switches the amplifier on."
    )
    microphones: int = key(0, "Microphones on it.", special={0: "unknown"}, low=1, high=8)
    mixer: tuple[MixerSpec, ...] = field(default=())


@dataclass(frozen=True)
class BootSpec:
    """What the Pi's firmware is told at boot."""

    config_txt: tuple[str, ...] = key(
        (),
        "Lines for config.txt.",
        form=r"[a-z0-9_]+=\S+",
        form_help='lines such as "dtparam=spi=on"',
    )
    needs_other_driver: str = key(
        "",
        "What must be installed besides, where the kernel has no driver.",
        form=r"(?s).{0,300}",
        form_help="a sentence",
    )


@dataclass(frozen=True)
class DetectSpec:
    """How a board can be recognised, besides by its sound card."""

    hats: tuple[str, ...] = key(
        (),
        "Parts of vendor or product in the EEPROM of the HAT.",
        form=r".{3,60}",
        form_help="texts in quotes",
    )


@dataclass(frozen=True)
class WireSpec:
    """One wire, for whoever builds it."""

    part: str = key(help="Part and its pin.", form=r".{1,60}", form_help="a short text")
    header: int = key(help="Pin of the Pi's header.", low=1, high=40)
    note: str = key("", "What to know about it.", form=r".{0,120}", form_help="a short text")


@dataclass(frozen=True)
class Board:
    """A board, or the parts on a breadboard."""

    title: str = key(help="Name for people.", form=r".{1,80}", form_help="a short text")
    about: str = key("", "What it is.", form=r"(?s).{0,600}", form_help="a short text")
    lights: LightsSpec = field(default_factory=LightsSpec)
    button: tuple[ButtonSpec, ...] = field(default=())
    mute_switch: MuteSwitchSpec = field(default_factory=MuteSwitchSpec)
    sound: SoundSpec = field(default_factory=SoundSpec)
    boot: BootSpec = field(default_factory=BootSpec)
    detect: DetectSpec = field(default_factory=DetectSpec)
    wire: tuple[WireSpec, ...] = field(default=())


class BoardError(MistakesError):
    """A board description cannot be used."""


def board_names(folder: Path = FOLDER) -> list[str]:
    """Return the names of the shipped boards."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_board(name: str, folder: Path = FOLDER) -> Board:
    """Load a board by its name, or from the path of a file (with a ``/`` or ``.toml``).

    Raises :class:`BoardError` with every mistake in it.
    """
    try:
        return parse_board(read_document(_path_of(name, folder)))
    except MistakesError as unusable:
        raise BoardError(unusable.mistakes) from None


def _path_of(name: str, folder: Path) -> Path:
    if "/" in name or name.endswith(".toml"):
        return Path(name).expanduser()
    names = board_names(folder)
    if name not in names:
        near = nearest(name, names)
        meant = f"; did you mean {near}?" if near else ""
        problem = f"expected a board of: {', '.join(names)}, or the path of a file{meant}"
        raise BoardError([Mistake("settings", None, "panel.board", quoted(name), problem)])
    return folder / f"{name}.toml"


def parse_board(document: Document) -> Board:
    """Check a document and make a board of it, or raise :class:`BoardError`."""
    checker = Checker(document, Board, complete=True)
    if checker.mistakes:
        raise BoardError(checker.mistakes)
    board = build(Board, checker.given)
    broken = [Mistake(document.file, None, path, "", text) for path, text in _broken(board)]
    if broken:
        raise BoardError(broken)
    return board


def _broken(board: Board) -> Iterator[tuple[str, str]]:
    """Yield what contradicts itself: lights without lines, lines used twice."""
    yield from _lights_without_lines(board.lights)
    names = [button.name for button in board.button]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "button", f'expected one button of the name "{name}"'
    users: dict[int, list[str]] = {}
    for pin, user in used_pins(board):
        if pin != NOT_CONNECTED:
            users.setdefault(pin, []).append(user)
    for pin, several in sorted(users.items()):
        if len(several) > 1:
            yield f"GPIO{pin}", f"expected one use of this line, found {' and '.join(several)}"


def _lights_without_lines(lights: LightsSpec) -> Iterator[tuple[str, str]]:
    if lights.kind == "led" and lights.pin == NOT_CONNECTED:
        yield "lights.pin", "expected the line of the LED"
    if lights.kind == "rgb" and NOT_CONNECTED in (lights.red, lights.green, lights.blue):
        yield "lights", "expected the lines red, green and blue"
    if (lights.data_pin == NOT_CONNECTED) != (lights.clock_pin == NOT_CONNECTED):
        yield "lights", "expected data_pin and clock_pin, both or neither"
    if lights.kind == "ws2812" and lights.data_pin != NOT_CONNECTED:
        yield "lights.data_pin", "expected ws2812 on an SPI bus: its timing needs one"


def used_pins(board: Board) -> Iterator[tuple[int, str]]:
    """Yield each GPIO line that the board uses, and by what."""
    yield from _light_pins(board.lights)
    for button in board.button:
        yield button.pin, f"button {button.name}"
    if board.mute_switch.pin != NOT_CONNECTED:
        yield board.mute_switch.pin, "mute_switch"
    if board.sound.uses_i2s:
        yield from ((pin, "sound (I2S)") for pin in I2S_PINS)
    if board.sound.amplifier_pin != NOT_CONNECTED:
        yield board.sound.amplifier_pin, "sound.amplifier_pin"
    if board.sound.uses_i2c:
        yield from ((pin, "sound (I2C)") for pin in I2C1_PINS)


def _light_pins(lights: LightsSpec) -> Iterator[tuple[int, str]]:
    if lights.kind == "led":
        yield lights.pin, "lights.pin"
    elif lights.kind == "rgb":
        yield lights.red, "lights.red"
        yield lights.green, "lights.green"
        yield lights.blue, "lights.blue"
    elif lights.kind in ("apa102", "ws2812"):
        if lights.data_pin != NOT_CONNECTED:
            yield lights.data_pin, "lights.data_pin"
            yield lights.clock_pin, "lights.clock_pin"
        elif lights.spi_bus == 0:
            yield from ((pin, "lights (SPI)") for pin in SPI0_PINS)
            if lights.spi_device < len(SPI0_SELECT_PINS):
                yield SPI0_SELECT_PINS[lights.spi_device], "lights (SPI)"
    if lights.power_pin != NOT_CONNECTED:
        yield lights.power_pin, "lights.power_pin"


def with_actions(board: Board, **actions: str) -> Board:
    """Return the board with other actions on its first button; empty ones stay.

    Keys are ``press``, ``double``, ``long`` and ``very_long``; values names of actions.
    """
    changes = {gesture: Action(action).value for gesture, action in actions.items() if action}
    if not board.button or not changes:
        return board
    first = dataclasses.replace(board.button[0], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(board, button=(first, *board.button[1:]))
