"""An appliance that runs while it is set up: it has the microphone, and wants to be told."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from device.appliance.control import order
from device.errors import BitternError
from device.settings.key_store import SERVICE
from device.setup.dialogue import Dialogue

UNITS = ("bittern.service", "bittern-safe.service")
TAKES_AT_MOST_S = 90.0


class Running:
    """Pauses the service for the set-up and starts it again after it."""

    def __init__(self, dialogue: Dialogue, socket: Path) -> None:
        self._dialogue = dialogue
        self._socket = socket
        self._is_paused = False

    def pause(self) -> None:
        """Ask for the microphone, if somebody has it."""
        if not self._is_served():
            return
        if not self._is_ours():
            self._dialogue.say(
                "An appliance is running and may have the microphone and the speaker for itself.",
                "If a step fails for that, end it and begin the set-up again.",
            )
        elif self._dialogue.agrees("The appliance is running. Pause it for the set-up?"):
            self._systemctl("stop", *UNITS)
            self._is_paused = True

    def resume(self, *, has_new_key: bool = False) -> None:
        """Start what was paused; systemd gives out keys only at a start."""
        verb = "start" if self._is_paused else "restart"
        if not self._is_paused and not (has_new_key and self._is_ours() and self._is_served()):
            return
        self._is_paused = False
        self._dialogue.say("Starting the appliance again …")
        trouble = self._systemctl(verb, UNITS[0])
        self._dialogue.say(trouble or "It is ready.")

    def tell(self) -> None:
        """Have the new settings applied, unless the start will do that."""
        if self._is_paused or not self._is_served():
            return
        try:
            reply = order(self._socket, {"command": "reload"}, TAKES_AT_MOST_S)
        except BitternError as failure:
            reply = {"error": str(failure)}
        outcome = "uses them now" if reply.get("ok") else f"did not take them: {reply.get('error')}"
        self._dialogue.say(f"The appliance that is running {outcome}.")

    def _is_ours(self) -> bool:
        """Whether it is the machine's service, and we may stop it."""
        return SERVICE.exists() and os.geteuid() == 0 and shutil.which("systemctl") is not None

    def _is_served(self) -> bool:
        try:
            return bool(order(self._socket, {"command": "status"}, 5.0).get("ok"))
        except BitternError:
            return False

    def _systemctl(self, *arguments: str) -> str:
        """Return what went wrong."""
        try:
            done = subprocess.run(
                ["systemctl", *arguments],
                capture_output=True, text=True, timeout=TAKES_AT_MOST_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return "systemd takes long: see `systemctl status bittern`."
        return done.stderr.strip() if done.returncode else ""
