"""Hashing, and writing so that a file is either wholly there or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from device.models.errors import FetchFailed, NoSpace, UnreadableModel

CHUNK_BYTES = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def sha256_of(path: Path) -> str:
    """Return the hash of a whole file in lower-case hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def size_of(path: Path) -> int:
    """Return the size of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def unreadable(path: Path, error: OSError) -> UnreadableModel:
    """Say that a file is there and cannot be read: forbidden, or the disk fails."""
    return UnreadableModel(
        f"cannot read {path} ({os.strerror(error.errno or 0)})",
        "look at its owner and mode, and at `dmesg` if the disk itself reports errors",
    )


def write_hashed(path: Path, chunks: Iterable[bytes], limit_bytes: int) -> str:
    """Write a new file down to the disk and return its sha256; stop after ``limit_bytes``."""
    digest = hashlib.sha256()
    written = 0
    with path.open("wb") as file:
        for chunk in chunks:
            written += len(chunk)
            digest.update(chunk)
            file.write(chunk)
            if written > limit_bytes:
                break
        file.flush()
        os.fsync(file.fileno())
    # Services under users of their own read the store, whatever the fetcher's umask.
    path.chmod(0o644)
    return digest.hexdigest()


def put_in_place(new: Path, final: Path) -> None:
    """Give a finished file its name: readers see the old file or the new one, never a part."""
    os.replace(new, final)
    sync_folder(final.parent)


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the operating system says about writing into what a person can do about it."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpace(
                f"no space left for models in {folder} ({os.strerror(error.errno or 0)})",
                "make room or set BITTERN_MODELS to another disk, then run the command again: "
                "it continues where it stopped",
            ) from error
        if error.errno in _FORBIDDEN:
            raise FetchFailed(
                f"may not write to {folder} ({os.strerror(error.errno or 0)})",
                "run the command as a user who may, or set BITTERN_MODELS to a folder of yours",
            ) from error
        raise FetchFailed(f"cannot write to {folder}: {error}", "") from error
