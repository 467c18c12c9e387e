"""The order in which items play, and the sample-exact account of what was heard of each.

Pure: no thread, no lock, no clock. Time is the count of frames handed to the speaker.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from device.audio.resample import map_position
from device.audio.samples import Samples, silence
from device.audio.volume import Gain, percent_of_db

Key = Hashable
"""Names an item: ``(item_id, content_index)`` of the protocol, or one's own for a notice."""

CUSHION_S = 0.1
"""How much must lie ready before an item begins."""
LONGEST_CUSHION_S = 1.0
"""As far as the cushion grows, doubling with each underrun, when a link stutters."""
CUSHION_DECAY = 0.8
"""What remains of a grown cushion after each item without an underrun."""
FADE_S = 0.004
"""How long a stopped item takes to fall silent, so that it does not click."""
DUCKED_DB = -20.0
"""How far what is ducked steps back: a person who speaks is heard over it."""
REMEMBERED_ITEMS = 64
"""How many items that are over can still be asked about."""


class ItemChange(Enum):
    """What happened to an item."""

    STARTED = "started"
    """Its first frame was handed to the speaker."""
    FINISHED = "finished"
    """It is complete and its last frame has been heard."""


@dataclass(slots=True, eq=False)
class _Item:
    """One sound on its way: waiting, handed to the speaker, heard."""

    key: Key
    rank: int = 0
    chunks: deque[Samples] = field(default_factory=deque)
    received_source: int = 0
    waiting: int = 0
    handed: int = 0
    heard: int = 0
    is_complete: bool = False
    is_begun: bool = False
    is_running: bool = False
    had_underrun: bool = False

    def add(self, samples: Samples) -> None:
        if len(samples):
            self.chunks.append(samples)
            self.waiting += len(samples)

    def take_back(self, samples: Samples) -> None:
        """Have what was handed over last, these samples, waiting again."""
        if len(samples):
            self.chunks.appendleft(samples)
        self.waiting += len(samples)
        self.handed -= len(samples)
        self.heard = min(self.heard, self.handed)

    def take_into(self, out: Samples) -> int:
        """Move as much as there is and fits to the front of ``out``; return how much."""
        done = 0
        while done < len(out) and self.chunks:
            chunk = self.chunks[0]
            count = min(len(chunk), len(out) - done)
            out[done : done + count] = chunk[:count]
            done += count
            if count == len(chunk):
                self.chunks.popleft()
            else:
                self.chunks[0] = chunk[count:]
        self.waiting -= done
        self.handed += done
        return done


@dataclass(slots=True)
class _Stretch:
    """Frames that follow each other in an item and at the speaker."""

    at_frame: int
    count: int
    item: _Item


@dataclass(slots=True)
class _Ducking:
    """What is played softly, or held, until it is known whether it goes on."""

    rank: int
    is_held: bool = False
    item: _Item | None = None
    """What was handed over last while it was ducked."""
    handed: list[Samples] = field(default_factory=list)
    """Of that item, as it came."""

    def note(self, item: _Item, samples: Samples) -> None:
        if item is not self.item:
            self.item = item
            self.handed.clear()
        self.handed.append(samples.copy())


class PlayQueue:
    """Items in the order in which they were first fed, at the speaker's rate.

    One of a lower ``rank`` is put before those of a higher one that have not begun; what has
    begun is finished first.

    An item begins when a cushion lies ready, or when it is complete. When it runs dry
    before it is complete, that is an underrun: silence is played, which counts as heard
    for nobody, and the item goes on when a larger cushion lies ready. An item that is
    never completed holds back those behind it until it is stopped.
    """

    def __init__(
        self, rate_hz: int, source_hz: int, cushion_s: float = CUSHION_S, fade_s: float = FADE_S
    ) -> None:
        self.rate_hz = rate_hz
        self.source_hz = source_hz
        self.frames = 0
        """How many frames have been handed out since the beginning."""
        self.waiting_frames = 0
        """How many frames are queued."""
        self.underruns = 0
        self.inserted_frames = 0
        """Silence that underruns have cost."""
        self.cushion_frames = self._shortest_cushion = round(cushion_s * rate_hz)
        self._longest_cushion = max(self._shortest_cushion, round(LONGEST_CUSHION_S * rate_hz))
        self._fade_frames = round(fade_s * rate_hz)
        self._items: dict[Key, _Item] = {}  # all that are not finished, in order
        self._queue: deque[_Item] = deque()  # of these, what is not handed over whole
        self._leaving: deque[tuple[int, _Item]] = deque()  # the others, with their last frame
        self._stretches: deque[_Stretch] = deque()  # handed over and not heard yet
        self._past: OrderedDict[Key, tuple[int, int]] = OrderedDict()
        self._tail = silence(0)
        self._ducking: _Ducking | None = None
        self._gain = Gain(rate_hz, 100.0)

    def add(self, key: Key, samples: Samples, source_count: int, rank: int = 0) -> None:
        """Append to an item: samples at ``rate_hz`` made from so many at ``source_hz``.

        The two need not match in time (a resampler keeps some back) until ``complete``.
        ``rank`` counts for the first samples of an item.
        """
        item = self._item(key, rank)
        item.add(samples)
        item.received_source += source_count
        self.waiting_frames += len(samples)

    def complete(self, key: Key) -> None:
        """Say that nothing more comes for an item; one that never had anything counts too."""
        self._item(key).is_complete = True

    def _item(self, key: Key, rank: int = 0) -> _Item:
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = _Item(key, rank)
            place = len(self._queue)
            while (
                place and not self._queue[place - 1].handed and self._queue[place - 1].rank > rank
            ):
                place -= 1
            self._queue.insert(place, item)
        return item

    @property
    def keys(self) -> list[Key]:
        """The items that have not been heard to their end, in order."""
        return list(self._items)

    def is_complete(self, key: Key) -> bool:
        """Whether an item of this name is complete and has not been heard to its end."""
        return key in self._items and self._items[key].is_complete

    def take(
        self, frames: int, latency_frames: int
    ) -> tuple[Samples, list[tuple[ItemChange, Key]]]:
        """Hand out the next frames; what lies further back than the latency has been heard."""
        out = silence(frames)
        changes: list[tuple[ItemChange, Key]] = []
        done = min(len(self._tail), frames)
        out[:done], self._tail = self._tail[:done], self._tail[done:]
        while done < frames:
            count = self._take_from_first(out[done:], self.frames + done, changes)
            if count is None:
                break
            done += count
        out = self._gain.apply(out)
        self._count_inserted_silence(frames - done)
        self.frames += frames
        self._hear(self.frames - latency_frames, changes)
        return out, changes

    def skip(self, frames: int) -> None:
        """So many frames were not asked for, nor played: the count goes on as if they were."""
        self.frames += frames

    def _take_from_first(
        self, out: Samples, at_frame: int, changes: list[tuple[ItemChange, Key]]
    ) -> int | None:
        """Take what the first item has; None when there is nothing to be played now."""
        if not self._queue or self._is_held(self._queue[0]) or not self._may_run(self._queue[0]):
            return None
        item = self._queue[0]
        if not item.is_begun and item.waiting:
            item.is_begun = True
            changes.append((ItemChange.STARTED, item.key))
        count = item.take_into(out)
        self.waiting_frames -= count
        self._note_ducked(item, out[:count])
        if count:
            self._stretches.append(_Stretch(at_frame, count, item))
        if item.waiting == 0 and item.is_complete:
            self._queue.popleft()
            self._leaving.append((at_frame + count, item))
            self._relax(item)
        elif count < len(out):
            self._note_underrun(item)
        return count

    def _may_run(self, item: _Item) -> bool:
        if not item.is_running:
            item.is_running = item.is_complete or item.waiting >= max(1, self.cushion_frames)
        return item.is_running

    def _note_underrun(self, item: _Item) -> None:
        self.underruns += 1
        item.had_underrun = True
        item.is_running = False
        grown = max(2 * self.cushion_frames, self.rate_hz // 50)
        self.cushion_frames = min(grown, self._longest_cushion)

    def _relax(self, item: _Item) -> None:
        if not item.had_underrun:
            shrunk = round(self.cushion_frames * CUSHION_DECAY)
            self.cushion_frames = max(shrunk, self._shortest_cushion)

    def _count_inserted_silence(self, frames: int) -> None:
        if self._queue and self._queue[0].handed and not self._queue[0].is_running:
            self.inserted_frames += frames

    def _hear(self, up_to_frame: int, changes: list[tuple[ItemChange, Key]]) -> None:
        while self._stretches and self._stretches[0].at_frame < up_to_frame:
            stretch = self._stretches[0]
            heard = min(stretch.count, up_to_frame - stretch.at_frame)
            stretch.item.heard += heard
            stretch.at_frame += heard
            stretch.count -= heard
            if stretch.count == 0:
                self._stretches.popleft()
        while self._leaving and self._leaving[0][0] <= up_to_frame:
            item = self._leaving.popleft()[1]
            changes.append((ItemChange.FINISHED, item.key))
            self._remember(item)

    def _remember(self, item: _Item) -> None:
        del self._items[item.key]
        self._past[item.key] = (self._heard_source(item), item.received_source)
        self._past.move_to_end(item.key)
        if len(self._past) > REMEMBERED_ITEMS:
            self._past.popitem(last=False)

    def _heard_source(self, item: _Item) -> int:
        in_source = map_position(item.heard, self.rate_hz, self.source_hz)
        if item.is_complete and item.heard == item.handed and not item.waiting:
            return item.received_source
        return min(in_source, item.received_source)

    def heard_source(self, key: Key) -> int:
        """How many samples of an item have been heard, at ``source_hz``; 0 if not known."""
        if key in self._items:
            return self._heard_source(self._items[key])
        return self._past.get(key, (0, 0))[0]

    def received_source(self, key: Key) -> int:
        """How many samples of an item have come in, at ``source_hz``; 0 if not known."""
        if key in self._items:
            return self._items[key].received_source
        return self._past.get(key, (0, 0))[1]

    # -- ducked, held, resumed -----------------------------------------------------------

    def duck(self, rank: int) -> None:
        """Play items of this rank softly from now on."""
        if self._ducking is None:
            self._ducking = _Ducking(rank)
            if self._queue and self._queue[0].rank == rank:  # what else sounds is not meant
                self._gain.set(percent_of_db(DUCKED_DB))

    def hold(self, rank: int) -> None:
        """Play nothing of this rank; what plays fades out over ``fade_s``."""
        ducking = self._ducking or _Ducking(rank)
        self._ducking = ducking
        if not ducking.is_held and self._queue and self._queue[0].rank == ducking.rank:
            self._tail = self._faded(self._queue[0])
        ducking.is_held = True

    def resume(self) -> None:
        """Go on as loud as before; what was held, from where it was ducked."""
        ducking, self._ducking = self._ducking, None
        self._gain.set(100.0)
        if ducking is not None and ducking.is_held and ducking.item is not None:
            self._rewind(ducking.item, np.concatenate(ducking.handed))

    def _is_held(self, item: _Item) -> bool:
        ducking = self._ducking
        return ducking is not None and ducking.is_held and item.rank == ducking.rank

    def _note_ducked(self, item: _Item, samples: Samples) -> None:
        if self._ducking is not None and item.rank == self._ducking.rank:
            self._ducking.note(item, samples)

    def _rewind(self, item: _Item, samples: Samples) -> None:
        """Have the end of what was handed over of an item to be played again."""
        if item.key not in self._items:
            return  # it was stopped, or heard to its end
        if item not in self._queue:
            self._leaving = deque(entry for entry in self._leaving if entry[1] is not item)
            self._queue.appendleft(item)
        unheard = max(0, item.handed - len(samples) - item.heard)
        item.take_back(samples)
        self.waiting_frames += len(samples)
        for stretch in self._stretches:
            if stretch.item is item:
                stretch.count = min(stretch.count, unheard)
                unheard -= stretch.count
        self._stretches = deque(each for each in self._stretches if each.count)

    def stop(self, keys: Collection[Key] | None = None) -> dict[Key, int]:
        """Drop these items, or all; return what was heard of each, at ``source_hz``.

        Names all that were not finished, in order. The one that is playing fades out
        over ``fade_s``; the rest of it that lies in the device cannot be called back.
        """
        stopped = [i for key, i in self._items.items() if keys is None or key in keys]
        result = {item.key: self._heard_source(item) for item in stopped}
        if self._queue and self._queue[0] in stopped:
            self._tail = self._faded(self._queue[0])
        for item in stopped:
            self.waiting_frames -= item.waiting
            self._remember(item)
        self._queue = deque(item for item in self._queue if item.key in self._items)
        self._leaving = deque(entry for entry in self._leaving if entry[1].key in self._items)
        return result

    def _faded(self, item: _Item) -> Samples:
        if self._is_held(item) or not (item.is_running and item.handed):
            return silence(0)
        tail = silence(self._fade_frames)
        count = item.take_into(tail)
        self.waiting_frames -= count
        self._note_ducked(item, tail[:count])
        return self.faded(tail)

    def faded(self, samples: Samples) -> Samples:
        """The first ``fade_s`` of a sound, from full loudness to nothing."""
        tail = samples[: self._fade_frames]
        ramp = np.linspace(1.0, 0.0, len(tail), dtype=np.float32)
        return np.asarray(np.rint(tail * ramp), dtype=np.int16)
