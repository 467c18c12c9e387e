"""Panel and buttons of one board together: what the daemon starts and closes."""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Callable
from typing import TextIO

from device.panel.boards import Board
from device.panel.buttons import Buttons
from device.panel.dimming import Dimming
from device.panel.gpio import GpioInput, Pins, PiPins
from device.panel.kernel_line import KernelLine
from device.panel.panel import Panel
from device.panel.watchers import ButtonDown, ButtonEvent
from device.panel.wiring import buttons_of, lamps_of


class Front:
    """The lights and buttons of a board.

    ``on_button``, ``on_down`` and ``on_mute_switch`` are called on the thread "buttons". The mute
    switch lights its red lamp by itself, before anybody is told. ``pins`` are gpiozero's,
    in place of the Raspberry Pi's.
    """

    def __init__(
        self,
        board: Board,
        *,
        on_button: Callable[[ButtonEvent], None],
        on_mute_switch: Callable[[bool], None] = lambda _: None,
        on_down: Callable[[ButtonDown], None] = lambda _: None,
        dimming: Dimming | None = None,
        terminal: bool = False,
        stream: TextIO | None = None,
        pins: Pins | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime.datetime] = datetime.datetime.now,
    ) -> None:
        self._pi_pins = PiPins()
        shared = pins or self._pi_pins
        take = KernelLine if pins is None else functools.partial(GpioInput, pins)
        lamps = lamps_of(board, shared, terminal=terminal, stream=stream)
        self.panel = Panel(lamps, dimming, clock=clock, wall_clock=wall_clock)
        self.buttons: Buttons = buttons_of(
            board, take, on_button=on_button, on_mute_switch=self._mute_switched, on_down=on_down
        )
        self._on_mute_switch = on_mute_switch

    def start(self) -> None:
        """Begin to show and to watch; returns at once, whatever the hardware does."""
        self.panel.start()
        self.buttons.start()

    def close(self) -> None:
        """Go dark, stop watching, give all lines back."""
        self.buttons.close()
        self.panel.close()
        self._pi_pins.close()

    def _mute_switched(self, muted: bool) -> None:
        self.panel.set_muted(muted)
        self._on_mute_switch(muted)
