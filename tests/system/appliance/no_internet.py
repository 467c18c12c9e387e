"""Ends with 0 where no internet socket can be opened; run inside the brain's own sandbox."""

from __future__ import annotations

import socket
import sys


def opened() -> list[str]:
    """The address families that the sandbox lets through."""
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.socket(family, socket.SOCK_STREAM).close()
        except OSError as refused:
            print(f"{family.name}: {refused}")
        else:
            found.append(family.name)
    return found


if __name__ == "__main__":
    # That the probe itself works: what the brain does need is open.
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()
    sys.exit(f"can be opened: {opened()}" if opened() else 0)
