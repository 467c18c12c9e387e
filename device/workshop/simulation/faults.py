"""The faults of a script, struck on a real connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections.abc import Iterable
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

from device.brain.protocol.shapes import RequestError
from device.realtime.dialect import server_to_beta
from device.realtime.events import ErrorEvent, ServerEvent, encode
from device.workshop.simulation.refusals import refusal
from device.workshop.simulation.script import Fault, Kind, Point
from device.workshop.simulation.visit import Visit

EXPIRED = "Your session hit the maximum duration of 60 minutes."
_SHAPING = frozenset({"fail", "reorder", "twice", "same_ids"})


class Faults:
    """The faults that one connection has before it."""

    def __init__(self, faults: Iterable[Fault], connection: int) -> None:
        self._pending = [f for f in faults if f.connection in (None, connection)]

    def due(self, point: Point, ms: float = 0.0) -> list[Fault]:
        """Take those that strike at a point, once so much audio has passed."""
        found = [
            fault
            for fault in self._pending
            if fault.at == point and fault.after_ms <= ms and fault.kind not in _SHAPING
        ]
        self._pending = [fault for fault in self._pending if fault not in found]
        return found

    def shaping(self, kind: Kind) -> Fault | None:
        """Take the fault that bends a whole answer, if there is one."""
        for fault in self._pending:
            if fault.kind == kind:
                self._pending.remove(fault)
                return fault
        return None

    def idle(self) -> list[Fault]:
        """Take those that strike by the clock."""
        return self.due("idle", float("inf"))


class Wire:
    """Sends events to one client, and breaks the connection to it when told to."""

    def __init__(
        self, websocket: ServerConnection, visit: Visit, faults: Faults, *, beta: bool = False
    ) -> None:
        self.faults = faults
        self.is_silent = False
        self._websocket = websocket
        self._visit = visit
        self._beta = beta

    async def emit(self, event: ServerEvent) -> None:
        """Send one event, in the dialect of the server."""
        raw: dict[str, Any] | None = json.loads(encode(event))
        if self._beta and raw is not None:
            raw = server_to_beta(raw)
        if raw is None or self.is_silent:
            return
        await self._websocket.send(msgspec.json.encode(raw), text=True)
        self._visit.note_sent(raw)

    async def at(self, point: Point, ms: float = 0.0) -> bool:
        """Let happen what is to happen here; True when it takes the place of what follows."""
        struck = [await self.strike(fault) for fault in self.faults.due(point, ms)]
        return any(struck) or self.is_silent

    async def strike(self, fault: Fault) -> bool:
        """Do one fault; True when nothing more is to be sent at this point."""
        self._visit.note_mishap(f"{fault.kind} at {fault.at}")
        match fault.kind:
            case "stall":
                self.is_silent = True
            case "black_hole":
                self.is_silent = True
                self._websocket.transport.pause_reading()
            case "delay":
                await asyncio.sleep(fault.seconds)
                return False
            case "drop" | "reset":
                self.is_silent = True
                end(self._websocket.transport, reset=fault.kind == "reset")
            case "close":
                await self._websocket.close(fault.code, fault.reason)
            case "error":
                await self.emit(_error(fault))
            case "expire":
                await self.expire()
            case _:
                return await self._garble(fault)
        return True

    async def expire(self) -> None:
        """End the session as OpenAI ends one that is too old."""
        await self.emit(refusal(RequestError("session_expired", EXPIRED), None))
        await self._websocket.close(1001, EXPIRED)

    async def _garble(self, fault: Fault) -> bool:
        """Send what is no proper event, ``count`` times."""
        if fault.kind == "half_frame":
            await self._half_a_frame()
            return True
        for number in range(fault.count):
            await self._websocket.send(_garbled(fault, number))
        return False

    async def _half_a_frame(self) -> None:
        text = encode(_error(Fault("error", "answer"))).encode()
        frame = Frame(Opcode.TEXT, text).serialize(mask=False)
        self._websocket.transport.write(frame[: len(frame) // 2])
        self.is_silent = True
        end(self._websocket.transport, reset=False)


_MISTYPED: tuple[dict[str, Any], ...] = (
    {"type": "response.done", "response": "all of it"},
    {"type": "response.output_audio.delta", "response_id": 7, "item_id": [], "delta": None},
    {"type": "response.function_call_arguments.done", "call_id": {}, "name": 1, "arguments": []},
    {"type": "error", "error": "overloaded"},
    {"type": "response.output_item.done", "response_id": None, "item": 5, "output_index": "x"},
    {"type": "input_audio_buffer.speech_started", "audio_start_ms": "soon", "item_id": None},
)


def _garbled(fault: Fault, number: int) -> str | bytes:
    match fault.kind:
        case "garbage":
            return f"this is not JSON ({number})"
        case "cut_event":
            text = encode(_error(fault))
            return text[: len(text) // 2]
        case "binary":
            return random.Random(fault.seed + number).randbytes(64)
        case "huge":
            return json.dumps({"type": "response.huge", "text": "x" * fault.bytes})
        case "mistyped":
            return json.dumps(_MISTYPED[(fault.seed + number) % len(_MISTYPED)])
    return json.dumps({"type": "response.visemes.delta", "event_id": f"v{number}", "visemes": []})


def _error(fault: Fault) -> ErrorEvent:
    error = RequestError(fault.error_code, fault.message, kind=fault.error_type)
    return refusal(error, None)


def end(transport: asyncio.BaseTransport, *, reset: bool) -> None:
    """End a TCP connection without a goodbye: by FIN, or by RST."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):  # the other side may have been faster
        if reset and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            sock.shutdown(socket.SHUT_RDWR)
    assert isinstance(transport, asyncio.WriteTransport)
    transport.abort()


__all__ = ["EXPIRED", "Faults", "Wire", "end"]
