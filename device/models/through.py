"""Fetching through a process of its own that has the network, where ours has none.

Root installs what was fetched, and should not be who talks to the world. What comes through is
believed no more than what comes from a server: it is bounded, and checked by hash.
"""

from __future__ import annotations

import re
import socket
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError

from device.models.errors import FetchFailed
from device.models.http import TIMEOUT_S, Opener, without_credentials
from device.models.pip_settings import PipSettings

ADDRESS_HEADER = "X-Bittern-Address"
"""Where the answer came from in the end, behind all redirections."""
FAILED_HEADER = "X-Bittern-Failed"
"""Why there is no answer of any server's."""
AS_PIP_HEADER = "X-Bittern-As-Pip"
"""There where pip's certificates and proxy count."""
PACKAGES_PATH = "/packages"
PACKAGES_WITHIN_S = 3600.0
_MOST_BYTES = 4 << 30
_LONGEST_LINE_BYTES = 1024
_WHEEL = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.+!-]*\.whl) (\d{1,12})")
_PIECE_BYTES = 1 << 16


class _Connection(HTTPConnection):
    """HTTP to who listens on a local socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """See HTTPConnection."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class ThroughFetcher(Opener):
    """Opens addresses by asking the fetcher behind a socket."""

    def __init__(self, path: Path, settings: PipSettings, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(settings, timeout_s)
        self._path = path
        self._is_as_pip = bool(settings.indexes or settings.find_links)

    def open(self, address: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        """See Opener."""
        plain = without_credentials(address)
        asked = dict(headers or {}) | self.authorization(plain)
        if self._is_as_pip:
            asked[AS_PIP_HEADER] = "yes"
        answer = _answer(self._path, self._timeout_s * 2, "GET", plain, None, asked)
        failed = answer.headers.get(FAILED_HEADER)
        if failed is not None:
            answer.close()
            raise URLError(failed)
        answer.url = answer.headers.get(ADDRESS_HEADER, plain)
        if answer.status >= 400:
            raise HTTPError(plain, answer.status, answer.reason, answer.headers, answer)
        return answer


def _answer(
    path: Path,
    timeout_s: float,
    method: str,
    target: str,
    body: bytes | None,
    headers: dict[str, str],
) -> HTTPResponse:
    connection = _Connection(path, timeout_s)
    try:
        connection.request(method, target, body, headers | {"Connection": "close"})
        return connection.getresponse()
    except OSError as error:
        connection.close()
        raise URLError(f"who fetches for us does not answer on {path}: {error}") from error


def bring_packages(path: Path, lock: Path, into: Path) -> None:
    """Have the packages of a lock brought into an empty folder, as wheels.

    They are not checked here: pip holds each against the hash in the lock when it installs it.
    Raises FetchFailed.
    """
    try:
        answer = _answer(path, PACKAGES_WITHIN_S, "POST", PACKAGES_PATH, lock.read_bytes(), {})
        with answer:
            if answer.status != 200:
                reason = answer.headers.get(FAILED_HEADER, answer.reason)
                raise FetchFailed(f"the packages could not be brought: {reason}")
            _take_packages(answer, into)
    except (OSError, HTTPException) as error:
        raise FetchFailed(f"the packages could not be brought: {reason_of(error)}") from error


def reason_of(error: Exception) -> str:
    """What an error of urllib's, or of the system's, says."""
    return str(error.reason if isinstance(error, URLError) else error) or type(error).__name__


def _take_packages(answer: HTTPResponse, into: Path) -> None:
    left = _MOST_BYTES
    while line := answer.readline(_LONGEST_LINE_BYTES):
        found = _WHEEL.fullmatch(line.decode("ascii", "replace").rstrip("\n"))
        if found is None or (size := int(found[2])) > left:
            raise FetchFailed("who fetches for us sent something that is no package")
        left -= size
        with (into / found[1]).open("xb") as file:
            while size:
                piece = answer.read(min(size, _PIECE_BYTES))
                if not piece:
                    raise FetchFailed(f"{found[1]} ended early")
                file.write(piece)
                size -= len(piece)
