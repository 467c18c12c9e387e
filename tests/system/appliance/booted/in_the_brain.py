"""Ends with 0 where the brain's own sandbox keeps what it should; run inside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from forbidden import (
    Attempt,
    connect,
    connect_unix,
    everything_refused,
    listen,
    open_socket,
    read,
    unix,
    write,
)

BATCH = os.sched_param(0)

NEEDED: list[Attempt] = [
    ("a Unix socket", unix),
    ("the settings", lambda: read("/etc/bittern/bittern.toml")),
    ("one core for itself", lambda: os.sched_setaffinity(0, os.sched_getaffinity(0))),
    ("its models", lambda: read("/var/lib/bittern-models")),
]
FORBIDDEN: list[Attempt] = [
    ("an IPv4 socket", lambda: open_socket("AF_INET")),
    ("an IPv6 socket", lambda: open_socket("AF_INET6")),
    ("a netlink socket", lambda: open_socket("AF_NETLINK")),
    ("a raw packet socket", lambda: open_socket("AF_PACKET")),
    ("connecting to this machine", lambda: connect("127.0.0.1")),
    ("listening", listen),
    ("the keys", lambda: read("/etc/bittern/credentials")),
    (
        "the credentials of the appliance",
        lambda: read("/run/credentials/bittern.service/HOUSE_KEY"),
    ),
    ("giving orders to the appliance", lambda: connect_unix("/run/bittern/control.sock")),
    ("timers and lists", lambda: read("/var/lib/bittern/house.sqlite3")),
    ("writing to the models", lambda: write("/var/lib/bittern-models")),
    ("writing to the program", lambda: write("/opt/bittern")),
    ("writing to /etc", lambda: write("/etc")),
    ("writing to /var/lib", lambda: write("/var/lib")),
    ("a sound card", lambda: read("/dev/snd/controlC0")),
    ("a device of the machine", lambda: read("/dev/bittern-probe")),
    ("the scheduler's favour", lambda: os.sched_setscheduler(0, os.SCHED_BATCH, BATCH)),
    ("the processes of others", lambda: read("/proc/1/cmdline")),
]

if __name__ == "__main__":
    sys.exit(everything_refused(NEEDED, FORBIDDEN))
