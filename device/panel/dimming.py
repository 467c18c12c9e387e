"""How bright: the user's limit, the night, and the difference between light and brightness."""

from __future__ import annotations

import dataclasses
import datetime

from device.clocks import is_between
from device.panel.view import Frame

GAMMA = 2.2
"""The eye calls half as bright what is about a fifth of the light (the sRGB display gamma)."""

DAY_S = 86400.0


@dataclasses.dataclass(frozen=True)
class Dimming:
    """Brightness by day and by night, each 0 to 1 as perceived."""

    day: float = 1.0
    night: float = 1.0
    night_from: datetime.time | None = None
    night_to: datetime.time | None = None

    def at(self, now: datetime.time) -> float:
        """Return the brightness at a time of day; a night may pass midnight."""
        return self.night if self.is_night(now) else self.day

    def is_night(self, now: datetime.time) -> bool:
        """Say whether it is night, the beginning included and the end not."""
        return is_between(now, self.night_from, self.night_to)

    def next_switch_s(self, now: datetime.datetime) -> float | None:
        """Return the seconds until night begins or ends; None when there is no night."""
        edges = [edge for edge in (self.night_from, self.night_to) if edge is not None]
        passed_s = [(now - datetime.datetime.combine(now.date(), edge)) for edge in edges]
        return min((DAY_S - gone.total_seconds() % DAY_S for gone in passed_s), default=None)


def dimming(
    brightness_percent: int,
    night_percent: int = 0,
    night_from: str = "",
    night_to: str = "",
) -> Dimming:
    """Make a dimming from the settings: percents, and times such as ``22:00`` or empty."""
    begin, end = (datetime.time.fromisoformat(t) if t else None for t in (night_from, night_to))
    return Dimming(brightness_percent / 100, night_percent / 100, begin, end)


def as_light(frame: Frame, brightness: float) -> Frame:
    """Turn perceived colours into amounts of light, 0 to 1, at a perceived brightness."""
    return tuple(
        (
            (red * brightness) ** GAMMA,
            (green * brightness) ** GAMMA,
            (blue * brightness) ** GAMMA,
        )
        for red, green, blue in frame
    )
