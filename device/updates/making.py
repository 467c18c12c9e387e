"""Making a release: the manifest of a folder, and the archive of its files."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import subprocess
import tarfile
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device.tools.database import SCHEMA_VERSION
from device.updates.durable import write_whole
from device.updates.errors import BadRelease, UpdateFailed
from device.updates.manifest import FILE_NAME, File, ReleaseArchive, ReleaseManifest, is_safe, parse
from device.updates.signature import sign
from device.updates.trust import FILE_NAME as SIGNERS
from device.updates.trust import NAMESPACE as SIGNERS_NAMESPACE
from device.updates.trust import serial_of

VALID_DAYS = 90
"""How long an offer holds: a frozen place is noticed after that time at the latest."""
_LEFT_OUT = {".venv", "__pycache__"}


def describe(folder: Path, schema: int = SCHEMA_VERSION) -> ReleaseManifest:
    """Write the manifest of an installed release beside its files, unsigned, and return it.

    What was installed from a clone becomes a release like any other by it.
    """
    manifest = _manifest(folder, files_of(folder), schema)
    write_whole(folder / FILE_NAME, manifest.as_json())
    return manifest


def make(
    clone: Path, out: Path, key: Path, schema: int = SCHEMA_VERSION, valid_days: int = VALID_DAYS
) -> list[Path]:
    """Make and sign a release of what is committed in a clone; return the files to publish.

    Made again of the same commit it is the same archive, with a later last day.

    Raises UpdateFailed where something is not committed: nobody could say what it was.
    """
    changed = _git(clone, "status", "--porcelain", "--untracked-files=no")
    if changed:
        raise UpdateFailed(
            f"{clone} has changes that are not committed", "Commit them, or make a fresh clone."
        )
    names = [name for name in _git(clone, "ls-files", "-z").split("\0") if name]
    manifest = _manifest(clone, names, schema)
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"bittern-{manifest.version}-{manifest.id}.tar.gz"
    _pack(clone, manifest, archive)
    described = ReleaseArchive(archive.name, _sha256(archive), archive.stat().st_size)
    last_day = datetime.now(UTC).date() + timedelta(days=valid_days)
    complete = dataclasses.replace(manifest, archive=described, valid_until=last_day.isoformat())
    written = out / FILE_NAME
    written.write_bytes(complete.as_json())
    return [archive, written, sign(written, key)]


def publish_signers(signers: Path, out: Path, key: Path) -> list[Path]:
    """Sign a new list of trusted keys; return the files to publish beside a release."""
    text = signers.read_bytes()
    serial_of(text)
    out.mkdir(parents=True, exist_ok=True)
    written = out / SIGNERS
    written.write_bytes(text)
    return [written, sign(written, key, SIGNERS_NAMESPACE)]


def files_of(folder: Path) -> list[str]:
    """The files of an installed release: everything but what was made there."""
    found: list[str] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in names:
            path = (Path(root) / name).relative_to(folder).as_posix()
            if is_safe(path):
                found.append(path)
    return found


def _manifest(folder: Path, names: Iterable[str], schema: int) -> ReleaseManifest:
    files: list[File] = []
    for name in sorted(names, key=str.encode):
        if not is_safe(name):
            raise BadRelease(f"{name!r} cannot be a file of a release", "Rename it.")
        path = folder / name
        if path.is_symlink():
            raise BadRelease(f"{name} is a symbolic link, which a release must not hold")
        found = path.stat()
        files.append(File(name, _sha256(path), found.st_size, bool(found.st_mode & 0o100)))
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = str(project["requires-python"]).removeprefix(">=").strip()
    manifest = ReleaseManifest(str(project["version"]), python, schema, tuple(files))
    return parse(manifest.as_json())


def _pack(folder: Path, manifest: ReleaseManifest, archive: Path) -> None:
    """The same files give the same archive: no dates, no owners."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in manifest.files:
            entry = tarfile.TarInfo(file.path)
            entry.size = file.size_bytes
            entry.mode = 0o755 if file.executable else 0o644
            with (folder / file.path).open("rb") as content:
                tar.addfile(entry, content)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git(clone: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-c", f"safe.directory={clone}", "-C", str(clone), *arguments],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise UpdateFailed("there is no git", "Install it: `sudo apt install git`.") from None
    except subprocess.CalledProcessError as error:
        raise UpdateFailed(
            f"git does not know {clone}: {error.stderr.strip()}", "A release is made from a clone."
        ) from None
    return done.stdout
