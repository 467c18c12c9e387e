"""Where the brain listens: a Unix socket, a TCP port, or what the service manager opened."""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from device.errors import EXIT_USAGE, BitternError

FIRST_PASSED_FD = 3
"""Where passed sockets begin (``sd_listen_fds``, systemd's documented interface)."""
SOCKET_MODE = 0o660
_BACKLOG = 64


class ListenError(BitternError):
    """The brain cannot listen where it was told to."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """``unix:PATH``, or ``HOST:PORT`` (an IPv6 address in brackets; port 0 takes a free one)."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """Read an address; raise `ListenError` if it is none."""
        if text.startswith("unix:") and len(text) > len("unix:"):
            return cls(path=Path(text.removeprefix("unix:")))
        host, colon, port = text.rpartition(":")
        if colon and host and port.isdigit() and int(port) < 65536:
            return cls(host=host.strip("[]"), port=int(port))
        error = ListenError(f"'{text}' is no address", "give unix:PATH or HOST:PORT")
        error.exit_code = EXIT_USAGE
        raise error

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach it."""
        if self.path is not None or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def passed_sockets(environment: Mapping[str, str], pid: int) -> list[socket.socket]:
    """Return the sockets that the service manager passed to this very process."""
    if environment.get("LISTEN_PID") != str(pid):
        return []
    count = environment.get("LISTEN_FDS", "")
    if not count.isdigit():
        return []
    return [socket.socket(fileno=FIRST_PASSED_FD + number) for number in range(int(count))]


def is_private(listener: socket.socket) -> bool:
    """Whether only this machine can reach a socket that was opened by somebody else."""
    if listener.family == socket.AF_UNIX:
        return True
    return ListenAddress(host=str(listener.getsockname()[0])).is_private


def open_socket(address: ListenAddress) -> socket.socket:
    """Listen at an address; raise `ListenError` saying why that is impossible."""
    try:
        return _open_unix(address.path) if address.path else _open_tcp(address)
    except OSError as error:
        where = address.path or f"{address.host}:{address.port}"
        raise ListenError(
            f"cannot listen on {where}: {error.strerror or error}",
            "is another brain running there, or the folder missing?",
        ) from error


def describe(listener: socket.socket, *, is_encrypted: bool = False) -> str:
    """Return the URL under which the socket can be reached."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if listener.family == socket.AF_INET6 else name[0]
    scheme = "wss" if is_encrypted else "ws"
    return f"{scheme}://{host}:{name[1]}/v1/realtime"


def _open_tcp(address: ListenAddress) -> socket.socket:
    family, kind, protocol, _, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _open_unix(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Never reachable with wider permissions, not even between bind and chmod.
        previous = os.umask(0o777 & ~SOCKET_MODE)
        try:
            listener.bind(str(path))
        finally:
            os.umask(previous)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on any more (its owner was killed)."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
