"""What the clocks of the machine show, all at the same moment.

Three clocks matter. The wall clock is what alarms mean, and it jumps: a Raspberry Pi
before the 5 has no clock that runs while it is off, and starts with a time of the past
until the network corrects it. The elapsed clock only counts on, and starts anew with
each boot: timers mean that one. The zone says how the wall clock reads where we are.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import logging
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_log = logging.getLogger(__name__)

_TIME_ERROR = 5
"""What ``adjtimex(2)`` returns while nothing has synchronised the clock."""
_TIMEX_BYTES = 512
"""More than ``struct timex`` takes on any Linux (208 bytes on 64-bit)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of all clocks."""

    wall_s: float
    """Seconds since 1970 in UTC, as the wall clock shows it now; may jump."""
    elapsed_s: float
    """Seconds since the machine was booted, sleep included; never jumps."""
    boot: str
    """Which boot ``elapsed_s`` belongs to."""
    zone: dt.tzinfo

    @property
    def local(self) -> dt.datetime:
        """The wall clock with its zone."""
        return dt.datetime.fromtimestamp(self.wall_s, self.zone)


class Clock(Protocol):
    """Where moments come from: the machine, or a test."""

    def now(self) -> Moment:
        """Read all clocks; must be quick, it is called on the event loop."""

    def is_trusted(self) -> bool:
        """Whether anything has set the wall clock since the machine was booted."""


class SystemClock:
    """The clocks of this machine."""

    def __init__(self, zone: dt.tzinfo | None = None) -> None:
        """Take a zone from the settings, or None to follow the machine's own."""
        self._fixed_zone = zone
        self._zone: dt.tzinfo = dt.UTC
        self._zone_mark: object = None
        self._boot = _boot_id()

    def now(self) -> Moment:
        """Read all clocks."""
        elapsed_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        return Moment(time.time(), elapsed_s, self._boot, self._current_zone())

    def is_trusted(self) -> bool:
        """Whether the network or a battery-backed clock has set the time since boot."""
        return (
            Path("/run/systemd/timesync/synchronized").exists()
            or _was_set_by_hardware()
            or _kernel_is_synchronised()
        )

    def _current_zone(self) -> dt.tzinfo:
        """Follow ``timedatectl set-timezone`` without a restart; one lstat a call."""
        if self._fixed_zone is not None:
            return self._fixed_zone
        try:
            status = os.lstat("/etc/localtime")
            mark: object = (status.st_ino, status.st_mtime_ns, os.environ.get("TZ"))
        except OSError:
            mark = (None, os.environ.get("TZ"))
        if mark != self._zone_mark:
            self._zone, self._zone_mark = local_zone(), mark
        return self._zone


def local_zone() -> dt.tzinfo:
    """Return the zone of this machine: ``TZ``, else ``/etc/localtime``, else UTC (logged)."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        target = os.path.realpath("/etc/localtime")
        name = target.partition("/zoneinfo/")[2]
    try:
        if name:
            return ZoneInfo(name)
        with open("/etc/localtime", "rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        _log.warning(
            "cannot read the time zone %s (%s); using UTC", name or "of the machine", error
        )
        return dt.UTC


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        # Hidden by a sandbox (ProcSubset=pid). Every start then counts as a new boot:
        # timers are carried over by the wall clock, which is right but for its jumps.
        return f"unknown-{uuid.uuid4()}"


def _was_set_by_hardware() -> bool:
    """Whether the kernel took the time from a real-time clock (rtc sysfs, ``hctosys``)."""
    for file in Path("/sys/class/rtc").glob("rtc*/hctosys"):
        try:
            if file.read_text().strip() == "1":
                return True
        except OSError:
            continue
    return False


def _kernel_is_synchronised() -> bool:
    """Ask the kernel (``adjtimex`` with no modes only reads); False where a sandbox forbids it."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return False
    state = int(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return 0 <= state < _TIME_ERROR
