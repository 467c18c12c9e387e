"""The tool that makes everything silent."""

from __future__ import annotations

from device.tools.alarms.ringer import Ringer
from device.tools.answers import Answer
from device.tools.house import HouseForTools


class QuietTools:
    """``stop``."""

    def __init__(self, house: HouseForTools, ringer: Ringer) -> None:
        self._house = house
        self._ringer = ringer

    async def stop(self) -> Answer:
        """Be quiet: stop the alarm, timer or reminder that rings, or what is being said."""
        stopped = await self._ringer.stop()
        if stopped:
            return Answer({"stopped": [str(one.entry.kind) for one in stopped]}, "")
        was_playing = await self._house.stop_playback()
        return Answer({"stopped": ["playback"] if was_playing else []}, "")
