"""The local endpoint: a websockets server around the sessions.

It is the only module of the brain that knows of HTTP and sockets; what a session means
stands in ``session.py``, what is done for it in ``work/runner.py``.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from device.brain.base.abilities import Abilities
from device.brain.protocol.limits import BrainLimits
from device.brain.protocol.shapes import RequestError
from device.brain.sessions.admission import SUBPROTOCOL, Admission, HttpRefusal, admit
from device.brain.sessions.connection import Connection, Translate
from device.brain.sessions.items import Json
from device.brain.sessions.recital import Recital
from device.brain.sessions.seats import Seat, Seats
from device.brain.sessions.session import Session
from device.brain.sessions.unread import UnreadBytes, counted_by, peer_of
from device.brain.work.pools import Pools
from device.brain.work.runner import JobRunner
from device.realtime.dialect import client_to_ga, server_to_beta
from device.realtime.speech import SPOKEN_WITHIN_S

_log = logging.getLogger(__name__)
_CLOSE_TIMEOUT_S = 2.0
_OPEN_TIMEOUT_S = 10.0
"""For the request of who connects from elsewhere, and its answer (websockets' own value)."""
_PING_INTERVAL_S = 20.0
LEAVE_PATH = "/leave"
"""Asked for over a Unix socket, the brain ends: so that who may only call it can have a new one."""
_LAST_WORD_S = 0.2
"""How long the answer to that may take to get out."""
_READ_AHEAD = 4
"""Messages that are read before the session has taken them: little, for back-pressure."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the command line decides."""

    limits: BrainLimits = field(default_factory=BrainLimits)
    strict: bool = False
    speaks_beta: bool = False
    token: str | None = None
    idle_exit_s: float | None = None
    tls: ssl.SSLContext | None = None
    """With it clients speak ``wss``, and nothing else is understood."""


class BrainServer:
    """Serves sessions on one socket until it is told to stop."""

    def __init__(self, abilities: Abilities, options: ServerOptions) -> None:
        self._abilities = abilities
        self._options = options
        self._pools = Pools(options.limits.responses)
        self._recital = Recital(abilities.voice)
        self._seats = Seats(options.limits)
        self._unread = UnreadBytes(options.limits)
        self._sessions = 0
        self._recitals = 0
        self._stopping = asyncio.Event()
        self._is_unix = False
        self._idle_timer: asyncio.TimerHandle | None = None

    async def run(self, listener: socket.socket, on_ready: Callable[[], None]) -> None:
        """Serve until `stop` or the idle time; then close all sessions."""
        self._is_unix = listener.family == socket.AF_UNIX
        try:
            async with serve(
                self._handle,
                sock=listener,
                create_connection=counted_by(self._unread),
                ssl=self._options.tls,
                process_request=self._process_request,
                select_subprotocol=_select_subprotocol,
                compression=None,
                max_size=self._options.limits.event_bytes,
                max_queue=_READ_AHEAD,
                open_timeout=SPOKEN_WITHIN_S if self._is_unix else _OPEN_TIMEOUT_S,
                ping_interval=_PING_INTERVAL_S,
                close_timeout=_CLOSE_TIMEOUT_S,
                server_header=None,
            ):
                on_ready()
                self._count()
                await self._stopping.wait()
        finally:
            self._pools.close()

    def stop(self) -> None:
        """End `run`; sessions are closed with 1001."""
        self._stopping.set()

    # -------------------------------------------------------------------- one connection

    async def _process_request(self, socket: ServerConnection, request: Request) -> Response | None:
        if self._is_unix and self._recital.is_asked_for(request.path):
            return await self._recite(request.path)
        if self._is_unix and request.path == LEAVE_PATH:
            asyncio.get_running_loop().call_later(_LAST_WORD_S, self.stop)
            return socket.respond(HTTPStatus.OK, "The brain ends.\n")
        admission = admit(request, self._options.token)
        if isinstance(admission, HttpRefusal):
            return socket.respond(admission.status, admission.reason)
        peer = peer_of(socket.remote_address)
        if (reason := self._seats.refusal(peer, time.monotonic())) is not None:
            return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, reason)
        return None

    async def _recite(self, path: str) -> Response:
        self._count(recitals=+1)
        try:
            return await self._recital.answer(path)
        finally:
            self._count(recitals=-1)

    async def _handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        admission = admit(socket.request, self._options.token)
        assert isinstance(admission, Admission)  # `_process_request` has refused the others
        self._count(sessions=+1)
        try:
            await self._serve(socket, admission)
        except ConnectionClosed:
            _log.debug("a client left before its session began")
        finally:
            self._count(sessions=-1)

    async def _serve(self, socket: ServerConnection, admission: Admission) -> None:
        session = Session(
            self._abilities.thinker,
            time.monotonic(),
            time.time(),
            limits=self._options.limits,
            strict=self._options.strict,
            model=admission.model,
            is_transcription=admission.is_transcription,
            from_client=client_to_ga if admission.wants_beta else None,
        )
        if admission.wants_beta and not self._options.speaks_beta:
            session.refuse(_BETA_REFUSED)
        translate: Translate = server_to_beta if self._speaks_beta(admission) else _as_it_is
        connection = Connection(socket, session, self._options.limits, translate)
        seat = Seat(
            peer_of(socket.remote_address),
            lambda: session.heard_s,
            lambda: session.is_busy,
            connection.leave,
        )
        self._seats.take(seat, time.monotonic())
        try:
            await connection.run(JobRunner(self._abilities, self._pools, connection.report))
        finally:
            self._seats.free(seat)

    def _speaks_beta(self, admission: Admission) -> bool:
        return admission.wants_beta and self._options.speaks_beta

    # ------------------------------------------------------------------------ being idle

    def _count(self, sessions: int = 0, recitals: int = 0) -> None:
        self._sessions += sessions
        self._recitals += recitals
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        if not (self._sessions or self._recitals) and self._options.idle_exit_s is not None:
            loop = asyncio.get_running_loop()
            self._idle_timer = loop.call_later(self._options.idle_exit_s, self._leave)

    def _leave(self) -> None:
        _log.info("nobody has called for %g s", self._options.idle_exit_s)
        self.stop()


_BETA_REFUSED = RequestError(
    "beta_api_shape_disabled",
    "The Realtime Beta API is not supported here. Please use the GA interface, without the "
    "OpenAI-Beta header.",
)


def _as_it_is(event: Json) -> Json:
    return event


def _select_subprotocol(
    _socket: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None
