"""LEDs and inputs on GPIO lines, through gpiozero.

On a Raspberry Pi gpiozero works through lgpio, which comes from Debian and is imported
only when the first line is taken. Tests pass gpiozero's own mock pins in its place.
"""

from __future__ import annotations

import logging
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from gpiozero import PWMLED, DigitalInputDevice, GPIOZeroError
from gpiozero.pins import Factory

from device.panel.input_line import Edge
from device.panel.output import PanelError
from device.panel.view import Frame, PanelView

log = logging.getLogger(__name__)

PULSES_HZ = 200
"""Software pulses of lgpio; below some 100 Hz they are seen when the eye moves."""
SHADES = 100
"""lgpio takes whole percents of duty."""

Pins = Callable[[], Factory]
"""Gives the pins, at the time they are needed. Raises :class:`PanelError`."""


class PiPins:
    """The lines of the Raspberry Pi this runs on, taken when they are first needed."""

    def __init__(self) -> None:
        self._factory: Factory | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Factory:
        """Return the one factory; a failure is not remembered, and tried again."""
        with self._lock:
            if self._factory is None:
                self._factory = _lgpio_factory()
            return self._factory

    def close(self) -> None:
        """Give all lines back."""
        with self._lock:
            if self._factory is not None:
                self._factory.close()
                self._factory = None


def _lgpio_factory() -> Factory:
    # lgpio goes to its working folder and makes a FIFO there; a service's may be read-only.
    if "RUNTIME_DIRECTORY" in os.environ:
        os.environ.setdefault("LG_WD", os.environ["RUNTIME_DIRECTORY"].split(":")[0])
    try:
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError:
        raise PanelError(
            "there is no lgpio for GPIO", "On a Raspberry Pi: apt install python3-lgpio"
        ) from None
    except OSError as failure:
        raise PanelError(f"lgpio cannot begin: {failure}", _ADVICE_FOLDER) from failure
    try:
        return LGPIOFactory()
    except hardware_errors() as failure:
        raise PanelError(f"no GPIO here: {failure}", _ADVICE_GPIO) from failure


_ADVICE_FOLDER = "lgpio needs a working folder that can be written: set LG_WD to one."
_ADVICE_GPIO = "This needs a Raspberry Pi, and a user of the group gpio."


def hardware_errors() -> tuple[type[Exception], ...]:
    """Return what gpiozero, and lgpio where it is loaded, raise when hardware fails."""
    lgpio = sys.modules.get("lgpio")
    known: tuple[type[Exception], ...] = (GPIOZeroError, OSError)
    return known if lgpio is None else (*known, lgpio.error)


class GpioLights:
    """One LED on one line, or an LED of three colours on three, dimmed by pulses."""

    leds = 1
    shows_text = False
    frame_s = 0.0

    def __init__(
        self, pins: Pins, lines: Sequence[int], *, lit_when_high: bool = True, dims: bool = True
    ) -> None:
        self._pins = pins
        self._lines = tuple(lines)
        self._lit_when_high = lit_when_high
        self._devices: list[Any] = []
        self.has_colour = len(self._lines) == 3
        self.steps = SHADES if dims else 1
        self.name = "LED on " + ", ".join(f"GPIO{line}" for line in self._lines)

    def open(self) -> None:
        """Take the lines; dark at first."""
        factory = self._pins()
        try:
            for line in self._lines:
                led = PWMLED(line, active_high=self._lit_when_high, pin_factory=factory)
                self._devices.append(led)
                _shine(led, 0.0)
        except hardware_errors() as failure:
            self.close()
            raise PanelError(f"cannot take {self.name}: {failure}") from failure

    def write(self, frame: Frame, view: PanelView) -> None:
        """Show the one colour; a single LED takes the strongest part of it."""
        del view
        (colour,) = frame
        lights = colour if self.has_colour else (max(colour),)
        try:
            for led, light in zip(self._devices, lights, strict=True):
                _shine(led, light)
        except hardware_errors() as failure:
            raise PanelError(f"cannot write {self.name}: {failure}") from failure

    def close(self) -> None:
        """Give the lines back, which makes them dark."""
        devices, self._devices = self._devices, []
        for led in devices:
            led.close()


def _shine(led: Any, light: float) -> None:
    """Set a LED; with pulses only for shades.

    lgpio makes pulses in software, with two system calls for each, also for a duty of 0 or
    100 percent (its lgPthTx.c). A LED that is fully on or off is set once instead.
    """
    needs_pulses = 0.0 < light < 1.0
    if needs_pulses != (led.frequency is not None):
        led.frequency = PULSES_HZ if needs_pulses else None
    led.value = light


EDGE = struct.Struct("?d")


class GpioInput:
    """A line as input through gpiozero, which tells edges from a thread of its own.

    For mock pins, and any other pins that gpiozero knows; see :mod:`device.panel.kernel_line`
    for those of the Raspberry Pi.
    """

    def __init__(self, pins: Pins, line: int, *, pull: str, on_when_high: bool) -> None:
        """Take the line. Raises :class:`PanelError`."""
        pull_up = {"up": True, "down": False, "none": None}[pull]
        # With a pull, gpiozero calls active what the pull does not give: maybe our "off".
        self._is_inverted = pull_up is not None and pull_up == on_when_high
        self._line = line
        factory = pins()
        try:
            self._device = DigitalInputDevice(
                line,
                pull_up=pull_up,
                active_state=on_when_high if pull_up is None else None,
                pin_factory=factory,
            )
        except hardware_errors() as failure:
            raise PanelError(f"cannot take GPIO{line}: {failure}") from failure
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        on, off = not self._is_inverted, self._is_inverted
        self._device.when_activated = lambda: self._edge(on)
        self._device.when_deactivated = lambda: self._edge(off)

    def _edge(self, is_on: bool) -> None:
        os.write(self._writer, EDGE.pack(is_on, time.monotonic()))

    def fileno(self) -> int:
        """Return the file that is readable when there are edges."""
        return self._reader

    def edges(self) -> list[Edge]:
        """Return the edges since the last call."""
        try:
            content = os.read(self._reader, 64 * EDGE.size)
        except BlockingIOError:
            return []
        return [(is_on, at_s) for is_on, at_s in EDGE.iter_unpack(content)]

    def is_on(self) -> bool:
        """Read the level. Raises :class:`PanelError`."""
        try:
            return bool(self._device.is_active) != self._is_inverted
        except hardware_errors() as failure:
            raise PanelError(f"cannot read GPIO{self._line}: {failure}") from failure

    def close(self) -> None:
        """Give the line back.

        gpiozero leaves the callback of a closed input with lgpio, whose one thread for all
        edges dies when a late edge finds nobody (gpiozero 2.0.1): so take it away first.
        """
        try:
            self._device.pin.when_changed = None
        except hardware_errors() as failure:
            log.debug("GPIO%d: %s", self._line, failure)
        finally:
            self._device.close()
            os.close(self._writer)
            os.close(self._reader)
