"""What a simulated cloud remembers of one connection: everything, for tests to ask."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from device.realtime.pcm import BYTES_PER_MS

Json = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WireMessage:
    """One event as it was on the wire; ``at_s`` is :func:`time.monotonic`."""

    at_s: float
    raw: Json

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.raw.get("type"))


@dataclass
class Visit:
    """One connection, from its HTTP request to its end.

    ``sent`` holds only proper events; what a fault put on the wire is in ``mishaps``, as
    ``kind at point``.
    """

    number: int
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    received: list[WireMessage] = field(default_factory=list)
    sent: list[WireMessage] = field(default_factory=list)
    mishaps: list[str] = field(default_factory=list)
    audio: bytearray = field(default_factory=bytearray)
    """All appended audio: PCM16, 24 kHz."""
    first_audio_at_s: float | None = None
    close_code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def audio_ms(self) -> float:
        """How much audio was appended."""
        return len(self.audio) / BYTES_PER_MS

    def of_type(self, kind: str) -> list[Json]:
        """Every event of a type that came in or went out, oldest first."""
        both = sorted([*self.received, *self.sent], key=lambda message: message.at_s)
        return [message.raw for message in both if message.type == kind]

    def types_received(self) -> list[str]:
        """The types that came in, without the audio."""
        return [m.type for m in self.received if m.type != "input_audio_buffer.append"]

    def types_sent(self) -> list[str]:
        """The types that went out, without the audio."""
        return [m.type for m in self.sent if not m.type.endswith("audio.delta")]

    def note_received(self, raw: Json, pcm: bytes = b"") -> None:
        """Remember an incoming event; the audio of an append goes to :attr:`audio`."""
        now = time.monotonic()
        if pcm:
            self.audio += pcm
            self.first_audio_at_s = self.first_audio_at_s or now
            raw = {**raw, "audio": f"{len(pcm)} bytes"}
        self._log("<-", raw)
        self.received.append(WireMessage(now, raw))
        self._wake()

    def note_sent(self, raw: Json) -> None:
        """Remember an outgoing event."""
        self._log("->", raw)
        self.sent.append(WireMessage(time.monotonic(), raw))
        self._wake()

    def note_mishap(self, what: str) -> None:
        """Remember a fault."""
        log.info("%3d !! %s", self.number, what)
        self.mishaps.append(what)
        self._wake()

    def note_end(self, code: int | None) -> None:
        """Remember that the connection is over."""
        self.close_code = code
        self.ended.set()
        self._wake()

    async def until(self, happened: Callable[[Visit], Any], timeout_s: float = 5.0) -> None:
        """Wait until ``happened(self)`` is true; raise :class:`TimeoutError` after the time."""
        async with asyncio.timeout(timeout_s):
            while not happened(self):
                self._changed.clear()
                await self._changed.wait()

    def _log(self, way: str, raw: Json) -> None:
        """Tell of an event; of audio at debug level only, for there is much of it."""
        kind = str(raw.get("type"))
        level = logging.DEBUG if kind.endswith((".append", "audio.delta")) else logging.INFO
        log.log(level, "%3d %s %s", self.number, way, kind)

    def _wake(self) -> None:
        self._changed.set()
