"""The link by WebSocket: one open, greeted connection to an endpoint.

Sending never waits: an event goes into a bounded queue and a writer task empties it. The
day the queue is full, the link has failed (``Reason.CONGESTED``): at the 20 to 40 ms of
an audio event that is five to ten seconds behind, and a question with a hole in it is
worse than one that the next endpoint answers in full.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from device.plain_text import one_line
from device.realtime.allowance import Allowance
from device.realtime.codec import decode_foreign, decode_object
from device.realtime.connecting import (
    ConnectionAttempt,
    failure_of_exception,
    server_time,
    upgrade,
)
from device.realtime.endpoint import Endpoint
from device.realtime.events import (
    AudioDelta,
    ClientEvent,
    ErrorEvent,
    InputAudioBufferAppend,
    LinkEvent,
    ProtocolError,
    ResponseOutputAudioDelta,
    ServerEvent,
    Session,
    UnknownEvent,
)
from device.realtime.failures import (
    Failure,
    LinkFailed,
    Reason,
    ends_connection,
    failure_of_error,
)
from device.realtime.finding import open_as_found
from device.realtime.negotiation import Negotiation, outgoing
from device.realtime.pcm import SampleJoiner, pcm_to_base64

log = logging.getLogger(__name__)

MOST_WAITING_EVENTS = 256
"""Events that may wait for the network: five to ten seconds of audio."""
MOST_WAITING_AT_ONCE = 4096
"""The same for events besides sound: a model may call hundreds of tools in one response, and all
their outputs are there at the same moment."""
MOST_AHEAD_EVENTS = 48
"""Of sound that comes faster than real time, so many events are enough on their way: a
second or two, well below what is taken for congestion."""
MOST_EVENTS, MOST_EVENTS_PER_S = 3000.0, 300.0
"""Events besides sound that may come at once, and go on coming. Ten times what the busiest
answer has (the local brain, which writes an answer of a minute in a second: 250)."""
MOST_ERRORS, MOST_ERRORS_PER_S = 20.0, 0.5
"""``error`` events, each of which is a line in the log. A turn that goes wrong has five."""
MOST_GARBAGE = 5
"""Messages that are no events, in the life of one link, before we take it for broken."""
LONGEST_SESSION_S = 60 * 60
"""A session's life at OpenAI; what an ``expires_at`` beyond reason is replaced by."""

QUIET_S = 0.4
"""So long a server may be silent before we go on: two ways across the world, and it leaves
time for the answer within a second."""


class WebSocketLink:
    """An open connection, with the session that was agreed.

    ``endpoint`` holds what was learned (dialect, refused fields): open the next link with
    it. ``session`` is the session as the server has it. One task reads :meth:`events`.
    """

    def __init__(self, connection: ClientConnection, negotiation: Negotiation) -> None:
        self.endpoint = negotiation.endpoint
        self.session: Session = negotiation.session
        self.opened_at_s = time.monotonic()
        self.failure: Failure | None = None
        self._connection = connection
        self._early = negotiation.early
        self._lifetime_s = _lifetime_s(negotiation.session.expires_at, server_time(connection))
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._joining: tuple[tuple[str, int], SampleJoiner] | None = None
        self._garbage = 0
        self._events = Allowance(MOST_EVENTS, MOST_EVENTS_PER_S)
        self._errors = Allowance(MOST_ERRORS, MOST_ERRORS_PER_S)
        self._closing = False
        self._told: Failure | None = None
        self._writer = asyncio.create_task(self._write(), name=f"link {self.endpoint.name} writer")

    @classmethod
    async def open(cls, endpoint: Endpoint, session: Session) -> WebSocketLink:
        """Connect, authenticate, agree on the session; raise :class:`LinkFailed`.

        Takes at most ``connect_timeout_s + handshake_timeout_s``, and so much again for each
        refusal that leads on (:mod:`device.realtime.finding`) when its dialect is ``auto``.
        """

        async def once(candidate: Endpoint) -> WebSocketLink:
            return await cls._open_once(candidate, session)

        return await open_as_found(once, endpoint)

    @classmethod
    async def _open_once(cls, endpoint: Endpoint, session: Session) -> WebSocketLink:
        connection: ClientConnection | None = None
        try:
            async with asyncio.timeout(endpoint.connect_timeout_s) as deadline:
                opening = ConnectionAttempt(endpoint, deadline)
                connection = await upgrade(opening)
                return cls(connection, await _greet(connection, opening, session))
        except TimeoutError:
            await _abandon(connection)
            raise opening.timed_out() from None
        except BaseException:
            await _abandon(connection)
            raise

    # --- sending ----------------------------------------------------------------------

    def send(self, event: ClientEvent | UnknownEvent) -> None:
        """Queue one event, without waiting.

        Raises :class:`LinkFailed` when the link is broken, closed, or too far behind, and
        :class:`ProtocolError` for an event that must not be sent.
        """
        if self.failure is not None:
            raise LinkFailed(self.failure, self.endpoint.name)
        if self._closing:
            raise LinkFailed(Failure(Reason.CLOSED, "closed by us"), self.endpoint.name)
        text = outgoing(self.endpoint, event)
        is_sound = isinstance(event, InputAudioBufferAppend)
        most = MOST_WAITING_EVENTS if is_sound else MOST_WAITING_AT_ONCE
        if self._waiting.qsize() >= most:
            self._break(Failure(Reason.CONGESTED, f"{most} events are waiting"))
            raise LinkFailed(self._failed(), self.endpoint.name)
        self._waiting.put_nowait(text)

    def send_audio(self, pcm: NDArray[np.int16]) -> None:
        """Queue microphone sound (1-D, 24 kHz) as one event; raises as :meth:`send`."""
        self.send(InputAudioBufferAppend(audio=pcm_to_base64(pcm)))

    async def drain(self) -> None:
        """Let the network take what it has got, rather than be taken for congested."""
        if self._waiting.qsize() > MOST_AHEAD_EVENTS:
            await self.flush()

    async def flush(self) -> None:
        """Wait until everything queued so far is with the operating system, or the link broke."""
        emptied = asyncio.ensure_future(self._waiting.join())
        try:
            await asyncio.wait({emptied, self._writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            emptied.cancel()

    async def _write(self) -> None:
        limit_s = self.endpoint.ping_interval_s + self.endpoint.ping_timeout_s
        while True:
            text = await self._waiting.get()
            try:
                # Pings wait behind a full send buffer, too, and see nothing: this does.
                async with asyncio.timeout(limit_s):
                    await self._connection.send(text)
            except TimeoutError:
                self._break(Failure(Reason.BLACK_HOLE, f"nothing left for {limit_s:g} s"))
                return
            except ConnectionClosed:
                return  # the reader gets it as well, and tells
            except Exception:
                log.exception("%s: the writer of the link failed", self.endpoint.name)
                self._break(Failure(Reason.PROTOCOL, "the writer failed; see the log"))
                return
            finally:
                self._waiting.task_done()

    # --- receiving --------------------------------------------------------------------

    def drop_unplayed(self) -> None:
        """Nothing to do: what has arrived has been yielded, and the speaker is on our side."""

    async def events(self) -> AsyncIterator[LinkEvent]:
        """Yield what the endpoint sends, until :meth:`close`; raise :class:`LinkFailed`.

        Read promptly: an event that is not taken holds up the answers to our pings.
        """
        while self._early:
            event = self._with_sound(self._early.pop(0))
            if event is not None:
                yield event
        while True:
            try:
                message = await self._connection.recv()
            except ConnectionClosed as closed:
                if self._closing:
                    return
                self._break(self.failure or self._why_closed(closed))
                raise LinkFailed(self._failed(), self.endpoint.name) from None
            event = self._read(message)
            if event is not None:
                yield event

    def _read(self, message: str | bytes) -> LinkEvent | None:
        try:
            event = decode_foreign(message)
        except ProtocolError as broken:
            self._count_garbage(broken)
            return None
        if not isinstance(event, ResponseOutputAudioDelta):
            self._count(self._events, "events")
        if isinstance(event, ErrorEvent):
            self._count(self._errors, "errors")
            failure = failure_of_error(event.error)
            if failure is not None and ends_connection(failure):
                # It explains the close that follows.
                self._told = failure.masked(self.endpoint.scrub)
        return self._with_sound(event)

    def _with_sound(self, event: ServerEvent | UnknownEvent) -> LinkEvent | None:
        """Take sound out of its envelope; None where there is none in it."""
        if not isinstance(event, ResponseOutputAudioDelta):
            return event
        try:
            pcm = self._joiner(event).whole(event.delta)
        except ProtocolError as broken:
            self._count_garbage(broken)
            return None
        return AudioDelta(event.response_id, event.item_id, event.content_index, pcm)

    def _joiner(self, event: ResponseOutputAudioDelta) -> SampleJoiner:
        """That of the item the sound belongs to; one item is sent at a time."""
        item = (event.item_id, event.content_index)
        if self._joining is None or self._joining[0] != item:
            self._joining = item, SampleJoiner()
        return self._joining[1]

    def _count(self, allowance: Allowance, what: str) -> None:
        """End the link with an endpoint that floods us: our log and our time are not its own."""
        if not allowance.take(time.monotonic()):
            self._break(Failure(Reason.PROTOCOL, f"a flood of {what}"))
            raise LinkFailed(self._failed(), self.endpoint.name)

    def _count_garbage(self, broken: ProtocolError) -> None:
        self._garbage += 1
        log.warning("%s sent what is no event: %s", self.endpoint.name, one_line(broken.what, 200))
        if self._garbage > MOST_GARBAGE:
            self._break(Failure(Reason.PROTOCOL, f"{self._garbage} messages that are no events"))
            raise LinkFailed(self._failed(), self.endpoint.name)

    def _why_closed(self, closed: ConnectionClosed) -> Failure:
        return self._told or failure_of_exception(closed, self.endpoint)

    # --- the end ------------------------------------------------------------------------

    @property
    def expires_in_s(self) -> float:
        """Seconds until the server ends the session.

        By the server's clock and ours together: a Pi without a battery does not know the
        date, but it knows how long ago the session began.
        """
        return self._lifetime_s - (time.monotonic() - self.opened_at_s)

    async def close(self) -> None:
        """Say goodbye (at most one second) and drop what was not sent. May be called twice."""
        self._closing = True
        await self._stop_writer()
        await self._connection.close()

    def _break(self, failure: Failure) -> None:
        """Remember the first failure, and let the reader find out."""
        if self.failure is None:
            self.failure = failure
            log.warning("%s: %s", self.endpoint.name, failure)
        self._connection.transport.abort()
        self._writer.cancel()

    def _failed(self) -> Failure:
        assert self.failure is not None
        return self.failure

    async def _stop_writer(self) -> None:
        self._writer.cancel()
        await asyncio.wait({self._writer})


async def _greet(
    connection: ClientConnection, opening: ConnectionAttempt, session: Session
) -> Negotiation:
    negotiation = Negotiation(opening.endpoint, session)
    garbage = 0
    for text in negotiation.opening():
        await connection.send(text)
    while not negotiation.is_done:
        opening.waits_for = negotiation.waits_for
        opening.told = negotiation.told
        try:
            message = await _received(connection, negotiation)
        except TimeoutError:
            for text in negotiation.quiet():
                await connection.send(text)
            continue
        except ConnectionClosed as closed:
            failure = negotiation.told or failure_of_exception(closed, negotiation.endpoint)
            raise LinkFailed(failure, negotiation.endpoint.name) from None
        try:
            answers = negotiation.receive(decode_object(message))
        except ProtocolError as broken:
            garbage += 1
            if garbage > MOST_GARBAGE:
                failure = Failure(Reason.PROTOCOL, f"no greeting but garbage: {broken.what[:200]}")
                raise LinkFailed(failure, negotiation.endpoint.name) from None
            continue
        for text in answers:
            await connection.send(text)
    return negotiation


async def _received(connection: ClientConnection, negotiation: Negotiation) -> str | bytes:
    """Wait for a message; raise :class:`TimeoutError` when it is for us to go on."""
    if not negotiation.awaits_quiet:
        return await connection.recv()
    async with asyncio.timeout(QUIET_S):
        return await connection.recv()


async def _abandon(connection: ClientConnection | None) -> None:
    """Leave a connection that came to nothing, without ceremony."""
    if connection is not None:
        connection.transport.abort()
        await connection.wait_closed()


def _lifetime_s(expires_at: int | object | None, server_now: float | None) -> float:
    now = time.time() if server_now is None else server_now
    if not isinstance(expires_at, int):
        return float(LONGEST_SESSION_S)
    left = expires_at - now
    return left if 0 < left <= LONGEST_SESSION_S else float(LONGEST_SESSION_S)
