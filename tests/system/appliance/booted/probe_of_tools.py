"""Goes into the folder of the owner's tools: what can be done from inside their sandbox."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

FORBIDDEN: dict[str, Callable[[], object]] = {
    "the keys": lambda: os.listdir("/etc/bittern/credentials"),
    "the keys of servers": lambda: os.listdir("/etc/bittern/tool-credentials"),
    "the credentials of the appliance": lambda: Path(
        "/run/credentials/bittern.service/HOUSE_KEY"
    ).read_text(),
    "timers and lists": lambda: Path("/var/lib/bittern/house.sqlite3").read_bytes(),
    "giving orders": lambda: _unix("/run/bittern/control.sock"),
    "asking the brain": lambda: _unix("/run/bittern-brain.sock"),
    "a sound card": lambda: os.listdir("/dev/snd"),
    "writing to /etc": lambda: Path("/etc/bittern/tools.d/x").write_text(""),
    "writing to the program": lambda: Path("/opt/bittern/x").write_text(""),
    "the homes": lambda: os.listdir("/root"),
    "a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "seeing other processes": lambda: Path("/proc/1/cmdline").read_bytes(),
}


def probe() -> list[str]:
    """Tell what can be done that should not; nothing is good."""
    return [what for what, attempt in FORBIDDEN.items() if _works(attempt)]


def reach(port: int) -> str:
    """Connect to a port of this machine.

    Args:
        port: Which.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), 2.0):
            return "reached"
    except OSError:
        return "refused"


def who() -> dict[str, object]:
    """Tell as whom this runs, and where it may write."""
    Path("note").write_text("x")
    groups = [group for group in os.getgroups() if group != os.getgid()]
    return {"uid": os.getuid(), "groups": groups, "home": os.environ["HOME"]}


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
