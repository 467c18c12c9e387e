"""The panel as one line on a terminal, for whoever has no LEDs yet."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from device.panel.dimming import GAMMA
from device.panel.lights import is_muted
from device.panel.output import PanelError
from device.panel.view import Colour, Frame, PanelView

LEVEL_BARS = " ▁▂▃▄▅▆▇█"


class TerminalLights:
    """Draws the LEDs and the state into the last line of a terminal.

    Where the stream is no terminal (a file, the journal) it writes a line for each new
    state instead, without colours.
    """

    name = "terminal"
    has_colour = True
    shows_text = True
    steps = 255
    frame_s = 0.05

    def __init__(self, stream: TextIO | None = None, leds: int = 8) -> None:
        self.leds = leds
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._written = ""

    def open(self) -> None:
        """Nothing is needed."""

    def write(self, frame: Frame, view: PanelView) -> None:
        """Draw the line anew."""
        words = caption(view)
        if self._is_terminal:
            lamps = "".join(_lamp(colour) for colour in frame)
            room = max(0, shutil.get_terminal_size().columns - self.leds - 4)
            bar = LEVEL_BARS[round(view.level * (len(LEVEL_BARS) - 1))]
            text = f"{words} {bar}"[:room]
            self._put(f"\r\x1b[2K{lamps}\x1b[0m  {text}")
        elif words != self._written:
            self._written = words
            self._put(f"[panel] {words}\n")

    def close(self) -> None:
        """Wipe the line."""
        if self._is_terminal:
            self._put("\r\x1b[2K")

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError) as failure:
            raise PanelError(f"cannot write to the terminal: {failure}") from failure


def caption(view: PanelView) -> str:
    """Say in words what the lights show."""
    if view.warning is not None:
        return "warning"
    if view.looks:
        return "camera open"
    if view.volume is not None:
        return f"volume {view.volume:.0%}"
    words = "muted" if is_muted(view) else view.state.value.replace("_", " ")
    if view.attention and words == "idle":
        words = "idle, something to tell"
    if view.is_local:
        words += " (local brain)"
    return f"{words}: {view.fault}" if view.fault else words


def _lamp(colour: Colour) -> str:
    """Draw one LED; a terminal's colours are perceived brightness again."""
    red, green, blue = (round(light ** (1 / GAMMA) * 255) for light in colour)
    if max(red, green, blue) == 0:
        return "\x1b[90m○"
    return f"\x1b[38;2;{red};{green};{blue}m●"
