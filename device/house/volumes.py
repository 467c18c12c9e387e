"""How loud each room was made last, kept over a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import msgspec

from device.settings.settings_file import replace_whole

log = logging.getLogger(__name__)

FILE = "volumes.json"
WAIT_S = 1.0
"""A hand on a button makes many changes; the last of them is written."""


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
        self._path = path
        self._setting_percent = setting_percent
        self._chosen = _read(path)
        self._writing: asyncio.Task[None] | None = None
        self._is_dirty = False

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
        self._is_dirty = True
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon(), name="keep the volume")

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._writing is not None:
            self._writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writing
        if self._is_dirty:
            await self._write()

    async def _write_soon(self) -> None:
        while self._is_dirty:
            await asyncio.sleep(WAIT_S)
            await self._write()

    async def _write(self) -> None:
        content = msgspec.json.encode(self._chosen)
        self._is_dirty = False
        try:
            await asyncio.to_thread(replace_whole, self._path, content)
        except OSError as failure:
            log.warning("the volume is not kept in %s: %s", self._path, failure.strerror)


def _read(path: Path) -> dict[str, RoomVolume]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, RoomVolume])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as failure:
        log.warning("the volumes of %s cannot be read: %s", path, failure)
        return {}
