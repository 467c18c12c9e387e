"""How loud each room was made last, kept over a restart."""

from __future__ import annotations

from pathlib import Path

import msgspec

from device.house.kept_file import KeptFile, read_kept

FILE = "volumes.json"
WHAT = "the volume of each room"


class RoomVolume(msgspec.Struct, frozen=True):
    """What was chosen in a room, and what the settings said then."""

    percent: float
    setting_percent: int

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError(f"a volume is 0 to 100 %, not {self.percent}")


class Volumes:
    """What was chosen last counts: by voice or button, or by a changed setting.

    Belongs to the event loop. A file that cannot be read or written costs a warning.
    """

    def __init__(self, path: Path, setting_percent: int) -> None:
        self._setting_percent = setting_percent
        self._chosen = read_kept(path, WHAT, dict[str, RoomVolume]) or {}
        self._file = KeptFile(path, WHAT, lambda: msgspec.json.encode(self._chosen))

    def of(self, room: str) -> float:
        """How loud a room is to be when it opens, 0 to 100 %."""
        chosen = self._chosen.get(room)
        if chosen is None or chosen.setting_percent != self._setting_percent:
            return float(self._setting_percent)
        return chosen.percent

    def use(self, setting_percent: int) -> None:
        """The settings say so from now on."""
        self._setting_percent = setting_percent

    def keep(self, room: str, percent: float) -> None:
        """A volume was chosen, 0 to 100 %; it is on the disk a second later."""
        chosen = RoomVolume(percent, self._setting_percent)
        if self._chosen.get(room) == chosen:
            return
        self._chosen[room] = chosen
        self._file.touch()

    async def close(self) -> None:
        """Write what is not written yet."""
        await self._file.close()
