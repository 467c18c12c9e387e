"""What a lamp must be able to do, whether it is an LED, a strip or a line on the terminal."""

from __future__ import annotations

from typing import Protocol

from device.errors import BitternError
from device.panel.view import Frame, PanelView


class PanelError(BitternError):
    """A light or button cannot be reached; the voice goes on without it."""


class Lights(Protocol):
    """An output for frames. Only the panel's thread calls it."""

    name: str
    """For logs: ``LED on GPIO17``."""
    leds: int
    has_colour: bool
    """Else a frame is grey, and the panel uses the patterns without colour."""
    shows_text: bool
    """It writes the view out too, so that it wants to know of each change."""
    steps: int
    """How finely it can shade; equal after rounding is equal, and is not written."""
    frame_s: float
    """Least time between two frames."""

    def open(self) -> None:
        """Take the hardware. Raises :class:`PanelError`."""

    def write(self, frame: Frame, view: PanelView) -> None:
        """Show a frame of light amounts, 0 to 1. Raises :class:`PanelError`."""

    def close(self) -> None:
        """Go dark and give the hardware back; also after a failure, and twice."""
