"""One appliance for each microphone: a second one is told who is there, and ends.

Two ways to see another: its control socket, and a lock (``flock``) on a node of the sound
card. Who cannot open the card cannot hold that lock, so no stranger can keep an appliance
from starting, and whoever can open it could take the microphone away by other means, too.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import socket
from pathlib import Path

from device.errors import BitternError

log = logging.getLogger(__name__)

SOUND_NODES = Path("/dev/snd")
_SHARED_NODE = "timer"
"""For a microphone behind a sound server, which belongs to no card that we know."""
_OTHER = (
    "Two would answer the same question. `bittern status` shows the one that runs; as a service "
    "it is stopped by `sudo systemctl stop bittern`."
)
_ANSWERS_WITHIN_S = 1.0


class AnotherInstanceError(BitternError):
    """Another appliance listens with this microphone, or for these orders."""


def look_for_another(*control_sockets: Path) -> None:
    """Raise :class:`AnotherInstanceError` when an appliance takes orders on any of these."""
    for path in dict.fromkeys(control_sockets):
        if somebody_listens(path):
            raise AnotherInstanceError(f"another Bittern runs here (at {path})", _OTHER)


def somebody_listens(path: Path) -> bool:
    """Whether a Unix socket is taken. One that we may not even knock at is taken."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        knock.settimeout(_ANSWERS_WITHIN_S)
        try:
            knock.connect(str(path))
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            return False
        except OSError:
            # No right to it, or a full queue: the folder of a service is there while it runs.
            return True
    return True


class MicrophoneClaim:
    """A microphone that is ours until :meth:`release`, or the end of the process."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @classmethod
    def make(cls, microphone: str, nodes: Path = SOUND_NODES) -> MicrophoneClaim:
        """Claim a microphone by its name as PortAudio has it (``USB Audio (hw:1,0)``).

        Raises :class:`AnotherInstanceError` where it is taken. Where there is no node to
        lock, there is no card to share either: then nothing is claimed.
        """
        card = re.search(r"\(hw:(\d+)", microphone)
        node = nodes / (f"controlC{card.group(1)}" if card else _SHARED_NODE)
        try:
            descriptor = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            log.debug("%s is not claimed: %s", node, error)
            return cls(None)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AnotherInstanceError(
                f"another Bittern listens with {microphone or 'this microphone'}", _OTHER
            ) from None
        except OSError as error:
            log.debug("%s cannot be claimed: %s", node, error)
        return cls(descriptor)

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
