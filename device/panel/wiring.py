"""From the description of a board to its lamps and buttons."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TextIO

from device.panel.actions import Action
from device.panel.boards import NOT_CONNECTED, Board, ButtonSpec, LightsSpec
from device.panel.buttons import Buttons
from device.panel.gpio import GpioLights, Pins, PiPins
from device.panel.input_line import TakeLine
from device.panel.kernel_line import KernelLine
from device.panel.output import Lights
from device.panel.spi import Bus, SpiBus, TwoLineBus
from device.panel.strip import (
    APA102_CURRENTS,
    APA102_HZ,
    WS2812_HZ,
    apa102_bytes,
    ws2812_bytes,
)
from device.panel.strip_lights import StripLights
from device.panel.terminal import TerminalLights
from device.panel.watchers import ButtonDown, ButtonEvent, ButtonPlan, SwitchPlan

BY_HAND_FRAME_S = 0.1
"""Two lines moved by hand take some milliseconds for a frame: ten frames a second are enough."""


def lamps_of(
    board: Board,
    pins: Pins | None = None,
    *,
    terminal: bool = False,
    stream: TextIO | None = None,
) -> list[Lights]:
    """Return the lamps of a board, and the terminal if wanted. Takes no hardware yet."""
    lamps: list[Lights] = []
    lights = board.lights
    if lights.kind in ("led", "rgb"):
        lines = [lights.pin] if lights.kind == "led" else [lights.red, lights.green, lights.blue]
        high = lights.lit_when == "high"
        dims = lights.pwm or lights.kind == "rgb"
        lamps.append(GpioLights(pins or PiPins(), lines, lit_when_high=high, dims=dims))
    elif lights.kind in ("apa102", "ws2812"):
        lamps.append(_strip(lights, pins or PiPins()))
    if terminal:
        lamps.append(TerminalLights(stream))
    return lamps


def _strip(lights: LightsSpec, pins: Pins) -> StripLights:
    is_apa102 = lights.kind == "apa102"
    is_by_hand = lights.data_pin != NOT_CONNECTED
    bus: Bus
    if is_by_hand:
        bus = TwoLineBus(pins, lights.data_pin, lights.clock_pin)
    else:
        bus = SpiBus(lights.spi_bus, lights.spi_device, APA102_HZ if is_apa102 else WS2812_HZ)
    encode = functools.partial(apa102_bytes if is_apa102 else ws2812_bytes, order=lights.order)
    return StripLights(
        bus,
        lights.count,
        encode,
        steps=255 * APA102_CURRENTS if is_apa102 else 255,
        frame_s=BY_HAND_FRAME_S if is_by_hand else 0.0,
        strongest=lights.strongest_percent / 100,
        power=None if lights.power_pin == NOT_CONNECTED else (pins, lights.power_pin),
    )


def buttons_of(
    board: Board,
    take: TakeLine = KernelLine,
    *,
    on_button: Callable[[ButtonEvent], None],
    on_mute_switch: Callable[[bool], None] = lambda _: None,
    on_down: Callable[[ButtonDown], None] = lambda _: None,
) -> Buttons:
    """Return the buttons and the mute switch of a board; :meth:`Buttons.start` takes them."""
    switch = None
    if board.mute_switch.pin != NOT_CONNECTED:
        spec = board.mute_switch
        switch = SwitchPlan(spec.pin, spec.pull, spec.muted_when == "high")
    return Buttons(
        take,
        [_plan(button) for button in board.button],
        switch,
        on_button=on_button,
        on_mute_switch=on_mute_switch,
        on_down=on_down,
    )


def _plan(button: ButtonSpec) -> ButtonPlan:
    return ButtonPlan(
        name=button.name,
        line=button.pin,
        pull=button.pull,
        on_when_high=button.pressed_when == "high",
        press=Action(button.press),
        double=Action(button.double),
        long=Action(button.long),
        very_long=Action(button.very_long),
    )
