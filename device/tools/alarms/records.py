"""Entries and ringings in the database: each a row with its id and itself as JSON."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import msgspec

from device.tools.alarms.decisions import Put, Write
from device.tools.alarms.entries import Entry, Ringing
from device.tools.database import Database

_log = logging.getLogger(__name__)

_TABLES: dict[str, type[Entry] | type[Ringing]] = {"entries": Entry, "ringings": Ringing}


def load(database: Database) -> list[Entry | Ringing]:
    """Read everything kept; a row that makes no sense is left out, and logged."""
    records: list[Entry | Ringing] = []
    for table, kind in _TABLES.items():
        for number, body in database.rows(f"SELECT id, body FROM {table} ORDER BY id"):
            try:
                record = msgspec.json.decode(str(body), type=kind)
            except (msgspec.MsgspecError, UnicodeError) as error:
                _log.error("row %s of %s makes no sense: %s", number, table, error)
                continue
            records.append(record)
    return records


def commit(database: Database, writes: Sequence[Write]) -> None:
    """Carry out all writes of a decision, or none; raises ``StoreError``."""
    with database.transaction() as run:
        for write in writes:
            table = _table_of(write.record)
            if isinstance(write, Put):
                body = msgspec.json.encode(write.record).decode()
                run(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", (write.record.id, body))
            else:
                run(f"DELETE FROM {table} WHERE id = ?", (write.record.id,))


def rewrite(database: Database, records: Iterable[Entry | Ringing]) -> None:
    """Make the database hold exactly these, after writes that failed; raises ``StoreError``."""
    with database.transaction() as run:
        for table in _TABLES:
            run(f"DELETE FROM {table}", ())
        for record in records:
            body = msgspec.json.encode(record).decode()
            run(f"INSERT INTO {_table_of(record)} VALUES (?, ?)", (record.id, body))


def _table_of(record: Entry | Ringing) -> str:
    return "entries" if isinstance(record, Entry) else "ringings"
