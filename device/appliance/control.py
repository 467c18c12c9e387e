"""The control socket: one JSON object a line in, one out, for those who may give orders.

The kernel says who connects (``SO_PEERCRED``, ``SO_PEERGROUPS``): the appliance's own user,
root, and members of the appliance's own group are served, nobody else, whatever the mode
of the socket's file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from device.appliance.feed import Feed
from device.appliance.sole import somebody_listens
from device.errors import BitternError

log = logging.getLogger(__name__)

SOCKET_NAME = "control.sock"
MODE = 0o660
LONGEST_LINE_BYTES = 1_000_000
"""A picture, as base64."""
LONGEST_REST_BYTES = 8 * LONGEST_LINE_BYTES
"""How much of a line that is too long is taken and thrown away."""
REQUEST_WITHIN_S = 10.0
"""A client that has connected and sends no whole line for this long is dropped."""
STRANGER_WITHIN_S = 1.0
READ_WITHIN_S = 5.0
"""A client that does not take its answer for this long is dropped."""
MOST_CLIENTS = 8
_SO_PEERGROUPS = 59
"""``asm-generic/socket.h``, Linux 4.13 and newer; Python does not name it."""
_UCRED = struct.Struct("iII")
_MOST_GROUPS = 256
"""Python's ``getsockopt`` gives at most 1024 bytes."""

Reply = Mapping[str, object]
Answer = Callable[[Mapping[str, object]], Awaitable[Reply | Feed]]
"""Carries out one request. A ``BitternError`` becomes an answer that says what is wrong.
A feed makes the rest of the connection a stream of its events, one a line."""


class ControlTakenError(BitternError):
    """Another appliance listens on this socket."""


class NotServedError(BitternError):
    """The appliance cannot be reached, or does not serve this user."""


class NobodyListensError(NotServedError):
    """No appliance runs there."""


class NotAllowedError(NotServedError):
    """There is an appliance, and it is not for this user to order."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a socket, as the kernel knows it."""

    pid: int
    uid: int
    groups: frozenset[int]
    """The effective group and the supplementary ones, at the moment it connected."""

    def may_control(self, own_uid: int, own_gid: int) -> bool:
        """Whether the appliance takes orders from them."""
        return self.uid in (0, own_uid) or own_gid in self.groups


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel who has connected to a Unix socket."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(credentials)
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
    except OSError:
        # More groups than that, or an old kernel: then only the effective one counts.
        packed = b""
    others = struct.unpack(f"{len(packed) // 4}I", packed)
    return Peer(pid, uid, frozenset((gid, *others)))


class ControlServer:
    """Serves one socket file; ``await start()``, ``await close()``."""

    def __init__(self, path: Path, answer: Answer, listener: socket.socket | None = None) -> None:
        """``listener`` listens already (see ``control_socket``); else one is made at the path."""
        self.path = path
        self._answer = answer
        self._passed = listener
        self._own = os.geteuid(), os.getegid()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; raises ``ControlTakenError`` where somebody does already."""
        listener = self._passed or socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if self._passed is None:
                self._bind(listener)
            self._server = await asyncio.start_unix_server(
                self._connected, sock=listener, limit=LONGEST_LINE_BYTES
            )
        except OSError as failure:
            listener.close()
            raise ControlTakenError(
                f"the control socket {self.path} cannot be made: {failure.strerror}",
                "Give the appliance a runtime folder of its own ([paths] runtime).",
            ) from None
        except BaseException:
            listener.close()
            raise

    def _bind(self, listener: socket.socket) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        if somebody_listens(self.path):
            raise ControlTakenError(
                f"another Bittern listens on {self.path}", "Stop it, or use `bittern status`."
            )
        self.path.unlink(missing_ok=True)
        listener.bind(str(self.path))
        # Until it listens, nobody can connect: the mode is right before anybody could.
        self.path.chmod(MODE)

    async def close(self) -> None:
        """Stop listening, drop every client, remove the file."""
        if self._server is None:
            return
        self._server.close()
        for client in self._clients:
            client.cancel()
        if self._clients:
            await asyncio.wait(self._clients, timeout=1.0)
        self.path.unlink(missing_ok=True)
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        is_over = False
        try:
            await self._serve(reader, writer)
            is_over = True
        except (ConnectionError, TimeoutError) as gone:
            log.debug("a control client was dropped: %r", gone)
        except Exception:
            log.exception("a control client broke its connection's task; the others go on")
        finally:
            self._clients.discard(task)
            # A close would wait until a client that stalls has taken everything.
            writer.close() if is_over else writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = peer_of(writer.get_extra_info("socket"))
        if not peer.may_control(*self._own):
            log.warning("uid %d (pid %d) may not control the appliance", peer.uid, peer.pid)
            # Who is not heard out does not hear why: a socket closed on unread bytes is reset.
            await self._line(reader, writer, STRANGER_WITHIN_S)
            await _send(writer, _refusal("you may not control this appliance", _MEMBERS))
            return
        if len(self._clients) > MOST_CLIENTS:
            await self._line(reader, writer, STRANGER_WITHIN_S)
            await _send(writer, _refusal("the appliance is busy", _BUSY))
            return
        while line := await self._line(reader, writer, REQUEST_WITHIN_S):
            reply = await self._reply(line, peer)
            if isinstance(reply, Feed):
                await _stream(reply, reader, writer)
                return
            await _send(writer, reply)

    async def _line(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, within_s: float
    ) -> bytes:
        """The next line; empty at the end, and for who breaks the rules."""
        try:
            async with asyncio.timeout(within_s):
                return await reader.readline()
        except ValueError:
            # StreamReader's word for a line longer than its limit.
            await _send(writer, _refusal(f"a line may have {LONGEST_LINE_BYTES} bytes", ""))
            await _hear_out(reader, writer)
            return b""

    async def _reply(self, line: bytes, peer: Peer) -> Reply | Feed:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return _refusal("a request is one JSON object in one line", "")
        if not isinstance(request, dict):
            return _refusal("a request is one JSON object in one line", "")
        # Who only looks is no news, and some look every second.
        command = str(request.get("command"))[:40]
        level = logging.DEBUG if command in _LOOKING else logging.INFO
        log.log(level, "uid %d orders %s", peer.uid, command)
        try:
            answer = await self._answer(request)
            return answer if isinstance(answer, Feed) else {"ok": True, **answer}
        except BitternError as failure:
            return _refusal(failure.what, failure.advice, failure.exit_code)
        except Exception:
            log.exception("an order failed in a way nobody foresaw")
            return _refusal("an error of our own; see the log", "")


_LOOKING = frozenset({"status", "page", "page-session", "household"})


_MEMBERS = "Members of the group of its user may: `sudo usermod -aG bittern YOU`, log in anew."


_BUSY = f"{MOST_CLIENTS} others are giving orders: try again in a moment."


def _refusal(what: str, advice: str, exit_code: int = 1) -> Reply:
    return {"ok": False, "error": what, "advice": advice, "exit_code": exit_code}


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    writer.write(json.dumps(reply).encode() + b"\n")
    async with asyncio.timeout(READ_WITHIN_S):
        await writer.drain()


async def _hear_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Throw away what somebody still says, within bounds: they would not hear why otherwise."""
    writer.write_eof()
    left = LONGEST_REST_BYTES
    async with asyncio.timeout(STRANGER_WITHIN_S):
        while left > 0 and (rest := await reader.read(LONGEST_LINE_BYTES)):
            left -= len(rest)


async def _stream(feed: Feed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send events until there are no more, or the client hangs up or says anything else."""
    listening = asyncio.create_task(_closed_by(reader, feed))
    try:
        await _send(writer, {"ok": True})
        while (event := await feed.next()) is not None:
            await _send(writer, event)
    finally:
        feed.close()
        listening.cancel()


async def _closed_by(reader: asyncio.StreamReader, feed: Feed) -> None:
    with contextlib.suppress(OSError):
        await reader.read(1)
    feed.close()


def order(path: Path, request: Mapping[str, object], within_s: float) -> dict[str, object]:
    """Send one request to a running appliance and return its answer, ``ok`` or not.

    Raises ``NotServedError`` where nobody listens, where it is forbidden, and when no
    answer comes in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(within_s)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with contextlib.closing(connection.makefile("rb")) as answers:
                reply = json.loads(answers.readline())
        except (OSError, ValueError) as failure:
            raise _not_served(path, failure, within_s) from None
    return dict(reply)


def follow(path: Path, request: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Yield the answer to a request, then the events of its feed, until the appliance ends it.

    Raises as :func:`order` does; waits for events as long as it takes.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with contextlib.closing(connection.makefile("rb")) as lines:
                for line in lines:
                    yield dict(json.loads(line))
        except (OSError, ValueError) as failure:
            raise _not_served(path, failure, 0.0) from None


def _not_served(path: Path, failure: OSError | ValueError, within_s: float) -> NotServedError:
    """Say in words why an appliance could not be ordered."""
    match failure:
        case PermissionError():
            return NotAllowedError(f"you may not use {path}", _MEMBERS)
        case FileNotFoundError() | ConnectionRefusedError():
            start = "Start it: `systemctl start bittern`."
            return NobodyListensError(f"no appliance listens on {path}", start)
        case TimeoutError():
            what = f"the appliance did not answer within {within_s:g} s"
            return NotServedError(what, "See its log.")
    return NotServedError(f"the appliance hung up: {failure}", "See its log.")
