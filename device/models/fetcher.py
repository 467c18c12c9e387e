"""Who fetches for an update: a process of nobody's, with the network and nothing else.

systemd starts it for a connection that only root may make (``bittern-fetch.socket``), which is
its standard input. It asks one server for one thing and ends. It is trusted with nothing: what
it brings is checked by whoever asked.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.error import HTTPError

from device.models import pip_settings
from device.models.errors import FetchFailed
from device.models.http import Opener
from device.models.pip_settings import PipSettings
from device.models.through import (
    ADDRESS_HEADER,
    AS_PIP_HEADER,
    FAILED_HEADER,
    PACKAGES_PATH,
    PACKAGES_WITHIN_S,
    reason_of,
)

_HANDED_ON = ("Accept", "Range", "Authorization")
_HANDED_BACK = ("Content-Length", "Content-Range", "Content-Type")
_LONGEST_LOCK_BYTES = 4 << 20
_LONGEST_REASON = 300
_DOWNLOAD = ("-m", "pip", "download", "--disable-pip-version-check", "--no-cache-dir", "--quiet",
             "--no-deps", "--only-binary", ":all:", "--require-hashes")  # fmt: skip


class FetchHandler(BaseHTTPRequestHandler):
    """Answers one request; ``folder`` is for what pip brings."""

    folder: Path
    timeout = 60

    def do_GET(self) -> None:
        """Ask a server for what an address names, and hand its answer on."""
        if not self.path.startswith(("https://", "http://")):
            self._fail(400, "only addresses of the web can be fetched")
            return
        headers = {name: self.headers[name] for name in _HANDED_ON if name in self.headers}
        try:
            answer = _opener(as_pip=AS_PIP_HEADER in self.headers).open(self.path, headers)
        except HTTPError as refusal:
            with refusal:
                self.send_response(refusal.code, one_line(refusal.reason))
                self.end_headers()
            return
        except (OSError, HTTPException, ValueError, FetchFailed) as error:
            self._fail(502, reason_of(error))
            return
        with answer:
            self.send_response(answer.status, one_line(answer.reason))
            self.send_header(ADDRESS_HEADER, one_line(answer.geturl()))
            for name in _HANDED_BACK:
                if name in answer.headers:
                    self.send_header(name, one_line(answer.headers[name]))
            self.end_headers()
            # A server that is cut off is told by the length, which is then not reached.
            with contextlib.suppress(OSError, HTTPException):
                shutil.copyfileobj(answer, self.wfile)

    def do_POST(self) -> None:
        """Have pip bring the packages of a lock, and send them one after the other."""
        length = self.headers.get("Content-Length", "")
        if self.path != PACKAGES_PATH or not length.isdigit() or int(length) > _LONGEST_LOCK_BYTES:
            self._fail(400, "no lock of packages")
            return
        lock = self.rfile.read(int(length))
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            try:
                wheels = _download(lock, Path(name))
            except (OSError, FetchFailed, subprocess.SubprocessError) as error:
                self._fail(502, str(error))
                return
            self.send_response(200)
            self.end_headers()
            for wheel in wheels:
                self._send(wheel)

    def _send(self, wheel: Path) -> None:
        with wheel.open("rb") as content:
            self.wfile.write(f"{wheel.name} {wheel.stat().st_size}\n".encode("ascii", "replace"))
            shutil.copyfileobj(content, self.wfile)

    def _fail(self, status: int, reason: str) -> None:
        self.send_response(status)
        self.send_header(FAILED_HEADER, one_line(reason))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """What was fetched is the business of who asked."""


def one_line(text: object) -> str:
    """A server's words for a header: no line break, nothing but ASCII, not endless."""
    said = " ".join(str(text).split())
    return said.encode("ascii", "replace").decode("ascii")[:_LONGEST_REASON]


def _opener(*, as_pip: bool) -> Opener:
    return Opener(pip_settings.read() if as_pip else PipSettings(indexes=()))


def _download(lock: bytes, into: Path) -> list[Path]:
    with tempfile.NamedTemporaryFile(dir=into, suffix=".txt") as file:
        file.write(lock)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-P", *_DOWNLOAD, "--dest", str(into), "--requirement", file.name],
            cwd=into,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", timeout=PACKAGES_WITHIN_S,
        )  # fmt: skip
    if done.returncode != 0:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise FetchFailed(last[0] if last else f"pip ended with {done.returncode}")
    return sorted(into.glob("*.whl"))


def answer_one(connection: socket.socket, folder: Path) -> None:
    """Answer the one request of a connection."""
    handler = type("Here", (FetchHandler,), {"folder": folder})
    with connection, contextlib.suppress(ConnectionError, TimeoutError):
        handler(connection, ("", 0), None)


def main() -> int:
    """Serve the connection on standard input."""
    parser = argparse.ArgumentParser(prog="python -m device.models.fetcher", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for what is under way")
    chosen = parser.parse_args()
    answer_one(socket.socket(fileno=sys.stdin.fileno()), chosen.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
