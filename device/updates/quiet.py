"""Waiting until nobody is using the appliance."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from device.appliance.control import NotServedError, order
from device.updates.errors import NotNow

PATIENCE_S = 1800.0
LOOK_EVERY_S = 5.0
_ANSWERS_WITHIN_S = 10.0


def why_not_now(control: Path) -> str:
    """Ask the running appliance; return "" when it may be restarted, else what it is doing."""
    try:
        status = order(control, {"command": "status"}, _ANSWERS_WITHIN_S)
    except NotServedError as failure:
        return f"{failure.what}"
    if not status.get("ok"):
        return str(status.get("error", "it does not say what it does"))
    if status.get("is_muted") or status.get("is_muted_by_switch"):
        # A restart would open a microphone that somebody has closed.
        return "the appliance is muted"
    if status.get("is_ringing"):
        return "the appliance is ringing"
    state = status.get("state")
    if state not in ("idle", "faulted"):
        return f"the appliance is {state}"
    return ""


def wait_for_quiet(
    is_running: Callable[[], bool],
    why_not: Callable[[], str],
    say: Callable[[str], None],
    patience_s: float = PATIENCE_S,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return when nobody is in a conversation; raises NotNow when that takes too long."""
    until = clock() + patience_s
    told = ""
    while is_running() and (reason := why_not()):
        if clock() >= until:
            raise NotNow(
                f"the update waited {patience_s / 60:.0f} minutes, and still {reason}",
                "Try again later; or stop the appliance first: `sudo systemctl stop bittern`.",
            )
        if reason != told:
            say(f"waiting: {reason}")
            told = reason
        sleep(LOOK_EVERY_S)
