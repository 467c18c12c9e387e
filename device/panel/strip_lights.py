"""A strip or ring of LEDs, each with a colour of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gpiozero import OutputDevice

from device.panel.gpio import Pins, hardware_errors
from device.panel.output import PanelError
from device.panel.spi import Bus
from device.panel.view import BLACK, Frame, PanelView

POWER_SETTLES_S = 0.01
"""A strip whose power was just switched on needs a moment before it listens."""


class StripLights:
    """LEDs behind a bus; ``encode`` turns a frame of light amounts into its bytes."""

    has_colour = True
    shows_text = False

    def __init__(
        self,
        bus: Bus,
        leds: int,
        encode: Callable[[Frame], bytes],
        *,
        steps: int = 255,
        frame_s: float = 0.0,
        strongest: float = 1.0,
        power: tuple[Pins, int] | None = None,
    ) -> None:
        self.leds = leds
        self.steps = steps
        self.frame_s = frame_s
        self.name = f"{leds} LEDs on {bus.name}"
        self._bus = bus
        self._encode = encode
        self._strongest = strongest
        self._power = power
        self._power_line: Any = None
        self._is_open = False

    def open(self) -> None:
        """Switch the power on, take the bus, and begin dark."""
        if self._power is not None:
            self._switch_power_on(*self._power)
        self._bus.open()
        self._is_open = True
        self._bus.write(self._encode((BLACK,) * self.leds))

    def write(self, frame: Frame, view: PanelView) -> None:
        """Show a frame, no stronger than the board allows."""
        del view
        most = self._strongest
        limited = tuple((red * most, green * most, blue * most) for red, green, blue in frame)
        self._bus.write(self._encode(limited))

    def close(self) -> None:
        """Go dark, for a strip keeps its colours; then give bus and power back."""
        try:
            if self._is_open:
                self._is_open = False
                self._bus.write(self._encode((BLACK,) * self.leds))
        finally:
            self._bus.close()
            if self._power_line is not None:
                self._power_line.close()
                self._power_line = None

    def _switch_power_on(self, pins: Pins, line: int) -> None:
        try:
            self._power_line = OutputDevice(line, initial_value=True, pin_factory=pins())
        except hardware_errors() as failure:
            raise PanelError(f"cannot take GPIO{line} for the LEDs' power: {failure}") from failure
        time.sleep(POWER_SETTLES_S)
