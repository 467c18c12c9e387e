"""Counts what endpoints say they have used, and tells what that comes to this month."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from device.realtime.events import ServerEvent, UnknownEvent
from device.spending.ledger import Ledger, LedgerEntry, LedgerError, by_model, read
from device.spending.prices import Prices
from device.spending.tokens import Tokens, is_transcription, tokens_in

log = logging.getLogger(__name__)

T = TypeVar("T")
Meter = Callable[[ServerEvent | UnknownEvent], None]
"""Is shown every event of one endpoint."""
LOOK_AT_THE_DATE_S = 3600.0
"""At least so often: the clock of a Pi may be set while it runs."""
_CLOSE_PATIENCE_S = 5.0
NO_MODEL = "unnamed"


class Spending:
    """The month's spending, and the file that remembers it.

    ``await open()``, then a :meth:`meter` for each endpoint that costs something; ``await
    close()``. Everything happens on one event loop; only the disk is waited for elsewhere.
    A disk that fails is logged once, and the month goes on being counted in memory.
    """

    def __init__(
        self,
        path: Path,
        prices: Prices,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._path = path
        self._prices = prices
        self.followers: list[Callable[[float], None]] = []
        """Each is told the month's sum in US dollars whenever it changes."""
        self._today = today
        self._month = first_of_month(today())
        self._entries: dict[tuple[str, str], LedgerEntry] = {}
        self._ledger = Ledger.in_memory()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bittern-spending")
        self._cannot_keep = False
        self._unpriced: set[str] = set()

    def use(self, prices: Prices) -> None:
        """Count by these prices from now on."""
        self._prices = prices
        self._unpriced.clear()

    @property
    def month_usd(self) -> float:
        """What this month has cost, as far as prices are known."""
        return sum(each.usd for each in self._entries.values())

    @property
    def month(self) -> list[LedgerEntry]:
        """This month by endpoint and model."""
        return list(self._entries.values())

    def _tell(self) -> None:
        for follower in tuple(self.followers):
            follower(self.month_usd)

    async def open(self) -> None:
        """Read what the month has cost so far."""
        entries = await self._on_thread(self._open)
        self._entries = {(each.endpoint, each.model): each for each in by_model(entries)}

    def _open(self) -> list[LedgerEntry]:
        try:
            opened = Ledger.open(self._path, self._today())
            self._ledger.close()
            self._ledger = opened
            return self._ledger.since(self._month)
        except LedgerError as failure:
            self._note(failure)
        try:
            # A disk that can only be read still knows what was spent.
            return read(self._path, self._month)
        except LedgerError:
            return []

    def meter(self, endpoint: str, model: str, transcription_model: str = "") -> Meter:
        """What counts the events of one endpoint with these models."""

        def look(event: ServerEvent | UnknownEvent) -> None:
            used = tokens_in(event)
            if used is not None and used != Tokens():
                which = transcription_model if is_transcription(event) else model
                self._add(endpoint, which or NO_MODEL, used)

        return look

    def _add(self, endpoint: str, model: str, used: Tokens) -> None:
        price = self._prices.of(model)
        if price is None and model not in self._unpriced:
            self._unpriced.add(model)
            log.warning("nobody knows what %s costs: its tokens are counted; see [[price]]", model)
        self._turn_page()
        usd = price.cost_usd(used) if price is not None else 0.0
        entry = LedgerEntry(self._today(), endpoint, model, used, usd, price is not None)
        key = endpoint, model
        had = self._entries.get(key)
        self._entries[key] = by_model([had, entry])[0] if had else entry
        self._thread.submit(self._keep, entry)
        if usd:
            self._tell()

    def _keep(self, entry: LedgerEntry) -> None:
        try:
            self._ledger.add(entry)
        except LedgerError as failure:
            self._note(failure)

    def _note(self, failure: LedgerError) -> None:
        level = logging.DEBUG if self._cannot_keep else logging.ERROR
        self._cannot_keep = True
        log.log(level, "%s; this month is counted in memory only", failure)

    def _turn_page(self) -> bool:
        """Begin a new month when it is one."""
        month = first_of_month(self._today())
        if month == self._month:
            return False
        self._month = month
        self._entries.clear()
        return True

    async def run(self) -> None:
        """Look at the date now and then, and tell when a new month has begun."""
        while True:
            await asyncio.sleep(min(until_midnight_s(datetime.now()), LOOK_AT_THE_DATE_S))
            if self._turn_page():
                self._tell()

    async def since(self, day: date) -> list[LedgerEntry]:
        """What was used from a day on, day by day; raises :class:`LedgerError`."""
        return await self._on_thread(lambda: self._ledger.since(day))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Keep what was counted, and close the file; gives up on a disk that hangs."""
        try:
            async with asyncio.timeout(_CLOSE_PATIENCE_S):
                await self._on_thread(lambda: self._ledger.close())
        except TimeoutError:
            log.error("%s does not close; the disk hangs", self._path)
        self._thread.shutdown(wait=False)


def first_of_month(day: date) -> date:
    """The day its month began on."""
    return day.replace(day=1)


def until_midnight_s(now: datetime) -> float:
    """How long the day lasts yet, and a second."""
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time())
    return (tomorrow - now).total_seconds() + 1.0
