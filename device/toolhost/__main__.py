"""The process itself: ``python -m device.toolhost``; `bittern tools host` does the same for people.

Not by way of the command line, which knows every part of the appliance: this one stays small.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from device.errors import BitternError
from device.toolhost.host import ToolHost, serve_host
from device.toolhost.opening import begin_host

FIRST_PASSED_FD = 3
"""``SD_LISTEN_FDS_START`` of sd_listen_fds(3)."""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Serve until asked to end, or until nobody wants it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m device.toolhost")
    declare_options(parser)
    chosen = parser.parse_args(arguments)
    try:
        serve(chosen.config, chosen.listen, environ)
    except BitternError as failure:
        print(f"bittern: {failure}", file=sys.stderr)
        return failure.exit_code
    return 0


def declare_options(parser: argparse.ArgumentParser) -> None:
    """Where it listens, and what it is to run."""
    parser.add_argument(
        "--listen", type=Path, metavar="PATH", help="a socket, where systemd gives none"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")


def serve(config: Path | None, listen: Path | None, environ: Mapping[str, str]) -> None:
    """Raises a ``BitternError`` for bad settings, and where it cannot listen."""
    host = begin_host(config, environ)
    asyncio.run(_served(host, _listener(listen, environ)))


async def _served(host: ToolHost, listener: socket.socket) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, host.is_left.set)
    await serve_host(host, listener)


def _listener(path: Path | None, environ: Mapping[str, str]) -> socket.socket:
    if environ.get("LISTEN_PID") == str(os.getpid()):
        return socket.socket(fileno=FIRST_PASSED_FD)
    if path is None:
        raise BitternError("there is no socket to listen on", "Say --listen PATH.")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.umask(0o077)  # nobody else's, from the first moment on
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen()
    except OSError as failure:
        raise BitternError(f"cannot listen at {path}: {failure.strerror}", "") from None
    return listener


if __name__ == "__main__":
    sys.exit(main())
