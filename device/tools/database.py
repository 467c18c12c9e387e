"""The SQLite file of the house: opened so that a power cut leaves it whole.

A rollback journal that is kept (``journal_mode=PERSIST``) with ``synchronous=FULL``,
rather than a write-ahead log: writes are few (some a day), the file is one, and the
space they need is allocated beforehand, so that on a full disk a timer can still be set
(on file systems that write in place, such as ext4). ``locking_mode=EXCLUSIVE`` keeps a
second process out.

A second copy (:mod:`device.tools.rescue`) is written anew after each change. A file that is
empty, does not pass SQLite's integrity check, or was written by a later Bittern, is set
aside under another name; a new one is begun with what the second copy holds and what can be
read from the damaged one. Where nothing can be written, memory has to do, a person is told, and the
disk is tried again now and then: :attr:`Database.is_durable` says which of the two it is.

What is deleted is gone from every file: SQLite overwrites it (``secure_delete``), the file
is built anew when a person deletes something, the kept journal is filled with zeros after
each change, the second copy holds no free page, and a
damaged file that was set aside goes with the next deletion that a person asks for.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from device.errors import BitternError
from device.phrases.book import Phrase, phrase
from device.tools.rescue import (
    blank_journal,
    forget_set_aside,
    is_busy,
    is_unfit,
    readable_rows,
    remove,
    second_copy,
    set_aside,
    sync_folder,
    whole_copy,
    write_second_copy,
)

_log = logging.getLogger(__name__)

_APPLICATION_ID = 0x42495454  # "BITT", what file(1) may show
CANNOT_SAVE = phrase("store_cannot_save")
LOST_SOME = phrase("store_lost_some")
RESTORED = phrase("store_restored")
_TRY_AGAIN_S = 30.0
"""How long after a disk refused it is tried again."""

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

    def __init__(
        self, path: Path, connection: sqlite3.Connection, troubles: list[Phrase], is_durable: bool
    ) -> None:
        self.path = path
        self.troubles = troubles
        """What a person should be told about the opening, as sentences; usually nothing."""
        self.is_durable = is_durable
        """Whether what is written is on the disk: False while memory has to do."""
        self._connection = connection
        self._is_tidy = False
        self._tried_s = time.monotonic()

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open or create; set a damaged file aside; go on in memory where no file can be had.

        Raises :class:`StoreBusyError` when another process has it open.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _is_emptied(path):
                raise sqlite3.DatabaseError("malformed: there is nothing in it")
            connection = _connect(path)
        except (sqlite3.DatabaseError, OSError) as error:
            if is_busy(error):
                raise StoreBusyError(
                    f"{path} is in use by another process",
                    "The appliance is running: ask it, or stop it first.",
                ) from error
            if is_unfit(error) and (path.is_file() or second_copy(path).is_file()):
                return cls._begin_anew(path, error)
            return cls._do_without(path, error)
        database = cls(path, connection, [], is_durable=True)
        database.tidy()
        return database

    @classmethod
    def _begin_anew(cls, path: Path, reason: Exception) -> Database:
        copy = whole_copy(path)
        try:
            aside = set_aside(path)
            connection = _connect(path)
        except (sqlite3.DatabaseError, OSError) as error:
            return cls._do_without(path, error)
        _log.error("%s cannot be used (%s); set aside as %s", path, reason, aside.name)
        database = cls(path, connection, [RESTORED if copy else LOST_SOME], is_durable=True)
        sources = [source for source in (copy, aside) if source is not None and source.is_file()]
        for source in sources:
            saved = database._salvage(source)
            _log.warning("%d records were readable in %s", saved, source.name)
        database.tidy()
        return database

    @classmethod
    def _do_without(cls, path: Path, reason: Exception) -> Database:
        _log.error("cannot keep anything in %s: %s", path, reason)
        database = cls(path, _connect(None), [CANNOT_SAVE], is_durable=False)
        for source in (path, second_copy(path)):
            if source.is_file():
                database._salvage(source)
        return database

    def _salvage(self, damaged: Path) -> int:
        """Take over what can still be read, row by row; returns how many rows."""
        saved = 0
        for table, columns in TABLES.items():
            marks = ",".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {table} ({','.join(columns)}) VALUES ({marks})"
            with self.transaction() as run:
                for row in readable_rows(damaged, table, columns):
                    try:
                        saved += run(insert, row).rowcount
                    except sqlite3.Error as error:  # a value that the schema does not allow
                        _log.warning("a row of %s was beyond saving: %s", table, error)
        return saved

    def settle(self) -> bool:
        """Move from memory to the disk, where that can be done by now; returns ``is_durable``."""
        is_due = time.monotonic() - self._tried_s >= _TRY_AGAIN_S
        if self.is_durable or not is_due:
            return self.is_durable
        self._tried_s = time.monotonic()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            disk = _connect(self.path)
        except (sqlite3.DatabaseError, OSError) as error:
            _log.warning("still nothing can be kept in %s: %s", self.path, error)
            return False
        try:
            self._connection.backup(disk)
        except sqlite3.Error as error:
            _log.warning("still nothing can be kept in %s: %s", self.path, error)
            disk.close()
            return False
        self._connection.close()
        self._connection, self.is_durable = disk, True
        _log.warning("%s can be written again: everything is on the disk", self.path)
        self.tidy()
        return True

    def tidy(self, *, is_wanted_gone: bool = False) -> None:
        """Bring the second copy up to date, and have no older version in the journal.

        ``is_wanted_gone``: a person has deleted something, which must be in no file. Never
        fails: what cannot be done is logged, and a second copy that is out of date goes.
        """
        if not self.is_durable or (self._is_tidy and not is_wanted_gone):
            return
        self._is_tidy = True
        if is_wanted_gone:
            _build_anew(self._connection)
        blank_journal(self.path)
        if not write_second_copy(self._connection, self.path) and is_wanted_gone:
            remove(second_copy(self.path))
        if is_wanted_gone:
            forget_set_aside(self.path)

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
        self.settle()
        self._is_tidy = False
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
        self.tidy()
        self._connection.close()


_PRAGMAS = (
    "locking_mode=EXCLUSIVE",
    "journal_mode=PERSIST",
    "synchronous=FULL",
    # Debian's SQLite has it on, others have not.
    "secure_delete=ON",
    "temp_store=MEMORY",
)


def _connect(path: Path | None) -> sqlite3.Connection:
    """Open a file that is proven whole, or memory; raises ``sqlite3.DatabaseError``.

    A file that is not there yet appears whole, in one step: what is found empty later was
    not being made when somebody pulled the plug, but has lost what was in it.
    """
    if path is not None and not path.exists():
        _make(path)
    return _open(":memory:" if path is None else str(path))


def _make(path: Path) -> None:
    new = path.with_name(f"{path.name}.new")
    files = [(each.with_name(f"{each.name}-journal"), each) for each in (new, path)]
    for file in files[0]:
        remove(file)
    _open(str(new)).close()
    # The journal, which is the space for later changes, goes first: alone it undoes nothing,
    # for its header is blank. Never over what another process has made meanwhile.
    for made, wanted in zip(*files, strict=True):
        with suppress(FileExistsError):
            wanted.hardlink_to(made)
        remove(made)
    sync_folder(path.parent)


def _open(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=0.5, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        report = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
        if report != ["ok"]:
            raise sqlite3.DatabaseError(f"malformed: {'; '.join(report)}")
        _migrate(connection)
        _allocate(connection)
        _prove(connection)
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


def _build_anew(connection: sqlite3.Connection) -> None:
    """Leave nothing of what was deleted in the file.

    ``secure_delete`` overwrites what is deleted, but not what SQLite had moved within a
    page before: some traces in a thousand deletions (seen with SQLite 3.40).
    """
    try:
        connection.execute("VACUUM")
    except sqlite3.Error as error:
        _log.warning("traces of what was deleted may be left: %s", error)
    _allocate(connection)


def _prove(connection: sqlite3.Connection) -> None:
    """Write, before somebody relies on it; raises ``sqlite3.OperationalError``."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _is_emptied(path: Path) -> bool:
    """Whether a store that had something has nothing: cut to no length, or gone beside its copy."""
    if path.exists():
        return path.is_file() and path.stat().st_size == 0
    return second_copy(path).is_file()
