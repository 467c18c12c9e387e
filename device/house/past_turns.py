"""Keeps what happened in the last turns, for an owner who asks why: no word of anybody.

Words are kept only where the owner has them in the log as well (``[log] transcripts``).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from device.assistant.news import News, TurnBegan, TurnEnded
from device.errors import BitternError
from device.reports import as_told, shown_record

log = logging.getLogger(__name__)

FILE = "turns.sqlite3"
KEPT_TURNS, KEPT_DAYS = 1_000, 30
"""Whichever is less."""
MOST_EVENTS = 64
LONGEST_TURN = 16_000
"""Characters of a turn as JSON; of a longer one only what comes first is kept."""
MOST_SHOWN = 200
_PATIENCE_S = 2.0
_CLOSE_PATIENCE_S = 2.0

PastTurn = dict[str, Any]
"""``id``, ``began_unix_s``, ``spent_usd``, and the turn's ``events`` as the log names them."""


class PastTurnsError(BitternError):
    """What happened cannot be read."""


class PastTurns:
    """Collects the news of turns, and writes each turn once, when it is over.

    Everything happens on one event loop; only the disk is waited for elsewhere. A disk that
    fails is logged once, and disturbs no turn.
    """

    def __init__(
        self,
        path: Path,
        with_transcripts: Callable[[], bool],
        spent_usd: Callable[[], float],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """``spent_usd`` is this month's sum, in US dollars; ``now_s`` is Unix time."""
        self.path = path
        self._with_transcripts = with_transcripts
        self._spent_usd = spent_usd
        self._now_s = now_s
        self._turn = 0
        self._open: PastTurn | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bittern-turns")
        self._cannot_keep = False

    def take(self, what: News) -> None:
        """Look at one piece of news."""
        if isinstance(what, TurnBegan):
            self._keep()
            self._turn = what.turn
            self._open = {
                "began_unix_s": round(self._now_s(), 3),
                "spent_usd": self._spent_usd(),
                "events": [],
            }
        if self._open is None or what.turn != self._turn:
            return
        line = shown_record(what, with_transcripts=self._with_transcripts())
        events = self._open["events"]
        is_over = isinstance(what, TurnEnded)
        if line is not None and (is_over or len(events) < MOST_EVENTS):
            events.append(as_told(line))
        if is_over:
            self._keep()

    def _keep(self) -> None:
        """Write the turn that is open, if there is one."""
        if self._open is None:
            return
        turn, self._open = self._open, None
        turn["spent_usd"] = round(max(0.0, self._spent_usd() - turn["spent_usd"]), 6)
        self._thread.submit(self._write, turn)

    def _write(self, turn: PastTurn) -> None:
        events = turn["events"]
        while len(json.dumps(events)) > LONGEST_TURN and len(events) > 1:
            del events[-2]  # the last one has the times
        try:
            with closing(_connect(self.path)) as connection:
                connection.execute(
                    "INSERT INTO turns (began_unix_s, spent_usd, events) VALUES (?, ?, ?)",
                    (turn["began_unix_s"], turn["spent_usd"], json.dumps(events)),
                )
                connection.execute(
                    "DELETE FROM turns WHERE began_unix_s < ?"
                    " OR id <= (SELECT max(id) FROM turns) - ?",
                    (self._now_s() - 86_400 * KEPT_DAYS, KEPT_TURNS),
                )
        except (sqlite3.Error, OSError) as failure:
            level = logging.DEBUG if self._cannot_keep else logging.ERROR
            self._cannot_keep = True
            log.log(level, "%s cannot be written: %s; past turns are not kept", self.path, failure)

    async def read(self, last: int, number: int | None) -> list[PastTurn]:
        """As :func:`read`, after all that is being written; raises :class:`PastTurnsError`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, read, self.path, last, number)

    async def close(self) -> None:
        """Wait until what is over is written, but not for a disk that hangs."""
        done = asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)
        with suppress(TimeoutError):
            await asyncio.wait_for(done, _CLOSE_PATIENCE_S)
        self._thread.shutdown(wait=False)


def read(path: Path, last: int, number: int | None = None) -> list[PastTurn]:
    """The newest ``last`` turns, oldest first, or the one of that number.

    Nothing where there is no file yet. Raises :class:`PastTurnsError`.
    """
    try:
        if not path.exists():
            return []
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, timeout=_PATIENCE_S, uri=True)) as connection:
            which, value = "ORDER BY id DESC LIMIT ?", last
            if number is not None:
                which, value = "WHERE id = ?", number
            rows = connection.execute(
                f"SELECT id, began_unix_s, spent_usd, events FROM turns {which}", (value,)
            ).fetchall()
        names = ("id", "began_unix_s", "spent_usd")
        turns = [
            dict(zip(names, row[:3], strict=True)) | {"events": json.loads(row[3])} for row in rows
        ]
    except (sqlite3.Error, OSError, ValueError) as failure:
        raise PastTurnsError(f"{path} cannot be read: {failure}") from failure
    return turns[::-1]


def _connect(path: Path) -> sqlite3.Connection:
    """Open or create; every statement is a transaction."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    try:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS turns (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " began_unix_s REAL NOT NULL, spent_usd REAL NOT NULL, events TEXT NOT NULL) STRICT"
        )
    except BaseException:
        connection.close()
        raise
    return connection
