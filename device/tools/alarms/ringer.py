"""Carries out what the scheduler decides: writes it down, then rings or falls silent.

Needs no network, endpoint or brain. What happens when the process dies at any point:

- before something due is written down: it is still waiting, and rings after the restart;
- after that, sounding or not yet, until somebody stops it: it rings (again) after the
  restart, marked as resumed, since nobody is known to have heard it;
- once its end is written down, it never rings again. A stop falls silent when that is
  written, or after :data:`PATIENCE_S` where the disk is slow: only a process killed
  between that silence and the write rings once more.

So each due entry that nobody has stopped rings, and one that somebody has stopped does not.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from device.phrases.book import Phrase, phrase
from device.tools.alarms import records
from device.tools.alarms.decisions import Decision, Effect, NoteMissed, SilenceAlarm, SoundAlarm
from device.tools.alarms.entries import Countdown, Entry, Kind, Occasion, Ringing, RingingPhase
from device.tools.alarms.meaning import meaning
from device.tools.alarms.rules import Rules
from device.tools.alarms.scheduler import Scheduler
from device.tools.alarms.sentences import CLOCK_NOT_SET, NOT_KEPT
from device.tools.database import CANNOT_SAVE, Database, StoreError
from device.tools.moments import Clock, Moment
from device.tools.store import Store

_log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_S = 0.25
"""Sound waits for the disk so long and no longer: to ring on time matters more."""
_KEEP_PATIENCE_S = 3.0
"""Who sets a timer waits so long for the word that it is kept."""
_RETRY_S = 30.0
"""So long after a failed write everything is written again."""


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry that was set."""

    entry: Entry
    is_kept: bool
    """It is on the disk; False: it will ring, but is lost when the power goes."""
    is_clock_right: bool = True
    """False: nothing has set the clock yet, and its day is a guess until then."""
    trouble: Phrase | None = None
    """What to say about what is wrong with the store, said again to who relies on it."""

    @property
    def caveat(self) -> list[Phrase]:
        """What has to be said with it, which is mostly nothing."""
        said = [NOT_KEPT] if not self.is_kept else []
        if not self.is_clock_right:
            said.append(CLOCK_NOT_SET)
        if self.trouble:
            said.append(self.trouble)
        return said


class Ringer:
    """Timers, alarms and reminders, on one event loop; :meth:`run` is its task.

    ``on_ring`` is called when something begins to ring, again at each step of loudness,
    and ``on_stop`` when it falls silent; ``on_missed`` when a person should be told of
    one that they did not hear, ``on_trouble`` with what to say when the store fails. All
    are called on the event loop and must return at once; what they raise is logged.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        on_ring: Callable[[SoundAlarm], None],
        on_stop: Callable[[SilenceAlarm], None],
        *,
        on_missed: Callable[[NoteMissed], None] | None = None,
        on_trouble: Callable[[Phrase], None] | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._store = store
        self.clock = clock
        self._on_ring, self._on_stop, self._on_missed = on_ring, on_stop, on_missed
        self._on_trouble = on_trouble
        self._scheduler = Scheduler(rules)
        self._changed = asyncio.Event()
        self._in_order = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unkept_since_s: float | None = None
        self._trouble: Phrase | None = None

    # -- life ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Load what was kept (the store is open) and ring what has come due meanwhile.

        What was wrong with the store is told at once, and again when something is next set.
        """
        for trouble in self._store.troubles:
            self._trouble = trouble if self._store.is_durable else None
            self._tell(self._on_trouble, trouble)
        try:
            kept = await self._store.run(records.load)
        except StoreError as error:
            _log.error("cannot read timers and alarms: %s", error)
            self._tell(self._on_trouble, phrase("store_cannot_read"))
            kept = []
        is_trusted = self.clock.is_trusted()
        await self._carry_out(self._scheduler.resume(kept, self.now(), is_trusted=is_trusted))

    async def run(self) -> None:
        """Ring on time until cancelled."""
        while True:
            self._changed.clear()
            now = self.now()
            is_trusted = not self._scheduler.has_guesses or self.clock.is_trusted()
            await self._carry_out(self._scheduler.tick(now, is_trusted=is_trusted))
            self._keep_what_was_not_kept(now)
            try:
                async with asyncio.timeout(self._scheduler.wait_s(self.now())):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Wait for what is being carried out. What rings is not stopped: it is to ring on."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_KEEP_PATIENCE_S)

    # -- what there is ------------------------------------------------------------------

    def now(self) -> Moment:
        """Read the clocks that everything here goes by."""
        return self.clock.now()

    @property
    def rules(self) -> Rules:
        """How long things ring, how loud, and how late is too late."""
        return self._scheduler.rules

    def waiting(self, kind: Kind) -> tuple[Entry, ...]:
        """Entries of one kind that have not come due, in the order in which they were set."""
        return tuple(entry for entry in self._scheduler.entries if entry.kind is kind)

    @property
    def ringing(self) -> tuple[Ringing, ...]:
        """What is to be heard now."""
        return self._scheduler.in_phase(RingingPhase.RINGING)

    @property
    def snoozed(self) -> tuple[Ringing, ...]:
        """What is to be heard again later."""
        return self._scheduler.in_phase(RingingPhase.SNOOZED)

    @property
    def missed(self) -> tuple[Ringing, ...]:
        """What nobody heard, and nobody has been told of yet, in the order of its time."""
        missed = self._scheduler.in_phase(RingingPhase.MISSED)
        return tuple(sorted(missed, key=lambda ringing: ringing.due_wall_s))

    @property
    def recently_stopped(self) -> tuple[Ringing, ...]:
        """What was stopped a moment ago, so that ``snooze`` and ``extend`` still reach it."""
        return self._scheduler.recently_stopped(self.now())

    @property
    def trouble(self) -> Phrase | None:
        """What is wrong with the store, until it is mended or told again."""
        if not self._store.is_durable or self._unkept_since_s is not None:
            return CANNOT_SAVE
        return self._trouble

    # -- what people ask for ------------------------------------------------------------

    async def set_countdown(self, kind: Kind, name: str, length_s: float) -> KeptEntry:
        """Ring after a span of time."""
        entry, decision = self._scheduler.add_countdown(kind, name, length_s, self.now())
        return await self._kept(entry, decision)

    async def set_occasion(
        self,
        kind: Kind,
        name: str,
        time: dt.time,
        *,
        date: dt.date | None = None,
        weekdays: tuple[int, ...] = (),
        said: str | None = None,
    ) -> KeptEntry:
        """Ring at a time of day: on a date, on weekdays, or when it is next.

        ``said`` are the words that the date was made of: read again when a clock that
        nothing has set yet is put right.
        """
        now, is_right = self.now(), self.clock.is_trusted()
        meant = None if is_right else meaning(date, said, now)
        entry, decision = self._scheduler.add_occasion(
            kind, name, time, now, date=date, weekdays=weekdays, meaning=meant
        )
        return await self._kept(entry, decision, is_clock_right=is_right)

    async def _kept(
        self, entry: Entry, decision: Decision, *, is_clock_right: bool = True
    ) -> KeptEntry:
        is_kept = await self._carry_out(decision, _KEEP_PATIENCE_S)
        trouble, self._trouble = self._trouble, None
        return KeptEntry(entry, is_kept, is_clock_right, trouble)

    async def extend(self, number: int, by_s: float) -> KeptEntry:
        """Give a timer more time, by the id of its entry or of its ringing.

        Raises ``KeyError`` when there is none of that id.
        """
        entry, decision = self._scheduler.extend(number, by_s, self.now())
        return await self._kept(entry, decision)

    async def alter(
        self, number: int, *, when: Countdown | Occasion | None = None, name: str | None = None
    ) -> KeptEntry:
        """Give what waits another time or name; raises ``KeyError`` when there is none."""
        entry, decision = self._scheduler.alter(number, when=when, name=name)
        return await self._kept(entry, decision)

    async def put_back(self, entries: Collection[Entry]) -> tuple[Entry, ...]:
        """Have entries as they were; returns those whose time is still ahead."""
        kept, decision = self._scheduler.put_back(entries, self.now())
        await self._carry_out(decision, _KEEP_PATIENCE_S)
        return kept

    async def cancel(self, ids: Collection[int]) -> bool:
        """Forget entries and ringings by id; False when that could not be written down.

        Their names and texts are then in no file of the store any more.
        """
        is_kept = await self._carry_out(self._scheduler.cancel(ids, self.now()), _KEEP_PATIENCE_S)
        if is_kept:
            gone = self._store.run(partial(Database.tidy, is_wanted_gone=True))
            await asyncio.wait({gone}, timeout=_KEEP_PATIENCE_S)
        return is_kept

    async def stop(self) -> tuple[Ringing, ...]:
        """Silence all that rings (by voice, button or wake word); returns what rang."""
        stopped, decision = self._scheduler.stop(self.now())
        await self._carry_out(decision)
        return stopped

    async def snooze(self, for_s: float) -> tuple[Ringing, ...]:
        """Silence all that rings, or was stopped a moment ago, and ring again later."""
        snoozed, decision = self._scheduler.snooze(for_s, self.now())
        await self._carry_out(decision)
        return snoozed

    async def acknowledge_missed(self, told: Collection[Ringing] | None = None) -> None:
        """Somebody has been told of these that were missed, or of all of them."""
        await self._carry_out(self._scheduler.acknowledge_missed(told))

    # -- carrying out -------------------------------------------------------------------

    async def _carry_out(self, decision: Decision, patience_s: float = PATIENCE_S) -> bool:
        """Write, then act; returns whether all was written in time.

        Who is cancelled while waiting does not interrupt it: what was decided happens.
        """
        if not decision.writes and not decision.effects:
            return True
        self._changed.set()
        # Handed over before anything is awaited: decisions are written in their order.
        writing = self._write(decision)
        task = self._own(self._act(writing, decision.effects, patience_s))
        return await asyncio.shield(task)

    def _write(self, decision: Decision) -> asyncio.Future[None] | None:
        if not decision.writes:
            return None
        if self._unkept_since_s is not None:
            return self._rewrite()
        writing = self._store.run(partial(records.commit, writes=tuple(decision.writes)))
        writing.add_done_callback(self._note_written)
        return writing

    async def _act(
        self, writing: asyncio.Future[None] | None, effects: list[Effect], patience_s: float
    ) -> bool:
        async with self._in_order:
            if writing is not None:
                await asyncio.wait({writing}, timeout=PATIENCE_S if effects else patience_s)
            for effect in effects:
                self._perform(effect)
        if writing is None:
            return True
        return writing.done() and writing.exception() is None and self._store.is_durable

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, SoundAlarm):
            self._tell(self._on_ring, effect)
        elif isinstance(effect, SilenceAlarm):
            self._tell(self._on_stop, effect)
        else:
            self._tell(self._on_missed, effect)

    def _tell(self, callback: Callable[[T], None] | None, what: T) -> None:
        try:
            if callback is not None:
                callback(what)
        except Exception:
            # The boundary to the appliance: a speaker that fails must not end the alarms.
            _log.exception("the appliance failed to carry out %s", what)

    def _own(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- a disk that fails --------------------------------------------------------------

    def _note_written(self, writing: asyncio.Future[None]) -> None:
        if writing.cancelled() or writing.exception() is None:
            return
        _log.error("cannot keep timers and alarms: %s", writing.exception())
        if self._unkept_since_s is None:
            self._unkept_since_s = self.now().elapsed_s
            self._tell(self._on_trouble, phrase("store_cannot_save_now"))

    def _keep_what_was_not_kept(self, now: Moment) -> None:
        if not self._store.is_durable:
            self._store.run(Database.settle)
        since_s = self._unkept_since_s
        if since_s is not None and now.elapsed_s - since_s >= _RETRY_S:
            self._unkept_since_s = now.elapsed_s
            self._rewrite()

    def _rewrite(self) -> asyncio.Future[None]:
        everything: list[Entry | Ringing] = [*self._scheduler.entries, *self._scheduler.ringings]
        rewriting = self._store.run(partial(records.rewrite, records=everything))
        rewriting.add_done_callback(self._note_rewritten)
        return rewriting

    def _note_rewritten(self, rewriting: asyncio.Future[None]) -> None:
        if rewriting.cancelled():
            return
        if rewriting.exception() is None:
            self._unkept_since_s = None
        else:
            _log.error("still cannot keep timers and alarms: %s", rewriting.exception())
