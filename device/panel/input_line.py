"""What a watched line must be able to do, wherever it comes from."""

from __future__ import annotations

from typing import Protocol

Edge = tuple[bool, float]
"""Whether the line is on from now, and when that was on the monotonic clock."""


class InputLine(Protocol):
    """A line that tells its edges through a file that can be waited for."""

    def fileno(self) -> int:
        """Return the file that is readable when there are edges."""

    def edges(self) -> list[Edge]:
        """Return the edges since the last call, without waiting. Raises ``PanelError``."""

    def is_on(self) -> bool:
        """Read the level. Raises ``PanelError``."""

    def close(self) -> None:
        """Give the line back."""


class TakeLine(Protocol):
    """Takes a line as input. Raises ``PanelError``."""

    def __call__(self, line: int, *, pull: str, on_when_high: bool) -> InputLine:
        """Take it with a resistor ``up``, ``down`` or ``none``, and a sense of "on"."""
