"""Where releases come from: a folder, or an address beginning with https://."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError

from device.models.download import Download
from device.models.errors import ModelError, NoSpace
from device.models.files import size_of
from device.models.http import Opener, without_credentials
from device.models.manifest import ModelArchive as Pinned
from device.models.pip_settings import PipSettings
from device.models.progress import FetchProgress, megabytes
from device.models.through import ThroughFetcher
from device.updates import manifest, signature
from device.updates.errors import BadRelease, NoRoom, NotSetUp, UpdateFailed
from device.updates.manifest import ReleaseArchive, ReleaseManifest

SPARE_BYTES = 32 << 20
"""Left free beyond what an update needs, for the journal and for the neighbours."""


class ReleaseSource(Protocol):
    """A place that offers one release: its manifest, signature and archive."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def small(self, file: str, limit_bytes: int) -> bytes:
        """Return a small file whole; raises UpdateFailed, BadRelease for one too large."""

    def bring(self, archive: ReleaseArchive, into: Path, progress: FetchProgress) -> Path:
        """Return where the archive lies, brought into the folder if it was not near."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine: a stick, a mounted disk."""

    path: Path

    @property
    def name(self) -> str:
        """How messages call it."""
        return str(self.path)

    def small(self, file: str, limit_bytes: int) -> bytes:
        """See Source."""
        try:
            with (self.path / file).open("rb") as content:
                return _within(content.read(limit_bytes + 1), limit_bytes, file)
        except OSError as error:
            raise _absent(file, self.name, os.strerror(error.errno or 0)) from None

    def bring(self, archive: ReleaseArchive, into: Path, progress: FetchProgress) -> Path:
        """See Source; it is used where it lies."""
        del into, progress
        place = self.path / archive.file
        if not place.is_file():
            raise _absent(archive.file, self.name, "no such file")
        return place


@dataclass(frozen=True, slots=True)
class WebFolder:
    """A folder of a web server."""

    address: str
    opener: Opener

    @property
    def name(self) -> str:
        """How messages call it."""
        return without_credentials(self.address)

    def small(self, file: str, limit_bytes: int) -> bytes:
        """See Source."""
        try:
            with self.opener.open(self._of(file)) as answer:
                return _within(answer.read(limit_bytes + 1), limit_bytes, file)
        except HTTPError as error:
            error.close()
            raise _absent(file, self.name, f"HTTP {error.code} {error.reason}") from None
        except (OSError, HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            raise _absent(file, self.name, reason) from None

    def bring(self, archive: ReleaseArchive, into: Path, progress: FetchProgress) -> Path:
        """See Source; a beginning from an earlier try is continued."""
        pinned = Pinned("", "", archive.file, archive.size_bytes, archive.sha256)
        # The hash in the name: the beginning of another archive is never continued.
        part = into / f"{archive.sha256[:12]}.part"
        _forget_others(into, part)
        left = archive.size_bytes - size_of(part)
        must_have_room(into, left, archive.file)
        progress.begin(archive.file, size_of(part), archive.size_bytes)
        try:
            Download(pinned, part, self.opener, progress).run([self._of(archive.file)])
        except NoSpace:
            raise NoRoom(
                f"there is no room in {into} for {archive.file}", "Make room and try again."
            ) from None
        except ModelError as error:
            advice = "Try again: it continues where it stopped." if size_of(part) else ""
            raise UpdateFailed(error.what, advice) from None
        progress.end()
        return part

    def _of(self, file: str) -> str:
        return f"{self.address.rstrip('/')}/{file}"


def source_of(place: str, through: Path | None = None) -> ReleaseSource:
    """Tell a folder from an address; raises NotSetUp for what is neither.

    ``through``: the socket of who fetches, where this process has no network.
    """
    if not place:
        raise NotSetUp(
            "updates are not set up: no place to look for them is named",
            'Write `[update]` and `url = "https://…"` into /etc/bittern/bittern.toml, '
            "or name a folder with --from.",
        )
    if re.match(r"https://[^/\s@]+", place):
        plain = PipSettings(indexes=())
        return WebFolder(place, ThroughFetcher(through, plain) if through else Opener(plain))
    if "://" in place:
        raise NotSetUp(f"{place} is not an address beginning with https://")
    return Folder(Path(place).expanduser().absolute())


def offered(source: ReleaseSource, signers: Path) -> ReleaseManifest:
    """Return the release that a source offers, once its signature was found good.

    Raises NotTrusted, BadRelease, UpdateFailed. Nothing in it is looked at before.
    """
    text = source.small(manifest.FILE_NAME, manifest.LARGEST_BYTES)
    mark = source.small(f"{manifest.FILE_NAME}.sig", signature.LARGEST_BYTES)
    signature.verify(text, mark, signers)
    release = manifest.parse(text)
    if release.archive is None:
        raise BadRelease("the manifest names no archive")
    return release


def must_have_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Raise NoRoom unless that much is free there, and a little more."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + SPARE_BYTES:
        raise NoRoom(
            f"{what} needs {megabytes(needed_bytes + SPARE_BYTES)} in {folder}, "
            f"and {megabytes(free)} are free",
            "Make room and try again; nothing has changed.",
        )


def _forget_others(folder: Path, wanted: Path) -> None:
    for part in folder.glob("*.part"):
        if part != wanted:
            part.unlink()


def _within(content: bytes, limit_bytes: int, file: str) -> bytes:
    if len(content) > limit_bytes:
        raise BadRelease(f"{file} has more than {limit_bytes} bytes")
    return content


def _absent(file: str, place: str, reason: str) -> UpdateFailed:
    return UpdateFailed(
        f"{file} cannot be had from {place}: {reason}",
        "Is the address right (`bittern config show`), and the network there?",
    )
