"""What rings in the house, and where it is heard."""

from __future__ import annotations

from collections.abc import Callable

from device.phrases.book import Phrase
from device.room.alarms import Alarms
from device.tools.alarms.decisions import NoteMissed, SilenceAlarm, SoundAlarm


class Rings:
    """Has what rings heard in every room of the house, until somebody in any of them stops it.

    Every room: a timer that is heard in one too many does less harm than one that nobody
    hears. A room that opens while something rings joins in. On the event loop's thread.
    """

    def __init__(self) -> None:
        self._rooms: list[Alarms] = []
        self._sounding: dict[int, SoundAlarm] = {}
        self._troubles: list[Phrase] = []
        self.listeners: set[Callable[[SoundAlarm], None]] = set()
        """Are told whatever begins to ring."""

    @property
    def is_ringing(self) -> bool:
        """Whether anything rings."""
        return bool(self._sounding)

    @property
    def sounding(self) -> tuple[SoundAlarm, ...]:
        """What rings, each as it was told last."""
        return tuple(self._sounding.values())

    def join(self, alarms: Alarms) -> None:
        """One more room can be heard in."""
        self._rooms.append(alarms)
        for ring in self._sounding.values():
            alarms.ring(ring)
        for sentence in self._troubles:
            alarms.trouble(sentence)
        self._troubles.clear()

    async def leave(self, alarms: Alarms) -> None:
        """A room closes; what rings goes on in the others, and in the next that joins."""
        self._rooms.remove(alarms)
        alarms.close()

    def ring(self, ring: SoundAlarm) -> None:
        """Begin, or go on louder."""
        is_new = ring.ringing.id not in self._sounding
        self._sounding[ring.ringing.id] = ring
        for alarms in self._rooms:
            alarms.ring(ring)
        for listener in tuple(self.listeners) if is_new else ():
            listener(ring)

    def silence(self, silence: SilenceAlarm) -> None:
        """One of them is over."""
        self._sounding.pop(silence.ringing.id, None)
        for alarms in self._rooms:
            alarms.silence(silence)

    def missed(self, miss: NoteMissed) -> None:
        """Nobody heard it: whoever is there next, in whichever room, is told."""
        for alarms in self._rooms:
            alarms.missed(miss)

    def trouble(self, what: Phrase) -> None:
        """The store failed: a person must know, in whichever room."""
        if not self._rooms:
            self._troubles.append(what)
        for alarms in self._rooms:
            alarms.trouble(what)
