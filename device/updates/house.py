"""The data of the house (timers, lists) and the settings, saved before a switch.

The folder of the data belongs to the appliance's user, and this runs as root: no link in
it is followed, and what is written there belongs to that user.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from device.models.files import sync_folder
from device.ownership import opened_folder
from device.updates.durable import forget, remove_tree, write_whole
from device.updates.errors import UpdateFailed

DATABASE = "house.sqlite3"
FILES = (f"{DATABASE}-journal", DATABASE)
"""In the order in which they are put back: a journal of another file would harm it."""
SETTINGS = "bittern.toml"
_VERSION_AT = 60
"""``PRAGMA user_version``: four bytes, big end first (SQLite's file format, 1.3)."""
_LARGEST_BYTES = 256 << 20
_SET_ASIDE_KEPT = 3


def schema_of(folder: Path) -> int:
    """The schema version of the database in a folder; 0 where there is none.

    Read from the file's header, so that a database in use is not disturbed.
    """
    header = _read(folder / DATABASE, most_bytes=100) or b""
    return int.from_bytes(header[_VERSION_AT : _VERSION_AT + 4], "big")


def save(state: Path, settings: Path, into: Path) -> None:
    """Copy the data and the settings, whole or not at all; nobody may be writing them."""
    new = into.with_name(f".{into.name}.new")
    remove_tree(new)
    new.mkdir(parents=True, mode=0o700)
    for name in FILES:
        content = _read(state / name)
        if content is not None:
            write_whole(new / name, content, 0o600)
    content = _read(settings)
    if content is not None:
        write_whole(new / SETTINGS, content, 0o600)
    remove_tree(into)
    os.replace(new, into)
    sync_folder(into.parent)


def is_saved(saved: Path) -> bool:
    """Whether there is something to put back."""
    return (saved / DATABASE).is_file()


def forget_data(saved: Path) -> None:
    """Leave no saved data where both releases read the present ones; the settings stay.

    What somebody deletes later would go on standing in them.
    """
    for name in reversed(FILES):
        forget(saved / name)


def forget_what_is_back(saved: Path, state: Path) -> None:
    """Leave no saved data that the house has in use again, or in the same form."""
    if is_saved(saved) and schema_of(saved) == schema_of(state):
        forget_data(saved)


def put_back(saved: Path, state: Path) -> None:
    """Give the house the data that were saved; each file is replaced in one step."""
    with opened_folder(state) as folder:
        for name in FILES:
            content = _read(saved / name)
            if content is not None:
                _replace(folder, name, content)
            else:
                _remove(folder, name)
        os.fsync(folder)


def set_aside(state: Path, saved: Path) -> Path:
    """Keep a copy of the data as they are, which something older is about to replace."""
    aside = saved / f"set-aside-{time.strftime('%Y%m%d-%H%M%S')}"
    aside.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in FILES:
        content = _read(state / name)
        if content is not None:
            write_whole(aside / name, content, 0o600)
    for old in sorted(saved.glob("set-aside-*"))[:-_SET_ASIDE_KEPT]:
        remove_tree(old)
    return aside


def _read(path: Path, most_bytes: int = -1) -> bytes | None:
    """The content of a plain file, or its beginning; None where there is none."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with opened_folder(path.parent) as folder:
            descriptor = os.open(path.name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UpdateFailed(f"{path} cannot be read: {error.strerror}") from None
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST_BYTES:
            raise UpdateFailed(f"{path} is not a plain file of reasonable size")
        return file.read(most_bytes)


def _remove(folder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _replace(folder: int, name: str, content: bytes) -> None:
    owner = os.fstat(folder)
    new = f".{name}.update"
    _remove(folder, new)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(new, flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), 0o640)
        if os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.fsync(file.fileno())
    os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
