"""Step: the time zone, by which alarms ring."""

from __future__ import annotations

import subprocess
import zoneinfo
from collections.abc import Callable
from datetime import datetime

from device.schema.mistakes import nearest
from device.settings.setup_errors import SetupError
from device.setup.visit import SetupVisit
from device.tools.moments import local_zone

TAKES_AT_MOST_S = 30.0


def set_zone(name: str) -> None:
    """Have systemd set it. Raises ``SetupError``."""
    by_hand = f"By hand: sudo timedatectl set-timezone {name}"
    try:
        done = subprocess.run(
            ["timedatectl", "--no-ask-password", "set-timezone", name],
            capture_output=True, text=True, timeout=TAKES_AT_MOST_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise SetupError(f"the time zone was not set: {failure}", by_hand) from None
    if done.returncode:
        raise SetupError(f"the time zone was not set: {done.stderr.strip()}", by_hand)


class ZoneStep:
    """The one thing here that is the machine's and not the appliance's."""

    name = "zone"
    title = "The time zone"
    takes_hardware = False

    def __init__(self, apply: Callable[[str], None] = set_zone) -> None:
        self._apply = apply

    def now(self, visit: SetupVisit) -> str:  # noqa: ARG002
        """What the machine goes by."""
        return f"{local_zone()}, {datetime.now(local_zone()):%A %H:%M}"

    def run(self, visit: SetupVisit) -> None:
        """Do it."""
        present, known = str(local_zone()), zoneinfo.available_timezones()
        while True:
            wanted = visit.dialogue.ask("Your zone, such as Europe/Vienna", present)
            if wanted == present:
                return
            if wanted in known:
                break
            near = nearest(wanted, known)
            visit.dialogue.say(f"There is no {wanted}{f'; did you mean {near}?' if near else '.'}")
        self._apply(wanted)
        there = datetime.now(zoneinfo.ZoneInfo(wanted))
        visit.dialogue.say(f"Set. It is {there:%A %H:%M} there.")
