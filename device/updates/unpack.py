"""Taking a release out of its archive: only the files that were signed for, as they were signed."""

from __future__ import annotations

import errno
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from device.updates.errors import BadRelease, NoRoom
from device.updates.manifest import File, ReleaseArchive, ReleaseManifest

_CHUNK_BYTES = 1 << 20
_MOST_MEMBERS = 50_000


def check_archive(path: Path, archive: ReleaseArchive) -> None:
    """Hash the whole archive before anything in it is looked at; raises BadRelease."""
    size_bytes = path.stat().st_size
    if size_bytes != archive.size_bytes:
        raise BadRelease(
            f"{archive.file} has {size_bytes} bytes, the signed manifest says {archive.size_bytes}",
            "Nothing of it was used. Fetch it again.",
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != archive.sha256:
        raise BadRelease(
            f"the sha256 of {archive.file} is {found}, the signed manifest says {archive.sha256}",
            "Nothing of it was used. Fetch it again; if it stays so, tell the makers.",
        )


def unpack(archive: Path, manifest: ReleaseManifest, folder: Path) -> None:
    """Write every file of a release into a folder that is not there yet.

    Nothing of a member of the archive is believed but its content: names, modes and sizes
    are those of the manifest, and a member that is not in it, or is no plain file, ends
    it. Raises BadRelease or NoRoom; what was written is left for the caller to remove.
    """
    wanted = {file.path: file for file in manifest.files}
    with told_of(folder):
        folder.mkdir(mode=0o755)
        try:
            with tarfile.open(archive, "r:gz") as tar:
                for member in _members(tar):
                    file = wanted.pop(member.name, None)
                    if file is None:
                        raise BadRelease(f"the archive holds {member.name!r}, nobody signed for it")
                    content = tar.extractfile(member)
                    assert content is not None, "plain files have a content"
                    _write(content, file, folder)
        except (tarfile.TarError, zlib.error, EOFError, ValueError) as error:
            raise BadRelease(f"the archive cannot be read: {error}") from None
    if wanted:
        raise BadRelease(f"the archive lacks {next(iter(wanted))!r}, and {len(wanted)} in all")


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for count, member in enumerate(tar):
        if count >= _MOST_MEMBERS:
            raise BadRelease("the archive has too many members")
        if member.isdir():
            continue
        if not member.isreg():
            raise BadRelease(f"{member.name!r} in the archive is not a plain file")
        yield member


def _write(content: IO[bytes], file: File, folder: Path) -> None:
    """The folder is new and ours, and holds no links: a safe path stays within it."""
    place = folder / file.path
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    digest = hashlib.sha256()
    left = file.size_bytes
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as out:
        while chunk := content.read(min(_CHUNK_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            out.write(chunk)
        os.fchmod(descriptor, 0o755 if file.executable else 0o644)
    if left != 0 or digest.hexdigest() != file.sha256:
        raise BadRelease(f"{file.path} in the archive is not the file that was signed for")


def verify_files(folder: Path, manifest: ReleaseManifest) -> None:
    """Hash every file of an installed release; raises BadRelease for the first that differs."""
    for file in manifest.files:
        try:
            with (folder / file.path).open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise BadRelease(f"{folder / file.path} cannot be read: {error.strerror}") from None
        if found != file.sha256:
            raise BadRelease(f"{folder / file.path} is damaged")


@contextmanager
def told_of(folder: Path) -> Iterator[None]:
    """Turn a full disk into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NoRoom(
                f"there is no room left in {folder.parent} ({os.strerror(error.errno)})",
                "Make room and try again; nothing has changed.",
            ) from None
        raise
