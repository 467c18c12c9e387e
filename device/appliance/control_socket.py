"""Makes the control socket before the service starts (``python -m``), outside its sandbox.

The sandbox of the service forbids it to listen, on anything: a Unix socket is no exception that
a system call filter could make. So systemd runs this before it (``ExecStartPre=+``), outside the
filter, keeps the socket (``FileDescriptorStoreMax=``), and hands it to the service.
"""

from __future__ import annotations

import array
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from device.ownership import opened_folder

NAME = "control"
"""Of the descriptor, as systemd passes it on (``LISTEN_FDNAMES``)."""
FILE = "control.sock"
MODE = 0o660
FIRST_PASSED = 3
"""``SD_LISTEN_FDS_START`` of sd_listen_fds(3)."""
BACKLOG = 16


class ListeningSocket(socket.socket):
    """A socket that listens already, and does not ask the kernel to once more."""

    def listen(self, backlog: int = BACKLOG) -> None:
        """Do nothing: asyncio calls this of every socket that it is to serve."""


def passed(environ: Mapping[str, str] = os.environ) -> ListeningSocket | None:
    """Return the control socket that systemd passed to this process, if it did."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    if NAME not in names:
        return None
    # A copy: who serves it closes it, and may be followed by another one in this process.
    return ListeningSocket(fileno=os.dup(FIRST_PASSED + names.index(NAME)))


def listen_in(folder: Path) -> socket.socket:
    """Listen on ``control.sock`` in a folder; as root, become the folder's owner before.

    The folder is that user's, so nothing is done there that the user could not do.
    """
    with opened_folder(folder) as here:
        owner = os.fstat(here)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(owner.st_gid)
            os.setuid(owner.st_uid)
        os.fchdir(here)
        with suppress(FileNotFoundError):
            os.unlink(FILE)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Before it listens nobody can connect: the mode is right before anybody could.
        os.umask(0o777 & ~MODE)
        listener.bind(FILE)
        listener.listen(BACKLOG)
    return listener


def keep(listener: socket.socket, notify: str) -> None:
    """Give a socket to systemd to keep, in place of the one that it kept before."""
    address = "\0" + notify[1:] if notify.startswith("@") else notify
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.connect(address)
        manager.send(f"FDSTOREREMOVE=1\nFDNAME={NAME}".encode())
        manager.sendmsg(
            [f"FDSTORE=1\nFDNAME={NAME}".encode()],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener.fileno()]))],
        )


def main() -> int:
    """Do it for the unit whose process this is."""
    # Stopped while it starts, the unit has not failed: safe mode has no business then.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    folder, notify = os.environ.get("RUNTIME_DIRECTORY", ""), os.environ.get("NOTIFY_SOCKET", "")
    if not folder or not notify:
        print("this is for systemd to start, before the service", file=sys.stderr)
        return 1
    keep(listen_in(Path(folder.split(":")[0])), notify)
    return 0


if __name__ == "__main__":
    sys.exit(main())
