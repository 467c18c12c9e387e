"""The SQLite file of the house: opened so that a power cut leaves it whole.

A rollback journal that is kept (``journal_mode=PERSIST``) with ``synchronous=FULL``,
rather than a write-ahead log: writes are few (some a day), the file is one, and the
space they need is allocated beforehand, so that on a full disk a timer can still be set
(on file systems that write in place, such as ext4). ``locking_mode=EXCLUSIVE`` keeps a
second process out.

A file that does not pass SQLite's integrity check, or was written by a later Bittern, is
set aside under another name, what can be read from it is taken over, and a new one begun.
Where no file can be written at all, memory has to do, and a person is told.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from device.errors import BitternError

_log = logging.getLogger(__name__)

_APPLICATION_ID = 0x42495454  # "BITT", what file(1) may show
_CANNOT_SAVE = "I can't save timers and lists: they will be lost when I'm switched off."

_BALLAST_ROWS = 16
_BALLAST_BYTES = 3_500  # a row fills a page of 4096 bytes

_MIGRATIONS: Sequence[Sequence[str]] = (
    (
        "CREATE TABLE entries (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
        "CREATE TABLE ringings (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
        "CREATE TABLE items"
        " (id INTEGER PRIMARY KEY, list TEXT NOT NULL, text TEXT NOT NULL) STRICT",
    ),
)
"""Statements that lead from each version of the schema to the next, the first from nothing."""
SCHEMA_VERSION = len(_MIGRATIONS)
"""The schema that this Bittern writes; it does not read a later one."""

TABLES = {"entries": ("id", "body"), "ringings": ("id", "body"), "items": ("id", "list", "text")}


class StoreBusyError(BitternError):
    """Another process has the file open."""


class StoreError(BitternError):
    """Something could not be kept, or read: the disk is full, or failing."""


class Database:
    """One open file. Belongs to one thread at a time; SQLite errors become StoreError."""

    def __init__(self, path: Path, connection: sqlite3.Connection, troubles: list[str]) -> None:
        self.path = path
        self.troubles = troubles
        """What a person should be told about the opening, as sentences; usually nothing."""
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open or create; set a damaged file aside; go on in memory where no file can be had.

        Raises :class:`StoreBusyError` when another process has it open.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = _connect(path)
        except (sqlite3.DatabaseError, OSError) as error:
            if _is_busy(error):
                raise StoreBusyError(
                    f"{path} is in use by another process",
                    "the appliance is running: ask it, or stop it first",
                ) from error
            if _is_unfit(error) and path.is_file():
                return cls._begin_anew(path, error)
            return cls._do_without(path, error)
        # A disk that can only be read (a card that has worn out): what is there is there.
        return cls(path, connection, [] if os.access(path, os.W_OK) else [_CANNOT_SAVE])

    @classmethod
    def _begin_anew(cls, path: Path, reason: Exception) -> Database:
        aside = _set_aside(path)
        _log.error("%s cannot be used (%s); set aside as %s", path, reason, aside.name)
        database = cls(path, _connect(path), [])
        saved = database._salvage(aside)
        _log.warning("%d records were still readable in %s", saved, aside.name)
        database.troubles.append(
            "I could not read all of my timers, alarms and lists. Please check what is set."
        )
        return database

    @classmethod
    def _do_without(cls, path: Path, reason: Exception) -> Database:
        _log.error("cannot keep anything in %s: %s", path, reason)
        database = cls(path, _connect(None), [_CANNOT_SAVE])
        if path.is_file():
            database._salvage(path)
        return database

    def _salvage(self, damaged: Path) -> int:
        """Take over what can still be read, row by row; returns how many rows."""
        saved = 0
        for table, columns in TABLES.items():
            marks = ",".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {table} ({','.join(columns)}) VALUES ({marks})"
            with self.transaction() as run:
                for row in _readable_rows(damaged, table, columns):
                    try:
                        saved += run(insert, row).rowcount
                    except sqlite3.Error as error:  # a value that the schema does not allow
                        _log.warning("a row of %s was beyond saving: %s", table, error)
        return saved

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Read; raises :class:`StoreError`."""
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"what was kept cannot be read: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[Callable[[str, Sequence[object]], sqlite3.Cursor]]:
        """Run statements that happen all or not at all, even when the power goes.

        Raises :class:`StoreError` when they did not happen.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection.execute
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"this cannot be kept: {error}") from error
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        """Undo what was begun and not committed, if anything."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            # SQLite rolls back by itself on some failures; the journal does the rest.
            _log.warning("could not roll back in %s: %s", self.path, error)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _connect(path: Path | None) -> sqlite3.Connection:
    """Open a file that is proven whole, or memory; raises ``sqlite3.DatabaseError``."""
    name = ":memory:" if path is None else str(path)
    connection = sqlite3.connect(name, timeout=0.5, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=PERSIST", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        report = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
        if report != ["ok"]:
            raise sqlite3.DatabaseError(f"malformed: {'; '.join(report)}")
        _migrate(connection)
        _allocate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_MIGRATIONS):
        raise sqlite3.DatabaseError(f"malformed: schema version {version} is of a later Bittern")
    for number, statements in enumerate(_MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={number}")
        connection.execute("COMMIT")


def _allocate(connection: sqlite3.Connection) -> None:
    """Have the file and its journal take the space now that later writes will need."""
    (free_pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    if free_pages >= _BALLAST_ROWS // 2:
        return
    rows = [(number, "x" * _BALLAST_BYTES) for number in range(_BALLAST_ROWS)]
    try:
        # The file may hold it already, if the power went between these statements.
        connection.execute("DROP TABLE IF EXISTS ballast")
        connection.execute("CREATE TABLE ballast (id INTEGER PRIMARY KEY, body TEXT)")
        connection.executemany("INSERT INTO ballast VALUES (?, ?)", rows)
        connection.execute("UPDATE ballast SET body = upper(body)")  # all pages in the journal
        connection.execute("DROP TABLE ballast")  # its pages stay in the file, free
    except sqlite3.OperationalError as error:
        _log.warning("no space could be set aside for timers and lists: %s", error)


def _set_aside(path: Path) -> Path:
    """Rename a file and its journal, which would be applied to a new file of the old name."""
    mark = time.strftime("set-aside-%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.{mark}")
    for suffix in ("-journal", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return aside


def _readable_rows(
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


def _is_busy(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def _is_unfit(error: Exception) -> bool:
    """Whether the content is at fault, rather than access to it."""
    code = getattr(error, "sqlite_errorcode", None)
    is_content = code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return is_content or "malformed" in str(error)
