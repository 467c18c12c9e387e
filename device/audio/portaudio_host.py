"""The PortAudio of this process: one for all, whoever opens streams."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, TypeVar

import pyaudio

from device.audio.alsa_config import check_alsa
from device.audio.chatter import hush
from device.audio.devices import (
    Direction,
    SoundDevice,
    SoundDeviceError,
    describe,
    find,
    present_card_ids,
)
from device.audio.timeout import GuardedCall, HangsError

OPEN_TIMEOUT_S = 5.0
"""A sound server answers within some milliseconds; it may be starting, though."""
CLOSE_TIMEOUT_S = 1.0
"""Closing takes 2 ms when all is well; the whole appliance must be able to stop in 2 s."""
REFRESH_EVERY_S = 5.0
"""How often, at most, PortAudio is restarted to find devices: it interrupts all streams."""
HANGS_AFTER_S = 10.0
"""A call that has hung for so long will not come back."""
PREFERRED_RATES_HZ = (48_000, 16_000, 44_100, 32_000, 24_000, 96_000, 8_000)
"""The rate of a device is the first of these it supports: 48 kHz is native to nearly
all; 16 kHz needs no conversion for listening (microphone arrays); the rest is rare."""

T = TypeVar("T")
Callback = Callable[[bytes | None, int, dict[str, float], int], tuple[bytes | None, int]]
"""What PyAudio calls: data, frames, times, status → data, what next."""

log = logging.getLogger(__name__)


class SoundSystemHangsError(SoundDeviceError):
    """A call into the sound system never came back. Only a new process helps for sure."""


class User(Protocol):
    """Somebody with an open stream, who can do without for a moment."""

    def suspend(self) -> None:
        """Close the stream."""

    def resume(self) -> None:
        """Open it again; raises a ``BitternError`` when that fails."""


class PortAudioHost:
    """Owns the PyAudio instance: finds devices, opens and closes streams with time-outs.

    PortAudio looks for devices only when it starts, and it starts only when nobody uses
    it; so whoever wants to find a device that was just plugged in has to interrupt the
    others for a moment (``refresh``). Its own calls are not thread-safe; here they are
    made one at a time, unless one of them hangs.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._pyaudio: pyaudio.PyAudio | None = None
        self._users: list[User] = []
        self._hanging: list[tuple[GuardedCall[Any], float]] = []
        self._started_s = 0.0

    def devices(self) -> list[SoundDevice]:
        """Return the devices PortAudio knows, as of its start or the last ``refresh``."""
        with self._lock:
            return self._guarded("listing sound devices", self._list, OPEN_TIMEOUT_S)

    def find(self, wanted: str, direction: Direction) -> SoundDevice:
        """Return the device a person means. Raises ``SoundDeviceError``."""
        return find(self.devices(), wanted, direction)

    def _list(self) -> list[SoundDevice]:
        portaudio = self._started()
        cards = present_card_ids()
        defaults = [
            _index_of(portaudio.get_default_input_device_info),
            _index_of(portaudio.get_default_output_device_info),
        ]
        infos = map(portaudio.get_device_info_by_index, range(portaudio.get_device_count()))
        return [describe(info, cards, *defaults) for info in infos]

    def _started(self) -> pyaudio.PyAudio:
        if self._pyaudio is None:
            hush()
            check_alsa()
            try:
                self._pyaudio = pyaudio.PyAudio()
            except OSError as failure:
                raise SoundDeviceError(
                    f"PortAudio does not start: {failure.args[-1]}", "`bittern devices` tries again"
                ) from failure
            self._started_s = time.monotonic()
        return self._pyaudio

    def supports(
        self, device: SoundDevice, direction: Direction, rate_hz: int, channels: int
    ) -> bool:
        """Whether the device can be opened like this (int16), as far as it will say."""
        way = "input" if direction is Direction.IN else "output"
        arguments: dict[str, Any] = {
            f"{way}_device": device.index,
            f"{way}_channels": channels,
            f"{way}_format": pyaudio.paInt16,
        }

        def ask() -> bool:
            try:
                return bool(self._started().is_format_supported(rate_hz, **arguments))
            except ValueError:
                return False

        with self._lock:
            return self._guarded(f"asking {device.name}", ask, OPEN_TIMEOUT_S)

    def open(
        self,
        device: SoundDevice,
        direction: Direction,
        rate_hz: int,
        channels: int,
        frames: int,
        callback: Callback | None,
    ) -> pyaudio.PyAudio.Stream:
        """Open and start a stream; without a ``callback`` it is read or written.

        Raises OSError, or ``SoundSystemHangsError``.
        """
        way = "input" if direction is Direction.IN else "output"
        arguments: dict[str, Any] = {way: True, f"{way}_device_index": device.index}

        def start() -> pyaudio.PyAudio.Stream:
            return self._started().open(
                rate_hz,
                channels,
                pyaudio.paInt16,
                frames_per_buffer=frames,
                stream_callback=callback,
                **arguments,
            )

        with self._lock:
            name = f"opening {device.name}"
            return self._guarded(name, start, OPEN_TIMEOUT_S, too_late=_close)

    def close(
        self,
        stream: pyaudio.PyAudio.Stream,
        name: str,
        wait_for_reader: Callable[[], None] | None = None,
    ) -> None:
        """Close a stream at once, without playing out what is in it.

        ``wait_for_reader`` comes back when nobody is in a call into the stream any more.
        Raises ``SoundSystemHangsError`` when the driver does not let go in time.
        """

        def let_go() -> None:
            if wait_for_reader is not None:
                wait_for_reader()
            _close(stream)

        with self._lock:
            # Where one call hangs the next one will: the two of them must not take two seconds.
            seconds = CLOSE_TIMEOUT_S / 10 if self._still_hanging() else CLOSE_TIMEOUT_S
            self._guarded(f"closing {name}", let_go, seconds)

    def enter(self, user: User) -> None:
        """Remember somebody who has opened a stream."""
        with self._lock:
            if user not in self._users:
                self._users.append(user)

    def leave(self, user: User) -> None:
        """Forget somebody who has closed it."""
        with self._lock:
            if user in self._users:
                self._users.remove(user)

    def refresh(self) -> bool:
        """Start PortAudio anew, so that it looks for devices; interrupts every stream.

        False, and nothing is done, when it was started a moment ago.
        Raises ``SoundSystemHangsError`` while an earlier call hangs.
        """
        with self._lock:
            if time.monotonic() - self._started_s < REFRESH_EVERY_S:
                return False
            self._raise_if_hanging()
            interrupted = list(self._users)
            for user in interrupted:
                user.suspend()
            self._raise_if_hanging()
            self._terminate()
            self._guarded("starting PortAudio", self._started, OPEN_TIMEOUT_S)
            for user in interrupted:
                _resume(user)
            return True

    @property
    def hangs(self) -> bool:
        """Whether some call into the sound system has not come back, long after its time-out.

        New streams may still work beside it, but its thread may burn a processor core
        (PortAudio's did, 2 times of 20, when a sound server was killed while a stream
        began), and devices can no longer be looked for: the process should be replaced
        at the next quiet moment.
        """
        now_s = time.monotonic()
        with self._lock:
            return any(now_s - since_s > HANGS_AFTER_S for _, since_s in self._still_hanging())

    def shut_down(self) -> None:
        """Close every stream and end PortAudio, as far as it lets itself be ended."""
        with self._lock:
            for user in list(self._users):
                user.suspend()
            if not self._still_hanging():
                self._terminate()

    def _terminate(self) -> None:
        portaudio, self._pyaudio = self._pyaudio, None
        if portaudio is not None:
            self._guarded("ending PortAudio", portaudio.terminate, CLOSE_TIMEOUT_S)

    def _still_hanging(self) -> list[tuple[GuardedCall[Any], float]]:
        self._hanging = [each for each in self._hanging if each[0].is_running]
        return self._hanging

    def _raise_if_hanging(self) -> None:
        if self._still_hanging():
            raise _hangs("an earlier call into the sound system still hangs")

    def _guarded(
        self,
        name: str,
        action: Callable[[], T],
        seconds: float,
        too_late: Callable[[T], object] = lambda _: None,
    ) -> T:
        call = GuardedCall(name, action, too_late)
        try:
            return call.wait(seconds)
        except HangsError as failure:
            self._hanging.append((call, time.monotonic()))
            raise _hangs(str(failure)) from failure


def _hangs(what: str) -> SoundSystemHangsError:
    return SoundSystemHangsError(what, "restart the sound server, or the appliance")


def _close(stream: pyaudio.PyAudio.Stream) -> None:
    # Not stop_stream() first: that waits for what is queued, for ever when the source is
    # suspended, while closing aborts.
    stream.close()


def _resume(user: User) -> None:
    try:
        user.resume()
    except SoundDeviceError as failure:
        # Its stream stays closed, so it says that it is not active, and whoever watches
        # it will open it again.
        log.warning("%s", failure)


def _index_of(ask: Callable[[], dict[str, Any]]) -> int:
    try:
        return int(ask()["index"])
    except OSError:
        return -1


@cache
def shared_host() -> PortAudioHost:
    """Return the host of this process; it is shut down when the process ends."""
    host = PortAudioHost()
    atexit.register(host.shut_down)
    return host
