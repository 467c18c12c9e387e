"""A lamp that only remembers: for tests, and for anything that wants to watch the panel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from device.panel.output import PanelError
from device.panel.view import Frame, PanelView


class RecordingLights:
    """Keeps each frame with its time and view; can be told to break."""

    name = "recorder"
    shows_text = False
    steps = 255

    def __init__(
        self,
        leds: int = 1,
        *,
        has_colour: bool = True,
        frame_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.leds = leds
        self.has_colour = has_colour
        self.frame_s = frame_s
        self.frames: list[tuple[float, Frame, PanelView]] = []
        self.is_broken = False
        """Set it, and opening and writing fail as unplugged hardware does."""
        self.is_open = False
        self.opened = 0
        self._clock = clock
        self._written = threading.Condition()

    def open(self) -> None:
        """Count, and fail if broken."""
        self.opened += 1
        self._check()
        self.is_open = True

    def write(self, frame: Frame, view: PanelView) -> None:
        """Keep the frame, or fail if broken."""
        self._check()
        with self._written:
            self.frames.append((self._clock(), frame, view))
            self._written.notify_all()

    def close(self) -> None:
        """Remember that it is closed."""
        self.is_open = False

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
        """Wait until a condition on this recorder holds; say whether it does."""
        with self._written:
            return self._written.wait_for(condition, timeout_s)

    def _check(self) -> None:
        if self.is_broken:
            raise PanelError("the recorder was told to be broken")
