"""Models from a folder: an older store, a stick, another appliance's; each file by its hash."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from device.models.files import CHUNK_BYTES, explained, put_in_place, write_hashed
from device.models.manifest import ModelFile
from device.models.model_store import Condition, ModelStore
from device.models.progress import FetchProgress
from device.ownership import opened_folder


def adopt(
    store: ModelStore, folder: Path, names: Sequence[str], progress: FetchProgress
) -> list[str]:
    """Copy into the store what it lacks of the named sets (none: of all) and the folder has.

    It need not be laid out as a store is: a file is looked for by its size and its hash.
    The folder may be anybody's: no link in it is followed, and nothing of a file is believed
    but its content, which must have the pinned hash. Returns the paths that were taken.
    Converted files are not taken, since nothing is pinned of them; `fetch` makes them anew.
    """
    sets = store.manifest.select(names) if names else list(store.manifest.sets.values())
    taken: list[str] = []
    with store.locked(lambda who: progress.say(f"waiting for {who}, which is at the models")):
        for file in (file for chosen in sets for file in chosen.files):
            if store.quick_condition(file) is not Condition.SOUND and _take(store, folder, file):
                progress.say(f"  {file.path}: taken from {folder}")
                taken.append(file.path)
        if taken:
            with explained(store.folder):
                store.records.save()
    return taken


def _take(store: ModelStore, folder: Path, file: ModelFile) -> bool:
    source = folder / file.path
    # Absent there, or a link where a folder should be: then it is not to be had there.
    with suppress(FileNotFoundError, NotADirectoryError), opened_folder(source.parent) as there:
        if _copy(store, file, source.name, there):
            return True
    # Wherever it lies, under whatever name: its size and its hash are what it is known by.
    with suppress(FileNotFoundError, NotADirectoryError):
        for _, _, names, there in os.fwalk(folder, follow_symlinks=False):
            for name in names:
                if _size(name, there) == file.size_bytes and _copy(store, file, name, there):
                    return True
    return False


def _copy(store: ModelStore, file: ModelFile, name: str, there: int) -> bool:
    """Copy a file of an open folder, if it is the one that is wanted."""
    final = store.folder / file.path
    new = final.with_name(f".{final.name}.new")
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=there)
    except OSError:
        return False
    with open(descriptor, "rb") as content, explained(store.folder):
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            if write_hashed(new, _chunks(content), file.size_bytes) != file.sha256:
                return False
            put_in_place(new, final)
        finally:
            new.unlink(missing_ok=True)
    store.remember(file.path, file.sha256)
    return True


def _size(name: str, there: int) -> int:
    try:
        found = os.stat(name, dir_fd=there, follow_symlinks=False)
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    while chunk := content.read(CHUNK_BYTES):
        yield chunk
