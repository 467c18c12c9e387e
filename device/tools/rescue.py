"""What can be had from a damaged store: its rows one by one, and the second copy of it all.

The second copy is a whole SQLite file beside the store, made by ``VACUUM INTO`` and put in
its place in one step: it has no free page, and so nothing of what was deleted.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

_log = logging.getLogger(__name__)

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def second_copy(path: Path) -> Path:
    """Where the second copy of a store is."""
    return path.with_name(f"{path.name}.copy")


def write_second_copy(connection: sqlite3.Connection, path: Path) -> bool:
    """Put down the second copy anew; False, with a line in the log, where that fails."""
    copy = second_copy(path)
    new = copy.with_name(f"{copy.name}.new")
    try:
        new.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(new),))
        with new.open("rb+") as file:
            os.fchmod(file.fileno(), 0o600)
            os.fsync(file.fileno())
        new.replace(copy)
        sync_folder(copy.parent)
    except (sqlite3.Error, OSError) as error:
        _log.warning("no second copy of %s: %s", path, error)
        remove(new)
        return False
    return True


def whole_copy(path: Path) -> Path | None:
    """The second copy of a store, if there is one that passes SQLite's check."""
    copy = second_copy(path)
    if not copy.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
            report = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        _log.error("nor can %s be used: %s", copy.name, error)
        return None
    return copy if report == ("ok",) else None


def set_aside(path: Path) -> Path:
    """Rename a file and its journal, which would be applied to a new file of the old name."""
    aside = path.with_name(time.strftime(f"{path.name}.set-aside-%Y%m%d-%H%M%S"))
    for suffix in ("-journal", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return aside


def forget_set_aside(path: Path) -> None:
    """Remove the damaged files: what they hold is what somebody wants gone."""
    for aside in path.parent.glob(f"{path.name}.set-aside-*"):
        remove(aside)


def blank_journal(path: Path) -> None:
    """Fill the kept journal with zeros; only while no transaction is open.

    SQLite itself zeroes no more than its header, and leaves the pages as they were before
    the last change. The length stays: it is the space that the next change needs.
    """
    journal = path.with_name(f"{path.name}-journal")
    try:
        with journal.open("rb+", buffering=0) as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning("%s keeps what was deleted: %s", journal, error)


def readable_rows(
    damaged: Path, table: str, columns: Iterable[str]
) -> Iterator[tuple[object, ...]]:
    """Rows from both ends up to where the damage is."""
    for order in ("ASC", "DESC"):
        try:
            with closing(sqlite3.connect(damaged)) as connection:
                query = f"SELECT {','.join(columns)} FROM {table} ORDER BY id {order}"
                yield from connection.execute(query)
        except (sqlite3.Error, UnicodeError) as error:
            _log.warning("reading %s of %s ended: %s", table, damaged.name, error)
        else:
            return


def is_busy(error: Exception) -> bool:
    """Whether another process has the file."""
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def is_unfit(error: Exception) -> bool:
    """Whether the content is at fault, rather than access to it."""
    code = getattr(error, "sqlite_errorcode", None)
    return (code is not None and code & 0xFF in _CORRUPT) or "malformed" in str(error)


def remove(path: Path) -> None:
    """Remove a file, if it is there and that is possible."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s cannot be removed: %s", path, error)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
