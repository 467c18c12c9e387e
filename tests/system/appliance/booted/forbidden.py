"""Attempts at what a sandbox allows and what it does not; each raises ``OSError`` where refused."""

from __future__ import annotations

import ctypes
import os
import socket
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

Attempt = tuple[str, Callable[[], object]]
_CLONE_NEWNS = 0x20000
"""``linux/sched.h``"""


def everything_refused(needed: Sequence[Attempt], forbidden: Sequence[Attempt]) -> int:
    """Try all of it and print what happened; 1 where anything is not as it should be."""
    surprises = 0
    for what, attempt in needed:
        refusal = _refusal(attempt)
        print(f"{'MISSING ' if refusal else 'allowed '} {what}{': ' if refusal else ''}{refusal}")
        surprises += bool(refusal)
    for what, attempt in forbidden:
        refusal = _refusal(attempt)
        print(f"{'refused ' if refusal else 'POSSIBLE'} {what}{': ' if refusal else ''}{refusal}")
        surprises += not refusal
    return 1 if surprises else 0


def _refusal(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as refused:
        return refused.strerror or str(refused)
    return ""


def unix() -> None:
    """What both need: notifications, the control socket, the brain's."""
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()


def open_socket(family: str) -> None:
    """A socket of a family, the kind that needs no privileges where there is one."""
    kind = socket.SOCK_RAW if family in ("AF_NETLINK", "AF_PACKET") else socket.SOCK_STREAM
    protocol = 3 if family == "AF_BLUETOOTH" else 0  # RFCOMM
    socket.socket(getattr(socket, family, 31), kind, protocol).close()


def connect(host: str) -> None:
    """A datagram to a machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (host, 9))


def connect_unix(path: str) -> None:
    """A call at somebody's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect(path)


def multicast() -> None:
    """A datagram to all machines of the network that want it (the address of mDNS)."""
    connect("224.0.0.251")


def listen() -> None:
    """A port of this machine alone, and any free one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))


def listen_unbound() -> None:
    """A port that the kernel chooses, without a call of bind."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.listen(1)


def receive_datagrams() -> None:
    """A port for datagrams from anybody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("0.0.0.0", 0))


def broadcast() -> None:
    """A datagram to all machines of the network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.sendto(b"x", ("255.255.255.255", 9))


def read(path: str) -> None:
    """A file, a folder or a device."""
    if stat.S_ISDIR(os.stat(path).st_mode):
        os.listdir(path)
    else:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def write(folder: str, name: str = ".bittern-probe") -> None:
    """A file in a folder; a new one is removed again."""
    path = Path(folder, name)
    is_new = not path.exists()
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    if is_new:
        path.unlink()


def new_namespace() -> None:
    """A file system view of one's own."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
