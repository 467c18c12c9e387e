"""It stops, however much of it hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from device.audio.files import FileMicrophone, FileSpeaker

ENDS_WITHIN_S = 10.0
"""Two, on a machine with time for it; without an end of its own it would be never."""


class StuckMicrophone(FileMicrophone):
    """Its driver does not come back from being closed."""

    let_go: threading.Event

    def close(self) -> None:
        self.let_go.wait()
        super().close()


class StuckSpeaker(FileSpeaker):
    """Nor does this one."""

    let_go: threading.Event

    def close(self) -> None:
        self.let_go.wait()
        super().close()


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """Set at the end: a loop waits for its threads."""
    event = threading.Event()
    yield event
    event.set()


async def test_two_devices_that_hang_take_no_longer_than_one(
    settings, studio, appliance_class, tmp_path, let_go, caplog
) -> None:
    microphone = StuckMicrophone(studio.take(1.0).path)
    speaker = StuckSpeaker(tmp_path / "answer.wav")
    microphone.let_go = speaker.let_go = let_go
    loaded = settings.load(settings.endpoint("nobody", "ws://127.0.0.1:9"))
    appliance = appliance_class(loaded, microphone, speaker)
    await appliance.start()
    stopping = asyncio.create_task(appliance.stop())
    try:
        await asyncio.wait({stopping}, timeout=ENDS_WITHIN_S)
        assert stopping.done(), "it waits for the second for ever"
        stopping.result()
        assert "did not stop" in caplog.text
    finally:
        let_go.set()
        await asyncio.wait({stopping}, timeout=ENDS_WITHIN_S)
