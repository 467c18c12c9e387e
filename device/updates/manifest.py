"""What a release consists of: the document that is signed, and that is never trusted unsigned.

Its ``id`` is a hash of all names and hashes of files, the same that ``scripts/install.sh``
gives to the copy of a clone: the same files are the same release, however they came.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from device.updates.errors import BadRelease
from device.updates.version import Version

FORMAT = 1
FILE_NAME = "release.json"
"""As a source offers it, and beside the files of an installed release."""
LARGEST_BYTES = 4 << 20
MOST_FILES = 20_000
LARGEST_FILE_BYTES = 1 << 30
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{12}")
_ARCHIVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_PYTHON = re.compile(r"3\.\d{1,3}")
_OURS = {".venv", ".complete", FILE_NAME, FILE_NAME + ".sig"}
"""Names at the top of a release that are made here and never come from outside."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a release."""

    path: str
    sha256: str
    size_bytes: int
    executable: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseArchive:
    """The one file in which a release comes."""

    file: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ReleaseManifest:
    """A release: what it is, what it needs, and every file of it."""

    version: str
    python: str
    """The oldest Python it runs on, ``3.11``."""
    schema: int
    """The schema of the house's database (timers, lists) that it writes."""
    files: tuple[File, ...]
    archive: ReleaseArchive | None = None
    """None for one that was installed from a clone."""
    valid_until: str = ""
    """The last day on which it may be offered, ``2027-03-01``; empty for what is installed."""

    @property
    def id(self) -> str:
        """The name of its folder."""
        return identity(self.files)

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(file.size_bytes for file in self.files)

    def as_json(self) -> bytes:
        """Write it down; the same release always gives the same bytes."""
        document: dict[str, Any] = {
            "format": FORMAT,
            "id": self.id,
            "version": self.version,
            "python": self.python,
            "schema": self.schema,
        }
        if self.valid_until:
            document["valid_until"] = self.valid_until
        if self.archive is not None:
            document["archive"] = _fields(self.archive)
        document["files"] = [_fields(file) for file in self.files]
        return json.dumps(document, indent=1).encode() + b"\n"


def identity(files: Iterable[File]) -> str:
    """Hash names and hashes, as ``sha256sum FILE… | sha256sum | cut -c 1-12`` does."""
    ordered = sorted(files, key=lambda file: file.path.encode())
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in ordered)
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def parse(text: bytes) -> ReleaseManifest:
    """Read and check a manifest; raises BadRelease for anything that is not right in it."""
    if len(text) > LARGEST_BYTES:
        raise BadRelease(f"the manifest has more than {LARGEST_BYTES} bytes")
    try:
        document = json.loads(text)
        if _of(document, "format", int) != FORMAT:
            raise BadRelease(
                f"the manifest has format {document['format']}, this release reads {FORMAT}",
                "Install that release with its own scripts/install.sh.",
            )
        manifest = _read(document)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadRelease(f"the manifest is not right: {error}") from None
    if _of(document, "id", str) != manifest.id:
        raise BadRelease("the manifest's id is not that of its files")
    return manifest


def _read(document: Mapping[str, Any]) -> ReleaseManifest:
    version = _of(document, "version", str)
    Version.parse(version)
    archive = document.get("archive")
    entries = _of(document, "files", list)
    if not 0 < len(entries) <= MOST_FILES:
        raise ValueError(f"it names {len(entries)} files")
    files = tuple(_read_file(entry) for entry in entries)
    _must_fit_together(files)
    return ReleaseManifest(
        version=version,
        python=_like(_PYTHON, _of(document, "python", str)),
        schema=_size(document, "schema"),
        files=files,
        archive=None if archive is None else _read_archive(archive),
        valid_until=_day(document.get("valid_until", "")),
    )


def _day(text: object) -> str:
    if not isinstance(text, str):
        raise ValueError("valid_until is not a day")
    return date.fromisoformat(text).isoformat() if text else ""


def _read_file(entry: Mapping[str, Any]) -> File:
    path = _of(entry, "path", str)
    if not is_safe(path):
        raise ValueError(f"{path!r} is not the path of a file in a release")
    return File(
        path, _like(_SHA256, _of(entry, "sha256", str)), _size(entry, "size_bytes"),
        _of(entry, "executable", bool),
    )  # fmt: skip


def _read_archive(entry: Mapping[str, Any]) -> ReleaseArchive:
    return ReleaseArchive(
        _like(_ARCHIVE, _of(entry, "file", str)),
        _like(_SHA256, _of(entry, "sha256", str)),
        _size(entry, "size_bytes"),
    )


def is_safe(path: str) -> bool:
    """Whether a path can only mean one file inside the release, and none that is made here."""
    if not path.isprintable() or "\\" in path or len(path) > 250:
        return False
    parts = path.split("/")
    return all(part not in ("", ".", "..") for part in parts) and parts[0] not in _OURS


def _must_fit_together(files: Iterable[File]) -> None:
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise ValueError(f"{file.path!r} is named twice")
        seen.add(file.path)
    for path in seen:
        for above in PurePosixPath(path).parents:
            if str(above) in seen:
                raise ValueError(f"{str(above)!r} is a file and a folder")


def _of(document: Mapping[str, Any], name: str, kind: type) -> Any:
    value = document.get(name)
    if type(value) is not kind:
        raise ValueError(f"{name} is missing or not a {kind.__name__}")
    return value


def _size(document: Mapping[str, Any], name: str) -> int:
    value: int = _of(document, name, int)
    if not 0 <= value <= LARGEST_FILE_BYTES:
        raise ValueError(f"{name} is {value}")
    return value


def _like(form: re.Pattern[str], text: str) -> str:
    if form.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not what belongs there")
    return text


def is_id(text: str) -> bool:
    """Whether a text has the form of a release's id."""
    return _ID.fullmatch(text) is not None


def _fields(entry: File | ReleaseArchive) -> dict[str, object]:
    return {name: getattr(entry, name) for name in entry.__slots__}
