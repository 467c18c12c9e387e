"""Whose releases are trusted, and how the makers change that themselves.

The owner's list is ``/etc/bittern/release_signers``. A place may offer a newer list beside its
release, ``release_signers`` and ``release_signers.sig``: signed by a key that the list in force
trusts for that (``namespaces="bittern-signers"``), with a higher number than any before. It
stands in for the owner's list from then on, until the owner changes that. So a key is replaced
by a list with another one, and revoked by a list without it.

The number is the first line: ``# serial 3``.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from device.updates import signature
from device.updates.durable import write_whole
from device.updates.errors import BadRelease, NotTrusted, UpdateFailed
from device.updates.source import ReleaseSource

FILE_NAME = "release_signers"
NAMESPACE = "bittern-signers"
"""What a signature of a list is for. A key for releases alone cannot make one."""
LARGEST_BYTES = 16 << 10
_SERIAL = re.compile(rb"# serial (\d{1,6})\r?\n")


class Trust:
    """The list in force: the owner's, or the newest that the makers have put in its place."""

    def __init__(self, owners: Path, folder: Path) -> None:
        """``owners`` is the owner's list; ``folder`` is root's, and keeps what came after it."""
        self._owners = owners
        self._newer = folder / FILE_NAME
        self._about = folder / "release_signers.json"

    @property
    def file(self) -> Path:
        """The list that counts now."""
        return self._newer if self.serial else self._owners

    @property
    def serial(self) -> int:
        """The number of the makers' list that is in force; 0 where it is the owner's."""
        try:
            document = json.loads(self._about.read_text(encoding="utf-8"))
            is_meant = document == self._described(int(document["serial"]))
        except (OSError, ValueError, TypeError, KeyError):
            return 0
        return int(document["serial"]) if is_meant else 0

    def renew(self, source: ReleaseSource) -> int:
        """Take over a newer list that a source offers; return its number, 0 if there is none.

        Raises NotTrusted for one that nobody may have signed, BadRelease for no list at all.
        """
        try:
            text = source.small(FILE_NAME, LARGEST_BYTES)
            mark = source.small(f"{FILE_NAME}.sig", signature.LARGEST_BYTES)
        except BadRelease:
            raise
        except UpdateFailed:
            return 0  # most places have none
        serial = serial_of(text)
        if serial <= max(self.serial, _serial_in(self._owners)):
            return 0
        signature.verify(text, mark, self.file, NAMESPACE)
        # The list first: without the words about it, it counts for nothing.
        write_whole(self._newer, text)
        write_whole(self._about, json.dumps(self._described(serial)).encode() + b"\n")
        return serial

    def _described(self, serial: int) -> dict[str, object]:
        return {"serial": serial, "list": _sha256(self._newer), "instead_of": _sha256(self._owners)}


def serial_of(text: bytes) -> int:
    """Return the number of a list; raises BadRelease where the first line holds none."""
    found = _SERIAL.match(text)
    if found is None or not int(found[1]):
        raise BadRelease(f"{FILE_NAME} does not begin with its number", "As in `# serial 3`.")
    if not any(line.strip() and not line.startswith(b"#") for line in text.splitlines()):
        raise NotTrusted(f"{FILE_NAME} trusts nobody")
    return int(found[1])


def _serial_in(file: Path) -> int:
    """Of the owner's list, which may have been one of the makers' and need not have a number."""
    try:
        found = _SERIAL.match(file.read_bytes())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
