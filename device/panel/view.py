"""What the panel knows of the appliance, and what it makes of it."""

from __future__ import annotations

import dataclasses

from device.assistant.states import State

Colour = tuple[float, float, float]
"""Red, green and blue, each 0 to 1."""
Frame = tuple[Colour, ...]
"""One colour for each LED, in the order of the board."""

BLACK: Colour = (0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True, slots=True)
class PanelView:
    """Everything the lights depend on, besides the time."""

    state: State = State.IDLE
    since_s: float = 0.0
    """When this state began, on the clock that the patterns are asked with."""
    level: float = 0.0
    """Loudness of what is heard or said, 0 to 1."""
    is_local: bool = False
    """The local brain answers, not a cloud."""
    muted: bool = False
    """The microphone is closed, whatever the state says."""
    looks: bool = False
    """The camera is open."""
    attention: bool = False
    """Something waits to be told: an alarm was missed, or timers cannot be saved."""
    fault: str = ""
    """Short name of what is wrong, for those outputs that can write."""
    volume: float | None = None
    """0 to 1 while a change of volume is shown."""
    warning: tuple[float, float] | None = None
    """From when to when, on the clock of ``since_s``, a warning is shown that can be heeded."""
