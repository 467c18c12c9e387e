"""How much of unfinished messages may wait: counted where the bytes come in.

The WebSocket library keeps a message until its last byte is there. One may have 21 MB;
fifteen clients that never finish theirs took 266 MB.
"""

from __future__ import annotations

import logging
from typing import Any

from websockets.asyncio.server import ServerConnection

from device.brain.protocol.limits import BrainLimits
from device.brain.sessions.seats import LOCAL

_log = logging.getLogger(__name__)
_HEADER_BYTES = 14
"""The longest head of a frame."""
_CLOSE_TOO_MUCH = 1008


class UnreadBytes:
    """The account of all connections of one brain."""

    def __init__(self, limits: BrainLimits) -> None:
        self._limits = limits
        self._connections: dict[CountedConnection, int] = {}

    def came(self, connection: CountedConnection, count: int) -> None:
        """Take note of bytes; the connection that holds most is ended when it is too much."""
        self._connections[connection] = self._connections.get(connection, 0) + count
        while (among := self._too_many_of(connection)) is not None:
            largest = max(among, key=lambda one: among[one])
            _log.warning("a client of %s left %d bytes unfinished", largest.peer, among[largest])
            self.gone(largest)
            largest.give_up("Too much of unfinished messages; send smaller ones.")

    def taken(self, connection: CountedConnection, count: int) -> None:
        """Take note that a message of so many bytes has been read."""
        if connection in self._connections:
            left = self._connections[connection] - count - _HEADER_BYTES
            self._connections[connection] = max(0, left)

    def gone(self, connection: CountedConnection) -> None:
        """Forget a connection that has ended."""
        self._connections.pop(connection, None)

    @property
    def total(self) -> int:
        """What waits, of everybody."""
        return sum(self._connections.values())

    def _too_many_of(self, connection: CountedConnection) -> dict[CountedConnection, int] | None:
        """Those among whom one must go; None where it is not too much."""
        peers = {o: n for o, n in self._connections.items() if o.peer == connection.peer}
        if sum(peers.values()) > self._limits.unread_bytes_per_peer:
            return peers
        if self.total > self._limits.unread_bytes:
            return self._connections
        return None


class CountedConnection(ServerConnection):
    """A connection that tells what it holds."""

    account: UnreadBytes
    """Of the brain that it belongs to; see `counted_by`."""
    _is_given_up = False

    @property
    def peer(self) -> str:
        """Whose it is: an address, or ``local`` for who is on this machine."""
        return peer_of(self.remote_address)

    def data_received(self, data: bytes) -> None:
        """Count, then go on as the library does."""
        if not self._is_given_up:
            self.account.came(self, len(data))
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, then go on as the library does."""
        self.account.gone(self)
        super().connection_lost(exc)

    def took(self, message: str | bytes) -> None:
        """Take note that a message has been read."""
        if isinstance(message, str) and not message.isascii():
            message = message.encode()
        self.account.taken(self, len(message))

    def give_up(self, reason: str) -> None:
        """End it at once, without waiting for the rest of what it sends."""
        self._is_given_up = True
        self.protocol.fail(_CLOSE_TOO_MUCH, reason)
        self.send_data()


def counted_by(account: UnreadBytes) -> type[CountedConnection]:
    """Return a kind of connection that is counted by this account."""
    return type("BrainConnection", (CountedConnection,), {"account": account})


def peer_of(address: Any) -> str:
    """Whose connection that is: ``local`` for a Unix socket and for this machine's own address."""
    if not isinstance(address, tuple) or not address:
        return LOCAL
    host = str(address[0]).removeprefix("::ffff:")
    return LOCAL if host.startswith("127.") or host == "::1" else host
