"""Who holds which of the places, and who must give one up: no client shuts out the others.

Nothing here waits or touches a socket: times come with the calls, on any monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from device.brain.protocol.limits import BrainLimits


@dataclass(eq=False)
class Seat:
    """One session's place."""

    peer: str
    """Whose it is: an address, or ``local`` for who is on this machine."""
    heard_s: Callable[[], float]
    """When its client last said anything."""
    is_busy: Callable[[], bool]
    """Whether an answer is being made for it."""
    leave: Callable[[], None]
    """Ends the session, with a word about why."""


@dataclass
class Seats:
    """All places of one brain."""

    limits: BrainLimits
    _taken: list[Seat] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._taken)

    def refusal(self, peer: str, now_s: float) -> str | None:
        """Why a newcomer cannot have a place; None where it can."""
        if self._given_up_for(peer, now_s) is not None or self._has_room(peer):
            return None
        if self._is_greedy(peer):
            most = self._most_of(peer)
            return f"The brain already serves {most} sessions of {peer}, all of them in use.\n"
        return f"The brain already serves {len(self._taken)} sessions, all of them in use.\n"

    def take(self, seat: Seat, now_s: float) -> None:
        """Give a place to a newcomer that was not refused; the idlest one leaves if need be."""
        idlest = None if self._has_room(seat.peer) else self._given_up_for(seat.peer, now_s)
        if idlest is not None:
            self._taken.remove(idlest)
            idlest.leave()
        self._taken.append(seat)

    def free(self, seat: Seat) -> None:
        """Take note that a session has ended; one that was made to leave is gone already."""
        if seat in self._taken:
            self._taken.remove(seat)

    def _has_room(self, peer: str) -> bool:
        return len(self._taken) < self.limits.sessions and not self._is_greedy(peer)

    def _is_greedy(self, peer: str) -> bool:
        return sum(seat.peer == peer for seat in self._taken) >= self._most_of(peer)

    def _most_of(self, peer: str) -> int:
        """Who is on this machine may have all: the owner's programs cannot be told apart."""
        most = self.limits.sessions
        return most if peer == LOCAL else max(1, most // 2)

    def _given_up_for(self, peer: str, now_s: float) -> Seat | None:
        """The place that a newcomer may have: that which has been idle longest."""
        own_only = self._is_greedy(peer)
        idle = [
            seat
            for seat in self._taken
            if now_s - seat.heard_s() >= self.limits.seat_idle_s
            and not seat.is_busy()
            and (seat.peer == peer or not own_only)
        ]
        return min(idle, key=lambda seat: seat.heard_s(), default=None)


LOCAL = "local"
"""The peer of every connection from this machine."""
