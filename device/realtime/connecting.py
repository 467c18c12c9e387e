"""From an endpoint to an upgraded WebSocket, or to the reason why there is none."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from email.utils import parsedate_to_datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

from device import __version__
from device.realtime.dialect import BETA_HEADER, Dialect
from device.realtime.endpoint import Auth, Endpoint
from device.realtime.failures import (
    Failure,
    LinkFailed,
    Reason,
    failure_of_close,
    failure_of_status,
)

log = logging.getLogger(__name__)

MOST_BYTES_IN_AN_EVENT = 4 * 2**20
"""The longest event we take: 4 MiB hold 65 s of speech in base64.

Audio deltas stay below 1 MB; the largest event of sense is a retrieved item with its
audio. What is longer is a mistake or an attack, and would cost a small Pi its memory.
"""
CLOSE_TIMEOUT_S = 1.0
"""How long a goodbye may take; it is also added to the time a dead link needs to be noticed."""
_FRAMES_AHEAD = 64
_PING_TIMEOUT = "keepalive ping timeout"


class Redirected(Exception):  # noqa: N818  (it is an answer, not an error of ours)
    """The server sent us elsewhere. We do not go: the key is meant for this address only."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class QuietLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger for the WebSocket library without debug level: there it writes out our key."""

    def __init__(self, name: str) -> None:
        super().__init__(logging.getLogger(name), {})

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  (logging's name)
        """Whether a message of this level is written: never at debug."""
        return level > logging.DEBUG and super().isEnabledFor(level)


_library_log = QuietLogger(f"{__name__}.websockets")


class ConnectionAttempt:
    """One attempt: how far it has come, and how long it may still take."""

    def __init__(self, endpoint: Endpoint, deadline: asyncio.Timeout) -> None:
        self.endpoint = endpoint
        self.waits_for = "connection (name, TCP, TLS)"
        self.limit_s = endpoint.connect_timeout_s
        self.is_connected = False
        self.told: Failure | None = None
        """What the server complained of meanwhile: it explains why it went no further."""
        self._deadline = deadline

    def connected(self) -> None:
        """Name, TCP and TLS are done: from here the greeting's own time runs."""
        self.is_connected = True
        self.waits_for = "answer to the upgrade (HTTP)"
        self.limit_s = self.endpoint.handshake_timeout_s
        self._deadline.reschedule(asyncio.get_running_loop().time() + self.limit_s)

    def timed_out(self) -> LinkFailed:
        """Say which phase took too long."""
        late = f"no {self.waits_for} within {self.limit_s:g} s"
        if self.told is not None:
            return LinkFailed(
                Failure(self.told.reason, f"{self.told.detail}; {late}"), self.endpoint.name
            )
        failure = Failure(Reason.TIMEOUT, late)
        return LinkFailed(failure, self.endpoint.name)


class _Connection(ClientConnection):
    """A connection that tells how far it has come, and follows no redirects."""

    def __init__(self, opening: ConnectionAttempt, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._opening = opening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Go on to the next phase."""
        super().connection_made(transport)
        _notice_silence(transport.get_extra_info("socket"), self._opening.endpoint)
        self._opening.connected()

    async def handshake(self, *arguments: Any, **options: Any) -> None:
        """Upgrade, refusing redirects."""
        try:
            await super().handshake(*arguments, **options)
        except InvalidStatus as refused:
            status = refused.response.status_code
            if 300 <= status < 400:
                raise Redirected(status) from None
            raise


def _notice_silence(sock: socket.socket | None, endpoint: Endpoint) -> None:
    """Let the kernel end a connection whose packets nobody acknowledges.

    Pings show a black hole as long as they can be written. Once the send buffer is full
    they cannot, and only this does: the time of a ping and its answer, in TCP's own terms.
    """
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    limit_s = endpoint.ping_interval_s + endpoint.ping_timeout_s
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(limit_s * 1_000))


@cache
def _trust(ca_file: Path | None, _changed_ns: int) -> ssl.SSLContext:
    """Load the certificates to trust, once: it costs a Pi tens of milliseconds."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def trust_of(endpoint: Endpoint) -> ssl.SSLContext:
    """Return whom to believe; raise :class:`LinkFailed` for a ``ca_file`` that is none."""
    try:
        file = endpoint.ca_file
        return _trust(file, file.stat().st_mtime_ns if file is not None else 0)
    except OSError as error:
        detail = f"ca_file {endpoint.ca_file}: {error.strerror or error}"
        raise LinkFailed(Failure(Reason.TLS, detail), endpoint.name) from None


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = dict(endpoint.headers)
    if endpoint.key:
        value = endpoint.key.reveal()
        if endpoint.auth is Auth.BEARER:
            headers["Authorization"] = f"Bearer {value}"
        else:
            headers["api-key"] = value
    if endpoint.dialect is Dialect.BETA:
        name, value = BETA_HEADER
        headers[name] = value
    return headers


async def upgrade(opening: ConnectionAttempt) -> ClientConnection:
    """Connect and upgrade; raise :class:`LinkFailed` with the reason when it fails."""
    endpoint = opening.endpoint
    if endpoint.key_required and not endpoint.key:
        raise LinkFailed(Failure(Reason.NO_KEY), endpoint.name)
    if endpoint.key and not endpoint.is_encrypted and not endpoint.is_local:
        log.warning("%s: the key crosses the network unencrypted (ws://)", endpoint.name)
    try:
        return await _connector(opening)
    except (OSError, InvalidHandshake, InvalidURI, InvalidProxy, ConnectionClosed, Redirected) as e:
        failure = failure_of_exception(e, endpoint)
        if failure.reason is Reason.CLOSED and not opening.is_connected and _is_tls(endpoint):
            failure = Failure(Reason.TLS, "cut off in the middle of the TLS handshake")
        raise LinkFailed(failure, endpoint.name) from None


def _is_tls(endpoint: Endpoint) -> bool:
    return endpoint.url.startswith("wss:")


def _connector(opening: ConnectionAttempt) -> connect:
    endpoint = opening.endpoint
    options: dict[str, Any] = {
        "additional_headers": _headers(endpoint),
        "user_agent_header": f"bittern/{__version__}",
        "compression": None,  # base64 of speech hardly shrinks, and a Pi has better work
        "open_timeout": None,  # the deadline is ours
        "ping_interval": endpoint.ping_interval_s,
        "ping_timeout": endpoint.ping_timeout_s,
        "close_timeout": CLOSE_TIMEOUT_S,
        "max_size": MOST_BYTES_IN_AN_EVENT,
        "max_queue": _FRAMES_AHEAD,
        "logger": _library_log,
        "create_connection": partial(_Connection, opening),
    }
    if endpoint.socket_path is not None:
        return unix_connect(endpoint.socket_path, endpoint.request_url, **options)
    if endpoint.is_local:
        options["proxy"] = None
    if _is_tls(endpoint):
        options["ssl"] = trust_of(endpoint)
    return connect(endpoint.request_url, happy_eyeballs_delay=0.25, **options)


_NOT_YET_VALID = 9
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID."""

# --- what went wrong --------------------------------------------------------------------


def failure_of_exception(error: BaseException, endpoint: Endpoint) -> Failure:
    """Judge whatever the network, TLS, HTTP or the WebSocket library raised."""
    return _judge(error).masked(endpoint.scrub)


def _judge(error: BaseException) -> Failure:
    match error:
        case ConnectionClosed():
            return _failure_of_closed(error)
        case InvalidStatus():
            answer = error.response
            get = answer.headers.get
            return failure_of_status(
                answer.status_code, bytes(answer.body), get("Retry-After"), get("Date")
            )
        case Redirected():
            return Failure(
                Reason.PROTOCOL, f"{error} sends us elsewhere, where the key must not go"
            )
        case InvalidURI():
            return Failure(Reason.BAD_ENDPOINT, "not a WebSocket address")
        case InvalidProxy() | ProxyError():  # their texts may hold the proxy's password
            return Failure(Reason.UNREACHABLE, f"proxy: {type(error).__name__}")
        case InvalidMessage() if isinstance(error.__cause__, EOFError | ConnectionError):
            return Failure(Reason.CLOSED, "closed before it answered the upgrade")
        case InvalidMessage():
            return Failure(Reason.PROTOCOL, "it does not answer in HTTP")
        case InvalidHandshake():
            return Failure(Reason.PROTOCOL, f"{type(error).__name__}: {error}")
        case OSError():
            return _failure_of_network(error)
    return Failure(Reason.PROTOCOL, f"{type(error).__name__}: {error}")


def _failure_of_network(error: OSError) -> Failure:
    match error:
        case ssl.SSLCertVerificationError(verify_code=code) if code == _NOT_YET_VALID:
            return Failure(Reason.CLOCK, f"certificate: {error.verify_message}")
        case ssl.SSLCertVerificationError():
            return Failure(Reason.TLS, f"certificate: {error.verify_message}")
        case ssl.SSLError():
            return Failure(Reason.TLS, error.reason or "handshake failed")
        case socket.gaierror():
            return Failure(Reason.DNS, error.strerror or str(error))
    if error.errno == errno.ETIMEDOUT:
        return Failure(Reason.BLACK_HOLE, "nobody acknowledges our packets")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Failure(Reason.CLOSED, "connection reset")
    return Failure(Reason.UNREACHABLE, error.strerror or str(error))


def _failure_of_closed(error: ConnectionClosed) -> Failure:
    sent, received = error.sent, error.rcvd
    if received is not None:
        return failure_of_close(received.code, received.reason)
    if sent is not None and sent.reason == _PING_TIMEOUT:
        return Failure(Reason.BLACK_HOLE, "a ping was not answered")
    if sent is not None and sent.code == 1009:
        limit = MOST_BYTES_IN_AN_EVENT
        return Failure(Reason.PROTOCOL, f"an event of more than {limit} bytes")
    if sent is not None and sent.code in (1002, 1007):
        return Failure(Reason.PROTOCOL, sent.reason or "broken frames")
    if isinstance(error.__cause__, OSError):
        return _failure_of_network(error.__cause__)
    return failure_of_close(None, "")


def server_time(connection: ClientConnection) -> float | None:
    """Return the server's clock at the upgrade (seconds since 1970), if it told."""
    said = connection.response.headers.get("Date") if connection.response else None
    try:
        return parsedate_to_datetime(said).timestamp() if said else None
    except ValueError:
        return None
