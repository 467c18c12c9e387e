"""The services of the appliance, as an update stops and starts them."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from device.updates.durable import forget, write_whole
from device.updates.errors import UpdateFailed

log = logging.getLogger(__name__)

APPLIANCE = "bittern.service"
SAFE = "bittern-safe.service"
BRAIN = "bittern-brain.service"
TOOLS = "bittern-tools.service"
_SUFFIXES = (".service", ".socket", ".timer", ".path")
_STOPS_WITHIN_S = 60.0
_ANSWERS_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.5


class Systemd:
    """``systemctl``, for the units of the appliance only."""

    def __init__(
        self,
        systemctl: str = "systemctl",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._systemctl = systemctl
        self._sleep = sleep
        self._clock = clock

    def is_running(self) -> bool:
        """Whether the appliance runs, or its safe mode does, or it is on its way."""
        states = {self._property(unit, "ActiveState") for unit in (APPLIANCE, SAFE)}
        return bool(states & {"active", "activating", "reloading"})

    def is_up(self) -> bool:
        """Whether the appliance itself is up: it said that it is ready."""
        return self._property(APPLIANCE, "ActiveState") == "active"

    def stop(self) -> None:
        """Stop everything that runs a release; raises UpdateFailed where that fails."""
        # The safe mode too: it would start the appliance again by itself.
        self._run("stop", SAFE, APPLIANCE, BRAIN, within_s=_STOPS_WITHIN_S)
        self._quietly("stop", TOOLS)  # older releases have none

    def start(self, *, anew: bool) -> None:
        """Have the appliance started, and forget its earlier failures; do not wait."""
        self._quietly("reset-failed", APPLIANCE, SAFE, BRAIN)
        self._run("--no-block", "restart" if anew else "start", APPLIANCE)

    def wait_until_up(self, within_s: float, steady_s: float) -> str:
        """Wait until it has said that it is ready and has stayed so; return "" or what is wrong.

        A release that gets ready and falls over after is not one that works: it must be
        the same process for ``steady_s``.
        """
        until = self._clock() + within_s
        since, process = self._clock(), ""
        while True:
            state = self._property(APPLIANCE, "ActiveState")
            found = self._property(APPLIANCE, "MainPID") if state == "active" else ""
            now = self._clock()
            if not found or found != process:
                since, process = now, found
            if process and now - since >= steady_s:
                return ""
            if state == "failed":
                return f"{APPLIANCE} failed ({self._property(APPLIANCE, 'Result')})"
            if now > until + (steady_s if process else 0):
                return f"{APPLIANCE} was not ready within {within_s:g} s ({state})"
            self._sleep(_LOOK_EVERY_S)

    def reload(self) -> None:
        """Have systemd read its unit files anew."""
        self._run("daemon-reload", within_s=_STOPS_WITHIN_S)

    def _property(self, unit: str, name: str) -> str:
        return self._quietly("show", "--property", name, "--value", unit).strip()

    def _run(self, *arguments: str, within_s: float = _ANSWERS_WITHIN_S) -> None:
        try:
            done = self._call(arguments, within_s)
        except subprocess.TimeoutExpired:
            raise UpdateFailed(
                f"systemctl {' '.join(arguments)} did not end within {within_s:g} s"
            ) from None
        if done.returncode != 0:
            said = done.stderr.strip() or f"status {done.returncode}"
            raise UpdateFailed(f"systemctl {' '.join(arguments)}: {said}")

    def _quietly(self, *arguments: str) -> str:
        try:
            return self._call(arguments, _ANSWERS_WITHIN_S).stdout
        except subprocess.TimeoutExpired:
            return ""

    def _call(
        self, arguments: tuple[str, ...], within_s: float
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self._systemctl, *arguments],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s,
            )  # fmt: skip
        except FileNotFoundError:
            raise UpdateFailed("this machine does not run systemd") from None


def install_units(release: Path, units: Path) -> bool:
    """Give systemd the unit files of a release; return whether any of them is another now.

    Units that the release does not have are left to ``scripts/install.sh``, and whether
    one is enabled to their owner.
    """
    has_changed = False
    for unit in sorted((release / "systemd").iterdir()):
        if unit.suffix not in _SUFFIXES or not unit.is_file():
            continue
        content = unit.read_bytes()
        place = units / unit.name
        if not (place.is_file() and place.read_bytes() == content):
            write_whole(place, content)
            has_changed = True
    return has_changed


def remove_units(of: Path, but_of: Path, units: Path) -> None:
    """Remove the unit files that only a release that is left had."""
    stay = {unit.name for unit in (but_of / "systemd").glob("*")}
    for unit in (of / "systemd").glob("*"):
        if unit.name not in stay and unit.suffix in _SUFFIXES:
            forget(units / unit.name)
