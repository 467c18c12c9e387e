"""Which models there are: ``firmware_config/models.toml`` as frozen, checked dataclasses."""

from __future__ import annotations

import dataclasses
import difflib
import platform
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from device.firmware import FIRMWARE
from device.models.errors import BadManifest, UnknownModel

MANIFEST = FIRMWARE / "models.toml"


@dataclass(frozen=True, slots=True)
class ModelArchive:
    """One package file that carries models."""

    project: str
    version: str
    file: str
    size_bytes: int
    sha256: str
    machine: str = ""
    """The only kind of machine that wants it, as ``uname -m`` names it; empty: all do."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of the store, exactly as it must be."""

    path: str
    """Where it lies under the store, with forward slashes."""
    size_bytes: int
    sha256: str
    members: tuple[str, ...]
    """Names inside the set's archives; the file is these, joined in this order."""
    machine: str = ""
    """As in `ModelArchive`."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A file that is written on this machine from a fetched one."""

    path: str
    source: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """Other packages that hold the very files of a set, for when its own cannot be had."""

    archives: tuple[ModelArchive, ...]
    members: Mapping[str, tuple[str, ...]]
    """By path, what a file is joined from there; what is left out has the same names."""


@dataclass(frozen=True)
class ModelSet:
    """Files that are only of use together, under one licence."""

    name: str
    about: str
    licence: str
    archives: tuple[ModelArchive, ...]
    files: tuple[ModelFile, ...]
    converted: tuple[Conversion, ...] = ()
    needs: tuple[str, ...] = ()
    terms: str = ""
    default: bool = False
    ask_first: bool = False
    alternatives: tuple[Alternative, ...] = ()

    @property
    def sources(self) -> tuple[ModelSet, ...]:
        """This set, from each of the places that have it, its own packages first.

        The files are the same everywhere, by hash: whose package carries them is no matter.
        """
        return (self, *(self._from(each) for each in self.alternatives))

    def _from(self, other: Alternative) -> ModelSet:
        files = (
            dataclasses.replace(file, members=other.members.get(file.path, file.members))
            for file in self.files
        )
        return dataclasses.replace(self, archives=other.archives, files=tuple(files))

    @property
    def entries(self) -> tuple[ModelFile | Conversion, ...]:
        """All its files: the fetched ones, then those made from them."""
        return self.files + self.converted

    @property
    def download_bytes(self) -> int:
        """Size of all its archives."""
        return sum(archive.size_bytes for archive in self.archives)

    @property
    def size_bytes(self) -> int:
        """Size of its fetched files in the store."""
        return sum(file.size_bytes for file in self.files)

    @property
    def folder(self) -> str:
        """The folder of the store that holds all its files."""
        return str(PurePosixPath(self.files[0].path).parent)


@dataclass(frozen=True)
class ModelManifest:
    """All sets, by name, in the order of the file."""

    sets: Mapping[str, ModelSet]

    @cached_property
    def by_path(self) -> Mapping[str, tuple[ModelSet, ModelFile | Conversion]]:
        """Every file of the store: its set and what is known of it."""
        return {
            entry.path: (chosen, entry) for chosen in self.sets.values() for entry in chosen.entries
        }

    def select(self, names: Iterable[str] = ()) -> list[ModelSet]:
        """Return the named sets and what they need, or the default ones if none is named."""
        wanted = list(names) or [name for name, chosen in self.sets.items() if chosen.default]
        selected: dict[str, ModelSet] = {}
        for name in wanted:
            for needed in (*self.named(name).needs, name):
                selected[needed] = self.sets[needed]
        return list(selected.values())

    def named(self, name: str) -> ModelSet:
        """Return one set; raise UnknownModel with the nearest name if there is none."""
        if name in self.sets:
            return self.sets[name]
        raise UnknownModel(f"there is no model {name!r}", _nearest(name, self.sets))


def load(path: Path = MANIFEST, machine: str = "") -> ModelManifest:
    """Read and check a manifest, as it is for one kind of machine (this one if not named).

    A set that has nothing for that machine is left out. Raises BadManifest when it cannot
    be read, lacks a key, or names a path twice.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        here = machine or platform.machine()
        manifest = ModelManifest(
            {
                name: _read_set(name, table, here)
                for name, table in document.items()
                if not table["archives"] or _meant_for(here, table["archives"])
            }
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadManifest(f"cannot read the list of models {path}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise BadManifest(f"{path}: a key is missing or of the wrong kind: {error}") from error
    _check(manifest, path)
    return manifest


@lru_cache(maxsize=1)
def shipped() -> ModelManifest:
    """Return the manifest that came with this release, read once."""
    return load()


def _meant_for(machine: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry.get("machine", machine) == machine]


def _read_set(name: str, table: dict[str, Any], machine: str) -> ModelSet:
    return ModelSet(
        name=name,
        about=table["about"],
        licence=table["licence"],
        terms=table.get("terms", ""),
        default=table.get("default", False),
        ask_first=table.get("ask_first", False),
        needs=tuple(table.get("needs", ())),
        archives=tuple(ModelArchive(**entry) for entry in _meant_for(machine, table["archives"])),
        files=tuple(
            ModelFile(**{**entry, "members": tuple(entry["members"])})
            for entry in _meant_for(machine, table["files"])
        ),
        alternatives=tuple(
            Alternative(
                tuple(
                    ModelArchive(**archive) for archive in _meant_for(machine, entry["archives"])
                ),
                {path: tuple(members) for path, members in entry.get("members", {}).items()},
            )
            for entry in table.get("alternatives", ())
        ),
        converted=tuple(
            Conversion(path=entry["path"], source=entry["from"])
            for entry in table.get("converted", ())
        ),
    )


def _check(manifest: ModelManifest, path: Path) -> None:
    seen: set[str] = set()
    for chosen in manifest.sets.values():
        if not chosen.archives or not chosen.files:
            raise BadManifest(f"{path}: {chosen.name} names no archive or no file")
        for needed in chosen.needs:
            if needed not in manifest.sets:
                raise BadManifest(f"{path}: {chosen.name} needs {needed}, which is not there")
        for entry in chosen.entries:
            _check_path(entry.path, seen, path)
        _check_sources(chosen, path)


def _check_path(name: str, seen: set[str], path: Path) -> None:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or len(parts.parts) != 2:
        raise BadManifest(f"{path}: {name!r} is not of the form folder/file")
    if name in seen:
        raise BadManifest(f"{path}: {name} is named twice")
    seen.add(name)


def _check_sources(chosen: ModelSet, path: Path) -> None:
    names = {file.path for file in chosen.files}
    for other in chosen.alternatives:
        if not other.archives or not set(other.members) <= names:
            raise BadManifest(f"{path}: an alternative of {chosen.name} does not fit its files")
    for conversion in chosen.converted:
        if conversion.source not in names:
            raise BadManifest(
                f"{path}: {conversion.path} is made from {conversion.source}, unknown"
            )


def _nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}`bittern models list` shows all"
