"""Bringing one pinned archive to this machine, continuing where an earlier try stopped."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError

from device.models.errors import FetchFailed, WrongHash
from device.models.files import explained, sha256_of, size_of
from device.models.http import Opener, without_credentials
from device.models.manifest import ModelArchive
from device.models.progress import FetchProgress, megabytes

TRIES = 5
"""Tries in a row that brought nothing before an address is given up."""
PAUSE_S = 1.0
"""Before the second try; doubled for each one after it."""
_READ_BYTES = 1 << 16
_TRANSIENT = {408, 425, 429}
"""Answers by which a server asks to be asked again, beside all of 500 and above."""


class _CutOffError(Exception):
    """The answer ended, or was refused, before the archive was whole; asking again may help."""


@dataclass(frozen=True, slots=True)
class Download:
    """One archive on its way into one file."""

    archive: ModelArchive
    part: Path
    """Where it grows; it may hold the beginning from an earlier run, which is continued by
    a byte range. It stays there when the network fails and is deleted when it is wrong."""
    opener: Opener
    progress: FetchProgress

    def run(self, addresses: list[str]) -> None:
        """Fill ``part`` with exactly the pinned archive from the first address that has it.

        Raises FetchFailed, WrongHash or NoSpace: what the last address came to.
        """
        problem: FetchFailed | None = None
        for address in addresses:
            try:
                self._fill(address)
            except FetchFailed as error:
                problem = error
            else:
                return
        assert problem is not None, "a download needs an address"
        raise problem

    def _fill(self, address: str) -> None:
        resumed = size_of(self.part) > 0
        self._complete(address)
        if resumed and sha256_of(self.part) != self.archive.sha256:
            # The old beginning may be the culprit: once more, from the start.
            self.part.unlink()
            self._complete(address)
        found = sha256_of(self.part)
        if found != self.archive.sha256:
            self.part.unlink()
            raise WrongHash(
                f"refused {self.archive.file} from {without_credentials(address)}: "
                f"its sha256 is {found}, the pinned one {self.archive.sha256}",
                "nothing of it was used, and it was deleted",
            )

    def _complete(self, address: str) -> None:
        fruitless = 0
        while (before := size_of(self.part)) < self.archive.size_bytes:
            try:
                self._continue(address)
            except (_CutOffError, HTTPException) as error:
                fruitless = 0 if size_of(self.part) > before else fruitless + 1
                if fruitless >= TRIES:
                    raise self._gone(address, error) from error
                pause_s = PAUSE_S * 2 ** max(fruitless - 1, 0)
                self.progress.say(f"  {error}: trying again in {pause_s:g} s")
                time.sleep(pause_s)

    def _continue(self, address: str) -> None:
        here = size_of(self.part)
        try:
            answer = self.opener.open(address, {"Range": f"bytes={here}-"} if here else {})
        except HTTPError as error:
            raise self._refused(address, error) from error
        except OSError as error:
            raise _CutOffError(f"no connection ({getattr(error, 'reason', error)})") from error
        with answer, explained(self.part.parent), self.part.open("ab") as file:
            if self._start_of(address, answer) != here:
                file.truncate(0)
            while chunk := _read(answer):
                file.write(chunk)
                self.progress.advance(file.tell())
                if file.tell() > self.archive.size_bytes:
                    break
        if size_of(self.part) < self.archive.size_bytes:
            raise _CutOffError("the connection ended early")

    def _start_of(self, address: str, answer: HTTPResponse) -> int:
        """Return the offset at which the answer begins: a server may ignore the range."""
        here = size_of(self.part)
        start = 0
        if getattr(answer, "status", None) == 206:
            found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
            start = int(found.group(1)) if found else -1
        if start not in {0, here}:
            self.part.unlink(missing_ok=True)
            raise _CutOffError("the server continued at another place than it was asked to")
        length = answer.headers.get("Content-Length", "")
        if length.isdigit() and start + int(length) != self.archive.size_bytes:
            raise WrongHash(
                f"refused {self.archive.file}: {without_credentials(address)} offers "
                f"{start + int(length)} bytes where the pinned file has {self.archive.size_bytes}",
                "a mirror or a proxy gives out another file under that name",
            )
        return start

    def _refused(self, address: str, error: HTTPError) -> Exception:
        said = f"HTTP {error.code} {error.reason}"
        error.close()
        if error.code == 416:
            # Our beginning is longer than the server's whole file: it is of no use.
            self.part.unlink(missing_ok=True)
            return _CutOffError(said)
        if error.code in _TRANSIENT or error.code >= 500:
            return _CutOffError(said)
        return FetchFailed(
            f"cannot fetch {self.archive.file}: {without_credentials(address)} answered {said}",
            "check `pip config list` and your access to that index",
        )

    def _gone(self, address: str, error: Exception) -> FetchFailed:
        return FetchFailed(
            f"cannot fetch {self.archive.file} from {without_credentials(address)}: {error}",
            f"{megabytes(size_of(self.part))} of {megabytes(self.archive.size_bytes)} are kept: "
            "when the network is back, run the command again and it continues there",
        )


def _read(answer: HTTPResponse) -> bytes:
    """Read some bytes, so that the network's failures are not taken for the disk's."""
    try:
        return answer.read1(_READ_BYTES) if hasattr(answer, "read1") else answer.read(_READ_BYTES)
    except OSError as error:
        raise _CutOffError(f"the connection was lost ({error})") from error
