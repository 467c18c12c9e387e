"""What a link is, whatever carries it: a conversation with one endpoint that is under way.

A transport is an implementation of :class:`Link` and an :data:`Opener` that makes one.
Which opener an endpoint gets is decided where the endpoints are put together; nobody
beyond that knows which transport is in use. Sound crosses this border as PCM only: 24 kHz,
mono, 16 bit. Whether it travels as base64 in events or as packets of its own is the
transport's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from device.realtime.endpoint import Endpoint
from device.realtime.events import ClientEvent, LinkEvent, Session, UnknownEvent
from device.realtime.failures import Failure


class Link(Protocol):
    """An open link: greeted, with a session that was agreed. For one event loop's thread.

    A link that breaks says so once, by :class:`~device.realtime.failures.LinkFailed` from
    :meth:`events`; whoever sends on it afterwards gets the same failure.
    """

    @property
    def endpoint(self) -> Endpoint:
        """With what was learned on opening (dialect, refused fields): open the next with it."""

    @property
    def session(self) -> Session:
        """The session as the server had it when the link was ready."""

    @property
    def failure(self) -> Failure | None:
        """Why it broke; None while it has not."""

    @property
    def expires_in_s(self) -> float:
        """Seconds until the endpoint ends the session by itself."""

    def send(self, event: ClientEvent | UnknownEvent) -> None:
        """Queue one event, without waiting.

        Raises :class:`~device.realtime.failures.LinkFailed` when the link is broken, closed
        or too far behind, and :class:`~device.realtime.problems.ProtocolError` for an event
        that must not be sent.
        """

    def send_audio(self, pcm: NDArray[np.int16]) -> None:
        """Queue 20 to 100 ms of the microphone's sound (1-D, 24 kHz); raises as :meth:`send`."""

    async def drain(self) -> None:
        """Wait while more is queued than is good for sound that comes faster than real time.

        Returns at once where little waits, and when the link broke.
        """

    async def flush(self) -> None:
        """Wait until everything queued so far has left this process, or the link broke."""

    def drop_unplayed(self) -> None:
        """Let go of sound of the endpoint's that has not been yielded, here and over there.

        For an interruption. A transport whose endpoint sends faster than real time has
        yielded everything already, and has nothing to do.
        """

    def events(self) -> AsyncIterator[LinkEvent]:
        """Yield what the endpoint sends, until :meth:`close`; one task reads it, promptly.

        Raises :class:`~device.realtime.failures.LinkFailed` when the link broke.
        """

    async def close(self) -> None:
        """Say goodbye in bounded time, dropping what was not sent. May be called twice."""


Opener: TypeAlias = Callable[[Endpoint, Session], Awaitable[Link]]
"""Opens a link to an endpoint and agrees on the session; raises ``LinkFailed``.

In bounded time: that of the endpoint's ``connect_timeout_s`` and ``handshake_timeout_s``.
"""
