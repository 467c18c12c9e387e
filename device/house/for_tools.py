"""What the tools may touch of the appliance."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from device import __version__
from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.states import State
from device.room.mouth import Mouth
from device.tools.house import HouseStatus

TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
"""Thousandths of a degree Celsius, on Raspberry Pi and most PCs."""


class RoomForTools:
    """One room of the running appliance as its own tools see it."""

    def __init__(
        self,
        core: Assistant,
        mouth: Mouth,
        feed: Callable[[inputs.Input], None],
        volume_limit_percent: int = 100,
    ) -> None:
        self._core = core
        self._mouth = mouth
        self._feed = feed
        self._volume_limit_percent = volume_limit_percent
        self._began_s = time.monotonic()

    def volume(self) -> int:
        """Loudness of the speaker in percent."""
        return round(self._mouth.volume_percent)

    async def set_volume(self, percent: int) -> None:
        """Set the loudness of the speaker, 0 to 100; no louder than whoever answers may."""
        self._mouth.volume_percent = min(percent, self._volume_limit_percent)

    def last_answer(self) -> str | None:
        """What was said last, as far as it was heard."""
        return self._core.status.last_answer or None

    def status(self) -> HouseStatus:
        """How the appliance is."""
        core = self._core.status
        status: HouseStatus = {
            "is_muted": core.is_muted,
            "fault": core.fault,
            "version": __version__,
            "running_s": round(time.monotonic() - self._began_s, 1),
        }
        if core.endpoint is not None and core.is_local is not None:
            status["endpoint"] = core.endpoint
            status["is_local"] = core.is_local
            status["is_online"] = not core.is_local
        temperature_c = _temperature_c()
        if temperature_c is not None:
            status["temperature_c"] = temperature_c
        return status

    async def stop_playback(self) -> bool:
        """Silence what is being said."""
        was_speaking = self._core.state is State.SPEAKING
        self._feed(inputs.StopRequested())
        return was_speaking

    async def mute_microphone(self) -> None:
        """Close the microphone."""
        self._feed(inputs.MuteChanged(True))


def _temperature_c() -> float | None:
    try:
        return round(int(TEMPERATURE.read_text()) / 1000, 1)
    except (OSError, ValueError):
        return None
