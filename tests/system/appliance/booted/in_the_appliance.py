"""Ends with 0 where the appliance's own sandbox keeps what it should; run inside it."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from forbidden import (
    Attempt,
    broadcast,
    everything_refused,
    listen,
    listen_unbound,
    multicast,
    new_namespace,
    open_socket,
    read,
    receive_datagrams,
    unix,
    write,
)


def set_the_clock() -> None:
    """Set it to what it shows: harmless where it works."""
    time.clock_settime(time.CLOCK_REALTIME, time.time())


NEEDED: list[Attempt] = [
    ("a Unix socket", unix),
    ("an IPv4 socket", lambda: open_socket("AF_INET")),
    ("names of hosts", lambda: socket.getaddrinfo("localhost", 443, type=socket.SOCK_STREAM)),
    ("writing to its state", lambda: write(os.environ["STATE_DIRECTORY"])),
    ("writing to its runtime folder", lambda: write(os.environ["RUNTIME_DIRECTORY"])),
    ("a temporary file", lambda: write("/tmp")),
    ("telling one boot from another", lambda: read("/proc/sys/kernel/random/boot_id")),
    ("the routes of the machine", lambda: read("/proc/net/route")),
    ("its credential", lambda: read(os.environ["CREDENTIALS_DIRECTORY"] + "/HOUSE_KEY")),
]
FORBIDDEN: list[Attempt] = [
    ("a netlink socket", lambda: open_socket("AF_NETLINK")),
    ("a raw packet socket", lambda: open_socket("AF_PACKET")),
    ("a Bluetooth socket", lambda: open_socket("AF_BLUETOOTH")),
    ("listening on a port", listen),
    ("listening on a port that was not bound", listen_unbound),
    ("receiving datagrams", receive_datagrams),
    ("sending to everybody", multicast),
    ("a broadcast", broadcast),
    ("writing to the models", lambda: write("/var/lib/bittern-models")),
    ("writing to the program", lambda: write("/opt/bittern")),
    ("writing to its settings", lambda: write("/etc/bittern")),
    ("writing to /usr", lambda: write("/usr")),
    ("writing to /var/lib", lambda: write("/var/lib")),
    ("the stored keys", lambda: read("/etc/bittern/credentials")),
    ("the passwords", lambda: read("/etc/shadow")),
    ("the homes", lambda: write("/root")),
    ("a device of the machine", lambda: read("/dev/bittern-probe")),
    ("the kernel's log", lambda: read("/dev/kmsg")),
    ("the processes of others", lambda: read("/proc/1/cmdline")),
    ("setting the clock", set_the_clock),
    ("a namespace", new_namespace),
    ("the settings of the kernel", lambda: write("/proc/sys/kernel", "hostname")),
]

if __name__ == "__main__":
    sys.exit(everything_refused(NEEDED, FORBIDDEN))
