"""A scripted Realtime server: a cloud for tests, demonstrations and bad days.

It speaks the protocol with the same structures as the device (:mod:`device.realtime`),
says what its script says, goes wrong where the script wants it, and remembers everything
that came in::

    async with Cloud(read_script(path)) as cloud:
        link = await WebSocketLink.open(cloud.endpoint(), session)
        ...
        assert cloud.visits[0].audio_ms > 500
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Sequence
from email.utils import formatdate
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve, unix_serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from device.brain.protocol.shapes import RequestError
from device.realtime.addresses import DEFAULT_PATH
from device.realtime.connecting import CLOSE_TIMEOUT_S, QuietLogger
from device.realtime.endpoint import Endpoint, Secret
from device.workshop.simulation.answers import sound_of
from device.workshop.simulation.door import DeafSocket, Door
from device.workshop.simulation.faults import Faults, Wire, end
from device.workshop.simulation.host import Host
from device.workshop.simulation.refusals import refusal
from device.workshop.simulation.script import Fault, Script
from device.workshop.simulation.visit import Visit

log = logging.getLogger(__name__)

MOST_BYTES_IN_AN_EVENT = 24 * 2**20
"""15 MiB of audio in one append, which OpenAI allows, are 20 MiB of base64."""
_SUBPROTOCOL, _KEY_PROTOCOL = "realtime", "openai-insecure-api-key."
_STATUS_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


class _Callers:
    """Connections whose request has not come yet.

    The library waits for ever for a request where no time-out is set, and one would also
    end a stall that the script wants; so whoever is silent at closing time is cut off.
    """

    def __init__(self) -> None:
        self._silent: set[asyncio.WriteTransport] = set()
        self._is_closed = False

    def add(self, transport: asyncio.WriteTransport) -> None:
        """Somebody connects."""
        self._silent.add(transport)
        if self._is_closed:
            transport.abort()

    def discard(self, transport: asyncio.WriteTransport) -> None:
        """Somebody has spoken, or is gone."""
        self._silent.discard(transport)

    def close(self) -> None:
        """Cut off everybody who is silent, and who may still come."""
        self._is_closed = True
        for transport in tuple(self._silent):
            transport.abort()


class _Guest(ServerConnection):
    """A connection with its visit."""

    visit: Visit

    def __init__(self, callers: _Callers, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.callers = callers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for its request."""
        super().connection_made(transport)
        self.callers.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self.callers.discard(self.transport)
        super().connection_lost(exc)


class Cloud:
    """The server; an asynchronous context manager. ``visits`` has every connection.

    Listens on ``host`` and ``port`` (0: any free one), or on ``unix_path``; with
    ``tls`` it speaks wss.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        unix_path: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.script = Script() if script is None else script
        self.visits: list[Visit] = []
        self._host, self._port, self._unix_path, self._tls = host, port, unix_path, tls
        self._server: Server | None = None
        self._door: Door | None = None
        self._deaf: DeafSocket | None = None
        self._callers = _Callers()
        self._closing = asyncio.Event()
        self._arrived = asyncio.Event()

    # --- opening and closing -------------------------------------------------------------

    async def __aenter__(self) -> Cloud:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen, or pretend to; raise :class:`BadScriptError` for a sound that cannot be had."""
        for answer in self.script.answers:
            for item in answer.items:
                sound_of(item, self.script.folder, self.script.server.voice)
        points = {fault.at for fault in self.script.faults}
        if "listen" in points:
            self._deaf = DeafSocket(self._host, self._port)
            self._deaf.fill()
            self._port = self._deaf.port
            return
        has_door = "accept" in points and self._unix_path is None
        inner = await self._serve(0 if has_door else self._port)
        if has_door:
            self._door = Door(self._at_the_door, ("127.0.0.1", inner))
            self._port = await self._door.open(self._host, self._port)
        else:
            self._port = inner

    async def _serve(self, port: int) -> int:
        options: dict[str, Any] = {
            "process_request": self._greet,
            "process_response": self._set_clock,
            "select_subprotocol": _select_subprotocol,
            "create_connection": partial(_Guest, self._callers),
            "compression": None,
            "open_timeout": None,
            "ping_interval": None,
            "close_timeout": CLOSE_TIMEOUT_S,
            "max_size": MOST_BYTES_IN_AN_EVENT,
            "logger": QuietLogger(f"{__name__}.websockets"),
        }
        if self._tls is not None:
            options["ssl"] = self._tls
        if self._unix_path is not None:
            self._server = await unix_serve(self._host_it, str(self._unix_path), **options)
            return 0
        self._server = await serve(self._host_it, self._host, port, **options)
        number: int = next(iter(self._server.sockets)).getsockname()[1]
        return number

    async def close(self) -> None:
        """Say goodbye to everybody (1001) and stop."""
        self._closing.set()
        if self._door is not None:
            await self._door.close()
        if self._deaf is not None:
            self._deaf.close()
        if self._server is not None:
            self._server.close()
            self._callers.close()
            await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where clients find it."""
        if self._unix_path is not None:
            return f"unix:{self._unix_path}"
        scheme = "wss" if self._tls is not None else "ws"
        return f"{scheme}://{self._host}:{self._port}{DEFAULT_PATH}"

    def endpoint(self, **changes: Any) -> Endpoint:
        """Return an endpoint that leads here; ``changes`` are its other fields."""
        key = Secret(self.script.server.key) if self.script.server.key else None
        standard = {"name": "simulated", "url": self.url, "key": key, "key_required": False}
        return Endpoint(**{**standard, **changes})

    async def visit(self, number: int, timeout_s: float = 5.0) -> Visit:
        """Wait for the n-th connection, counted from 1, and return it."""
        async with asyncio.timeout(timeout_s):
            while len(self.visits) < number:
                self._arrived.clear()
                await self._arrived.wait()
        return self.visits[number - 1]

    # --- one connection --------------------------------------------------------------------

    def _new_visit(self) -> Visit:
        visit = Visit(len(self.visits) + 1)
        self.visits.append(visit)
        self._arrived.set()
        return visit

    def _at_the_door(self) -> list[Fault]:
        number = len(self.visits) + 1
        found = Faults(self.script.faults, number).due("accept")
        if any(fault.kind != "delay" for fault in found):
            visit = self._new_visit()  # it will not come any further
            for fault in found:
                visit.note_mishap(f"{fault.kind} at accept")
            visit.note_end(None)
        return found

    async def _greet(self, connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, _Guest)
        self._callers.discard(connection.transport)
        visit = connection.visit = self._new_visit()
        visit.path = request.path
        visit.headers = _masked(request.headers)
        for fault in Faults(self.script.faults, visit.number).due("upgrade"):
            visit.note_mishap(f"{fault.kind} at upgrade")
            answer = await self._meet(connection, fault)
            if answer is not None:
                return answer
        return self._refusal(request)

    async def _meet(self, connection: ServerConnection, fault: Fault) -> Response | None:
        match fault.kind:
            case "status":
                return _answer(fault.status, fault.error_code, fault.message, fault.retry_after)
            case "delay":
                await asyncio.sleep(fault.seconds)
            case "stall":
                gone = asyncio.ensure_future(connection.wait_closed())
                closing = asyncio.ensure_future(self._closing.wait())
                await asyncio.wait({gone, closing}, return_when=asyncio.FIRST_COMPLETED)
                for waiting in (gone, closing):
                    waiting.cancel()
            case _:
                end(connection.transport, reset=fault.kind == "reset")
        return None

    def _refusal(self, request: Request) -> Response | None:
        server = self.script.server
        asked = urlsplit(request.path)
        lacks = set(server.needs_query) - parse_qs(asked.query).keys()
        if lacks or (server.paths and asked.path not in server.paths):
            return _answer(404, "404", "Resource not found", None)
        if server.key is not None and server.key not in _keys_shown(request, server.key_header):
            return _answer(401, None, "Incorrect API key provided.", None)
        if server.needs_beta_header and "OpenAI-Beta" not in request.headers:
            return _answer(
                server.beta_header_status, "missing_beta_header", "OpenAI-Beta is missing.", None
            )
        return None

    def _set_clock(
        self, connection: ServerConnection, request: Request, response: Response
    ) -> Response:
        del connection, request
        if "Date" in response.headers:
            del response.headers["Date"]
        now = time.time() + self.script.server.clock_skew_s
        response.headers["Date"] = formatdate(now, usegmt=True)
        return response

    async def _host_it(self, connection: ServerConnection) -> None:
        assert isinstance(connection, _Guest)
        visit = connection.visit
        try:
            if self._is_sunset(connection):
                await self._refuse_beta(connection, visit)
                return
            query = parse_qs(urlsplit(visit.path).query)
            await Host(
                self.script,
                connection,
                visit,
                query.get("model", [""])[0],
                is_transcription=query.get("intent") == ["transcription"],
            ).run()
        except ConnectionClosed:
            log.debug("visit %d is over", visit.number)
        finally:
            visit.note_end(connection.close_code)

    def _is_sunset(self, connection: ServerConnection) -> bool:
        assert connection.request is not None
        return self.script.server.dialect == "ga" and "OpenAI-Beta" in connection.request.headers

    async def _refuse_beta(self, connection: ServerConnection, visit: Visit) -> None:
        """Do as OpenAI does since 2026-05-12: upgrade, one error, close 4000."""
        refused = RequestError("beta_api_shape_disabled", "The beta interface is no more.")
        await Wire(connection, visit, Faults((), visit.number)).emit(refusal(refused, None))
        await connection.close(4000, "invalid_request_error.beta_api_shape_disabled")


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    return Subprotocol(_SUBPROTOCOL) if _SUBPROTOCOL in offered else None


def _keys_shown(request: Request, header: str) -> list[str]:
    """Return the keys in a request: of one header, or of any, or in a subprotocol's name."""
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    api_key = request.headers.get("api-key", "")
    if header != "any":
        return [bearer if header == "authorization" else api_key]
    lines = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
    named = [name.strip() for name in lines.split(",") if name.strip().startswith(_KEY_PROTOCOL)]
    return [bearer, api_key, *(name.removeprefix(_KEY_PROTOCOL) for name in named)]


def _masked(headers: Headers) -> dict[str, str]:
    """Return the headers in lower case, without the key: what is remembered may be printed."""
    kept = {name.lower(): value for name, value in headers.raw_items()}
    for name in ("authorization", "api-key", "sec-websocket-protocol"):
        if name in kept:
            kept[name] = "Bearer ***" if kept[name].startswith("Bearer ") else "***"
    return kept


def _answer(status: int, code: str | None, text: str, retry_after: str | None) -> Response:
    error = {
        "type": "invalid_request_error",
        "code": code or _STATUS_CODES.get(status),
        "message": text,
    }
    body = msgspec.json.encode({"error": error})
    kind = "application/json"
    if status == 200:  # a web server's front page
        body, kind = b"<!doctype html><title>Welcome</title>", "text/html"
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(body))})
    headers["Connection"] = "close"
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return Response(status, "Simulated", headers, body)
