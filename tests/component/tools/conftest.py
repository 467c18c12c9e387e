"""Appliances without sound, and stores in a folder of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from device.tools.house import HouseStatus
from device.tools.store import Store


@dataclass
class SilentHouse:
    """An appliance without a speaker."""

    percent: int = 40
    answer: str | None = None
    is_playing: bool = False
    is_muted: bool = False
    known: HouseStatus = field(default_factory=HouseStatus)

    def volume(self) -> int:
        return self.percent

    async def set_volume(self, percent: int) -> None:
        self.percent = percent

    def last_answer(self) -> str | None:
        return self.answer

    def status(self) -> HouseStatus:
        return self.known

    async def stop_playback(self) -> bool:
        was_playing, self.is_playing = self.is_playing, False
        return was_playing

    async def mute_microphone(self) -> None:
        self.is_muted = True


@pytest.fixture
def house() -> SilentHouse:
    return SilentHouse()


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "house.sqlite"


@pytest.fixture
async def store(store_path: Path) -> AsyncIterator[Store]:
    store = Store(store_path)
    assert await store.open() == []
    yield store
    await store.close()
