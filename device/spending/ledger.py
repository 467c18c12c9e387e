"""What was used, day by day, in a SQLite file that a power cut leaves whole.

Counts and sums of money, by endpoint and model; nothing of what was said. A file that is
damaged, or of a later Bittern, is set aside and a new one begun: of a budget that forgets,
its owner is told, and a speaker that does not answer would be the greater loss.
"""

from __future__ import annotations

import dataclasses
import logging
import sqlite3
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from device.errors import BitternError
from device.spending.tokens import Tokens

log = logging.getLogger(__name__)

FILE = "spending.sqlite3"
KEPT_DAYS = 400
"""A year, and the month it began in."""
VERSION = 1
_COUNTS = tuple(each.name for each in dataclasses.fields(Tokens))
_PATIENCE_S = 2.0
"""``bittern doctor`` may be reading."""


@dataclasses.dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What one model of one endpoint has used on one day."""

    day: date
    endpoint: str
    model: str
    tokens: Tokens
    usd: float
    is_priced: bool
    """False where some of it was used when nobody knew its price."""


class LedgerError(BitternError):
    """What was spent cannot be read or kept."""


class Ledger:
    """One open file. Belongs to one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path, today: date) -> Ledger:
        """Open or create, and forget what is too old; raises :class:`LedgerError`."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                ledger = cls(_connect(path))
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError) or not path.is_file():
                    raise
                _set_aside(path, error)
                ledger = cls(_connect(path))
            ledger._forget_before(today - timedelta(days=KEPT_DAYS))
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{path} cannot be used: {error}") from error
        return ledger

    @classmethod
    def in_memory(cls) -> Ledger:
        """For where no file can be had."""
        return cls(_connect(None))

    def add(self, entry: LedgerEntry) -> None:
        """Add to what its day, endpoint and model have; it is on the disk when this returns.

        Raises :class:`LedgerError`.
        """
        sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in (*_COUNTS, "usd"))
        columns = ("day", "endpoint", "model", *_COUNTS, "usd", "is_priced")
        values = (
            entry.day.isoformat(),
            entry.endpoint,
            entry.model,
            *dataclasses.astuple(entry.tokens),
            entry.usd,
            entry.is_priced,
        )
        try:
            self._connection.execute(
                f"INSERT INTO spending ({', '.join(columns)}) VALUES ({_marks(columns)})"
                " ON CONFLICT (day, endpoint, model) DO UPDATE SET"
                f" {sums}, is_priced = min(is_priced, excluded.is_priced)",
                values,
            )
        except sqlite3.Error as error:
            raise LedgerError(f"what was spent cannot be kept: {error}") from error

    def since(self, day: date) -> list[LedgerEntry]:
        """What was used from a day on, by day, endpoint and model; raises LedgerError."""
        try:
            rows = self._connection.execute(
                f"SELECT day, endpoint, model, {', '.join(_COUNTS)}, usd, is_priced"
                " FROM spending WHERE day >= ? ORDER BY day, endpoint, model",
                (day.isoformat(),),
            ).fetchall()
            return [_entry(*row) for row in rows]
        except (sqlite3.Error, ValueError) as error:
            raise LedgerError(f"what was spent cannot be read: {error}") from error

    def _forget_before(self, day: date) -> None:
        self._connection.execute("DELETE FROM spending WHERE day < ?", (day.isoformat(),))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def read(path: Path, since: date) -> list[LedgerEntry]:
    """What a file holds, for who only looks; nothing where there is no file yet.

    Raises :class:`LedgerError`.
    """
    try:
        if not path.exists():
            return []
        opened = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", timeout=_PATIENCE_S, uri=True
        )
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(f"{path} cannot be read: {error}") from error
    with closing(opened) as connection:
        return Ledger(connection).since(since)


def as_json(entry: LedgerEntry) -> dict[str, object]:
    """An entry for JSON: its fields, with the counts as an object."""
    return {**dataclasses.asdict(entry), "day": entry.day.isoformat()}


def from_json(plain: Mapping[str, Any]) -> LedgerEntry:
    """What :func:`as_json` has written."""
    day, tokens = date.fromisoformat(plain["day"]), Tokens(**plain["tokens"])
    return LedgerEntry(**{**plain, "day": day, "tokens": tokens})


def by_model(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Sum over the days; the day is the first."""
    return _added(entries, lambda each: (each.endpoint, each.model))


def by_month(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Sum over the days of each month; the day is the month's first."""
    of_months = (dataclasses.replace(each, day=each.day.replace(day=1)) for each in entries)
    return _added(of_months, lambda each: (each.day, each.endpoint, each.model))


def _added(
    entries: Iterable[LedgerEntry], key: Callable[[LedgerEntry], Hashable]
) -> list[LedgerEntry]:
    sums: dict[Hashable, LedgerEntry] = {}
    for each in entries:
        sums[key(each)] = _sum(sums[key(each)], each) if key(each) in sums else each
    return list(sums.values())


def _sum(one: LedgerEntry, other: LedgerEntry) -> LedgerEntry:
    counts = zip(dataclasses.astuple(one.tokens), dataclasses.astuple(other.tokens), strict=True)
    return dataclasses.replace(
        one,
        tokens=Tokens(*(a + b for a, b in counts)),
        usd=one.usd + other.usd,
        is_priced=one.is_priced and other.is_priced,
    )


def _entry(day: str, endpoint: str, model: str, *rest: float) -> LedgerEntry:
    *counts, usd, is_priced = rest
    tokens = Tokens(*counts)  # type: ignore[arg-type]  # the columns are declared INTEGER
    return LedgerEntry(date.fromisoformat(day), endpoint, model, tokens, usd, bool(is_priced))


def _connect(path: Path | None) -> sqlite3.Connection:
    """Open a file that is proven whole, or memory; raises ``sqlite3.DatabaseError``."""
    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=_PATIENCE_S,
        isolation_level=None,  # each statement is a transaction
        check_same_thread=False,
    )
    try:
        # A journal that stays, and every page on the disk before a statement is over.
        for pragma in ("journal_mode=PERSIST", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        if [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")] != ["ok"]:
            raise sqlite3.DatabaseError("it is damaged")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise sqlite3.DatabaseError(f"its version {version} is of a later Bittern")
        kinds = (
            f"{name} {'REAL' if name == 'seconds' else 'INTEGER'} NOT NULL" for name in _COUNTS
        )
        connection.execute(
            "CREATE TABLE IF NOT EXISTS spending (day TEXT NOT NULL, endpoint TEXT NOT NULL,"
            f" model TEXT NOT NULL, {', '.join(kinds)}, usd REAL NOT NULL,"
            " is_priced INTEGER NOT NULL, PRIMARY KEY (day, endpoint, model)) STRICT"
        )
        connection.execute(f"PRAGMA user_version={VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_aside(path: Path, reason: Exception) -> None:
    """Rename a file and its journal, which would be applied to a new file of the old name."""
    mark = time.strftime("set-aside-%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.{mark}")
    log.error("%s cannot be used (%s); set aside as %s", path, reason, aside.name)
    for suffix in ("-journal", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))


def _marks(columns: Iterable[str]) -> str:
    return ", ".join("?" for _ in columns)
