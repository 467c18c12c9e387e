"""The host of PortAudio when calls into it do not come back."""

from __future__ import annotations

import threading
import time

import pytest

from device.audio import portaudio_host as room
from device.audio.devices import SoundDeviceError
from device.audio.portaudio_host import PortAudioHost, SoundSystemHangsError


@pytest.fixture
def host() -> PortAudioHost:
    host = PortAudioHost()
    host.devices()
    return host


def test_a_call_that_hangs_is_given_up_remembered_and_forgotten(
    host: PortAudioHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    with pytest.raises(SoundSystemHangsError, match=r"closing a card takes longer than 0\.05 s"):
        host._guarded("closing a card", lambda: free.wait(20), 0.05)
    assert not host.hangs, "it may still come back"
    monkeypatch.setattr(room, "HANGS_AFTER_S", 0.05)
    time.sleep(0.06)
    assert host.hangs
    free.set()
    deadline = time.monotonic() + 5
    while host.hangs:
        assert time.monotonic() < deadline


def test_no_new_start_while_something_hangs(
    host: PortAudioHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PortAudio cannot be ended under the feet of one of its own calls."""
    assert not host.refresh(), "it was started a moment ago"
    monkeypatch.setattr(room, "REFRESH_EVERY_S", 0.0)
    free = threading.Event()
    with pytest.raises(SoundSystemHangsError):
        host._guarded("opening a card", lambda: free.wait(20), 0.01)
    with pytest.raises(SoundSystemHangsError, match="still hangs"):
        host.refresh()
    host.shut_down()
    free.set()
    deadline = time.monotonic() + 5
    while host._still_hanging():
        assert time.monotonic() < deadline
    assert host.refresh()
    host.shut_down()


def test_a_new_start_interrupts_everybody_and_survives_who_does_not_come_back(
    host: PortAudioHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "REFRESH_EVERY_S", 0.0)
    log: list[str] = []

    class User:
        def __init__(self, name: str, is_broken: bool = False) -> None:
            self.name, self.is_broken = name, is_broken

        def suspend(self) -> None:
            log.append(f"{self.name} suspended")

        def resume(self) -> None:
            log.append(f"{self.name} resumed")
            if self.is_broken:
                raise SoundDeviceError("the speaker is gone")

    users = User("speaker", is_broken=True), User("microphone"), User("gone")
    for user in users:
        host.enter(user)
    host.enter(users[0])
    host.leave(users[2])
    host.leave(users[2])
    assert host.refresh()
    assert log == [
        "speaker suspended",
        "microphone suspended",
        "speaker resumed",
        "microphone resumed",
    ]
    host.shut_down()
