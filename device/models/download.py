"""Bringing one pinned archive to this machine, continuing where an earlier try stopped."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError

from device.models.errors import FetchFailed, WrongHash
from device.models.files import explained, sha256_of
from device.models.http import Opener, without_credentials
from device.models.manifest import Archive

OnProgress = Callable[[int], None]
"""Told, again and again, how many bytes of the archive are here."""

TRIES = 5
"""Tries in a row that brought nothing before an address is given up."""
PAUSE_S = 1.0
"""Before the second try; doubled for each one after it."""
_READ_BYTES = 1 << 16


class _Interrupted(Exception):
    """The answer ended, or was refused, before the archive was whole."""


def download(
    archive: Archive,
    addresses: list[str],
    part: Path,
    opener: Opener,
    on_progress: OnProgress,
    pause_s: float = PAUSE_S,
) -> None:
    """Fill ``part`` with exactly the pinned archive, or raise.

    ``part`` may hold the beginning of an earlier download; it is continued by a byte
    range. It is left in place when the network fails (to continue next time) and deleted
    when its hash is wrong. Raises FetchFailed, WrongHash or NoSpace.
    """
    problems: list[FetchFailed] = []
    for address in addresses:
        resumed = _size(part) > 0
        try:
            _complete(archive, address, part, opener, on_progress, pause_s)
            if resumed and not _is_pinned(archive, part):
                # The old beginning may be the culprit: once more, from the start.
                part.unlink()
                _complete(archive, address, part, opener, on_progress, pause_s)
            _must_be_pinned(archive, address, part)
        except FetchFailed as problem:
            problems.append(problem)
        else:
            return
    raise problems[-1]


def _complete(
    archive: Archive,
    address: str,
    part: Path,
    opener: Opener,
    on_progress: OnProgress,
    pause_s: float,
) -> None:
    fruitless = 0
    while (before := _size(part)) < archive.size_bytes:
        try:
            _continue(archive, address, part, opener, on_progress)
        except (_Interrupted, HTTPException, ConnectionError, TimeoutError) as error:
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless >= TRIES:
                raise _network_gone(archive, address, part, str(error)) from error
            time.sleep(pause_s * 2 ** max(fruitless - 1, 0))


def _continue(
    archive: Archive, address: str, part: Path, opener: Opener, on_progress: OnProgress
) -> None:
    here = _size(part)
    headers = {"Range": f"bytes={here}-"} if here else {}
    try:
        answer = opener.open(address, headers)
    except HTTPError as error:
        raise _refused(archive, address, part, error) from error
    except OSError as error:
        raise _Interrupted(getattr(error, "reason", error)) from error
    with answer, explained(part.parent), part.open("ab") as file:
        start = _start_of(answer)
        if start != here:
            file.truncate(start if start < here else 0)
        _must_fit(archive, address, answer, start)
        while chunk := _read(answer):
            file.write(chunk)
            on_progress(file.tell())
            if file.tell() > archive.size_bytes:
                break
    if _size(part) < archive.size_bytes:
        raise _Interrupted("the connection ended early")


def _read(answer: HTTPResponse) -> bytes:
    """Read some bytes, keeping the network's failures apart from the disk's."""
    try:
        return answer.read1(_READ_BYTES) if hasattr(answer, "read1") else answer.read(_READ_BYTES)
    except OSError as error:
        raise _Interrupted(error) from error


def _start_of(answer: HTTPResponse) -> int:
    """Return the offset at which the answer begins: servers may ignore a range."""
    if getattr(answer, "status", None) != 206:
        return 0
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else 0


def _must_fit(archive: Archive, address: str, answer: HTTPResponse, start: int) -> None:
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and start + int(length) != archive.size_bytes:
        raise WrongHash(
            f"refused {archive.file}: {without_credentials(address)} offers "
            f"{start + int(length)} bytes where the pinned file has {archive.size_bytes}",
            "a mirror or a proxy gives out another file under that name",
        )


def _refused(archive: Archive, address: str, part: Path, error: HTTPError) -> Exception:
    error.close()
    if error.code == 416:
        # Our beginning is longer than the server's whole file: it cannot be ours.
        part.unlink(missing_ok=True)
        return _Interrupted("the server cannot continue there")
    if error.code in {408, 425, 429} or error.code >= 500:
        return _Interrupted(f"HTTP {error.code} {error.reason}")
    return FetchFailed(
        f"cannot fetch {archive.file}: {without_credentials(address)} "
        f"answered HTTP {error.code} {error.reason}",
        "check `pip config list` and your access to that index",
    )


def _network_gone(archive: Archive, address: str, part: Path, reason: str) -> FetchFailed:
    return FetchFailed(
        f"cannot fetch {archive.file} from {without_credentials(address)}: {reason}",
        f"{_size(part) / 1e6:.1f} of {archive.size_bytes / 1e6:.1f} MB are kept: "
        "when the network is back, run the command again and it continues there",
    )


def _must_be_pinned(archive: Archive, address: str, part: Path) -> None:
    found = sha256_of(part)
    if found != archive.sha256:
        part.unlink()
        raise WrongHash(
            f"refused {archive.file} from {without_credentials(address)}: "
            f"its sha256 is {found}, the pinned one {archive.sha256}",
            "nothing of it was used, and it was deleted",
        )


def _is_pinned(archive: Archive, part: Path) -> bool:
    return sha256_of(part) == archive.sha256


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
